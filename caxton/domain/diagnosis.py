"""What is wrong with the text of a message, all of it at once.

The core reads every message once and stops at the first fault. This is the slow road beside it, for
`POST /messages/validate` and for the answer to a refused message: the same rules, each fault with its
place and its remedy. It never decides anything: a message without problems here can still meet a
receiver that does not exist or a protocol that forbids it.
"""

import math
import re
from collections.abc import Callable
from typing import Final

import msgspec

from caxton.domain.errors.request import ParseError
from caxton.domain.ids import (
    parse_agent_id,
    parse_agent_ref,
    parse_message_id,
    parse_span_id,
    parse_text,
    parse_trace_id,
)
from caxton.domain.performative import parse_performative
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names
from caxton.domain.timestamp import parse_timestamp

JSON_DEPTH_MAX: Final = 64
RECEIVERS_MAX: Final = 1000
PRIORITY_MAX: Final = 9
MAX_AWARDS_MAX: Final = 2**32 - 1
SECONDS_MAX: Final = 3_155_760_000
"""A century: the longest wait that a message may ask for, in seconds."""

PROBLEMS_MAX: Final = 50
"""More problems are counted but not described: a hostile text could hold a hundred thousand."""

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
# Numbers shorter than this and without an exponent are finite as doubles.
_FINITE_DIGITS: Final = 300

_Check = Callable[[str, object], list[Problem]]


def explain_message(
    body: bytes, *, message_bytes_max: int, depth_max: int = JSON_DEPTH_MAX
) -> tuple[Problem, ...]:
    """Return every problem of a message's JSON text, or nothing for a message that may be sent.

    Fields that the server may see from clients only (`reply_by_s`, `conversation_ttl_s`, `max_awards`)
    count as known. A field that is null counts as left out. At most 50 problems are described; then the
    last one says how many there are beyond.
    """
    if len(body) > message_bytes_max:
        return (_too_large(len(body), message_bytes_max),)
    members, problem = _read(body, depth_max)
    if problem is not None:
        return (problem,)
    problems: list[Problem] = []
    unknown_count = 0
    for name, value in members.items():
        check = _CHECKS.get(name)
        if check is not None:
            # A content of null is a content; anywhere else null says that nothing was given.
            if value is not None:
                problems += check(name, value)
        elif unknown_count < PROBLEMS_MAX:
            problems.append(_unknown_field(name))
            unknown_count += 1
        else:
            unknown_count += 1
    problems += [_duplicate(name) for name in members.duplicates[:PROBLEMS_MAX]]
    problems += _missing(members)
    if members.get("reply_by") is not None and members.get("reply_by_s") is not None:
        problems.append(
            Problem(
                field="reply_by_s",
                kind=ProblemKind.CONTRADICTION,
                problem="`reply_by` and `reply_by_s` both say until when an answer is wanted",
                fix="send one of them",
            )
        )
    hidden = max(0, unknown_count - PROBLEMS_MAX) + max(0, len(problems) - PROBLEMS_MAX)
    return (*problems[:PROBLEMS_MAX], _and_more(hidden)) if hidden else tuple(problems)


class _Members(dict[str, object]):
    """An object as it was written: the members, and the names that stood there more than once."""

    duplicates: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, object]]) -> "_Members":
        members = cls(pairs)
        if len(members) != len(pairs):
            seen: set[str] = set()
            again: dict[str, None] = {}
            for name, _ in pairs:
                if name in seen:
                    again[name] = None
                seen.add(name)
            members.duplicates = tuple(again)
        return members


def _read(body: bytes, depth_max: int) -> tuple[_Members, Problem | None]:
    import json  # noqa: PLC0415 - costs time, and only a refusal needs it

    nothing = _Members()
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return nothing, Problem(
            field="",
            kind=ProblemKind.ENCODING,
            problem=f"the message is not UTF-8: the byte at offset {error.start} begins no character",
            fix="encode the text as UTF-8",
        )
    if _is_deeper(body, depth_max):
        return nothing, _too_deep(depth_max)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_Members.of,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
        if "\\u" in text:
            _refuse_half_surrogates(value)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return nothing, _not_json(f"{error.msg} at {where}")
    except RecursionError:
        return nothing, _too_deep(depth_max)
    except _NotJSON as error:
        return nothing, _not_json(str(error))
    if not isinstance(value, _Members):
        return nothing, Problem(
            field="",
            kind=ProblemKind.WRONG_TYPE,
            problem=f"a message is a JSON object, not {_type_name(value)}",
            fix='send an object such as {"performative": "request", "receiver": "...", "content": ...}',
        )
    return value, None


