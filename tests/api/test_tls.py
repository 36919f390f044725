"""The API behind TLS of its own."""

import json
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from caxton.domain.errors import ConfigurationInvalid
from tests.api.live import API, TOKEN, LiveServer, message_line, read_answer, request, running

# Made for these tests, known to everybody, and good for 127.0.0.1 only.
CERT = str(Path(__file__).parent / "tls" / "cert.pem")
KEY = str(Path(__file__).parent / "tls" / "key.pem")


@pytest.fixture(scope="module")
def secure() -> object:
    """Start a server with a certificate."""
    with running(server__tls__cert=CERT, server__tls__key=KEY) as started:
        yield started


@pytest.fixture(scope="module")
def trust() -> ssl.SSLContext:
    """Trust that certificate."""
    return ssl.create_default_context(cafile=CERT)


def open_tls(server: LiveServer, trust: ssl.SSLContext) -> ssl.SSLSocket:
    return trust.wrap_socket(server.connect(), server_hostname="127.0.0.1")


def test_requests_and_streams_go_through_tls(secure: LiveServer, trust: ssl.SSLContext) -> None:
    assert secure.url.startswith("https://")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=secure.url, verify=trust, headers=headers, trust_env=False) as client:
        assert client.get("/ready").status_code == 200
        assert client.post(f"{API}/agents", json={"name": "ear", "kind": "external"}).status_code == 201
        assert client.post(f"{API}/messages", content=message_line("ear")).status_code == 202
    url = f"wss://127.0.0.1:{secure.port}{API}/agents/ear/stream"
    with connect(url, ssl=trust, additional_headers=headers) as stream:
        assert json.loads(stream.recv(10))["type"] == "message"


def test_an_error_reaches_its_caller_through_tls_too(secure: LiveServer, trust: ssl.SSLContext) -> None:
    with open_tls(secure, trust) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        read_answer(connection).error(400, "INVALID_REQUEST")
    with open_tls(secure, trust) as connection:
        connection.sendall(request("POST", f"{API}/messages", b"x" * 2_000_000))
        read_answer(connection).error(413, "MESSAGE_TOO_LARGE")


def test_plain_text_to_a_tls_port_is_closed_and_harms_nobody(
    secure: LiveServer, trust: ssl.SSLContext
) -> None:
    with secure.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not connection.recv(1000).startswith(b"HTTP")
    with open_tls(secure, trust) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection).status == 200


def test_a_certificate_that_cannot_be_used_is_refused_at_start(tmp_path: Path) -> None:
    broken = tmp_path / "cert.pem"
    broken.write_text("no certificate")
    for cert, key in ((broken, KEY), (tmp_path / "missing.pem", KEY), (CERT, CERT)):
        with (
            pytest.raises(ConfigurationInvalid),
            running(server__tls__cert=str(cert), server__tls__key=str(key)),
        ):
            pass


def test_a_caller_without_the_certificate_that_is_asked_for_is_not_let_in(trust: ssl.SSLContext) -> None:
    known = ssl.create_default_context(cafile=CERT)
    known.load_cert_chain(CERT, KEY)
    with running(server__tls__cert=CERT, server__tls__key=KEY, server__tls__client_ca=CERT) as server:
        assert not is_answered(server, trust)
        assert is_answered(server, known)


def is_answered(server: LiveServer, context: ssl.SSLContext) -> bool:
    try:
        with open_tls(server, context) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            return connection.recv(1000).startswith(b"HTTP/1.1 200")
    except (ssl.SSLError, ConnectionError):
        return False
