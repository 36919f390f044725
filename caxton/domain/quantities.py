"""Amounts with a unit, and the only functions that make them from what somebody wrote."""

import math
import re
from typing import Final, NewType, final

import msgspec

from caxton.domain.errors.request import InvalidPercentage, InvalidRatio, ParseError, ParseKind

ByteSize = NewType("ByteSize", int)
"""A number of bytes, 0 to 2^63 - 1."""

DurationNs = NewType("DurationNs", int)
"""A span of time in nanoseconds, 0 to 2^63 - 1 (292 years)."""

Version = NewType("Version", str)
"""The version of an agent: 1 to 64 characters, told apart but not ordered."""

BYTE_SIZE_MAX: Final = 2**63 - 1
DURATION_NS_MAX: Final = 2**63 - 1
VERSION_CHARACTERS_MAX: Final = 64

_BYTE_UNITS: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_DURATION_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
_AMOUNT: Final = re.compile(r"\s*(\d{1,19})(?:\.(\d{1,9}))?\s*([A-Za-z]*)\s*", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)


@final
class Percentage(msgspec.Struct, frozen=True, order=True):
    """A share in percent, 0 to 100. Raises InvalidPercentage for anything else, and for NaN."""

    percent: float

    def __post_init__(self) -> None:
        # A comparison with NaN is false, so the positive form refuses it too.
        if not 0.0 <= self.percent <= 100.0:
            raise InvalidPercentage(self.percent)

    @classmethod
    def from_ratio(cls, ratio: float) -> "Percentage":
        """Return the percentage of a ratio from 0 to 1. Raises: InvalidRatio."""
        if not 0.0 <= ratio <= 1.0:
            raise InvalidRatio(ratio)
        return cls(ratio * 100.0)

    def as_ratio(self) -> float:
        """Return the share as a ratio from 0 to 1."""
        return self.percent / 100.0

    def as_percentage(self) -> float:
        """Return the share as a number from 0 to 100."""
        return self.percent


def parse_byte_size(value: str | int) -> ByteSize:
    """Return the number of bytes that `value` says: a whole number, or text like `16 MiB` or `1.5 GB`.

    kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024.

    Raises:
        ParseError: `InvalidFormat`, `Unknown` unit, or `OutOfRange`.
    """
    if isinstance(value, int):
        return _byte_size(value, str(value))
    return _byte_size(_amount("byte size", value, _BYTE_UNITS, "write it like 16 MiB, 1 MB or 4096"), value)


def format_byte_size(size: ByteSize) -> str:
    """Return the size in the largest binary unit that divides it, such as `16 MiB`."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


def parse_duration(text: str) -> DurationNs:
    """Return the span of time that text like `30s`, `1.5 h` or `250 ms` says; the unit is required.

    Raises:
        ParseError: `InvalidFormat`, `Unknown` unit, or `OutOfRange`.
    """
    return _duration(_amount("duration", text, _DURATION_UNITS_NS, "write it like 30s, 5m or 250ms"), text)


def duration_from_s(seconds: float) -> DurationNs:
    """Return a number of seconds as nanoseconds. Raises: ParseError (`OutOfRange`; also for NaN)."""
    return _scaled(seconds, 10**9)


def duration_from_ms(milliseconds: float) -> DurationNs:
    """Return a number of milliseconds as nanoseconds. Raises: ParseError (`OutOfRange`; also for NaN)."""
    return _scaled(milliseconds, 10**6)


def duration_as_s(duration: DurationNs) -> float:
    """Return the span of time in seconds."""
    return duration / 1e9


def parse_version(text: str) -> Version:
    """Return `text` as an agent's version: 1 to 64 of A-Z a-z 0-9 . _ + -, beginning with a letter or digit.

    Raises:
        ParseError: `Empty`, `TooLong` or `InvalidCharacter`.
    """
    if _VERSION.fullmatch(text) is not None:
        return Version(text)
    fix = f"use 1 to {VERSION_CHARACTERS_MAX} characters of A-Z a-z 0-9 . _ + -, a letter or digit first"
    if not text:
        raise ParseError("version", text, ParseKind.EMPTY, "the version is empty", fix)
    if len(text) > VERSION_CHARACTERS_MAX:
        raise ParseError(
            "version", text, ParseKind.TOO_LONG, f"the version is {len(text)} characters long", fix
        )
    raise ParseError("version", text, ParseKind.INVALID_CHARACTER, "the version holds other characters", fix)


def _amount(noun: str, text: str, units: dict[str, int], fix: str) -> int:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ParseError(noun, text, ParseKind.INVALID_FORMAT, f"the {noun} is not a number with a unit", fix)
    whole, fraction, unit = found.groups()
    factor = units.get(unit.lower() if noun == "byte size" else unit)
    if factor is None:
        known = ", ".join(unit for unit in units if unit)
        problem = f"`{unit}` is no unit of a {noun}" if unit else f"the {noun} has no unit"
        raise ParseError(noun, text, ParseKind.UNKNOWN, problem, f"use one of {known}")
    total = int(whole) * factor
    if fraction:
        # Exact, since 0.1 s is 100,000,000 ns and not one less.
        part, rest = divmod(int(fraction) * factor, 10 ** len(fraction))
        if rest:
            raise ParseError(
                noun, text, ParseKind.INVALID_FORMAT, f"the {noun} is no whole number of units", fix
            )
        total += part
    return total


def _byte_size(size: int, text: str) -> ByteSize:
    if not 0 <= size <= BYTE_SIZE_MAX:
        problem = f"{size} bytes are out of range"
        raise ParseError("byte size", text, ParseKind.OUT_OF_RANGE, problem, "give 0 to 2^63 - 1 bytes")
    return ByteSize(size)


def _duration(duration_ns: int, text: str) -> DurationNs:
    if not 0 <= duration_ns <= DURATION_NS_MAX:
        problem = f"the duration {text} is out of range"
        raise ParseError("duration", text, ParseKind.OUT_OF_RANGE, problem, "give 0 to 292 years")
    return DurationNs(duration_ns)


def _scaled(value: float, factor: int) -> DurationNs:
    if not math.isfinite(value * factor):
        raise ParseError(
            "duration", str(value), ParseKind.OUT_OF_RANGE, f"{value} is no duration", "give a number"
        )
    return _duration(round(value * factor), str(value))
