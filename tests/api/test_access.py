"""Who is let in, and how far."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest

from caxton.security.roles import PERMISSIONS, Role, is_allowed
from tests.api.live import API, TOKEN, LiveServer, error_of, message, problems_of, running


@contextmanager
def caller(server: LiveServer, client: httpx.Client, role: str, **fields: object) -> Generator[httpx.Client]:
    """Make a client with a fresh token of a role."""
    made = client.post(f"{API}/tokens", json={"name": f"test {role}", "role": role, **fields})
    assert made.status_code == 201, made.text
    with server.client(made.json()["token"]) as other:
        yield other
    client.delete(f"{API}/tokens/{made.json()['token_id']}")


PATHS = [
    f"{API}/agents",
    f"{API}/system",
    f"{API}/tokens",
    f"{API}/openapi.json",
    f"{API}/docs",
    f"{API}/nothing",
]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_a_token(server: LiveServer, path: str) -> None:
    with server.client(None) as stranger:
        answer = stranger.get(path)
        assert error_of(answer, 401, "UNAUTHORIZED").details == {"reason": "missing"}
        assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Bearer wrong", "unknown"),
        (f"Bearer {TOKEN}x", "unknown"),
        (f"Bearer {TOKEN[:-1]}", "unknown"),
        (f"Basic {TOKEN}", "malformed"),
        ("Bearer", "malformed"),
        ("Bearer " + "x" * 600, "malformed"),
        ("", "malformed"),
    ],
)
def test_a_wrong_token_is_refused_with_the_reason(server: LiveServer, value: str, reason: str) -> None:
    with server.client(None) as stranger:
        answer = stranger.get(f"{API}/system", headers={"authorization": value})
        assert error_of(answer, 401, "UNAUTHORIZED").details == {"reason": reason}


def test_the_scheme_is_read_in_any_letter_case(server: LiveServer) -> None:
    with server.client(None) as stranger:
        answer = stranger.get(f"{API}/system", headers={"authorization": f"bEARER   {TOKEN}"})
        assert answer.status_code == 200


def test_health_and_readiness_are_open_to_everybody_and_answer_head(server: LiveServer) -> None:
    with server.client(None) as stranger:
        health = stranger.get("/health")
        assert health.status_code == 200
        assert health.json()["status"] == "healthy"
        assert health.json()["version"]
        ready = stranger.get("/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "ready"
        for path in ("/health", "/ready"):
            head = stranger.head(path)
            assert head.status_code == 200
            assert head.content == b""
            assert int(head.headers["content-length"]) > 0


CALLS = [
    ("POST", f"{API}/agents", "agent:deploy"),
    ("GET", f"{API}/agents", "metrics:read"),
    ("GET", f"{API}/agents/none", "metrics:read"),
    ("DELETE", f"{API}/agents/none", "agent:remove"),
    ("POST", f"{API}/agents/none/drain", "agent:update"),
    ("POST", f"{API}/agents/none/start", "agent:update"),
    ("POST", f"{API}/agents/none/restart", "agent:update"),
    ("POST", f"{API}/agents/none/invoke", "message:send"),
    ("GET", f"{API}/agents/none/logs", "message:read"),
    ("GET", f"{API}/agents/none/inbox", "message:read"),
    ("POST", f"{API}/agents/none/inbox/ack", "message:read"),
    ("POST", f"{API}/messages", "message:send"),
    ("POST", f"{API}/messages/batch", "message:send"),
    ("POST", f"{API}/messages/validate", "message:send"),
    ("GET", f"{API}/capabilities", "message:send"),
    ("GET", f"{API}/capabilities/none", "message:send"),
    ("PUT", f"{API}/agents/none/capabilities/none", "message:send"),
    ("DELETE", f"{API}/agents/none/capabilities/none", "message:send"),
    ("POST", f"{API}/tasks", "message:send"),
    ("GET", f"{API}/tasks", "message:read"),
    ("GET", f"{API}/tasks/none", "message:read"),
    ("POST", f"{API}/tasks/none/award", "message:send"),
    ("POST", f"{API}/tasks/none/cancel", "message:send"),
    ("POST", f"{API}/auctions", "message:send"),
    ("GET", f"{API}/auctions/none", "message:read"),
    ("POST", f"{API}/auctions/none/cancel", "message:send"),
    ("GET", f"{API}/conversations", "message:read"),
    ("POST", f"{API}/conversations", "message:send"),
    ("GET", f"{API}/conversations/none", "message:read"),
    ("POST", f"{API}/conversations/none/cancel", "message:send"),
    ("GET", f"{API}/system", "metrics:read"),
    ("GET", f"{API}/tokens", "token:manage"),
    ("POST", f"{API}/tokens", "token:manage"),
    ("DELETE", f"{API}/tokens/none", "token:manage"),
]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_as_far_as_its_permissions_and_is_told_which_one_it_lacks(
    server: LiveServer, client: httpx.Client, role: Role
) -> None:
    with caller(server, client, role) as other:
        for method, path, permission in CALLS:
            answer = other.request(method, path)
            if permission in PERMISSIONS[role]:
                assert answer.status_code not in {401, 403}, (method, path, answer.text)
            else:
                error = error_of(answer, 403, "FORBIDDEN")
                assert error.details["permission"] == permission
                assert permission in error.message


def test_every_route_that_is_not_open_to_everybody_refuses_a_stranger(server: LiveServer) -> None:
    with server.client(None) as stranger:
        for route in server.handle.service.routes:
            if route.method == "WEBSOCKET":
                continue
            answer = stranger.request(route.method, route.path.replace("{", "").replace("}", ""))
            assert (answer.status_code == 401) is not route.public, (route.method, route.path)


def test_a_token_expires_and_is_revoked_at_once(server: LiveServer, client: httpx.Client) -> None:
    made = client.post(
        f"{API}/tokens", json={"name": "short", "role": "viewer", "expires_in_s": 0.000001}
    ).json()
    assert made["expires_at"]
    with server.client(made["token"]) as other:
        answer = other.get(f"{API}/system")
        assert error_of(answer, 401, "UNAUTHORIZED").details == {"reason": "expired"}
    made = client.post(f"{API}/tokens", json={"name": "gone", "role": "viewer"}).json()
    with server.client(made["token"]) as other:
        assert other.get(f"{API}/system").status_code == 200
        listed = {row["token_id"]: row for row in client.get(f"{API}/tokens").json()["tokens"]}
        assert listed[made["token_id"]]["last_used_at"]
        assert made["token"] not in client.get(f"{API}/tokens").text
        assert client.delete(f"{API}/tokens/{made['token_id']}").status_code == 204
        answer = other.get(f"{API}/system")
        assert error_of(answer, 401, "UNAUTHORIZED").details == {"reason": "revoked"}
    error_of(client.delete(f"{API}/tokens/{made['token_id']}"), 404, "NOT_FOUND")


def test_the_root_token_cannot_be_revoked(client: httpx.Client) -> None:
    error_of(client.delete(f"{API}/tokens/root"), 409, "INVALID_STATE")
    assert client.get(f"{API}/system").status_code == 200


def test_a_token_is_asked_for_properly(client: httpx.Client) -> None:
    body = {"name": "", "role": "king", "expires_in_s": 0, "scope": "all"}
    assert set(problems_of(client.post(f"{API}/tokens", json=body))) == {
        "name",
        "role",
        "expires_in_s",
        "scope",
    }
    assert "name" in problems_of(client.post(f"{API}/tokens", json={"name": "a\nb", "role": "viewer"}))


def test_a_token_speaks_and_listens_for_its_own_agents_only(
    server: LiveServer, client: httpx.Client, external: str, name: str
) -> None:
    own = f"{name}-own"
    with caller(server, client, "developer") as other:
        made = other.post(f"{API}/agents", json={"name": own, "kind": "external"})
        assert made.status_code == 201, made.text
        sent = other.post(f"{API}/messages", json=message(external, sender=own))
        assert sent.status_code == 202, sent.text
        arrived = client.get(f"{API}/agents/{external}/inbox", params={"wait_ms": 5000}).json()["messages"]
        assert arrived[-1]["sender"] == made.json()["agent_id"]
        assert other.get(f"{API}/agents/{own}/inbox").status_code == 200

        foreign = other.post(f"{API}/messages", json=message(own, sender=external))
        error_of(foreign, 403, "FORBIDDEN")
        error_of(other.get(f"{API}/agents/{external}/inbox"), 403, "FORBIDDEN")
        error_of(other.post(f"{API}/agents/{external}/inbox/ack", json={"cursor": "x"}), 403, "FORBIDDEN")
        line = f'{{"performative":"inform","receiver":"{own}","sender":"{external}","content":1}}'
        batch = other.post(f"{API}/messages/batch", content=line)
        assert batch.json()["error"]["code"] == "FORBIDDEN"
        # An admin may speak for any external agent.
        assert client.post(f"{API}/messages", json=message(external, sender=own)).status_code == 202
        assert other.get(f"{API}/agents/{own}/inbox").json()["messages"] == []
        client.delete(f"{API}/agents/{own}", params={"force": True})


def test_the_docs_open_in_a_browser_with_the_token_in_the_query(server: LiveServer) -> None:
    with server.client(None) as browser:
        page = browser.get(f"{API}/docs", params={"access_token": TOKEN})
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        error_of(browser.get(f"{API}/docs", params={"access_token": "wrong"}), 401, "UNAUTHORIZED")
        # Nowhere else: addresses end up in logs.
        error_of(browser.get(f"{API}/system", params={"access_token": TOKEN}), 401, "UNAUTHORIZED")


def test_without_authentication_only_this_machines_own_callers_get_in() -> None:
    with running(security__auth="none") as server, server.client(None) as anyone:
        assert anyone.get(f"{API}/system").status_code == 200
        foreign = {"origin": "http://evil.example"}
        error_of(anyone.post(f"{API}/messages", json={}, headers=foreign), 403, "FORBIDDEN")
        rebound = {"host": "evil.example:8080"}
        error_of(anyone.get(f"{API}/system", headers=rebound), 403, "FORBIDDEN")
        own = {"origin": server.url}
        assert anyone.get(f"{API}/system", headers=own).status_code == 200


def test_a_token_that_calls_too_often_is_told_when_to_come_again() -> None:
    with running(security__rate_limit=2.0) as server, server.client() as client:
        answers = [client.get(f"{API}/system") for _ in range(20)]
        limited = [answer for answer in answers if answer.status_code != 200]
        assert limited
        error = error_of(limited[0], 429, "RATE_LIMITED")
        assert error.details["per_s_max"] == 2.0
        assert int(limited[0].headers["retry-after"]) >= 1
        assert client.get("/health").status_code == 200, "whoever watches over the server is not counted"


def test_default_is_denied() -> None:
    assert set(PERMISSIONS) == set(Role)
    for role in Role:
        assert PERMISSIONS[role] <= PERMISSIONS[Role.ADMIN]
    from caxton.security.roles import Permission, Principal

    viewer = Principal("v", "v", Role.VIEWER)
    assert [permission for permission in Permission if is_allowed(viewer, permission)] == [
        Permission.MESSAGE_READ,
        Permission.METRICS_READ,
    ]
