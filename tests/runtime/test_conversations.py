"""Conversations seen and steered from outside, on the real core."""

import pytest

from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.errors.routing import ProtocolViolation
from caxton.domain.events import ConversationData, Event, EventCursor, EventType, parse_event_filter
from caxton.domain.ids import ConversationId
from caxton.protocols.row import Reason, State
from caxton.runtime.conversations import ConversationQuery, cancel_text
from caxton.runtime.refusals import open_refusal
from caxton.runtime.seam import ConversationOrder
from tests.runtime.rig import Rig, until
from tests.sdk.built import demo_agent

pytestmark = pytest.mark.anyio


def events(rig: Rig) -> list[Event]:
    return rig.runtime.events.since(EventCursor(0), wanted=parse_event_filter("conversation.*"))


async def test_one_that_is_ended_by_hand_is_told_like_any_other(rig: Rig) -> None:
    other = await rig.external("other")
    order = ConversationOrder(
        conversation_id="talk", protocol="fipa-request", initiator=rig.me, participants=(other,)
    )
    rig.runtime.conversations.open(order)
    view, ended = rig.runtime.conversations.cancel("talk")
    assert (view.outcome, ended) == ("cancelled", True)
    (event,) = events(rig)
    assert (event.type, event.agent_id) == (EventType.CONVERSATION_COMPLETED, rig.me)
    assert event.data == ConversationData(
        conversation_id=ConversationId("talk"),
        protocol="fipa-request",
        state="Completed",
        messages=0,
        outcome="cancelled",
    )


async def test_the_conversation_of_a_guest_is_cancelled_on_its_behalf(rig: Rig) -> None:
    await rig.deploy("mute", "silent")
    manager = await rig.deploy("manager", demo_agent("manager"), config={"bidders": "mute"})
    rig.post("manager", {"size": 10}, performative="request")
    nets = ConversationQuery(protocol="fipa-contract-net")

    async def begun() -> bool:
        return bool((await rig.runtime.conversations.select(nets, 10, None))[0])

    await until(begun, "the manager calls for proposals")
    ((net,), _) = await rig.runtime.conversations.select(nets, 10, None)
    assert net.initiator.agent_id == manager.agent_id
    view, ended = rig.runtime.conversations.cancel(net.conversation_id)
    assert (view.participants[0].cancelling, ended) == (True, False)
    # It was asked: nobody is left to be.
    assert cancel_text(rig.runtime.conversations.get(net.conversation_id)) is None


async def test_an_id_that_is_in_use_is_refused_with_the_state_of_its_conversation(rig: Rig) -> None:
    other = await rig.external("other")
    order = ConversationOrder(conversation_id="talk", protocol=None, initiator=rig.me, participants=(other,))
    rig.runtime.conversations.open(order)
    rig.runtime.conversations.cancel("talk")
    with pytest.raises(ProtocolViolation) as refused:
        rig.runtime.conversations.open(order)
    assert (refused.value.reason_kind, refused.value.state) == ("conversation_id_reuse", "Completed")


async def test_a_cursor_that_is_none_is_refused(rig: Rig) -> None:
    with pytest.raises(CursorUnknown):
        await rig.runtime.conversations.select(ConversationQuery(), 10, "tomorrow")


async def test_a_full_table_is_a_limit_and_not_a_violation() -> None:
    error = open_refusal(Reason.CONVERSATIONS_EXHAUSTED, State.NONE, None, 1024)
    assert isinstance(error, ResourceLimitExceeded)
    assert (error.limit, error.retryable) == (1024, True)
