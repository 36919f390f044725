"""What a handler hands back: a whole answer, ready for the wire."""

from typing import Final, final

import msgspec
import orjson

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = b"application/json"
NDJSON: Final = b"application/x-ndjson"
EVENT_STREAM: Final = b"text/event-stream"
_ENCODER: Final = msgspec.json.Encoder()


@final
class Answer:
    """Status, body and headers. `content_type` is None for an answer without body."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, status: int, body: bytes, content_type: bytes | None = JSON, headers: Headers = ()
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as they go out, those of the body first."""
        if self.content_type is None:
            return list(self.headers)
        body = [(b"content-type", self.content_type), (b"content-length", b"%d" % len(self.body))]
        return [*body, *self.headers] if self.headers else body


def json_answer(status: int, document: object, headers: Headers = ()) -> Answer:
    """Return an answer whose body is a document of dicts, lists and plain values."""
    return Answer(status, orjson.dumps(document), JSON, headers)


def struct_answer(status: int, document: msgspec.Struct, headers: Headers = ()) -> Answer:
    """Return an answer whose body is a typed document."""
    return Answer(status, _ENCODER.encode(document), JSON, headers)


NO_CONTENT: Final = Answer(204, b"", None)
