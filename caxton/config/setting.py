"""What is known about one setting: its unit, its bounds, and why it is what it is.

The facts stand at the field (`Annotated[int, setting(...)]`), so that the reader of values, the
error messages and the page in the documentation all say the same.
"""

import types
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from caxton.domain.quantities import ByteSize, format_byte_size

Kind = Literal["switch", "whole", "number", "text", "choice", "list", "section", "sections", "words"]


def setting(
    reason: str,
    *,
    unit: str = "",
    least: float | None = None,
    greatest: float | None = None,
    above: float | None = None,
    default_words: str = "",
    secret: bool = False,
) -> "Facts":
    """Return the facts of a setting as an annotation.

    `above` is a bound that the value itself may not take. `default_words` tells a default that depends
    on the machine. The value of a `secret` is never shown.
    """
    return Facts(
        reason=reason,
        unit=unit,
        least=least,
        greatest=greatest,
        above=above,
        default_words=default_words,
        secret=secret,
    )


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `setting` was told."""

    reason: str
    unit: str
    least: float | None
    greatest: float | None
    above: float | None
    default_words: str
    secret: bool


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The type of a setting, taken apart. `item` is the shape of a list's items."""

    kind: Kind
    optional: bool = False
    choices: tuple[str, ...] = ()
    section: type[msgspec.Struct] | None = None
    item: "Shape | None" = None
    least: float | None = None
    greatest: float | None = None
    above: float | None = None
    reason: str = ""
    unit: str = ""
    default_words: str = ""
    secret: bool = False

    @property
    def words(self) -> str:
        """What may be given, in words."""
        match self.kind:
            case "switch":
                words = "true or false"
            case "choice":
                words = _one_of(self.choices)
            case "list":
                item = self.item.words if self.item is not None else "values"
                words = f"a list, each {item}"
            case "section":
                words = "a section with keys of its own"
            case "sections":
                words = "a list of sections"
            case "words":
                words = "a section of names with text values"
            case "text":
                words = "a text"
            case "whole" | "number":
                words = self._range()
        return f"{words}, or null" if self.optional else words

    def _range(self) -> str:
        noun = "a whole number" if self.kind == "whole" else "a number"
        if self.unit == "bytes":
            noun = "a number of bytes"
        unit = f" {self.unit}" if self.unit and self.unit != "bytes" else ""
        bounds: list[str] = []
        if self.above is not None:
            bounds.append(f"above {self._bound(self.above)}")
        if self.least is not None and self.greatest is not None:
            bounds.append(f"{self._bound(self.least)} to {self._bound(self.greatest)}")
        elif self.least is not None:
            bounds.append(f"at least {self._bound(self.least)}")
        elif self.greatest is not None:
            bounds.append(f"at most {self._bound(self.greatest)}")
        return f"{noun}, {', '.join(bounds)}{unit}" if bounds else f"{noun}{unit}"

    def _bound(self, value: float) -> str:
        return format_byte_size(ByteSize(int(value))) if self.unit == "bytes" else _figure(value)


def shapes_of(section: type[msgspec.Struct]) -> Mapping[str, Shape]:
    """Return the shape of each setting of a section, in the order in which they are declared."""
    found = _shapes.get(section)
    if found is None:
        hints: dict[str, object] = get_type_hints(section, include_extras=True)
        found = {name: _shape(hints[name]) for name in section.__struct_fields__}
        _shapes[section] = found
    return found


_shapes: Final[dict[type[msgspec.Struct], dict[str, Shape]]] = {}


def _shape(hint: object) -> Shape:
    facts: Facts | None = None
    if get_origin(hint) is Annotated:
        hint, *remarks = get_args(hint)
        facts = next((remark for remark in remarks if isinstance(remark, Facts)), None)
    shape = _bare(hint)
    if facts is None:
        return shape
    return msgspec.structs.replace(
        shape,
        least=facts.least,
        greatest=facts.greatest,
        above=facts.above,
        reason=facts.reason,
        unit=facts.unit,
        default_words=facts.default_words,
        secret=facts.secret,
    )


def _bare(hint: object) -> Shape:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        options = [option for option in get_args(hint) if option is not type(None)]
        assert len(options) == 1, "a setting has one type, or may be null beside it"
        return msgspec.structs.replace(_shape(options[0]), optional=True)
    if origin is Literal:
        return Shape(kind="choice", choices=tuple(str(choice) for choice in get_args(hint)))
    if origin is tuple:
        item_hint, *_ = get_args(hint)
        item = _shape(item_hint)
        return Shape(kind="sections" if item.kind == "section" else "list", item=item)
    if origin is dict:
        return Shape(kind="words")
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return Shape(kind="section", section=hint)
    return Shape(kind=_PLAIN[hint])


_PLAIN: Final[dict[object, Kind]] = {bool: "switch", int: "whole", float: "number", str: "text"}


def _one_of(choices: tuple[str, ...]) -> str:
    return f"one of {', '.join(choices)}"


def _figure(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
