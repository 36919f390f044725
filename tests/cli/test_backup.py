"""A server's data into a file and into another server, from the command line."""

from pathlib import Path

from tests.api.live import API
from tests.cli.program import caxton
from tests.guests.corpus import guest
from tests.server_process import served


def test_a_running_server_is_backed_up_and_another_one_goes_on_from_there(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    file = tmp_path / "backup.tar"
    with served(first) as server, server.client(server.address()) as client:
        files = {"config": (None, '{"name": "echo"}'), "module": ("m", guest("echo"))}
        agent = client.post(f"{API}/agents", files=files).json()
        token = client.post(f"{API}/tokens", json={"name": "robot", "role": "viewer"}).json()["token"]
        ran = caxton("backup", str(file), "--data-dir", str(first / "data"), "-o", "json")
        assert ran.code == 0, ran.err
        assert ran.document()["agents"] == 1
        in_use = caxton("restore", str(file), "--data-dir", str(first / "data"))
        assert in_use.code == 2
        assert "in use" in in_use.err
        assert client.post(f"{API}/agents/echo/invoke", json={"content": 1}).status_code == 200
    ran = caxton("restore", str(file), "--data-dir", str(second / "data"))
    assert ran.code == 0, ran.err
    again = caxton("restore", str(file), "--data-dir", str(second / "data"))
    assert again.code == 1
    assert "not empty" in again.err
    with served(second) as server, server.client(server.address()) as client:
        back = client.get(f"{API}/agents/echo").json()
        assert (back["agent_id"], back["state"]) == (agent["agent_id"], "running")
        assert client.post(f"{API}/agents/echo/invoke", json={"content": 1}).status_code == 200
        headers = {"authorization": f"Bearer {token}"}
        assert client.get(f"{API}/agents", headers=headers).status_code == 200


def test_what_cannot_be_is_told(tmp_path: Path) -> None:
    ran = caxton("backup", str(tmp_path / "b.tar"), "--data-dir", str(tmp_path))
    assert ran.code == 1
    assert "caxton.db" in ran.err
    missing = caxton(
        "restore", str(tmp_path / "none.tar"), "--data-dir", str(tmp_path / "data"), "-o", "json"
    )
    assert missing.code == 1
    assert "none.tar" in str(missing.error()["message"])
