"""Bodies and queries: from bytes to typed values, or to a list of everything that is wrong with them.

A good body is decoded once, by msgspec, straight into its type. Only a bad one is looked at again,
field by field, so that its sender learns of all faults in one answer.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, TypeVar, cast, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
import orjson

from caxton.api.errors import invalid_request
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names

T = TypeVar("T", bound=msgspec.Struct)

JSON_DEPTH_MAX: Final = 64
PROBLEMS_MAX: Final = 50
VALUES_MAX: Final = 100_000
# Looking at a bad body again costs about 0.3 us for each of its values.
EXPLAINED_VALUES_MAX: Final = 20_000
_DEPTH_BYTES: Final = 16 * 1024
QUERY_PARAMETERS_MAX: Final = 32
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_PLACE: Final = re.compile(r" - at `(?:key in )?\$(.*)`$")
_TYPE_WORDS: Final[dict[type, str]] = {
    list: "an array",
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
}


def decode_body(body: bytes, type_: type[T]) -> T:
    """Return the JSON body as a value of the type.

    Raises:
        InvalidRequest: with every problem found: not JSON, too deep, unknown, missing and wrong fields. A
            body of very many values is told its first problem only.
    """
    refuse_too_many_values(body)
    try:
        return _decoder(type_).decode(body)
    except InvalidRequest as error:
        # A type's own invariant refused; the other fields may have faults too.
        raise _refused(body, type_, error.problems) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(body, type_, (_from_msgspec("", error),)) from None


def decode_query(query: bytes, type_: type[T]) -> T:
    """Return the query string as a value of the type; every value is read as its field's type wants it.

    A parameter whose field is a list may be given several times, one value each.

    Raises:
        InvalidRequest: with every problem found: unknown, repeated and wrong parameters.
    """
    if not query:
        return _convert({}, type_)
    try:
        pairs = parse_qsl(
            query.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=QUERY_PARAMETERS_MAX,
        )
    except ValueError:
        raise invalid_request(
            "query",
            "the query string cannot be read",
            "write it like ?name=value&name=value",
            ProblemKind.SYNTAX,
        ) from None
    lists = _list_fields(type_)
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in pairs:
        if name in lists:
            values[name] = [*cast("list[str]", values.get(name, [])), value]
            continue
        if name in values:
            problems.append(
                Problem(
                    field=name,
                    kind=ProblemKind.CONTRADICTION,
                    problem="the parameter is given twice",
                    fix="give it once",
                )
            )
        values[name] = value
    problems.extend(_struct_problems(values, type_, "", strict=False))
    if problems:
        raise InvalidRequest(problems[:PROBLEMS_MAX])
    return _convert(values, type_)


def refuse_too_many_values(body: bytes) -> None:
    """Refuse a body of so many values that reading it would hold the event loop up.

    Raises:
        InvalidRequest: the body holds more than a hundred thousand values.
    """
    if len(body) > VALUES_MAX and body.count(b",") > VALUES_MAX:
        raise invalid_request(
            "", f"the body holds more than {VALUES_MAX} values", "send less", ProblemKind.TOO_LARGE
        )


def depth_of(body: bytes, limit: int = JSON_DEPTH_MAX) -> int:
    """Return how deep the JSON nests; counting stops one above the limit."""
    depth = deepest = 0
    for found in _STRUCTURE.finditer(body):
        token = found[0]
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if depth > limit:
                break
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest


@cache
def _list_fields(type_: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields that are lists."""
    return frozenset(
        field.encode_name for field in msgspec.structs.fields(type_) if _without_bounds(field.type) is list
    )


def _without_bounds(kind: object) -> object:
    """Return `list` for `Annotated[list[str], ...]` and for `list[str]`."""
    origin = get_origin(kind)
    return _without_bounds(get_args(kind)[0]) if origin is Annotated else origin


@cache
def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(type_)


def _convert(values: Mapping[str, object], type_: type[T]) -> T:
    return msgspec.convert(values, type_, strict=False)