class _NotJSON(Exception):
    """The text passes Python's reader, but is not JSON as RFC 8259 and the core have it."""


def _refuse_constant(word: str) -> object:
    raise _NotJSON(f"`{word}` is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _NotJSON(f"the number {text[:32]} is too large")
    return value


def _whole(text: str) -> object:
    # Python refuses to read very long integers; the value is only looked at where it must be short.
    return int(text) if len(text) < _FINITE_DIGITS else _finite(text)


def _refuse_half_surrogates(value: object) -> None:
    import json  # noqa: PLC0415 - see above

    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _NotJSON("an escape is half of a surrogate pair") from None


def _is_deeper(body: bytes, depth_max: int) -> bool:
    # Only brackets are left, all of one kind; each round takes the innermost level away. All of this
    # runs in C, since the text is the caller's and may be a mebibyte of brackets.
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return False
    left = _STRINGS.sub(b"", body).translate(_ONE_KIND, _NOT_BRACKETS)
    if b"[" * (depth_max + 1) in left:
        return True
    for _ in range(depth_max):
        fewer = left.replace(b"[]", b"")
        if len(fewer) == len(left):
            return False
        left = fewer
    return b"[]" in left


def _missing(members: _Members) -> list[Problem]:
    problems: list[Problem] = []
    if members.get("performative") is None:
        problems.append(
            Problem(
                field="performative",
                kind=ProblemKind.MISSING,
                problem="the message does not say what kind of act it is",
                fix='add "performative", for example "request" or "inform"',
            )
        )
    if members.get("receiver") is None:
        problems.append(
            Problem(
                field="receiver",
                kind=ProblemKind.MISSING,
                problem="the message does not say who gets it",
                fix='add "receiver": an agent\'s id or name, a list of them, or {"capability": "..."}',
            )
        )
    return problems


def _check_parsed(parse: Callable[[str], object]) -> _Check:
    def check(field: str, value: object) -> list[Problem]:
        if not isinstance(value, str):
            return [_wrong_type(field, value, "a string")]
        try:
            parse(value)
        except ParseError as error:
            return [error.at(field)]
        return []

    return check


def _check_identifier(field: str, value: object) -> list[Problem]:
    return _check_parsed(lambda text: parse_text(field, text))(field, value)


def _check_agent(field: str, value: object) -> list[Problem]:
    if isinstance(value, int) and not isinstance(value, bool):
        # A number is an id or nothing, though `-1` as a text would be a name.
        return _check_parsed(parse_agent_id)(field, str(value))
    if not isinstance(value, str):
        return [_wrong_type(field, value, "an agent's id or name")]
    return _check_parsed(parse_agent_ref)(field, value)


def _check_receiver(field: str, value: object) -> list[Problem]:
    if isinstance(value, _Members):
        return _check_capability(field, value)
    if not isinstance(value, list):
        return _check_agent(field, value)
    receivers = msgspec.convert(value, list[object])
    if not 1 <= len(receivers) <= RECEIVERS_MAX:
        return [
            Problem(
                field=field,
                kind=ProblemKind.OUT_OF_BOUNDS,
                problem=f"the list names {len(receivers)} receivers",
                fix=f"name 1 to {RECEIVERS_MAX} agents",
            )
        ]
    return [problem for i, each in enumerate(receivers) for problem in _check_agent(f"{field}[{i}]", each)]


def _check_capability(field: str, value: _Members) -> list[Problem]:
    problems: list[Problem] = []
    for name, capability in value.items():
        if name == "capability":
            problems += _check_identifier(f"{field}.capability", capability)
        else:
            problems.append(
                Problem(
                    field=f"{field}.{name}",
                    kind=ProblemKind.UNKNOWN_FIELD,
                    problem="a receiver object has the field `capability` only",
                    fix="remove this field",
                )
            )
    problems += [_duplicate(f"{field}.{name}") for name in value.duplicates]
    if "capability" not in value:
        problems.append(
            Problem(
                field=field,
                kind=ProblemKind.MISSING,
                problem="the receiver object does not name a capability",
                fix='write {"capability": "..."}, or the id or name of an agent',
            )
        )
    return problems


def _check_delivery(field: str, value: object) -> list[Problem]:
    if value in _DELIVERIES:
        return []
    if not isinstance(value, str):
        return [_wrong_type(field, value, "a string")]
    fix = did_you_mean(near_names(value, _DELIVERIES)) or f"use one of {', '.join(_DELIVERIES)}"
    problem = f"`{value[:64]}` is no way of delivery"
    return [Problem(field=field, kind=ProblemKind.INVALID_VALUE, problem=problem, fix=fix)]


def _check_whole(least: int, most: int) -> _Check:
    def check(field: str, value: object) -> list[Problem]:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return [_wrong_type(field, value, "a whole number")]
        if isinstance(value, float) or not least <= value <= most:
            return [_out_of_bounds(field, value, f"give a whole number from {least} to {most}")]
        return []

    return check


def _check_seconds(field: str, value: object) -> list[Problem]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return [_wrong_type(field, value, "a number of seconds")]
    if not 0 < value <= SECONDS_MAX:
        return [_out_of_bounds(field, value, f"give more than 0 and at most {SECONDS_MAX} seconds")]
    return []


def _check_nothing(field: str, value: object) -> list[Problem]:
    del field, value
    return []


_DELIVERIES: Final = ("at_most_once", "at_least_once", "exactly_once")
_CHECKS: Final[dict[str, _Check]] = {
    "id": _check_parsed(parse_message_id),
    "performative": _check_parsed(parse_performative),
    "sender": _check_agent,
    "receiver": _check_receiver,
    "conversation_id": _check_identifier,
    "protocol": _check_identifier,
    "reply_with": _check_identifier,
    "in_reply_to": _check_identifier,
    "reply_by": _check_parsed(parse_timestamp),
    "reply_by_s": _check_seconds,
    "reply_to": _check_agent,
    "content": _check_nothing,
    "content_kind": _check_identifier,
    "encoding": _check_identifier,
    "ontology": _check_identifier,
    "language": _check_identifier,
    "delivery": _check_delivery,
    "priority": _check_whole(0, PRIORITY_MAX),
    "conversation_ttl_s": _check_seconds,
    "max_awards": _check_whole(1, MAX_AWARDS_MAX),
    "trace_id": _check_parsed(parse_trace_id),
    "span_id": _check_parsed(parse_span_id),
    "timestamp": _check_parsed(parse_timestamp),
}

MESSAGE_FIELDS: Final = tuple(_CHECKS)
"""The names of all fields that a client may send."""


def _unknown_field(name: str) -> Problem:
    # FIPA's words and those of other systems for what has another name here.
    other = _OTHER_NAMES.get(name.casefold().lstrip(":").replace("-", "_"))
    suggestions = (other,) if other else near_names(name, MESSAGE_FIELDS)
    return Problem(
        field=name[:64],
        kind=ProblemKind.UNKNOWN_FIELD,
        problem=f"a message has no field `{name[:64]}`",
        fix=did_you_mean(suggestions) or "remove it, or put it into the content",
    )


_OTHER_NAMES: Final = {
    "to": "receiver",
    "receivers": "receiver",
    "recipient": "receiver",
    "from": "sender",
    "message_id": "id",
    "body": "content",
    "payload": "content",
    "type": "performative",
    "act": "performative",
    "thread_id": "conversation_id",
    "correlation_id": "conversation_id",
    "deadline": "reply_by",
    "timeout_s": "reply_by_s",
    "ttl_s": "conversation_ttl_s",
}


def _duplicate(field: str) -> Problem:
    return Problem(
        field=field[:128],
        kind=ProblemKind.CONTRADICTION,
        problem="this field stands there more than once",
        fix="send it once",
    )


def _wrong_type(field: str, value: object, wanted: str) -> Problem:
    return Problem(
        field=field,
        kind=ProblemKind.WRONG_TYPE,
        problem=f"expected {wanted}, got {_type_name(value)}",
        fix=f"send {wanted}",
    )


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _out_of_bounds(field: str, value: float, fix: str) -> Problem:
    shown = str(value) if abs(value) < 1e20 else f"{float(value):g}"
    return Problem(field=field, kind=ProblemKind.OUT_OF_BOUNDS, problem=f"{shown} is out of bounds", fix=fix)


def _not_json(reason: str) -> Problem:
    return Problem(
        field="",
        kind=ProblemKind.SYNTAX,
        problem=f"the message is not JSON: {reason}",
        fix="send one JSON object; look at quotes, commas and brackets there",
    )


def _too_large(message_bytes: int, message_bytes_max: int) -> Problem:
    return Problem(
        field="",
        kind=ProblemKind.TOO_LARGE,
        problem=f"the message has {message_bytes} bytes, {message_bytes_max} are allowed",
        fix="send less, or several messages",
    )


def _too_deep(depth_max: int) -> Problem:
    return Problem(
        field="",
        kind=ProblemKind.TOO_DEEP,
        problem=f"the message is nested deeper than {depth_max} levels",
        fix="flatten the content, or send the inner part as a string",
    )


def _and_more(count: int) -> Problem:
    return Problem(
        field="",
        kind=ProblemKind.INVALID_VALUE,
        problem=f"there are {count} more problems",
        fix="mend these first",
    )
