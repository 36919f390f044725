"""Types of the words on the command line: each turns text into a checked value, or says what is wrong."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, final

import click
import msgspec

from caxton.domain.errors.request import ParseError
from caxton.domain.limits import BOUNDS
from caxton.domain.performative import Performative, parse_performative
from caxton.domain.quantities import DurationNs, parse_byte_size, parse_duration
from caxton.domain.suggestion import did_you_mean, near_names

T = TypeVar("T")

_NS_PER_MS: Final = 1_000_000


@final
class Parsed(click.ParamType[T, str]):
    """Turn a word into a value by a function that raises ParseError or ValueError for a wrong one."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name: str = name
        self._parse: Final = parse

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Return the parsed value. Raises: click.BadParameter."""
        try:
            return self._parse(value)
        except ParseError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_limit(text: str) -> tuple[str, int | float]:
    """Read `name=value` of an agent's limits: a plain number, a size like `16MiB`, a time like `2s`.

    Raises: ParseError, ValueError.
    """
    name, value = parse_pair(text)
    if name not in BOUNDS:
        near = did_you_mean(near_names(name, BOUNDS))
        raise ValueError(f"there is no limit {name!r}; {near or 'the limits are ' + ', '.join(BOUNDS)}")
    if name.endswith("_bytes_max"):
        return name, parse_byte_size(value)
    if name.endswith("_ms_max") and not value.isdecimal():
        return name, _whole_ms(parse_duration(value), value)
    try:
        return name, float(value) if name.endswith("_per_s_max") else int(value)
    except ValueError as error:
        raise ValueError(f"{name} wants a number, not {value!r}") from error


def parse_pair(text: str) -> tuple[str, str]:
    """Read `name=value`. Raises: ValueError."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ValueError(f"{text!r} is not of the form name=value")
    return name.strip(), value


def parse_content(text: str) -> msgspec.Raw:
    """Read a message's content: JSON, or `@FILE`, or `-` for standard input.

    The JSON is checked and then kept as it was written, so that no number changes on its way.

    Raises: ValueError.
    """
    if text == "-":
        source, data = "standard input", sys.stdin.buffer.read()
    elif text.startswith("@"):
        source, data = text[1:], read_file(text[1:])
    else:
        source, data = "the content", text.encode("utf-8", "surrogateescape")
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        quoted = "" if source != "the content" else "; a text needs its quotes: --content '\"hello\"'"
        raise ValueError(f"{source} is not JSON: {error}{quoted}") from error
    return msgspec.Raw(data.strip())


def read_file(path: str) -> bytes:
    """Return a file's bytes. Raises: ValueError that names the file and the reason."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path!r}: {error.strerror or error}") from error


def as_ms(duration: DurationNs) -> int:
    """Return a span of time in whole milliseconds, rounded up."""
    return -(-duration // _NS_PER_MS)


def _whole_ms(duration: DurationNs, text: str) -> int:
    if duration % _NS_PER_MS:
        raise ValueError(f"{text!r} is no whole number of milliseconds")
    return duration // _NS_PER_MS


DURATION: Final = Parsed[DurationNs]("duration", parse_duration)
PERFORMATIVE: Final = Parsed[Performative]("performative", parse_performative)
LIMIT: Final = Parsed[tuple[str, int | float]]("name=value", parse_limit)
PAIR: Final = Parsed[tuple[str, str]]("name=value", parse_pair)
CONTENT: Final = Parsed[msgspec.Raw]("json", parse_content)
