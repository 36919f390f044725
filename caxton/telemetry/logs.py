"""The server's log: one JSON object a line, or text on a terminal.

Records are queued where they are made and written by a thread of their own, so that a slow reader of
stderr never holds the event loop up. A full queue drops records and says how many. Guests' lines come
in the same stream, under the logger `caxton.guest` and marked by `guest: true`.
"""

import logging
import queue
import sys
import traceback
from logging.handlers import QueueHandler, QueueListener
from typing import Final, Literal, TextIO, final

import orjson

from caxton.domain.timestamp import format_timestamp

QUEUE_RECORDS_MAX: Final = 10_000
# How long the end of the server waits for somebody to read the log's last lines.
CLOSE_TIMEOUT_S: Final = 1.0
ROOT_LOGGER: Final = "caxton"
GUEST_LOGGER: Final = "caxton.guest"

# What a record may carry in `extra`, in the order of the output.
_FIELDS: Final = (
    "agent_id",
    "agent",
    "conversation_id",
    "message_id",
    "trace_id",
    "span_id",
    "guest",
    "entry",
    "reason",
    "error",
)

# Without a stream nobody hears: the library's last resort would write to stderr on the loop's thread.
logging.getLogger(ROOT_LOGGER).addHandler(logging.NullHandler())

# Guests know a level below debug.
TRACE: Final = 5
GUEST_LEVELS: Final = (TRACE, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def log_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return a record as the fields of one line."""
    row: dict[str, object] = {
        "timestamp": format_timestamp(int(record.created * 1e9)),
        "level": "trace" if record.levelno == TRACE else record.levelname.lower(),
        "event": getattr(record, "event", record.name.rpartition(".")[2]),
        "message": record.getMessage(),
    }
    for field in _FIELDS:
        value: object = getattr(record, field, None)
        if value is not None:
            row[field] = value
    if record.exc_info is not None and record.exc_info[1] is not None:
        error = record.exc_info[1]
        row["error"] = {
            "code": getattr(error, "code", type(error).__name__),
            "message": str(error),
            "traceback": "".join(traceback.format_exception(error)),
        }
    return row


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(log_fields(record), default=str).decode()


@final
class TextFormatter(logging.Formatter):
    """A line to read: time, level, event, message, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        row = log_fields(record)
        head = f"{row.pop('timestamp')} {row.pop('level')!s:7} {row.pop('event')}: {row.pop('message')}"
        error = row.pop("error", None)
        rest = " ".join(f"{field}={value}" for field, value in row.items())
        text = f"{head}  {rest}" if rest else head
        if error is not None and record.exc_info is not None:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return text


class _BoundedHandler(QueueHandler):
    """Queues a record or drops it; formatting is left to the writer's thread."""

    def __init__(self, records: "queue.Queue[logging.LogRecord | None]") -> None:
        super().__init__(records)
        self.dropped_count = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped_count += 1


class _Writer(QueueListener):
    """Writes records; tells of dropped ones when there is room again."""

    def __init__(
        self,
        records: "queue.Queue[logging.LogRecord | None]",
        output: logging.Handler,
        source: _BoundedHandler,
    ) -> None:
        super().__init__(records, output)
        self._records = records
        self._source = source
        self._told_count = 0

    def stop_within(self, timeout_s: float) -> None:
        """Write what is queued and end; give up on a reader that does not read."""
        thread = self._thread
        if thread is None:
            return
        try:
            self._records.put(None, timeout=timeout_s)
        except queue.Full:
            return
        thread.join(timeout_s)
        self._thread = None

    def handle(self, record: logging.LogRecord) -> None:
        missing = self._source.dropped_count - self._told_count
        if missing:
            self._told_count += missing
            note = logging.LogRecord(
                ROOT_LOGGER, logging.WARNING, "", 0, "%d log records were dropped", (missing,), None
            )
            note.event = "log_records_dropped"
            super().handle(note)
        super().handle(record)


@final
class LogStream:
    """The running log. `close` writes what is queued."""

    def __init__(self, listener: _Writer, handler: _BoundedHandler, logger: logging.Logger) -> None:
        self._listener = listener
        self._handler = handler
        self._logger = logger

    @classmethod
    def open(
        cls,
        level: str,
        form: Literal["json", "text"] | None = None,
        stream: TextIO | None = None,
        *,
        records_max: int = QUEUE_RECORDS_MAX,
    ) -> "LogStream":
        """Send the loggers below `caxton` to `stream` (stderr); by default text on a terminal, else JSON."""
        target = sys.stderr if stream is None else stream
        chosen = form or ("text" if target.isatty() else "json")
        logging.addLevelName(TRACE, "TRACE")
        output = logging.StreamHandler(target)
        output.setFormatter(TextFormatter() if chosen == "text" else JsonFormatter())
        records: queue.Queue[logging.LogRecord | None] = queue.Queue(records_max)
        handler = _BoundedHandler(records)
        listener = _Writer(records, output, handler)
        logger = logging.getLogger(ROOT_LOGGER)
        logger.setLevel(level.upper())
        logger.addHandler(handler)
        logger.propagate = False
        listener.start()
        return cls(listener, handler, logger)

    @property
    def dropped_count(self) -> int:
        """Records that found the queue full."""
        return self._handler.dropped_count

    def close(self) -> None:
        """Take the log down after the last record is written, or a moment later. Idempotent."""
        if self._handler in self._logger.handlers:
            self._logger.removeHandler(self._handler)
            self._listener.stop_within(CLOSE_TIMEOUT_S)


def log_guest_line(agent_id: int, agent: str, level: int, text: str) -> None:
    """Put a guest's line into the server's log."""
    logging.getLogger(GUEST_LOGGER).log(
        GUEST_LEVELS[min(max(level, 0), len(GUEST_LEVELS) - 1)],
        "%s",
        text,
        extra={"event": "guest_log", "agent_id": str(agent_id), "agent": agent, "guest": True},
    )
