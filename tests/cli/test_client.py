"""The client turns every answer into a value, a refusal or the word that nobody is there."""

import socket

import pytest

from caxton.cli.address import parse_address
from caxton.cli.client import Client
from caxton.cli.credential import Credential
from caxton.cli.refusal import Refused, Unreachable
from tests.cli.echo_server import server_that_says

REFUSAL = (
    b'{"error": {"code": "AGENT_NOT_FOUND", "message": "no agent bidder-9", '
    b'"details": {"suggestions": ["bidder-1"]}, "hint": "list them", "trace_id": "abc"}}'
)


def client_of(url: str, token: str | None = "secret") -> Client:
    return Client(parse_address(url), Credential(token=token, source="nowhere"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_answer_is_read_and_the_token_is_shown() -> None:
    with server_that_says(200, b'{"agents": []}') as told, client_of(told.url) as client:
        assert client.get("/agents", query={"limit": 3, "state": None}).tree() == {"agents": []}
    (request,) = told.requests
    assert request.path == "/api/v1/agents?limit=3"
    assert request.headers["authorization"] == "Bearer secret"


def test_no_token_means_no_authorization_header() -> None:
    with server_that_says(200, b"{}") as told, client_of(told.url, None) as client:
        client.get("/agents")
    assert "authorization" not in told.requests[0].headers


def test_a_refusal_keeps_everything_that_the_api_said() -> None:
    with (
        server_that_says(404, REFUSAL) as told,
        client_of(told.url) as client,
        pytest.raises(Refused) as caught,
    ):
        client.get("/agents/bidder-9")
    refused = caught.value
    assert refused.exit_code == 1
    assert (refused.code, refused.hint, refused.trace_id) == ("AGENT_NOT_FOUND", "list them", "abc")
    assert refused.details == {"suggestions": ["bidder-1"]}


def test_an_unknown_caller_learns_why_no_token_was_sent() -> None:
    body = b'{"error": {"code": "UNAUTHORIZED", "message": "who are you?"}}'
    with (
        server_that_says(401, body) as told,
        client_of(told.url, None) as client,
        pytest.raises(Refused) as caught,
    ):
        client.get("/agents")
    assert caught.value.hint == "no token was sent: nowhere"


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"<html>oops</html>"), (404, b"{}"), (302, b""), (400, b"\xff")]
)
def test_an_error_in_a_foreign_form_is_not_from_our_api(status: int, body: bytes) -> None:
    with (
        server_that_says(status, body) as told,
        client_of(told.url) as client,
        pytest.raises(Unreachable, match="not the management API of Caxton") as caught,
    ):
        client.get("/agents")
    assert caught.value.exit_code == 3


def test_a_body_of_another_shape_is_not_from_our_api() -> None:
    with server_that_says(200, b"<html>hello</html>") as told, client_of(told.url) as client:
        answer = client.get("/agents")
    with pytest.raises(Unreachable):
        answer.tree()


def test_a_port_where_nobody_listens_is_not_reachable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with client_of(url) as client, pytest.raises(Unreachable, match="no connection to"):
        client.get("/agents")


def test_a_connection_that_is_closed_without_an_answer_is_not_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.settimeout(10)
        import threading

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with client_of(url) as client, pytest.raises(Unreachable, match="broke"):
            client.get("/agents")
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server_that_says(200, b"{}") as told, client_of(told.url) as client:
        client.get("/agents")
    assert len(told.requests) == 1


def test_a_module_goes_as_two_named_parts() -> None:
    with server_that_says(201, b"{}") as told, client_of(told.url) as client:
        client.upload("/agents", document={"name": "a"}, module=b"\0asm", filename="a.wasm")
    body = told.requests[0].body
    assert b'name="config"' in body
    assert b'{"name":"a"}' in body
    assert b'name="module"; filename="a.wasm"' in body
    assert b"\0asm" in body
