"""One value against the shape of its setting: the value in its type, or every problem with it."""

import math
import re
from collections.abc import Mapping

import msgspec

from caxton.config.setting import Shape, shapes_of
from caxton.domain.errors.request import ParseError
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import parse_byte_size
from caxton.domain.suggestion import did_you_mean, near_names

_WHOLE = re.compile(r"[+-]?[0-9](?:_?[0-9]){0,19}")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NULL = frozenset({"", "null", "~"})


def convert(
    shape: Shape, value: object, *, key: str, where: str, as_text: bool, problems: list[Problem]
) -> object:
    """Return `value` as the setting `key` has it. What is wrong is added to `problems`.

    With `as_text` the value was text by necessity, so the text of a number, a switch, a list (`a,b`) or
    null is taken for what it says.
    """
    reader = _Reader(where, as_text, problems)
    return reader.read(shape, value, key)


def unknown_key(key: str, candidates: Mapping[str, object], where: str) -> Problem:
    """Return the problem of a key that no setting has; `candidates` are the full keys that exist."""
    section, _, last = key.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in candidates if name.rpartition(".")[0] == section}
    # A misspelt key of this section, else the right word in another section, else anything near.
    suggestions = tuple(siblings[word] for word in near_names(last, siblings))
    if not suggestions:
        suggestions = tuple(name for name in candidates if name.rpartition(".")[2] == last)[:3]
    if not suggestions:
        suggestions = near_names(key, candidates)
    return Problem(
        field=key,
        kind=ProblemKind.UNKNOWN_FIELD,
        where=where,
        problem="there is no such setting",
        fix=did_you_mean(suggestions) or "remove it; `caxton config show` lists all settings",
    )


class _Reader:
    def __init__(self, where: str, as_text: bool, problems: list[Problem]) -> None:
        self.where = where
        self.as_text = as_text
        self.problems = problems

    def read(self, shape: Shape, value: object, key: str) -> object:
        if value is None or (shape.optional and self.as_text and value in _NULL):
            return None if shape.optional else self._wrong_type(shape, value, key)
        match shape.kind:
            case "switch":
                return self._switch(shape, value, key)
            case "whole":
                return self._whole(shape, value, key)
            case "number":
                return self._number(shape, value, key)
            case "text":
                return self._text(shape, value, key)
            case "choice":
                return self._choice(shape, value, key)
            case "list" | "sections":
                return self._list(shape, value, key)
            case "section":
                return self._section(shape, value, key)
            case "words":
                return self._words(shape, value, key)

    def _switch(self, shape: Shape, value: object, key: str) -> object:
        if isinstance(value, bool):
            return value
        if self.as_text and isinstance(value, str):
            word = value.strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
        return self._wrong_type(shape, value, key)

    def _whole(self, shape: Shape, value: object, key: str) -> object:
        if isinstance(value, str) and shape.unit == "bytes":
            try:
                value = parse_byte_size(value)
            except ParseError as error:
                return self._refuse(key, ProblemKind.INVALID_VALUE, error.message, error.hint)
        elif isinstance(value, str) and self.as_text:
            found = _WHOLE.fullmatch(value.strip())
            if found is not None:
                value = int(found.group())
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return self._wrong_type(shape, value, key)
        return self._bounded(shape, value, key)

    def _number(self, shape: Shape, value: object, key: str) -> object:
        if self.as_text and isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return self._wrong_type(shape, value, key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return self._wrong_type(shape, value, key)
        return self._bounded(shape, float(value), key)

    def _text(self, shape: Shape, value: object, key: str) -> object:
        if not isinstance(value, str):
            return self._wrong_type(shape, value, key)
        if not value.strip() or not value.isprintable():
            problem = "the text is empty" if not value.strip() else "the text holds control characters"
            return self._refuse(key, ProblemKind.INVALID_VALUE, problem, f"give {shape.words}")
        return value

    def _choice(self, shape: Shape, value: object, key: str) -> object:
        if not isinstance(value, str):
            return self._wrong_type(shape, value, key)
        if value not in shape.choices:
            suggestion = did_you_mean(near_names(value, shape.choices))
            fix = f"give {shape.words}" + (f"; {suggestion}" if suggestion else "")
            return self._refuse(key, ProblemKind.INVALID_VALUE, f"`{_shown(value)}` is not possible", fix)
        return value

    def _list(self, shape: Shape, value: object, key: str) -> object:
        if self.as_text and isinstance(value, str) and shape.kind == "list":
            value = [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
        item = shape.item
        assert item is not None, "a list has a shape for its items"
        try:
            items = msgspec.convert(value, tuple[object, ...])
        except msgspec.ValidationError:
            return self._wrong_type(shape, value, key)
        return tuple(self.read(item, each, f"{key}[{index}]") for index, each in enumerate(items))

    def _section(self, shape: Shape, value: object, key: str) -> object:
        assert shape.section is not None, "a section has a shape"
        try:
            given = msgspec.convert(value, dict[str, object])
        except msgspec.ValidationError:
            return self._wrong_type(shape, value, key)
        shapes = shapes_of(shape.section)
        members: dict[str, object] = {}
        before = len(self.problems)
        for name, each in given.items():
            if name in shapes:
                members[name] = self.read(shapes[name], each, f"{key}.{name}")
            else:
                self.problems.append(
                    unknown_key(f"{key}.{name}", {f"{key}.{n}": n for n in shapes}, self.where)
                )
        for field in msgspec.structs.fields(shape.section):
            if field.required and field.name not in members:
                self._refuse(f"{key}.{field.name}", ProblemKind.MISSING, "this key is required", "add it")
        return shape.section(**members) if len(self.problems) == before else None

    def _words(self, shape: Shape, value: object, key: str) -> object:
        try:
            return msgspec.convert(value, dict[str, str])
        except msgspec.ValidationError:
            return self._wrong_type(shape, value, key)

    def _bounded(self, shape: Shape, value: float, key: str) -> object:
        low = shape.least is not None and value < shape.least
        high = shape.greatest is not None and value > shape.greatest
        under = shape.above is not None and value <= shape.above
        if low or high or under or not math.isfinite(value):
            return self._refuse(
                key, ProblemKind.OUT_OF_BOUNDS, f"{value} is out of bounds", f"give {shape.words}"
            )
        return value

    def _wrong_type(self, shape: Shape, value: object, key: str) -> None:
        problem = f"{_shown(value)} is not what belongs here"
        self._refuse(key, ProblemKind.WRONG_TYPE, problem, f"give {shape.words}")

    def _refuse(self, key: str, kind: ProblemKind, problem: str, fix: str) -> None:
        self.problems.append(Problem(field=key, kind=kind, where=self.where, problem=problem, fix=fix))


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value[:60]}"'
        case list():
            return "a list"
        case dict():
            return "a section"
        case _:
            return str(value)[:60]
