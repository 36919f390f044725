"""Whatever is sent, the answer is one that the API's description knows, and never a fault of the server."""

import os
import socket

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.live import API, TOKEN, LiveServer

EXAMPLES = int(os.environ.get("CAXTON_FUZZ_EXAMPLES", "120"))
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_WORDS = st.sampled_from(
    [
        *(
            "name",
            "kind",
            "module",
            "module_digest",
            "version",
            "limits",
            "profile",
            "capabilities",
            "config",
        ),
        *(
            "tools",
            "delivery",
            "restart",
            "instances",
            "labels",
            "wasi",
            "performative",
            "receiver",
            "content",
        ),
        *("sender", "id", "conversation_id", "reply_by", "reply_by_s", "priority", "timeout_ms", "timeout_s"),
        *("participants", "initiator", "max_messages", "fuel_budget", "ttl_s"),
        *("cursor", "role", "expires_in_s", "in_reply_to", "reply_with", "protocol", "encoding", "trace_id"),
    ]
)
_LIKELY = st.sampled_from(
    ["inform", "request", "external", "guest", "client.root", "strict", "admin", "viewer"]
)
_BODIES = st.dictionaries(_WORDS | st.text(max_size=6), _LIKELY | _VALUES, max_size=8)
_PATHS = st.sampled_from(
    [
        *("/agents", "/agents/client.root/inbox/ack", "/agents/x/drain", "/agents/x/invoke", "/messages"),
        *("/conversations", "/conversations/none/cancel"),
        *("/messages?wait_ms=1", "/messages/batch", "/messages/validate", "/agents/client.root/invoke"),
    ]
)


_CHUNKED = b"POST /api/v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
_ANNOUNCED = f"POST /api/v1/messages HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n\r\n"
_BEGINNINGS = [b"", b"GET /health HTTP/1.1\r\n", _CHUNKED, _ANNOUNCED.encode()]


def expect_no_fault(answer: httpx.Response) -> None:
    assert answer.status_code < 500 or answer.status_code in {502, 503, 504}, answer.text
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"code", "message", "details", "hint", "trace_id"}


@FUZZ
@given(path=_PATHS, body=_BODIES)
def test_bodies_of_known_words_never_make_the_server_fail(
    client: httpx.Client, path: str, body: object
) -> None:
    answer = client.post(f"{API}{path}", json=body)
    expect_no_fault(answer)
    if answer.status_code == 201:
        client.delete(f"{API}/agents/{answer.json()['agent_id']}", params={"force": True})


@FUZZ
@given(
    path=_PATHS,
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/json", "text/plain", "multipart/form-data; boundary=x", ""]),
)
def test_bodies_of_any_bytes_never_make_the_server_fail(
    client: httpx.Client, path: str, body: bytes, kind: str
) -> None:
    expect_no_fault(client.post(f"{API}{path}", content=body, headers={"content-type": kind}))


@FUZZ
@given(
    segments=st.lists(
        st.sampled_from(["api", "v1", "agents", "messages", "inbox", "logs", "tokens"]) | st.text(min_size=1),
        max_size=6,
    ),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "state", "wait_ms", "max", "force", "ack"]) | st.text(),
        st.text(),
        max_size=3,
    ),
)
def test_paths_and_queries_of_any_text_never_make_the_server_fail(
    client: httpx.Client, segments: list[str], query: dict[str, str]
) -> None:
    from urllib.parse import quote

    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    # Waiting is not what is tried here.
    shown = {name: text for name, text in query.items() if name != "wait_ms" or not text.isdigit()}
    expect_no_fault(client.get(path, params=shown))


@FUZZ
@given(
    text=st.binary(max_size=200),
    start=st.sampled_from(_BEGINNINGS),
)
def test_bytes_of_any_kind_get_an_answer_or_a_clean_end(
    server: LiveServer, text: bytes, start: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(start + text)
        connection.shutdown(socket.SHUT_WR)
        seen = b""
        while piece := connection.recv(65536):
            seen += piece
    if start or text.strip(b"\r\n"):
        assert seen.startswith(b"HTTP/1.1 "), (start, text)
    assert b" 500 " not in seen.partition(b"\r\n")[0]


def test_the_server_is_well_afterwards(server: LiveServer, client: httpx.Client) -> None:
    assert client.get("/ready").status_code == 200
    client.close()
    server.wait_for(lambda: server.connections_count() == 0)
    assert server.handle.service.room.bytes_held == 0
