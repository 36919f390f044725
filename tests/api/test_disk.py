"""A server whose disk fails: what lasts is refused in words, messages go on, and no restart is needed."""

import errno
from collections.abc import Generator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.api.live import API, error_of, message
from tests.guests.corpus import guest
from tests.server_process import served
from tests.storage.faulty_disk import SYNCS, WRITES, FaultyDisk

ECHO: Final = {"config": (None, '{"name": "echo"}'), "module": ("m", guest("echo"))}
LATE: Final = {"config": (None, '{"name": "late"}'), "module": ("m", guest("echo"))}


@pytest.fixture
def disk(tmp_path: Path) -> FaultyDisk:
    return FaultyDisk(tmp_path, tmp_path / "data")


@pytest.fixture
def client(tmp_path: Path, disk: FaultyDisk) -> Generator[httpx.Client]:
    with served(tmp_path, disk.environ) as server, server.client(server.address()) as made:
        assert made.post(f"{API}/agents", files=ECHO).status_code == 201
        yield made


def test_a_full_disk_refuses_what_lasts_and_nothing_else(disk: FaultyDisk, client: httpx.Client) -> None:
    token = client.post(f"{API}/tokens", json={"name": "robot", "role": "viewer"}).json()
    disk.fail(WRITES, errno.ENOSPC)
    error = error_of(client.post(f"{API}/agents", files=LATE), 507, "STORAGE_FULL")
    assert "space" in error.hint
    error_of(client.post(f"{API}/agents", json={"name": "ear", "kind": "external"}), 507, "STORAGE_FULL")
    error_of(client.delete(f"{API}/agents/echo"), 507, "STORAGE_FULL")
    error_of(client.post(f"{API}/agents/echo/drain"), 507, "STORAGE_FULL")
    error_of(client.post(f"{API}/tokens", json={"name": "more", "role": "viewer"}), 507, "STORAGE_FULL")
    error_of(client.delete(f"{API}/tokens/{token['token_id']}"), 507, "STORAGE_FULL")
    # Whoever had that token is out all the same.
    headers = {"authorization": f"Bearer {token['token']}"}
    assert client.get(f"{API}/agents", headers=headers).status_code == 401
    assert client.post(f"{API}/messages", json=message("echo")).status_code == 202
    assert client.post(f"{API}/agents/echo/invoke", json={"content": 1}).status_code == 200
    assert client.get("/ready").status_code == 200
    disk.heal()
    assert client.post(f"{API}/agents", files=LATE).status_code == 201
    assert client.delete(f"{API}/tokens/{token['token_id']}").status_code == 204
    assert client.delete(f"{API}/agents/echo").status_code == 204
    names = [agent["name"] for agent in client.get(f"{API}/agents").json()["agents"]]
    assert [name for name in names if not name.startswith("client.")] == ["late"]


def test_a_disk_that_does_not_confirm_is_never_believed(
    tmp_path: Path, disk: FaultyDisk, client: httpx.Client
) -> None:
    disk.fail(SYNCS, errno.EIO)
    error_of(client.post(f"{API}/agents", json={"name": "ear", "kind": "external"}), 503, "UNAVAILABLE")
    assert client.get(f"{API}/system").json()["store"]["trouble"]
    disk.heal()
    assert client.post(f"{API}/agents", json={"name": "other", "kind": "external"}).status_code == 201
    assert client.get(f"{API}/system").json()["store"]["trouble"] is None
