"""Messages to try the codec with: one strategy for each of its types."""

import base64
import json
from typing import Final

import msgspec
from hypothesis import strategies as st

from caxton.domain.acl import CapableReceiver, Message, OneReceiver, Receiver, ReceiverList
from caxton.domain.agent import Delivery
from caxton.domain.ids import (
    AgentId,
    AgentName,
    Capability,
    ConversationId,
    MessageId,
    SpanId,
    TraceId,
    parse_text,
)
from caxton.domain.performative import PERFORMATIVES
from caxton.domain.timestamp import WallNs
from caxton.fipa.acl_message import ACLMessage, AgentIdentifier, Expression, Extensions
from caxton.fipa.date_time import DISTANCE_MS_MAX, CalendarTime, DateTime, Distance

# What the grammar has a meaning for, so that it is met often.
_SIGNS: Final = '"\\()#:; \n\u00e9\u00a0\U0001f6f0aZ09-@+T'
TEXTS: Final = st.text(st.sampled_from(_SIGNS) | st.characters(exclude_categories=["Cs"]), max_size=24)
_WORD_STARTS: Final = st.sampled_from("aZ+_.\\\u00e9")
_WORDS: Final = st.builds(
    "".join, st.tuples(_WORD_STARTS, st.text(st.sampled_from('aZ09-@"#:\\\u00e9.'), max_size=12))
)
EXPRESSIONS: Final[st.SearchStrategy[Expression]] = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6
)
_EXTENSIONS: Final[st.SearchStrategy[Extensions]] = st.dictionaries(
    st.sampled_from(["X-a", "X-B", "X-JADE-Encoding", "X-caxton-id", "X-\u00e9", 'X-"(']).filter(
        lambda name: "(" not in name
    ),
    EXPRESSIONS,
    max_size=3,
).map(lambda rows: tuple(rows.items()))
_LEAVES: Final = st.builds(
    AgentIdentifier,
    name=_WORDS | TEXTS.filter(bool),
    addresses=st.lists(_WORDS, max_size=2).map(tuple),
    extensions=_EXTENSIONS,
)
AGENTS: Final = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        AgentIdentifier, name=_WORDS, resolvers=st.lists(inner, min_size=1, max_size=2).map(tuple)
    ),
    max_leaves=4,
)
_SETS: Final = st.none() | st.lists(AGENTS, max_size=3).map(tuple)
TIMES: Final[st.SearchStrategy[DateTime]] = st.builds(
    CalendarTime,
    st.datetimes().map(lambda wall: wall.replace(microsecond=wall.microsecond // 1000 * 1000)),
    st.booleans(),
) | st.builds(Distance, st.integers(-DISTANCE_MS_MAX, DISTANCE_MS_MAX))
_MAYBE: Final = st.none() | EXPRESSIONS

ACL_MESSAGES: Final = st.builds(
    ACLMessage,
    performative=st.sampled_from(PERFORMATIVES),
    sender=st.none() | AGENTS,
    receiver=_SETS,
    reply_to=_SETS,
    content=st.none() | TEXTS,
    language=_MAYBE,
    encoding=_MAYBE,
    ontology=_MAYBE,
    protocol=st.none() | _WORDS,
    conversation_id=_MAYBE,
    reply_with=_MAYBE,
    in_reply_to=_MAYBE,
    reply_by=st.none() | TIMES,
    extensions=_EXTENSIONS,
)


def _is_identifier(text: str) -> bool:
    try:
        parse_text("text", text)
    except Exception:  # noqa: BLE001 - whatever it is, this text will not do
        return False
    return True


IDENTIFIERS: Final = TEXTS.filter(_is_identifier)
_IDS: Final = st.integers(1, 2**64 - 1).map(AgentId)
_NAMES: Final = st.from_regex(r"[A-Za-z0-9._:-]{1,20}", fullmatch=True).filter(
    lambda name: not name.isdigit() and name.strip(".") != ""
)
_REFERENCES: Final = _IDS | _NAMES.map(AgentName)
_RECEIVERS: Final[st.SearchStrategy[Receiver]] = (
    st.builds(OneReceiver, _REFERENCES)
    | st.lists(_REFERENCES, min_size=2, max_size=4).map(lambda agents: ReceiverList(tuple(agents)))
    | IDENTIFIERS.map(lambda name: CapableReceiver(Capability(name)))
)
_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
_BYTES: Final = st.binary(max_size=24).map(lambda data: base64.b64encode(data).decode())


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value, ensure_ascii=False).encode())


def _times(every_ns: int) -> st.SearchStrategy[WallNs]:
    # From the year 1 to 9999.
    least, most = -62_135_596_800_000_000_000, 253_402_300_799_999_999_999
    return st.integers(least // every_ns, most // every_ns).map(lambda count: WallNs(count * every_ns))


MESSAGES: Final = st.builds(
    Message,
    id=st.uuids(version=4).map(lambda found: MessageId(str(found))),
    performative=st.sampled_from(PERFORMATIVES),
    sender=_IDS,
    receiver=_RECEIVERS,
    conversation_id=IDENTIFIERS.map(ConversationId),
    content=(_VALUES | _BYTES).map(raw),
    timestamp_ns=_times(1),
    trace_id=st.none() | st.integers(1, 2**128 - 1).map(lambda number: TraceId(f"{number:032x}")),
    span_id=st.none() | st.integers(1, 2**64 - 1).map(lambda number: SpanId(f"{number:016x}")),
    protocol=st.none() | IDENTIFIERS | st.just("fipa-contract-net"),
    reply_with=st.none() | IDENTIFIERS,
    in_reply_to=st.none() | IDENTIFIERS,
    reply_by_ns=st.none() | _times(1_000_000),
    reply_to=st.none() | _REFERENCES,
    content_kind=st.none() | IDENTIFIERS,
    encoding=st.none() | st.sampled_from(["base64", "utf-8"]) | IDENTIFIERS,
    ontology=st.none() | IDENTIFIERS,
    language=st.none() | st.sampled_from(["json", "JSON", "fipa-sl"]) | IDENTIFIERS,
    delivery=st.sampled_from(list(Delivery)),
    priority=st.integers(0, 9),
)
