"""The directory over HTTP: real guests and external agents, found by what they can do."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.security.roles import Role
from tests.api.deployed import deployed
from tests.api.live import API, WAIT_S, LiveServer, error_of, message, problems_of
from tests.guests.corpus import guest

PATH = f"{API}/capabilities"


def _external(client: httpx.Client, name: str, *capabilities: str, **limits: int) -> str:
    body = {"name": name, "kind": "external", "capabilities": capabilities, "limits": limits}
    answer = client.post(f"{API}/agents", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["agent_id"]


def _inbox(client: httpx.Client, agent: str) -> list[dict[str, Any]]:
    return client.get(f"{API}/agents/{agent}/inbox", params={"wait_ms": WAIT_S * 1000}).json()["messages"]


@pytest.fixture
def crowd(client: httpx.Client, name: str) -> Iterator[str]:
    """Make three external agents: `name-0` to `name-2`, each with one capability more than the one before."""
    for number in range(3):
        _external(client, f"{name}-{number}", *(f"{name}.can.{place}" for place in range(number + 1)))
    yield name
    for number in range(3):
        client.delete(f"{API}/agents/{name}-{number}", params={"force": True})


def test_capabilities_are_listed_by_prefix_page_by_page(client: httpx.Client, crowd: str) -> None:
    rows = client.get(PATH, params={"prefix": f"{crowd}.can."}).json()
    assert rows["next_cursor"] is None
    assert rows["capabilities"] == [
        {"name": f"{crowd}.can.{place}", "agents_count": 3 - place, "running_count": 3 - place}
        for place in range(3)
    ]
    seen: list[str] = []
    query = {"prefix": f"{crowd}.", "limit": "2"}
    while True:
        page = client.get(PATH, params=query).json()
        seen += [row["name"] for row in page["capabilities"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"{crowd}.can.{place}" for place in range(3)]


def test_has_asks_for_agents_that_have_all_of_several(client: httpx.Client, crowd: str) -> None:
    first, last = f"{crowd}.can.0", f"{crowd}.can.2"
    rows = client.get(PATH, params={"has": [first, last]}).json()["capabilities"]
    assert [(row["name"][-1], row["agents_count"]) for row in rows] == [("0", 1), ("1", 1), ("2", 1)]
    assert client.get(PATH, params={"has": [first, "nobody can"]}).json()["capabilities"] == []
    agents = client.get(f"{API}/agents", params={"capability": [first, last]}).json()["agents"]
    assert [agent["name"] for agent in agents] == [f"{crowd}-2"]
    holders = client.get(f"{PATH}/{first}", params={"has": f"{crowd}.can.1"}).json()
    assert (holders["agents_count"], holders["running_count"]) == (3, 3)
    assert [agent["name"] for agent in holders["agents"]] == [f"{crowd}-1", f"{crowd}-2"]


def test_the_agents_of_a_capability_come_with_state_and_load(client: httpx.Client, crowd: str) -> None:
    client.post(f"{API}/messages", json=message(f"{crowd}-1"))
    path = f"{PATH}/{crowd}.can.1"
    page = client.get(path, params={"limit": 1}).json()
    assert (page["name"], page["agents_count"], page["running_count"]) == (f"{crowd}.can.1", 2, 2)
    [agent] = page["agents"]
    assert (agent["name"], agent["kind"], agent["state"]) == (f"{crowd}-1", "external", "running")
    assert (agent["load"], agent["mailbox_depth"], agent["messages_handled"]) == (1, 1, 0)
    assert agent["mailbox_max"] > 1
    rest = client.get(path, params={"cursor": page["next_cursor"]}).json()
    assert [agent["name"] for agent in rest["agents"]] == [f"{crowd}-2"]
    assert rest["next_cursor"] is None
    assert client.get(path, params={"state": "stopped"}).json()["agents"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=%21", "cursor"),
        ("cursor=YQ%3D%3D", "cursor"),
        ("prefix=a&prefix=b", "prefix"),
        (f"prefix={'x' * 256}", "prefix"),
        ("has=", "has[0]"),
        ("has=a&has=%07", "has[1]"),
        ("&".join(["has=a"] * 17), "has"),
        ("hass=a", "hass"),
    ],
)
def test_a_bad_query_is_refused_by_the_name_of_its_parameter(
    client: httpx.Client, query: str, field: str
) -> None:
    assert field in problems_of(client.get(f"{PATH}?{query}"))


def test_a_name_with_a_slash_has_a_path_of_its_own(client: httpx.Client, name: str) -> None:
    _external(client, name, f"{name}/text/ü")
    found = client.get(f"{PATH}/{name}%2Ftext%2F%C3%BC")
    assert found.json()["name"] == f"{name}/text/ü"
    assert client.put(f"{API}/agents/{name}/capabilities/a%2fb").json()["capabilities"][-1] == "a/b"
    assert client.delete(f"{API}/agents/{name}/capabilities/a%2Fb").status_code == 204
    client.delete(f"{API}/agents/{name}")
    error_of(client.get(f"{PATH}/{name}%2Ftext%2F%C3%BC"), 404, "NOT_FOUND")


def test_an_external_agent_learns_and_forgets(client: httpx.Client, external: str) -> None:
    path = f"{API}/agents/{external}/capabilities/sings-{external}"
    for _ in range(2):
        answer = client.put(path)
        assert (answer.status_code, answer.json()["capabilities"]) == (200, [f"sings-{external}"])
    to = {"receiver": {"capability": f"sings-{external}"}}
    assert client.post(f"{API}/messages", json={**message(external), **to}).status_code == 202
    assert client.delete(path).status_code == 204
    error_of(client.delete(path), 404, "NOT_FOUND")
    error_of(client.post(f"{API}/messages", json={**message(external), **to}), 404, "AGENT_NOT_FOUND")
    assert "capability" in problems_of(client.put(f"{API}/agents/{external}/capabilities/%07"))
    error_of(client.put(f"{API}/agents/nobody-{external}/capabilities/x"), 404, "AGENT_NOT_FOUND")


def test_one_agent_has_so_many_capabilities_and_no_more(client: httpx.Client, name: str) -> None:
    many = [f"{name}.{number}" for number in range(CAPABILITIES_MAX)]
    body = {"name": name, "kind": "external", "capabilities": [*many, "one more"]}
    assert "capabilities" in problems_of(client.post(f"{API}/agents", json=body))
    _external(client, name, *many)
    error = error_of(client.put(f"{API}/agents/{name}/capabilities/more"), 429, "RESOURCE_LIMIT_EXCEEDED")
    assert error.details["limit"] == CAPABILITIES_MAX
    client.delete(f"{API}/agents/{name}")


def test_the_owner_or_an_operator_declares_and_nobody_else(
    server: LiveServer, client: httpx.Client, name: str
) -> None:
    with ExitStack() as stack:

        def caller(role: Role) -> httpx.Client:
            made = client.post(f"{API}/tokens", json={"name": f"{name}-{role}", "role": role}).json()
            return stack.enter_context(server.client(made["token"]))

        owner, stranger, operator = caller(Role.DEVELOPER), caller(Role.DEVELOPER), caller(Role.OPERATOR)
        _external(owner, name)
        for number, allowed in enumerate((owner, operator, client)):
            assert allowed.put(f"{API}/agents/{name}/capabilities/c{number}").status_code == 200
        for refused in (stranger, caller(Role.AGENT), caller(Role.VIEWER)):
            error_of(refused.put(f"{API}/agents/{name}/capabilities/c0"), 403, "FORBIDDEN")
            error_of(refused.delete(f"{API}/agents/{name}/capabilities/c0"), 403, "FORBIDDEN")
        assert owner.get(f"{API}/agents/{name}").json()["capabilities"] == ["c0", "c1", "c2"]
        client.delete(f"{API}/agents/{name}")


def test_a_guest_declares_by_manifest_by_request_and_at_run_time_only(
    server: LiveServer, client: httpx.Client, name: str
) -> None:
    with (
        deployed(client, "with_manifest", f"{name}-manifest"),
        deployed(client, "echo", f"{name}-told", capabilities=[name]),
        deployed(client, "registrar", f"{name}-run"),
    ):
        error_of(client.put(f"{API}/agents/{name}-told/capabilities/x"), 409, "INVALID_STATE")
        runtime = server.handle.runtime
        server.wait_for(lambda: runtime.get(f"{name}-run").capabilities != ())
        for capability, agent in (("listen", "manifest"), (name, "told"), ("translate", "run")):
            agents = client.get(f"{PATH}/{capability}").json()["agents"]
            assert [found["name"] for found in agents] == [f"{name}-{agent}"]
    error_of(client.get(f"{PATH}/{name}"), 404, "NOT_FOUND")


def test_a_manifest_with_a_bad_capability_is_refused_with_the_reason(client: httpx.Client, name: str) -> None:
    manifest = json.dumps({"capabilities": ["tab\tin it"]}).encode()
    section = b"\x06caxton" + manifest
    module = guest("silent") + bytes([0, len(section)]) + section
    files = {
        "config": (None, json.dumps({"name": name}), "application/json"),
        "module": ("bad.wasm", module, "application/wasm"),
    }
    error = error_of(client.post(f"{API}/agents", files=files), 400, "INVALID_WASM")
    assert "control character" in json.dumps(error.details["problems"])


def test_messages_go_to_guests_in_turn_and_pass_over_the_stopped(client: httpx.Client, name: str) -> None:
    def answerer() -> str:
        to = {**message("", 1), "performative": "request", "receiver": {"capability": name}}
        answer = client.post(f"{API}/messages", params={"wait_ms": 5000}, json=to)
        assert answer.status_code == 200, answer.text
        return answer.json()["reply"]["sender"]

    with (
        deployed(client, "echo", f"{name}-one", capabilities=[name]) as one,
        deployed(client, "echo", f"{name}-two", capabilities=[name]) as two,
    ):
        assert {answerer() for _ in range(10)} == {one["agent_id"], two["agent_id"]}
        client.post(f"{API}/agents/{name}-one/drain", json={})
        assert {answerer() for _ in range(4)} == {two["agent_id"]}
        client.post(f"{API}/agents/{name}-two/drain", json={})
        to = {**message(""), "receiver": {"capability": name}}
        error = error_of(client.post(f"{API}/messages", json=to), 404, "AGENT_NOT_FOUND")
        assert error.details["holders_count"] == 2
        counts = client.get(f"{PATH}/{name}").json()
        assert (counts["agents_count"], counts["running_count"]) == (2, 0)
        client.post(f"{API}/agents/{name}-one/start")
        assert answerer() == one["agent_id"]


def test_when_nobody_has_it_or_all_are_full_the_client_is_told(client: httpx.Client, name: str) -> None:
    _external(client, name, f"translate-{name}", mailbox_max=1)
    to = {**message(""), "receiver": {"capability": f"translat-{name}"}}
    error = error_of(client.post(f"{API}/messages", json=to), 404, "AGENT_NOT_FOUND")
    assert error.suggestions() == [f"translate-{name}"]
    to["receiver"] = {"capability": f"translate-{name}"}
    assert client.post(f"{API}/messages", json=to).status_code == 202
    full = client.post(f"{API}/messages", json=to)
    assert error_of(full, 429, "MAILBOX_FULL").details["running_count"] == 1
    assert int(full.headers["retry-after"]) >= 1
    client.delete(f"{API}/agents/{name}")


def test_a_guest_reaches_a_guest_by_capability_and_hears_when_there_is_none(
    client: httpx.Client, name: str
) -> None:
    desk = f"{name}-desk"
    _external(client, desk)
    config = {"wants": f"repeat-{name}", "report": desk}
    with deployed(client, "asker", f"{name}-asker", config=config):
        ask = {**message(f"{name}-asker", "go", conversation_id=f"c-{name}"), "performative": "request"}
        assert client.post(f"{API}/messages", json=ask).status_code == 202
        [report] = _inbox(client, desk)
        told = report["content"]
        assert (told["performative"], told["content"]["error"]["kind"]) == ("failure", "no_route")
        assert (told["conversation_id"], told["in_reply_to"]) == (f"c-{name}", "my-word")
        assert f"repeat-{name}" in told["content"]["error"]["message"]
        with deployed(client, "echo", f"{name}-echo", capabilities=[f"repeat-{name}"]) as echo:
            client.post(f"{API}/messages", json=ask)
            client.post(f"{API}/agents/{desk}/inbox/ack", json={"cursor": _cursor(client, desk)})
            [report] = _inbox(client, desk)
            told = report["content"]
            assert (told["performative"], told["sender"]) == ("inform", echo["agent_id"])
            assert told["in_reply_to"] == "my-word"
    client.delete(f"{API}/agents/{desk}", params={"force": True})


def _cursor(client: httpx.Client, agent: str) -> str:
    return client.get(f"{API}/agents/{agent}/inbox", params={"max": 1}).json()["cursor"]
