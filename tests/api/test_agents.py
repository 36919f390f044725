"""Agents over the API."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, problems_of
from tests.guests.corpus import guest


def test_a_module_in_multipart_becomes_a_running_agent(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name, version="1.2.3", labels={"team": "red"}) as agent:
        assert agent["name"] == name
        assert agent["state"] == "running"
        assert agent["version"] == "1.2.3"
        assert agent["module_digest"] == hashlib.sha256(guest("echo")).hexdigest()
        assert agent["deployment_id"]
        assert isinstance(agent["agent_id"], str)
        assert 0 < int(agent["agent_id"]) < 2**64


def test_a_module_in_base64_becomes_a_running_agent(client: httpx.Client, name: str) -> None:
    module = base64.b64encode(guest("echo")).decode()
    answer = client.post(f"{API}/agents", json={"name": name, "module": module})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{API}/agents/{answer.json()['agent_id']}"
    assert client.delete(f"{API}/agents/{name}").status_code == 204


def test_a_known_module_is_deployed_again_by_its_digest(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name) as first:
        body = {"name": f"{name}-b", "module_digest": first["module_digest"]}
        answer = client.post(f"{API}/agents", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["module_digest"] == first["module_digest"]
        assert client.delete(f"{API}/agents/{name}-b").status_code == 204


def test_an_agent_is_found_by_id_and_by_name_and_is_gone_after_its_deletion(
    client: httpx.Client, name: str
) -> None:
    with deployed(client, "echo", name) as agent:
        by_id = client.get(f"{API}/agents/{agent['agent_id']}").json()
        by_name = client.get(f"{API}/agents/{name}").json()
        assert by_id["agent_id"] == by_name["agent_id"] == agent["agent_id"]
        for field in ("limits", "usage", "capabilities", "created_at"):
            assert field in by_id
        for field in ("memory_bytes", "fuel_used", "messages_handled", "mailbox_depth"):
            assert field in by_id["usage"]
        gone = client.delete(f"{API}/agents/{name}")
        assert gone.status_code == 204
        assert gone.content == b""
        error_of(client.get(f"{API}/agents/{name}"), 404, "AGENT_NOT_FOUND")
        error_of(client.delete(f"{API}/agents/{name}"), 404, "AGENT_NOT_FOUND")


def test_an_unknown_agent_is_answered_with_near_names(client: httpx.Client, external: str) -> None:
    error = error_of(client.get(f"{API}/agents/{external[:-1]}x"), 404, "AGENT_NOT_FOUND")
    assert external in error.suggestions()
    assert external in error.hint


def test_a_taken_name_is_refused_and_tells_who_has_it(client: httpx.Client, external: str) -> None:
    answer = client.post(f"{API}/agents", json={"name": external, "kind": "external"})
    error = error_of(answer, 409, "AGENT_ALREADY_EXISTS")
    assert error.details["name"] == external


def test_lists_are_filtered_and_paged(client: httpx.Client, name: str) -> None:
    made = [f"{name}-{number}" for number in range(5)]
    for one in made:
        body = {"name": one, "kind": "external", "capabilities": [f"cap-{name}"], "labels": {"set": name}}
        assert client.post(f"{API}/agents", json=body).status_code == 201
    try:
        seen: list[str] = []
        cursor: str | None = None
        while True:
            query: dict[str, Any] = {"capability": f"cap-{name}", "limit": 2}
            if cursor is not None:
                query["cursor"] = cursor
            page = client.get(f"{API}/agents", params=query).json()
            assert len(page["agents"]) <= 2
            seen += [agent["name"] for agent in page["agents"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == made
        by_label = client.get(f"{API}/agents", params={"label": f"set={name}"}).json()["agents"]
        assert sorted(agent["name"] for agent in by_label) == made
        stopped = client.get(f"{API}/agents", params={"label": f"set={name}", "state": "stopped"}).json()
        assert stopped == {"agents": [], "next_cursor": None}
    finally:
        for one in made:
            client.delete(f"{API}/agents/{one}", params={"force": True})


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "state=asleep", "cursor=nonsense", "limits=1", "limit=1&limit=2"],
)
def test_a_bad_query_is_refused_by_the_name_of_its_parameter(client: httpx.Client, query: str) -> None:
    problems = problems_of(client.get(f"{API}/agents?{query}"))
    assert query.partition("=")[0] in problems


def test_an_agent_drains_starts_and_restarts(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name):
        path = f"{API}/agents/{name}"
        drained = client.post(f"{path}/drain", json={"timeout_s": 10})
        assert drained.status_code == 200, drained.text
        assert drained.json()["state"] == "stopped"
        error = error_of(client.post(f"{path}/drain"), 409, "INVALID_STATE")
        assert error.details["state"] == "stopped"
        assert error.details["operation"] == "drain"
        started = client.post(f"{path}/start")
        assert started.status_code == 200, started.text
        assert started.json()["state"] == "running"
        error_of(client.post(f"{path}/start"), 409, "INVALID_STATE")
        restarted = client.post(f"{path}/restart")
        assert restarted.status_code == 200, restarted.text
        assert restarted.json()["state"] == "running"
        answer = client.post(f"{path}/invoke", json={"content": {"after": "restart"}})
        assert answer.status_code == 200, answer.text


def test_an_invoked_agent_answers_in_the_same_call(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name) as agent:
        answer = client.post(
            f"{API}/agents/{name}/invoke", json={"content": {"question": [1, 2, {"x": None}]}}
        )
        assert answer.status_code == 200, answer.text
        reply = answer.json()["reply"]
        assert reply["sender"] == agent["agent_id"]
        assert reply["performative"]
        assert client.get(f"{API}/agents/{name}").json()["usage"]["messages_handled"] == 1


@pytest.mark.parametrize(
    ("module", "kind", "limits"),
    [
        ("trap", "trap", {}),
        ("infinite_loop", "fuel", {"cpu_ms_max": 10}),
        ("infinite_loop", "time", {"cpu_ms_max": 60000, "execution_ms_max": 20}),
        ("stack_overflow", "stack", {}),
        ("promise_without_reply", "reply", {}),
    ],
)
def test_a_fault_of_the_agent_is_told_with_its_kind(
    client: httpx.Client, name: str, module: str, kind: str, limits: dict[str, int]
) -> None:
    with deployed(client, module, name, limits=limits):
        answer = client.post(f"{API}/agents/{name}/invoke", json={"content": 1})
        error = error_of(answer, 502, "AGENT_FAILED")
        assert error.details["kind"] == kind, answer.text
        usage = client.get(f"{API}/agents/{name}").json()["usage"]
        assert usage["last_error"]["kind"] == kind


@pytest.mark.parametrize(("module", "kind"), [("returns_failure", "agent_error"), ("returns_busy", "busy")])
def test_an_error_that_the_agent_reports_is_told_with_its_kind(
    client: httpx.Client, name: str, module: str, kind: str
) -> None:
    with deployed(client, module, name):
        answer = client.post(f"{API}/agents/{name}/invoke", json={"content": 1})
        assert error_of(answer, 502, "AGENT_FAILED").details["kind"] == kind


@pytest.mark.parametrize(
    ("module", "performative"),
    [("returns_refuse", "refuse"), ("returns_not_understood", "not-understood")],
)
def test_a_refusal_of_the_agent_is_an_answer_like_any_other(
    client: httpx.Client, name: str, module: str, performative: str
) -> None:
    with deployed(client, module, name):
        answer = client.post(f"{API}/agents/{name}/invoke", json={"content": 1})
        assert answer.status_code == 200, answer.text
        assert answer.json()["reply"]["performative"] == performative


def test_an_agent_that_keeps_silent_is_waited_for_only_as_long_as_asked(
    client: httpx.Client, name: str
) -> None:
    with deployed(client, "silent", name):
        answer = client.post(f"{API}/agents/{name}/invoke", json={"content": 1, "timeout_ms": 50})
        error = error_of(answer, 504, "DEADLINE_EXCEEDED")
        assert error.details["waited_ms"] == 50


def test_all_problems_of_a_body_are_told_at_once(client: httpx.Client) -> None:
    body = {
        "name": "no spaces please",
        "knd": "external",
        "version": 7,
        "limits": {"memory_bytes_max": "much", "fule_max": 3},
        "restart": {"policy": "sometimes"},
        "module": "not base64!",
    }
    problems = problems_of(client.post(f"{API}/agents", json=body))
    assert set(problems) == {
        "knd", "version", "limits.memory_bytes_max", "limits.fule_max", "restart.policy", "module",
    }  # fmt: skip


def test_all_wrong_values_of_a_well_formed_body_are_told_at_once(client: httpx.Client) -> None:
    body = {
        "name": "no spaces please",
        "module_digest": "abc",
        "version": "",
        "delivery": "exactly_once",
        "instances": 3,
        "tools": ["hammer"],
        "limits": {"memory_bytes_max": 1, "cpu_ms_max": 5, "fuel_max": 5},
        "capabilities": ["ok", ""],
    }
    problems = problems_of(client.post(f"{API}/agents", json=body))
    wanted = {"name", "module_digest", "version", "delivery", "instances", "tools", "capabilities[1]"}
    assert wanted | {"limits.memory_bytes_max", "limits.fuel_max"} == set(problems)
    assert "not available in this version" in problems["delivery"]
    assert "not available in this version" in problems["instances"]


def test_a_body_without_module_says_what_is_missing(client: httpx.Client) -> None:
    assert "module" in problems_of(client.post(f"{API}/agents", json={"name": "lonely"}))


def test_an_external_agent_takes_nothing_that_only_a_module_could_use(client: httpx.Client) -> None:
    body = {
        "name": "outside",
        "kind": "external",
        "profile": "strict",
        "config": {"a": "b"},
        "limits": {"cpu_ms_max": 3, "mailbox_max": 5},
    }
    problems = problems_of(client.post(f"{API}/agents", json=body))
    assert set(problems) == {"profile", "config", "limits.cpu_ms_max"}


def test_a_bad_module_is_refused_with_every_problem(
    client: httpx.Client, server: LiveServer, name: str
) -> None:
    config = json.dumps({"name": name})
    for module in (b"", b"\0asm", b"(module)", guest("echo")[:40]):
        answer = client.post(f"{API}/agents", files={"config": (None, config), "module": ("m", module)})
        error = error_of(answer, 400, "INVALID_WASM")
        assert error.details["problems"]
    error_of(client.get(f"{API}/agents/{name}"), 404, "AGENT_NOT_FOUND")


def test_parts_are_known_by_name(client: httpx.Client, name: str) -> None:
    module = guest("echo")
    config = json.dumps({"name": name})
    cases: list[tuple[list[tuple[str, tuple[str | None, bytes | str]]], str]] = [
        ([("module", ("m", module))], "config"),
        ([("config", (None, config)), ("modules", ("m", module))], "modules"),
        ([("config", (None, config)), ("config", (None, config)), ("module", ("m", module))], "config"),
    ]
    for files, field in cases:
        assert field in problems_of(client.post(f"{API}/agents", files=files))
    both = json.dumps({"name": name, "module": base64.b64encode(module).decode()})
    answer = client.post(f"{API}/agents", files={"config": (None, both), "module": ("m", module)})
    assert "config.module" in problems_of(answer)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"no boundary at all"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="config"\r\n\r\n{}',
        ),
        ("multipart/form-data; boundary=" + "x" * 100, b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\n\r\n" * 40 + b"--x--\r\n"),
    ],
)
def test_a_broken_multipart_body_is_told_apart(client: httpx.Client, kind: str, body: bytes) -> None:
    answer = client.post(f"{API}/agents", content=body, headers={"content-type": kind})
    assert "" in problems_of(answer)
