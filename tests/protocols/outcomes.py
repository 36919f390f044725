"""How a conversation of each protocol may end, and every reason for which a message may be refused."""

from typing import Final

REASONS: Final = frozenset(
    (
        *("award_limit_exceeded", "budget_exceeded", "conversation_closed", "conversation_expired"),
        *("conversation_id_reuse", "deadline_in_past", "duplicate_message", "duplicate_response"),
        *("invalid_price", "late", "mismatched_in_reply_to", "missing_conversation_id"),
        *("no_pending_proposal", "not_participant", "not_winner", "protocol_mismatch"),
        *("receiver_unavailable", "unexpected_performative", "unknown_conversation", "unknown_in_reply_to"),
        "too_many_participants",
        *("unknown_performative", "unknown_protocol", "wrong_role"),
    )
)
_ANY: Final = (
    *("Completed(cancelled)", "Expired(ttl)", "Failed(budget_exceeded)", "Failed(initiator-died)"),
    "Failed(not-understood)",
)
_PAIR: Final = (*_ANY, "Expired(reply-timeout)", "Failed(participant-died)")
_ANSWER: Final = (*_PAIR, "Completed(refused)", "Failed(failure)")
_REQUEST: Final = (*_ANSWER, "Completed(done)", "Completed(result)")
_PROXY: Final = (*_ANSWER, "Completed(result)", "Failed(brokering)", "Failed(no-match)", "Failed(proxy)")
_NET: Final = (
    *(*_ANY, "Completed(done)", "Completed(no-proposals)", "Completed(partial)", "Completed(rejected)"),
    *("Completed(result)", "Failed(failure)", "Failed(participant-died)"),
)
_AUCTION: Final = (*_ANY, "Completed(sold)", "Completed(unsold)")

OUTCOMES: Final[dict[str, tuple[str, ...]]] = {
    "fipa-request": _REQUEST,
    "fipa-query": (*_ANSWER, "Completed(answered)"),
    "fipa-request-when": _REQUEST,
    "fipa-contract-net": _NET,
    "fipa-iterated-contract-net": _NET,
    "fipa-auction-english": (*_AUCTION, "Failed(participant-died)"),
    "fipa-auction-dutch": _AUCTION,
    "fipa-brokering": _PROXY,
    "fipa-recruiting": _PROXY,
    "fipa-subscribe": _ANSWER,
    "fipa-propose": (*_PAIR, "Completed(accepted)", "Completed(rejected)"),
}
EVERYTHING: Final = frozenset(
    {("reason", reason) for reason in REASONS}
    | {(protocol, outcome) for protocol, outcomes in OUTCOMES.items() for outcome in outcomes}
)
"""What a search over all protocols has to have met."""
