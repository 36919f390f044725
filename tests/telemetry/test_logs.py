"""The log is one JSON object a line, or text, and never holds its callers up."""

import io
import logging
import threading

import orjson

from caxton.domain.errors.agent import AgentNotFound
from caxton.telemetry.logs import LogStream, log_guest_line


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_object_with_what_is_known_of_it() -> None:
    stream = io.StringIO()
    log = LogStream.open("info", stream=stream)
    logging.getLogger("caxton.runtime.lifecycle").warning(
        "agent %s\nfailed", "echo", extra={"event": "agent_failed", "agent_id": "7", "agent": "echo"}
    )
    logging.getLogger("caxton.runtime.lifecycle").debug("not wanted")
    log.close()
    (line,) = _lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "warning",
        "event": "agent_failed",
        "message": "agent echo\nfailed",
        "agent_id": "7",
        "agent": "echo",
    }


def test_an_error_carries_its_code() -> None:
    stream = io.StringIO()
    log = LogStream.open("info", stream=stream)

    def fail() -> None:
        raise AgentNotFound("nobody")

    try:
        fail()
    except AgentNotFound:
        logging.getLogger("caxton").exception("it went wrong")
    log.close()
    error = _lines(stream)[0]["error"]
    assert isinstance(error, dict)
    assert error["code"] == "AGENT_NOT_FOUND"
    assert "nobody" in error["message"]
    assert "Traceback" in error["traceback"]


def test_a_terminal_gets_text() -> None:
    stream = _Terminal()
    log = LogStream.open("info", stream=stream)
    logging.getLogger("caxton").info("hello", extra={"event": "greeting", "agent": "echo"})
    log.close()
    assert "info    greeting: hello  agent=echo" in stream.getvalue()


def test_a_guests_line_is_marked_and_cannot_forge_another() -> None:
    stream = io.StringIO()
    log = LogStream.open("trace", stream=stream)
    log_guest_line(7, "echo", 0, 'quiet"\n{"event":"forged"}')
    log_guest_line(7, "echo", 99, "100% loud")
    log.close()
    lines = _lines(stream)
    assert [(line["level"], line["guest"], line["agent"]) for line in lines] == [
        ("trace", True, "echo"),
        ("error", True, "echo"),
    ]
    assert lines[0]["message"] == 'quiet"\n{"event":"forged"}'
    assert lines[1]["message"] == "100% loud"


def test_a_reader_that_does_not_read_costs_records_and_no_time() -> None:
    class Stuck(io.StringIO):
        entered = threading.Event()
        opened = threading.Event()

        def write(self, text: str) -> int:
            self.entered.set()
            assert self.opened.wait(20)
            return super().write(text)

    stream = Stuck()
    log = LogStream.open("info", stream=stream, records_max=10)
    logger = logging.getLogger("caxton")
    logger.info("the first is in the writer's hand")
    assert stream.entered.wait(20)
    for _ in range(110):
        logger.info("line")
    assert log.dropped_count == 100
    stream.opened.set()
    log.close()
    messages = [line["message"] for line in _lines(stream)]
    assert len(messages) == 12
    assert "100 log records were dropped" in messages


def test_closing_takes_the_log_down() -> None:
    stream = io.StringIO()
    log = LogStream.open("info", stream=stream)
    log.close()
    log.close()
    logging.getLogger("caxton").info("nobody hears this")
    assert stream.getvalue() == ""
