"""How the tests read: with a generous bound, and a server and a clock of their own."""

from datetime import UTC
from typing import Final

import msgspec
import pytest

from caxton.domain.errors import InvalidMessageFormat
from caxton.domain.timestamp import WallNs, parse_timestamp
from caxton.fipa.acl_message import ACLMessage
from caxton.fipa.importing import import_message
from caxton.fipa.parser import parse_message
from caxton.fipa.platform import Platform

BYTES_MAX: Final = 4 * 1024 * 1024
PLATFORM: Final = Platform("caxton")
NOW_NS: Final[WallNs] = parse_timestamp("2026-11-23T09:00:00.000Z")


def parsed(text: str | bytes) -> ACLMessage:
    data = text.encode() if isinstance(text, str) else text
    return parse_message(data, message_bytes_max=BYTES_MAX).message


def refused(text: str | bytes) -> InvalidMessageFormat:
    with pytest.raises(InvalidMessageFormat) as caught:
        parsed(text)
    return caught.value


def import_body(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return import_message(data, PLATFORM, NOW_NS, message_bytes_max=BYTES_MAX, zone=UTC)


def imported(text: str | bytes) -> dict[str, object]:
    return msgspec.json.decode(import_body(text), type=dict[str, object])


def import_refused(text: str | bytes) -> InvalidMessageFormat:
    with pytest.raises(InvalidMessageFormat) as caught:
        import_body(text)
    return caught.value
