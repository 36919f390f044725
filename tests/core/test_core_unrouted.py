"""A guest's message to a capability: the shell is asked, and the guest hears when nobody takes it."""

from typing import Any

import pytest

from caxton._core import core as names
from tests.core.live_core import FAULTS, Agent, Event, Letter, LiveCore, running

pytestmark = pytest.mark.sanitize

# Sends the content of each message, which is a whole message, as it is.
SPEAKER = """(module
  @import config_get fetch send
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $length i32)
    (local.set $length (call $config_get `says`))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $length)))
    (drop (call $send (i32.const 0) (local.get $length)))
    (i32.const 0)))"""
# Answers whatever it gets, a failure too, and asks the capability first when it is asked.
REPLIER = """(module
  @import send reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param i32) (result i32)
    (if (i32.eq (i32.load8_u offset=63 (local.get $ptr)) (i32.const 113))
      (then
        (drop (call $send `{"performative":"request","receiver":{"capability":"x"}}`))
        (return (i32.const 0))))
    (drop (call $reply `{"performative":"inform"}`))
    (i32.const 1)))"""


def _unrouted(live: LiveCore) -> tuple[Agent, str, bytes]:
    row: Any = live.wait(lambda it: not isinstance(it, Event | Letter) and it[0] == names.KIND_UNROUTED)
    _, index, generation, sender, capability, text = row
    return Agent(sender, index, generation), capability, text


def _refuse(live: LiveCore, who: Agent, text: bytes, kind: bytes = b"no_route", words: bytes = b"") -> bool:
    return live.core.refuse_unrouted(who.index, who.generation, text, kind, words)


def _heard(live: LiveCore) -> Letter:
    """Return what the asker was told, as it reported it to me."""
    return live.letter(lambda it: it.performative == "inform")


def test_the_guest_hears_a_failure_of_the_host_in_its_conversation() -> None:
    with running() as live:
        asker = live.up("asker", config={b"wants": b"translate", b"report": b"me"})
        assert live.post(asker, 1, conversation_id="c-1", protocol="fipa-request")[0] == names.POST_ACCEPTED
        who, capability, text = _unrouted(live)
        assert (who, capability) == (asker, "translate")
        assert _refuse(live, who, text, b"no_route", 'nobody translates "ü"'.encode())
        told = _heard(live).body["content"]
        assert (told["performative"], told["receiver"]) == ("failure", str(asker.id))
        assert "sender" not in told
        assert (told["conversation_id"], told["protocol"]) == ("c-1", "fipa-request")
        assert told["in_reply_to"] == "my-word"
        assert told["content"] == {"error": {"kind": "no_route", "message": 'nobody translates "ü"'}}
        rows = live.core.telemetry()["processed"]
        request, dead = names.PERFORMATIVES.index("request"), names.STATUSES.index("dead_lettered")
        assert rows[request][dead] == 1


def test_a_reply_to_that_failure_finds_nobody_and_goes_round_in_no_circle() -> None:
    with running() as live:
        replier = live.up(REPLIER)
        live.post(replier)
        who, _, text = _unrouted(live)
        assert _refuse(live, who, text)
        # Its reply is refused, so that it returns 1 without one.
        live.until(lambda: live.handled(replier) == 2)
        assert FAULTS[live.core.totals(replier.index, replier.generation)[6]] == "reply"
        assert live.depth(live.me) == 0


@pytest.mark.parametrize("act", ["failure", "not-understood", "refuse", "reject-proposal"])
def test_an_act_that_ends_an_exchange_is_not_answered(act: str) -> None:
    says = f'{{"performative":"{act}","receiver":{{"capability":"x"}}}}'.encode()
    with running() as live:
        live.post(live.up(SPEAKER, config={b"says": says}))
        who, _, text = _unrouted(live)
        assert not _refuse(live, who, text)


def test_one_that_names_no_word_of_its_own_is_named_by_its_id() -> None:
    says = b'{"id":"5aa1fdd4-6fb4-4a0a-8dc3-4b3b8f7b0001","performative":"cfp","receiver":{"capability":"x"}}'
    with running() as live:
        speaker = live.up(SPEAKER, config={b"says": says})
        live.post(speaker)
        who, _, text = _unrouted(live)
        assert b'"id":"5aa1fdd4-6fb4-4a0a-8dc3-4b3b8f7b0001"' in text
        assert _refuse(live, who, text)
        # The speaker says the same again to whatever it gets, so the failure was handled.
        assert _unrouted(live)[0] == speaker


def test_nobody_is_told_whose_place_is_taken_by_another_or_has_no_room() -> None:
    text = b'{"performative":"request","receiver":{"capability":"x"}}'
    with running() as live:
        asker = live.outside("asker", mailbox_max=1)
        assert _refuse(live, asker, text)
        assert live.letter().error_kind == "no_route"
        live.slow_reader = True
        assert live.post(asker)[0] == names.POST_ACCEPTED
        assert not _refuse(live, asker, text)
        live.letter()
        live.core.acknowledge(asker.index, asker.generation, 1)
        assert not _refuse(live, Agent(asker.id, asker.index, asker.generation + 1), text)
        assert not _refuse(live, asker, b"no message")
