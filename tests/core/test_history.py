"""What a running core remembers of conversations: who said what, accepted or refused, in order."""

import json
from itertools import pairwise

import pytest

from caxton._core import core as names
from caxton.protocols.row import Reason
from tests.core.live_core import Agent, LiveCore, running

pytestmark = pytest.mark.sanitize

# Informs of a result, and then agrees twice: what a handler sends goes out before its reply; both are late.
TALKER = """(module
  @import send reply
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (drop (call $reply `{"performative":"agree"}`))
    (drop (call $send `{"performative":"inform","receiver":"me","content":{"kind":"result","is":42}}`))
    (drop (call $send `{"performative":"agree","receiver":"me"}`))
    (i32.const 1)))"""


class Said:
    """A row of the core, by name."""

    def __init__(self, row: tuple[object, ...]) -> None:
        self.row = row
        sequence, _, self.message_id, self.sender, self.receivers, act, reason = row[:7]
        self.by_host, self.is_raw, _ = row[7:]
        assert isinstance(sequence, int)
        assert isinstance(act, int)
        self.sequence = sequence
        self.act = names.PERFORMATIVES[act]
        self.reason = Reason(reason)

    @property
    def body(self) -> dict[str, object]:
        assert isinstance(self.row[9], bytes)
        return json.loads(self.row[9])


def said_in(
    live: LiveCore, conversation: str, *, after: int = 0, count: int = 1000
) -> tuple[list[Said], bool, bool]:
    rows, more, truncated, known = live.core.history(conversation.encode(), after, count)
    assert known
    return [Said(row) for row in rows], more, truncated


def say(live: LiveCore, sender: Agent, receiver: object, act: str, **fields: object) -> int:
    body = {"performative": act, "receiver": receiver, **fields}
    return live.core.post(json.dumps(body).encode(), sender.id, False)[0]


def test_messages_of_clients_and_guests_come_in_the_order_of_their_verdicts_refused_ones_too() -> None:
    with running() as live:
        agent = live.up(TALKER)
        live.post(agent, {"do": 1}, protocol="fipa-request", conversation_id="job")
        live.letter()
        live.until(lambda: len(said_in(live, "job")[0]) == 4)
        said, more, truncated = said_in(live, "job")
        assert not more
        assert not truncated
        request, inform, late, again = said
        assert [it.act for it in said] == ["request", "inform", "agree", "agree"]
        assert (request.sender, request.receivers, request.reason) == (live.me.id, [agent.id], Reason.NONE)
        assert request.body["content"] == {"do": 1}
        assert request.body["id"] == request.message_id
        assert inform.body["content"] == {"kind": "result", "is": 42}
        assert late.reason is again.reason is Reason.CONVERSATION_CLOSED
        assert all(a.sequence < b.sequence for a, b in pairwise(said))


def test_nothing_is_kept_of_messages_that_nobody_holds_to_anything() -> None:
    with running() as live:
        agent = live.up("echo")
        letter = live.ask(agent, "hello", conversation_id="chat")
        assert letter.body["conversation_id"] == "chat"
        assert live.core.history(b"chat", 0, 10) == ([], False, False, False)


def test_a_refused_message_is_followed_by_the_answer_that_the_host_gave() -> None:
    with running() as live:
        other = live.outside("other")
        say(live, live.me, other.id, "request", protocol="fipa-request", conversation_id="c")
        say(live, other, live.me.id, "propose", conversation_id="c")
        said, _, _ = said_in(live, "c")
        assert [(it.act, it.reason, it.by_host) for it in said] == [
            ("request", Reason.NONE, False),
            ("propose", Reason.UNEXPECTED_PERFORMATIVE, False),
            ("not-understood", Reason.NONE, True),
        ]
        assert said[2].sequence == said[1].sequence == 2
        assert (said[2].sender, said[2].receivers) == (live.me.id, [other.id])
        live.letter()
        live.letter()


def test_a_multicast_is_one_message_with_all_its_receivers() -> None:
    with running() as live:
        others = [live.outside(f"bidder-{n}") for n in range(3)]
        ids = [other.id for other in others]
        assert say(live, live.me, ids, "cfp", protocol="fipa-contract-net", conversation_id="net") == 0
        said, _, _ = said_in(live, "net")
        assert [(it.act, it.receivers) for it in said] == [("cfp", ids)]
        for _ in ids:
            live.letter()


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    with running() as live:
        other = live.outside("reader", mailbox_max=100)
        say(live, live.me, other.id, "subscribe", protocol="fipa-subscribe", conversation_id="news")
        for number in range(50):
            assert say(live, other, live.me.id, "inform", conversation_id="news", content=number) == 0
        seen: list[Said] = []
        more = True
        while more:
            page, more, truncated = said_in(live, "news", after=seen[-1].sequence if seen else 0, count=7)
            assert not truncated
            assert len(page) == (7 if more else 51 % 7)
            seen += page
        assert [it.body["content"] for it in seen[1:]] == list(range(50))
        for _ in range(51):
            live.letter()


def test_when_the_oldest_are_overwritten_the_newest_stay_and_it_is_told() -> None:
    with running(history_bytes=1 << 17) as live:
        other = live.outside("reader", mailbox_max=100)
        pad = "x" * 4000
        say(live, live.me, other.id, "subscribe", protocol="fipa-subscribe", conversation_id="news")
        for number in range(40):
            assert say(live, other, live.me.id, "inform", conversation_id="news", content=[number, pad]) == 0
            live.letter(lambda it: it.body["performative"] == "inform")
        said, _, truncated = said_in(live, "news")
        assert truncated
        assert [it.body["content"] for it in said] == [[n, pad] for n in range(40 - len(said), 40)]
        assert 0 < len(said) < 40
        # One that lost nothing says so, though others did.
        say(live, live.me, other.id, "subscribe", protocol="fipa-subscribe", conversation_id="fresh")
        fresh, _, truncated = said_in(live, "fresh")
        assert [it.act for it in fresh] == ["subscribe"]
        assert not truncated
        for _ in range(2):
            live.letter()


def test_a_history_of_no_size_keeps_nothing_and_says_that_it_is_not_all() -> None:
    with running(history_bytes=0) as live:
        other = live.outside("other")
        say(live, live.me, other.id, "request", protocol="fipa-request", conversation_id="c")
        assert live.core.history(b"c", 0, 10) == ([], False, True, True)
        live.letter()


def test_a_message_to_a_member_that_is_gone_is_kept_as_its_sender_wrote_it() -> None:
    with running() as live:
        agent = live.up("silent")
        live.post(agent, protocol="fipa-request", conversation_id="c")
        live.until(lambda: live.handled(agent) == 1)
        live.remove(agent)
        live.until(lambda: live.core.conversation(b"c") is not None)
        assert say(live, live.me, agent.id, "cancel", conversation_id="c") != 0
        said, _, truncated = said_in(live, "c")
        assert [it.act for it in said] == ["request", "cancel"]
        assert said[1].is_raw
        assert said[1].message_id is None
        assert said[1].reason is not Reason.NONE
        assert said[1].body["conversation_id"] == "c"
        assert not truncated
