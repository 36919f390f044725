"""What guests logged, read and followed."""

import json

import httpx

from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, message, problems_of


def make_it_log(server: LiveServer, client: httpx.Client, name: str) -> None:
    """Return when the agent has handled a message and its lines are there."""
    assert client.post(f"{API}/messages", json=message(name)).status_code == 202
    server.wait_for(lambda: len(server.handle.runtime.logs(name).tail(1)) == 1)


def test_the_newest_lines_come_last(server: LiveServer, client: httpx.Client, name: str) -> None:
    with deployed(client, "logger", name):
        make_it_log(server, client, name)
        page = client.get(f"{API}/agents/{name}/logs").json()
        assert page["lines"]
        for line in page["lines"]:
            assert set(line) == {"cursor", "timestamp", "level", "message"}
        cursors = [line["cursor"] for line in page["lines"]]
        assert cursors == sorted(cursors)
        last = client.get(f"{API}/agents/{name}/logs", params={"limit": 1}).json()["lines"]
        assert last == page["lines"][-1:]
        assert client.get(f"{API}/agents/{name}/logs", params={"limit": 0}).json() == {"lines": []}
        assert "limit" in problems_of(client.get(f"{API}/agents/{name}/logs", params={"limit": 100000}))


def test_followed_lines_come_as_they_are_logged(server: LiveServer, client: httpx.Client, name: str) -> None:
    with (
        deployed(client, "logger", name),
        server.client() as follower,
        follower.stream("GET", f"{API}/agents/{name}/logs", params={"follow": True}) as stream,
    ):
        assert stream.status_code == 200
        assert stream.headers["content-type"] == "application/x-ndjson"
        client.post(f"{API}/messages", json=message(name))
        lines = (json.loads(line) for line in stream.iter_lines() if line)
        assert next(lines)["message"]


def test_followed_lines_come_as_server_sent_events_where_they_are_accepted(
    server: LiveServer, client: httpx.Client, name: str
) -> None:
    with deployed(client, "logger", name), server.client() as follower:
        make_it_log(server, client, name)
        headers = {"accept": "text/event-stream"}
        with follower.stream(
            "GET", f"{API}/agents/{name}/logs", params={"follow": True}, headers=headers
        ) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            lines = stream.iter_lines()
            first = [next(lines), next(lines), next(lines)]
    assert first[0].startswith("id: ")
    assert json.loads(first[1].removeprefix("data: "))["message"]
    assert first[2] == ""


def test_a_follower_ends_with_its_agent(server: LiveServer, client: httpx.Client, name: str) -> None:
    with server.client() as follower:
        with deployed(client, "logger", name):
            stream = follower.send(
                follower.build_request("GET", f"{API}/agents/{name}/logs", params={"follow": True}),
                stream=True,
            )
        assert all(not line for line in stream.iter_lines())


def test_a_follower_that_leaves_is_forgotten(server: LiveServer, client: httpx.Client, name: str) -> None:
    with deployed(client, "logger", name):
        before = server.tasks_count()
        with server.client() as follower:
            request = follower.build_request("GET", f"{API}/agents/{name}/logs", params={"follow": True})
            stream = follower.send(request, stream=True)
            next(stream.iter_raw())
            stream.close()
        server.wait_for_tasks(before)


def test_logs_of_nobody_are_not_found(client: httpx.Client, name: str) -> None:
    error_of(client.get(f"{API}/agents/{name}/logs"), 404, "AGENT_NOT_FOUND")
