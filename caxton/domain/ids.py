"""Identities: what they are made of, and the only functions that make them.

Each identity is a `NewType`, so that a conversation's id cannot be passed for a message's. A text
from outside becomes one through its `parse_*` function, which refuses with a `ParseError` that says
why and what would do; a fresh one comes from its `new_*` function. Identities are random, hence
nothing needs to be asked before one is made.
"""

import re
from os import urandom as _urandom
from typing import Final, NewType
from uuid import UUID

from caxton.domain.errors.request import ParseError, ParseKind

AgentId = NewType("AgentId", int)
"""Non-zero unsigned 64-bit integer. Outside of the process it is decimal text."""

AgentName = NewType("AgentName", str)
"""The unique other name of an agent; never all digits, since a path takes an id or a name."""

MessageId = NewType("MessageId", str)
"""UUID in its canonical lower-case form."""

ConversationId = NewType("ConversationId", str)
"""Any text of 1 to 255 bytes without control characters: its initiator may choose it."""

DeploymentId = NewType("DeploymentId", str)
"""UUID in its canonical lower-case form."""

Capability = NewType("Capability", str)
"""Name of something that an agent can do; same form as a conversation id."""

TraceId = NewType("TraceId", str)
"""32 lower-case hex digits, not all zero (W3C Trace Context)."""

SpanId = NewType("SpanId", str)
"""16 lower-case hex digits, not all zero (W3C Trace Context)."""

Digest = NewType("Digest", str)
"""SHA-256 as 64 lower-case hex digits; names a module by its bytes."""

AGENT_ID_MAX: Final = 2**64 - 1
NAME_CHARACTERS_MAX: Final = 255
TEXT_BYTES_MAX: Final = 255

_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,255}", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_DIGEST_PREFIX: Final = "sha256:"


