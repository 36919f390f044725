"""The states and ends of a conversation."""

import msgspec
import pytest

from caxton.domain.conversation import (
    Broken,
    Completed,
    Conversation,
    ConversationState,
    Expired,
    Failure,
    Initiated,
    InProgress,
    Outcome,
    conversation_state_name,
    is_live,
)
from caxton.domain.ids import AgentId, new_conversation_id

STATES: list[ConversationState] = [
    Initiated(),
    InProgress(),
    *(Completed(outcome) for outcome in Outcome),
    *(Broken(failure) for failure in Failure),
    Expired(),
]


@pytest.mark.parametrize("state", STATES)
def test_a_state_survives_being_written_down_under_its_name(state: ConversationState) -> None:
    text = msgspec.json.encode(state)
    assert msgspec.json.decode(text, type=ConversationState) == state
    assert msgspec.json.decode(text, type=dict[str, str])["type"] == conversation_state_name(state)


def test_only_the_first_two_states_expect_messages() -> None:
    assert [is_live(state) for state in STATES] == [True, True] + [False] * (len(STATES) - 2)


def test_a_conversation_has_somebody_to_talk_to() -> None:
    with pytest.raises(AssertionError):
        Conversation(
            id=new_conversation_id(),
            initiator=AgentId(1),
            participants=(),
            protocol=None,
            state=Initiated(),
            messages_count=1,
            created_ns=1,
        )
