"""Every call that manages something leaves an entry, whatever became of it."""

import base64

import httpx
import pytest

from tests.api.live import API, TOKEN, LiveServer, error_of, message, running
from tests.guests.corpus import guest


def entries(client: httpx.Client, **query: str) -> list[dict[str, object]]:
    """Return the audit's newest page, oldest first."""
    page = client.get(f"{API}/audit", params=query)
    assert page.status_code == 200, page.text
    return page.json()["entries"][::-1]


def told(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(row["operation"], row["subject"], row["status"], row["code"]) for row in rows]


def test_calls_that_manage_are_entered_with_their_outcome() -> None:
    with running() as server, server.client() as client:
        module = base64.b64encode(guest("echo")).decode()
        assert client.post(f"{API}/agents", json={"name": "one", "module": module}).status_code == 201
        error_of(
            client.post(f"{API}/agents", json={"name": "one", "module": module}), 409, "AGENT_ALREADY_EXISTS"
        )
        made = client.post(f"{API}/tokens", json={"name": "robot", "role": "viewer"}).json()
        with server.client("cxt_nobody") as stranger:
            error_of(stranger.delete(f"{API}/agents/one"), 401, "UNAUTHORIZED")
        with server.client(made["token"]) as robot:
            error_of(robot.delete(f"{API}/agents/one"), 403, "FORBIDDEN")
            assert robot.get(f"{API}/agents").status_code == 200
        assert client.post(f"{API}/messages", json=message("one")).status_code == 202
        assert client.post(f"{API}/agents/one/drain").status_code == 200
        assert client.delete(f"{API}/agents/one").status_code == 204
        expected = [
            ("create_agent", "one", 201, None),
            ("create_agent", "one", 409, "AGENT_ALREADY_EXISTS"),
            ("create_token", "robot", 201, None),
            ("delete_agent", "one", 403, "FORBIDDEN"),
            ("drain_agent", "one", 200, None),
            ("delete_agent", "one", 204, None),
        ]
        rows = entries(client)
        assert told(rows) == expected
        assert (rows[3]["identity"], rows[3]["name"], rows[3]["role"]) == (
            made["token_id"],
            "robot",
            "viewer",
        )
        assert rows[0]["identity"] == "root"
        assert made["token"] not in str(rows)
        assert all(len(str(row["trace_id"])) == 32 and str(row["at"]).endswith("Z") for row in rows)
        assert told(entries(client, identity=made["token_id"])) == expected[3:4]
        assert told(entries(client, operation="drain_agent")) == expected[4:5]


def test_pages_are_whole_and_a_strange_cursor_is_refused() -> None:
    with running() as server, server.client() as client:
        for number in range(5):
            assert (
                client.post(f"{API}/agents", json={"name": f"e{number}", "kind": "external"}).status_code
                == 201
            )
        seen: list[str] = []
        cursor: str | None = None
        while True:
            query = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
            page = client.get(f"{API}/audit", params=query).json()
            seen += [row["subject"] for row in page["entries"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [f"e{number}" for number in reversed(range(5))]
        error_of(client.get(f"{API}/audit", params={"cursor": "x"}), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("role", ["operator", "developer", "viewer", "agent"])
def test_only_an_admin_reads_it(server: LiveServer, client: httpx.Client, role: str) -> None:
    made = client.post(f"{API}/tokens", json={"name": role, "role": role}).json()
    with server.client(made["token"]) as other:
        error_of(other.get(f"{API}/audit"), 403, "FORBIDDEN")


def test_a_repetition_under_one_key_is_entered_once_and_strange_names_are_made_plain() -> None:
    with running() as server, server.client(TOKEN) as client:
        key = {"idempotency-key": "k"}
        for _ in range(2):
            answer = client.post(f"{API}/agents", json={"name": "ear", "kind": "external"}, headers=key)
            assert answer.status_code == 201
        error_of(client.delete(f"{API}/agents/a%00%1b%ff"), 404, "AGENT_NOT_FOUND")
        # What was refused is in the store at the latest with what was acknowledged after it.
        assert client.delete(f"{API}/agents/ear").status_code == 204
        rows = told(entries(client))
        assert rows[0] == ("create_agent", "ear", 201, None)
        assert [row[2] for row in rows] == [201, 404, 204]
        assert str(rows[1][1]).isprintable()