def parse_agent_id(text: str) -> AgentId:
    """Return the agent id that `text` spells in decimal, without sign, spaces or leading zeros.

    Raises:
        ParseError: `InvalidFormat` for anything but digits, or above 64 bits; `ZeroId` for zero.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(AGENT_ID_MAX)):
        raise _not_an_agent_id(text, ParseKind.INVALID_FORMAT)
    number = int(text)
    if number == 0:
        raise _not_an_agent_id(text, ParseKind.ZERO_ID)
    if number > AGENT_ID_MAX or text[0] == "0":
        raise _not_an_agent_id(text, ParseKind.INVALID_FORMAT)
    return AgentId(number)


def format_agent_id(agent_id: AgentId) -> str:
    """Return the id as it stands in JSON and in paths: decimal text."""
    return str(agent_id)


def new_agent_id() -> AgentId:
    """Return a random agent id."""
    return AgentId(_random_number(8))


def parse_agent_name(text: str) -> AgentName:
    """Return `text` as an agent's name.

    Raises:
        ParseError: `Empty`, `TooLong`, `InvalidCharacter`, `DigitsOnly`, or `InvalidFormat` for `.` and
            `..`, which a path cannot carry.
    """
    if _NAME.fullmatch(text) is None:
        raise _not_a_name(text)
    if text.isdigit():
        problem = f"`{text}` is made of digits only and would be taken for an id"
        raise ParseError("agent name", text, ParseKind.DIGITS_ONLY, problem, "put a letter into the name")
    if text in {".", ".."}:
        problem = f"`{text}` cannot stand in a path"
        raise ParseError("agent name", text, ParseKind.INVALID_FORMAT, problem, "put a letter into the name")
    return AgentName(text)


def parse_agent_ref(text: str) -> AgentId | AgentName:
    """Return the id (an `int`) or the name (a `str`) that `text` stands for, as in paths and receivers.

    Raises:
        ParseError: `text` is neither.
    """
    if text.isascii() and text.isdigit():
        return parse_agent_id(text)
    return parse_agent_name(text)


def parse_message_id(text: str) -> MessageId:
    """Return `text` as a message id in canonical form. Raises: ParseError (`InvalidUuid`, `ZeroId`)."""
    return MessageId(_parse_uuid("message id", text))


def new_message_id() -> MessageId:
    """Return a random (version 4) message id."""
    return MessageId(_random_uuid())


def parse_deployment_id(text: str) -> DeploymentId:
    """Return `text` as a deployment id in canonical form. Raises: ParseError (`InvalidUuid`, `ZeroId`)."""
    return DeploymentId(_parse_uuid("deployment id", text))


def new_deployment_id() -> DeploymentId:
    """Return a random (version 4) deployment id."""
    return DeploymentId(_random_uuid())


def parse_conversation_id(text: str) -> ConversationId:
    """Return `text` as a conversation id. Raises: ParseError (`Empty`, `TooLong`, `InvalidCharacter`)."""
    return ConversationId(parse_text("conversation id", text))


def new_conversation_id() -> ConversationId:
    """Return a random conversation id, unique without asking anybody (FIPA SC00061, 2.1.13)."""
    return ConversationId(_random_uuid())


def parse_capability(text: str) -> Capability:
    """Return `text` as a capability. Raises: ParseError (`Empty`, `TooLong`, `InvalidCharacter`)."""
    return Capability(parse_text("capability", text))


def parse_trace_id(text: str) -> TraceId:
    """Return `text` as a trace id in lower case. Raises: ParseError (`InvalidFormat`, `ZeroId`)."""
    return TraceId(_parse_hex("trace id", text, 32))


def new_trace_id() -> TraceId:
    """Return a random trace id."""
    return TraceId(f"{_random_number(16):032x}")


def parse_span_id(text: str) -> SpanId:
    """Return `text` as a span id in lower case. Raises: ParseError (`InvalidFormat`, `ZeroId`)."""
    return SpanId(_parse_hex("span id", text, 16))


def new_span_id() -> SpanId:
    """Return a random span id."""
    return SpanId(f"{_random_number(8):016x}")


def parse_digest(text: str) -> Digest:
    """Return `text` as a digest; a leading `sha256:` is dropped. Raises: ParseError (`InvalidFormat`)."""
    digits = text.removeprefix(_DIGEST_PREFIX)
    if len(digits) != 64 or _HEX.fullmatch(digits) is None:
        problem = "a digest is 64 hexadecimal digits"
        raise ParseError("digest", text, ParseKind.INVALID_FORMAT, problem, "give the SHA-256 of the bytes")
    return Digest(digits.lower())


def digest_of(content: bytes) -> Digest:
    """Return the digest of `content`."""
    # Imported on use: it loads the cryptographic library, which most commands never need.
    from hashlib import sha256  # noqa: PLC0415 - costs time

    return Digest(sha256(content).hexdigest())


def parse_text(noun: str, text: str) -> str:
    """Return `text` if it may stand in an identifier field of a message; `noun` names the field.

    Raises:
        ParseError: `Empty`, `TooLong` (above 255 bytes of UTF-8), `InvalidCharacter`.
    """
    # The first test alone decides for nearly all texts.
    if text.isascii() and text.isprintable() and 0 < len(text) <= TEXT_BYTES_MAX:
        return text
    if not text:
        raise ParseError(
            noun, text, ParseKind.EMPTY, f"the {noun} is empty", "give it 1 to 255 bytes of text"
        )
    if _CONTROL.search(text) is not None:
        problem = f"the {noun} holds a control character"
        raise ParseError(noun, text, ParseKind.INVALID_CHARACTER, problem, "use printable characters")
    try:
        text_bytes = len(text.encode())
    except UnicodeEncodeError:
        problem = f"the {noun} holds half of a surrogate pair, which UTF-8 cannot express"
        raise ParseError(noun, text, ParseKind.INVALID_CHARACTER, problem, "send whole characters") from None
    if text_bytes > TEXT_BYTES_MAX:
        problem = f"the {noun} is {text_bytes} bytes long"
        raise ParseError(noun, text, ParseKind.TOO_LONG, problem, f"use at most {TEXT_BYTES_MAX} bytes")
    return text


def _not_an_agent_id(text: str, kind: ParseKind) -> ParseError:
    if kind is ParseKind.ZERO_ID:
        problem = "an agent id is never zero"
    else:
        problem = "an agent id is a decimal number without sign, spaces or leading zeros"
    return ParseError("agent id", text, kind, problem, f"give a number from 1 to {AGENT_ID_MAX}")


def _not_a_name(text: str) -> ParseError:
    allowed = f"use 1 to {NAME_CHARACTERS_MAX} characters of A-Z a-z 0-9 . _ : -"
    if not text:
        return ParseError("agent name", text, ParseKind.EMPTY, "the agent name is empty", allowed)
    if len(text) > NAME_CHARACTERS_MAX:
        problem = f"the agent name is {len(text)} characters long"
        return ParseError("agent name", text, ParseKind.TOO_LONG, problem, allowed)
    wrong = next(character for character in text if _NAME.fullmatch(character) is None)
    problem = f"the agent name holds the character {wrong!a}"
    return ParseError("agent name", text, ParseKind.INVALID_CHARACTER, problem, allowed)


def _parse_uuid(noun: str, text: str) -> str:
    if _UUID.fullmatch(text) is None:
        problem = f"the {noun} is not a UUID"
        fix = "give 32 hexadecimal digits in groups of 8-4-4-4-12, or leave it out"
        raise ParseError(noun, text, ParseKind.INVALID_UUID, problem, fix)
    canonical = text.lower()
    if canonical.strip("0-") == "":
        raise ParseError(noun, text, ParseKind.ZERO_ID, f"the {noun} is never all zero", "give a random UUID")
    return canonical


def _parse_hex(noun: str, text: str, digits: int) -> str:
    if len(text) != digits or _HEX.fullmatch(text) is None:
        problem = f"the {noun} is not {digits} hexadecimal digits"
        raise ParseError(noun, text, ParseKind.INVALID_FORMAT, problem, f"give {digits} digits of 0-9 a-f")
    if text.strip("0") == "":
        raise ParseError(noun, text, ParseKind.ZERO_ID, f"the {noun} is never all zero", "give a random one")
    return text.lower()


def _random_number(size_bytes: int) -> int:
    # Zero stands for "nobody" in the core and in W3C Trace Context.
    while True:
        number = int.from_bytes(_urandom(size_bytes), "big")
        if number != 0:
            return number


def _random_uuid() -> str:
    return str(UUID(bytes=_urandom(16), version=4))
