"""From tables to the bytes that the core's verdicts run on. The layout is that of `_core/protocol.pxd`."""

import struct
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from caxton.domain.performative import Performative
from caxton.protocols.row import Kind, Phase, Protocol, Role, Row, State

_ACTS: Final = {act.value: number for number, act in enumerate(Performative)}
_ROWS_MAX: Final = 96
_NAME_BYTES: Final = 32
_INDEX: Final = len(State) * len(Role) * len(_ACTS)
# Name, alias, flags, opening acts, their kinds, acts by role, first state.
_HEAD: Final = struct.Struct(f"={_NAME_BYTES}s{_NAME_BYTES}sIIIIIII")
_ROW: Final = struct.Struct("=IBBBBBBBBBxxx")
_INDEX_BYTES: Final = (_INDEX + 3) // 4 * 4
_KEEP_PHASE: Final = 0xFF
_ALL: Final = 0xFFFFFFFF

FLAG_ONE_TO_ONE: Final = 1
FLAG_AUCTION: Final = 2
FLAG_LASTING: Final = 4
FLAG_RECRUITS: Final = 8
FLAG_ITERATED: Final = 16


def compile_protocols(protocols: Sequence[Protocol]) -> bytes:
    """Return the image of all protocols, one after the other. Raises: ValueError for a table that is none."""
    return b"".join(_compile(protocol) for protocol in protocols)


def acts_by_role(protocol: Protocol) -> dict[Role, frozenset[str]]:
    """Return what each role may say in this protocol at all, the meta-protocols left out."""
    acts = {role: {row.act for row in protocol.rows if row.role is role} for role in Role}
    acts[Role.INITIATOR].update(protocol.opening)
    return {role: frozenset(said - {"not-understood"}) for role, said in acts.items()}


def _compile(protocol: Protocol) -> bytes:
    groups = [(key, list(rows)) for key, rows in groupby(sorted(protocol.rows, key=_key), key=_key)]
    index = bytearray(_INDEX_BYTES)
    image = bytearray()
    count = 0
    for key, rows in groups:
        index[key] = count + 1
        for place, row in enumerate(rows):
            image += _row(row, more=place + 1 < len(rows))
            count += 1
    if count > _ROWS_MAX:
        raise ValueError(f"{protocol.name} has {count} lines, the core takes {_ROWS_MAX}")
    image += bytes(_ROW.size * (_ROWS_MAX - count))
    acts = acts_by_role(protocol)
    opening_kinds = _mask((Kind.START, Kind.ABSENT)) if protocol.auction else _ALL
    head = _HEAD.pack(
        _name(protocol.name),
        _name(protocol.aliases[0] if protocol.aliases else ""),
        _flags(protocol),
        _mask(_ACTS[act] for act in protocol.opening),
        opening_kinds,
        *(_mask(_ACTS[act] for act in acts[role]) for role in Role),
        protocol.first,
    )
    return head + bytes(index) + bytes(image)


def _key(row: Row) -> int:
    return (row.state * len(Role) + row.role) * len(_ACTS) + _ACTS[row.act]


def _row(row: Row, *, more: bool) -> bytes:
    return _ROW.pack(
        _mask(row.kinds) if row.kinds else _ALL,
        row.next,
        _KEEP_PHASE if row.next_phase is None else row.next_phase,
        _mask(row.phases) if row.phases else _mask(Phase),
        row.refuse,
        row.cites,
        row.guard,
        row.effect,
        row.outcome,
        more,
    )


def _flags(protocol: Protocol) -> int:
    return (
        FLAG_ONE_TO_ONE * protocol.one_to_one
        | FLAG_AUCTION * protocol.auction
        | FLAG_LASTING * protocol.lasting
        | FLAG_RECRUITS * protocol.recruits
        | FLAG_ITERATED * any(row.act in protocol.opening for row in protocol.rows if not protocol.auction)
    )


def _mask(numbers: Iterable[int]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _name(text: str) -> bytes:
    encoded = text.encode("ascii")
    if len(encoded) >= _NAME_BYTES:
        raise ValueError(f"the name {text!r} is longer than the core takes")
    return encoded