def _refused(body: bytes, type_: type[msgspec.Struct], known: tuple[Problem, ...]) -> InvalidRequest:
    """Return the refusal of a body whose decoding stopped at its first problem."""
    if not body.strip():
        return invalid_request("", "the body is empty", "send a JSON object", ProblemKind.MISSING)
    brackets = body.count(b"[") + body.count(b"{")
    # The beginning of a body tells whether it is deep; all of a wide one would take long to look at.
    if brackets > JSON_DEPTH_MAX and depth_of(body[:_DEPTH_BYTES]) > JSON_DEPTH_MAX:
        problem = f"the body nests deeper than {JSON_DEPTH_MAX} levels"
        return invalid_request("", problem, "send a flatter document", ProblemKind.TOO_DEEP)
    if brackets + body.count(b",") > EXPLAINED_VALUES_MAX:
        return InvalidRequest(known)
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = f"the body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        return invalid_request("", problem, "send one JSON object in UTF-8", ProblemKind.SYNTAX)
    if not isinstance(document, dict):
        return invalid_request(
            "", f"the body is {_word(document)}, not an object", "send a JSON object", ProblemKind.WRONG_TYPE
        )
    problems = _struct_problems(cast("dict[str, object]", document), type_, "", strict=True)
    return InvalidRequest((problems or list(known))[:PROBLEMS_MAX])


def _struct_problems(
    values: Mapping[str, object], type_: type[msgspec.Struct], at: str, *, strict: bool
) -> list[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    problems: list[Problem] = []
    for name in values:
        if name not in fields:
            suggestions = near_names(name, fields)
            fix = (
                did_you_mean(suggestions) or f"known here: {', '.join(fields)}" if fields else "leave it out"
            )
            shown = name[:100]
            problems.append(
                Problem(
                    field=f"{at}{shown}",
                    kind=ProblemKind.UNKNOWN_FIELD,
                    problem=f"`{shown}` is not known here",
                    fix=fix,
                )
            )
    for name, field in fields.items():
        where = f"{at}{name}"
        if name in values:
            problems.extend(_field_problems(values[name], field.type, where, strict=strict))
        elif field.required:
            problems.append(
                Problem(
                    field=where,
                    kind=ProblemKind.MISSING,
                    problem=f"`{name}` is missing",
                    fix="give it a value",
                )
            )
    if problems:
        return problems
    # Each field is good by itself: what is left is what the type says about them together.
    return _field_problems(values, type_, at.rstrip("."), strict=strict, alone=True)


def _field_problems(
    value: object, kind: object, where: str, *, strict: bool, alone: bool = False
) -> list[Problem]:
    inner = None if alone else _struct_within(kind)
    if inner is not None and isinstance(value, dict):
        return _struct_problems(cast("dict[str, object]", value), inner, f"{where}.", strict=strict)
    if kind is msgspec.Raw:
        return []
    try:
        msgspec.convert(value, cast("type[object]", kind), strict=strict)
    except InvalidRequest as error:
        return list(error.problems)
    except (msgspec.ValidationError, RecursionError) as error:
        return [_from_msgspec(where, error)]
    return []


def _struct_within(kind: object) -> type[msgspec.Struct] | None:
    """Return the struct that a field's type is, or is next to None."""
    for candidate in (kind, *get_args(kind)):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _from_msgspec(where: str, error: Exception) -> Problem:
    text = str(error)
    found = _PLACE.search(text)
    place = where
    if found is not None:
        text = text[: found.start()]
        place = f"{where}{found[1]}" if where else found[1].lstrip(".")
    if text.startswith("Expected"):
        kind = ProblemKind.OUT_OF_BOUNDS if _is_bound(text) else ProblemKind.WRONG_TYPE
    else:
        kind = ProblemKind.INVALID_VALUE
    wanted = text.partition(",")[0].removeprefix("Expected ")
    fix = f"give {wanted}" if text.startswith("Expected") else "see GET /api/v1/openapi.json"
    return Problem(field=place, kind=kind, problem=text[:1].lower() + text[1:], fix=fix)


def _is_bound(text: str) -> bool:
    return any(sign in text for sign in (">=", "<=", " > ", " < ", "of length"))


def _word(document: object) -> str:
    return "null" if document is None else _TYPE_WORDS.get(type(document), "something else")
