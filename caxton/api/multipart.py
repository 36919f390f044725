"""Bodies of several parts (RFC 7578), of which each part is known by name and kept in memory."""

from typing import Final, final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from caxton.api.call import BodyLease, Call
from caxton.api.errors import invalid_request
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.routing import MessageTooLarge
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names

_BOUNDARY_CHARACTERS_MAX: Final = 70
_PARTS_MAX: Final = 16


async def read_parts(
    call: Call, wanted: tuple[str, ...], bytes_max: int, lease: BodyLease
) -> dict[str, bytes]:
    """Return the body's parts by name.

    Raises:
        InvalidRequest: the body is not multipart, a part is unknown, missing or there twice.
        MessageTooLarge: the body has more than `bytes_max` bytes.
    """
    _, parameters = parse_options_header(call.headers.get(b"content-type"))
    boundary = parameters.get(b"boundary", b"")
    if not 0 < len(boundary) <= _BOUNDARY_CHARACTERS_MAX:
        raise _not_multipart("the Content-Type names no boundary of 1 to 70 characters")
    declared = call.declared_bytes()
    if declared is not None and declared > bytes_max:
        raise MessageTooLarge(declared, bytes_max)
    collector = _Collector()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": collector.on_part_begin,
            "on_part_data": collector.on_part_data,
            "on_part_end": collector.on_part_end,
            "on_header_field": collector.on_header_field,
            "on_header_value": collector.on_header_value,
            "on_header_end": collector.on_header_end,
            "on_end": collector.on_end,
        },
    )
    total = 0
    more = True
    try:
        while more:
            chunk, more = await call.chunk()
            total += len(chunk)
            if total > bytes_max:
                raise MessageTooLarge(None, bytes_max)
            lease.grow(len(chunk))
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise _not_multipart(str(error)) from None
    if not collector.is_complete:
        raise _not_multipart("the closing boundary is missing")
    _check_names(collector.parts, wanted)
    return {name: bytes(content) for name, content in collector.parts}


def _check_names(parts: list[tuple[str, bytearray]], wanted: tuple[str, ...]) -> None:
    names = [name for name, _ in parts]
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        if name not in wanted:
            fix = did_you_mean(near_names(name, wanted)) or f"known here: {', '.join(wanted)}"
            problems.append(
                Problem(
                    field=name[:100],
                    kind=ProblemKind.UNKNOWN_FIELD,
                    problem=f"the part `{name[:100]}` is not known here",
                    fix=fix,
                )
            )
        elif names.count(name) > 1:
            problems.append(
                Problem(
                    field=name,
                    kind=ProblemKind.CONTRADICTION,
                    problem=f"the part `{name}` is there twice",
                    fix="send it once",
                )
            )
    if problems:
        raise InvalidRequest(problems)


@final
class _Collector:
    """Gathers parts from the parser's callbacks."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytearray]] = []
        self.is_complete = False
        self._field = bytearray()
        self._value = bytearray()
        self._name: str | None = None
        self._content = bytearray()

    def on_part_begin(self) -> None:
        if len(self.parts) == _PARTS_MAX:
            raise _not_multipart(f"there are more than {_PARTS_MAX} parts")
        self._name = None
        self._content = bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            _, parameters = parse_options_header(bytes(self._value))
            name = parameters.get(b"name")
            if name is not None:
                self._name = name.decode("utf-8", "replace")
        self._field.clear()
        self._value.clear()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += memoryview(data)[start:end]

    def on_part_end(self) -> None:
        self.parts.append((self._name or "", self._content))

    def on_end(self) -> None:
        self.is_complete = True


def _not_multipart(reason: str) -> InvalidRequest:
    return invalid_request(
        "",
        f"the body is not multipart/form-data: {reason[:200]}",
        "send the parts `config` (JSON) and `module` (bytes), or one JSON object",
        ProblemKind.SYNTAX,
    )
