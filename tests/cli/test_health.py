"""The health check of a container: an exit code."""

from tests.cli.echo_server import server_that_says
from tests.cli.program import caxton


def test_a_healthy_server_is_exit_code_zero() -> None:
    with server_that_says(200, b'{"status": "healthy", "version": "0.1.0"}') as told:
        ran = caxton("health", "--server", told.url)
    assert (ran.code, ran.out) == (0, "healthy\n")
    assert told.requests[0].path == "/health"


def test_a_server_that_is_not_ready_is_exit_code_one_and_says_what_is_missing() -> None:
    body = b'{"status": "not_ready", "components": {"workers": "starting"}}'
    with server_that_says(503, body) as told:
        ran = caxton("health", "--ready", CAXTON_SERVER=told.url)
    assert ran.code == 1
    assert told.requests[0].path == "/ready"
    assert "workers" in ran.err


def test_nobody_there_is_exit_code_three() -> None:
    assert caxton("health", "--server", "http://127.0.0.1:1").code == 3


def test_another_program_on_the_port_is_exit_code_three() -> None:
    with server_that_says(200, b"<html>hi</html>", "text/html") as told:
        ran = caxton("health", "--server", told.url)
    assert ran.code == 3
    assert "is not Caxton" in ran.err


def test_the_answer_can_be_read_by_a_program() -> None:
    with server_that_says(200, b'{"status": "healthy", "version": "9"}') as told:
        ran = caxton("health", "--server", told.url, "-o", "json")
    assert ran.document() == {"status": "healthy", "version": "9"}
