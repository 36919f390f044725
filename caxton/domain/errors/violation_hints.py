"""What to do about a message that its protocol forbids: one sentence for each reason."""

from typing import Final

VIOLATION_HINTS: Final = {
    "unknown_performative": "use one of the 22 acts of FIPA",
    "unknown_protocol": "use the word of a known protocol, or leave `protocol` out",
    "missing_conversation_id": "name the conversation that the message belongs to in `conversation_id`",
    "duplicate_message": "nothing needs to be done: a message of this id was accepted before",
    "unknown_conversation": "open the conversation first, with an opening act of the protocol",
    "deadline_in_past": "give a `reply_by` that is still to come, or leave it out",
    "conversation_id_reuse": "choose a fresh `conversation_id`, or leave it to the server",
    "late": "answer before the deadline next time: what is awaited here has been decided",
    "conversation_expired": "start a new conversation; conversation_ttl_s lets one wait for longer",
    "conversation_closed": "start a new conversation: this one has ended",
    "not_participant": "speak as the initiator to participants, or as a participant to the initiator alone",
    "protocol_mismatch": "name the protocol with which the conversation began, or leave `protocol` out",
    "wrong_role": "leave this act to the other side of the conversation",
    "unknown_in_reply_to": "name the id or `reply_with` of an accepted message of this conversation",
    "unexpected_performative": "look at the conversation's state: the protocol has no such act there",
    "mismatched_in_reply_to": "name the message that this act answers: the latest call, proposal or award",
    "duplicate_response": "wait for the other side: this was answered before",
    "no_pending_proposal": "accept or reject only what was proposed and not answered yet",
    "award_limit_exceeded": "reject the other proposals; `max_awards` of the opening message allows more",
    "receiver_unavailable": "go on without that agent: it has left the conversation",
    "invalid_price": "give a number in content.price that the auction's current call allows",
    "not_winner": "turn to the bidder that won",
    "too_many_participants": "invite fewer: one in a protocol of two, else up to messaging.participants_max",
    "budget_exceeded": "start a new conversation with a larger budget: this one has used its own up",
    "conversations_exhausted": "try again later, or have the operator raise messaging.conversations_max",
}
