"""The string form of FIPA ACL (SC00070) in pieces: parentheses, bare words and strings.

Works on bytes, since a string may announce its length in bytes. Each byte is looked at a bounded
number of times, whatever the text is: the place only moves forward, and every expression here either
consumes what it has seen or ends the reading.
"""

import re
from enum import Enum, unique
from typing import Final, NoReturn, final

import msgspec

from caxton.domain.problem import ProblemKind
from caxton.fipa.date_time import TOKEN
from caxton.fipa.fault import fault_at, shown

TOKENS_MAX: Final = 16_384
"""Room for the greatest number of receivers, each with an address."""

_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_BARE: Final = re.compile(rb"[^\x00-\x20()]++")
_LENGTH: Final = re.compile(rb'#([0-9]{1,10})"')
_CLOSING_QUOTE: Final = re.compile(rb'(?<!\\)"')
_ONLY_CLOSED: Final = re.compile(rb"[ \t\r\n)]*+")
# Java's spelling with a letter for the type is among the numbers: JADE leaves those unquoted.
_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?[fFdD]?")
_NO_WORD_START: Final = frozenset(b"#0123456789-@")


@unique
class Kind(Enum):
    """What a piece is."""

    OPEN = "`(`"
    CLOSE = "`)`"
    BARE = "a word"
    STRING = "a quoted string"
    END = "the end of the text"


@final
class Token(msgspec.Struct, frozen=True):
    """A piece, the byte where it begins, and what it says (a string without quotes and escapes)."""

    kind: Kind
    offset_bytes: int
    value: bytes = b""

    @property
    def words(self) -> str:
        """The piece as an error names it."""
        return f"`{shown(self.value)}`" if self.kind is Kind.BARE else self.kind.value


@final
class Lexer:
    """Hands out the pieces of one text, in order."""

    def __init__(self, text: bytes) -> None:
        """Take a text in UTF-8.

        Raises:
            InvalidMessageFormat: it is not UTF-8.
        """
        self.text: Final = text
        self._place = 0
        self._tokens_count = 0
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise fault_at(
                text,
                error.start,
                "the byte here begins no character of UTF-8",
                "encode the message as UTF-8, and binary content as Base64 with :X-JADE-Encoding Base64",
                kind=ProblemKind.ENCODING,
            ) from None

    def next(self) -> Token:
        """Return the next piece; at the end, `Kind.END` again and again.

        Raises:
            InvalidMessageFormat: what follows is no piece, or there are too many.
        """
        text = self.text
        self._place = place = _end(_BLANK, text, self._place)
        self._tokens_count += 1
        if self._tokens_count > TOKENS_MAX:
            raise fault_at(
                text,
                place,
                f"the message is made of more than {TOKENS_MAX} words and parentheses",
                "send a smaller one; what is large belongs into the content, as one string",
                kind=ProblemKind.TOO_LARGE,
            )
        if place == len(text):
            return Token(Kind.END, place)
        match text[place : place + 1]:
            case b"(":
                self._place += 1
                return Token(Kind.OPEN, place)
            case b")":
                self._place += 1
                return Token(Kind.CLOSE, place)
            case b'"':
                return self._quoted(place)
            case b"#":
                return self._counted(place)
            case _:
                return self._bare(place)

    def _bare(self, place: int) -> Token:
        self._place = _end(_BARE, self.text, place)
        if self._place == place:
            self._refuse(place, "a control character stands outside of a string", "remove it")
        return Token(Kind.BARE, place, self.text[place : self._place])

    def _quoted(self, place: int) -> Token:
        r"""Read a string in quotes. Only `\"` is an escape, a backslash elsewhere stands for itself.

        A quote behind a backslash closes nothing, but for the last one of a message whose string would
        stay open without it: a content may end in a backslash.
        """
        text = self.text
        found = _CLOSING_QUOTE.search(text, place + 1)
        end = text.rfind(b'"', place + 1) if found is None else found.start()
        if end < 0 or (found is None and _end(_ONLY_CLOSED, text, end + 1) != len(text)):
            self._refuse(place, "the string that begins here is not closed", "close it with a quote")
        self._place = end + 1
        return Token(Kind.STRING, place, text[place + 1 : end].replace(b'\\"', b'"'))

    def _counted(self, place: int) -> Token:
        """Read a string that says how many bytes it has."""
        text = self.text
        found = _LENGTH.match(text, place)
        if found is None:
            self._refuse(place, "`#` begins a length, which is missing", 'write it like #5"hello')
        start, length_bytes = found.end(), int(found[1])
        if length_bytes > len(text) - start:
            there = len(text) - start
            problem = f"the string should have {length_bytes} bytes, {there} are there"
            self._refuse(place, problem, "count the bytes, not the characters")
        value = text[start : start + length_bytes]
        try:
            value.decode()
        except UnicodeDecodeError:
            problem = f"the string of {length_bytes} bytes ends inside of a character"
            self._refuse(place, problem, "count the bytes, not the characters")
        self._place = start + length_bytes
        return Token(Kind.STRING, place, value)

    def _refuse(self, place: int, problem: str, fix: str) -> NoReturn:
        raise fault_at(self.text, place, problem, fix)


def is_word(value: bytes) -> bool:
    """Tell whether a bare text is a Word of the grammar."""
    return value[0] not in _NO_WORD_START


def is_bare_value(value: bytes) -> bool:
    """Tell whether a bare text may stand for a value: a word, a number or a time."""
    return is_word(value) or _NUMBER.fullmatch(value) is not None or TOKEN.fullmatch(value) is not None


def _end(pattern: re.Pattern[bytes], text: bytes, place: int) -> int:
    found = pattern.match(text, place)
    return place if found is None else found.end()
