"""A protocol's image, read back without the code that wrote it, as `_core/protocol.pxd` lays it out."""

import struct
from typing import Final, NamedTuple

from caxton.domain.performative import Performative
from caxton.protocols.row import Kind, Phase, Role, State

_HEAD: Final = struct.Struct("=32s32s7I")
_ROW: Final = struct.Struct("=I9B3x")
_ROWS_MAX: Final = 96
_ACTS: Final = tuple(Performative)
_INDEX_BYTES: Final = -(-len(State) * len(Role) * len(_ACTS) // 4) * 4
IMAGE_BYTES: Final = _HEAD.size + _INDEX_BYTES + _ROW.size * _ROWS_MAX


class ReadRow(NamedTuple):
    """A line as the core finds it; phases and kinds as sets, whatever they were written as."""

    kinds: frozenset[int]
    next: int
    next_phase: int | None
    phases: frozenset[int]
    refuse: int
    cites: int
    guard: int
    effect: int
    outcome: int


class ReadProtocol(NamedTuple):
    name: str
    alias: str
    flags: int
    opening: frozenset[str]
    opening_kinds: frozenset[int]
    acts: tuple[frozenset[str], ...]
    first: int
    rows: dict[tuple[State, Role, str], list[ReadRow]]


def read_image(image: bytes) -> ReadProtocol:
    """Read one protocol's image."""
    assert len(image) == IMAGE_BYTES
    name, alias, flags, opening, opening_kinds, *acts, first = _HEAD.unpack_from(image)
    index = image[_HEAD.size : _HEAD.size + _INDEX_BYTES]
    rows: dict[tuple[State, Role, str], list[ReadRow]] = {}
    for state in State:
        for role in Role:
            for number, act in enumerate(_ACTS):
                place = index[(state * len(Role) + role) * len(_ACTS) + number]
                if place:
                    rows[state, role, str(act)] = _rows_from(image, place - 1)
    return ReadProtocol(
        name=name.rstrip(b"\0").decode(),
        alias=alias.rstrip(b"\0").decode(),
        flags=flags,
        opening=_acts(opening),
        opening_kinds=_members(opening_kinds, len(Kind)),
        acts=tuple(_acts(mask) for mask in acts),
        first=first,
        rows=rows,
    )


def _rows_from(image: bytes, place: int) -> list[ReadRow]:
    found: list[ReadRow] = []
    more = 1
    while more:
        kinds, next_, next_phase, phases, refuse, cites, guard, effect, outcome, more = _ROW.unpack_from(
            image, _HEAD.size + _INDEX_BYTES + _ROW.size * place
        )
        found.append(
            ReadRow(
                _members(kinds, len(Kind)),
                next_,
                None if next_phase == 0xFF else next_phase,
                _members(phases, len(Phase)),
                refuse,
                cites,
                guard,
                effect,
                outcome,
            )
        )
        place += 1
    return found


def _members(mask: int, count: int) -> frozenset[int]:
    return frozenset(number for number in range(count) if mask >> number & 1)


def _acts(mask: int) -> frozenset[str]:
    return frozenset(str(act) for number, act in enumerate(_ACTS) if mask >> number & 1)
