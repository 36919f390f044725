"""The words that a protocol's table is written in, and its one kind of line."""

from enum import IntEnum, unique
from typing import Final, final

import msgspec

ANY_PHASE: Final = ()


@unique
class Role(IntEnum):
    """Who says it."""

    INITIATOR = 0
    PARTICIPANT = 1
    TARGET = 2
    """Recruited by the participant to answer the initiator directly."""


@unique
class State(IntEnum):
    """The state of one participant's session. The numbers are the core's."""

    NONE = 0
    SENT = 1
    AGREED = 2
    ACTIVE = 3
    PROXIED = 4
    ENDED = 5
    """The one session of a 1:1 protocol is over, and with it the conversation."""
    CALLED = 6
    PROPOSED = 7
    AWARDED = 8
    SILENT = 9
    """The deadline passed without an answer."""
    REFUSED = 10
    NOT_UNDERSTOOD = 11
    REJECTED = 12
    DONE = 13
    FAILED = 14
    DEAD = 15
    CANCELLED = 16
    IDLE = 17
    """A bidder that has not bid in this round."""
    BID = 18
    OUTBID = 19
    """A bidder whose bid of this round was rejected."""
    WINNING = 20
    OUT = 21
    """A bidder that did not understand this round's call."""
    TARGET = 22


@unique
class Phase(IntEnum):
    """Where an auction, or a recruitment, stands as a whole."""

    STARTED = 0
    OPEN = 1
    WON = 2
    CLOSED = 3


@unique
class Kind(IntEnum):
    """What FIPA tells apart only by the content of a message: `content_kind`, or `kind` in the content."""

    ABSENT = 0
    DONE = 1
    RESULT = 2
    TRUTH = 3
    NOTIFICATION = 4
    START = 5
    END = 6
    DONE_PROXY = 7
    NO_MATCH = 8
    PROXY = 9
    BROKERING = 10
    OTHER = 11
    END_UNSOLD = 12
    """`end` whose content says `"result": "unsold"`."""


@unique
class Cites(IntEnum):
    """Which message `in_reply_to` must name where it names one."""

    ANY = 0
    CALL = 1
    """The call, or the opening message, as it went to this session."""
    OFFER = 2
    """The proposal or bid that this session has pending."""
    AWARD = 3
    LAST = 4
    """The participant's last message, as long as nothing has answered it."""


@unique
class Guard(IntEnum):
    """What must hold besides the state."""

    NONE = 0
    AWARDS_LEFT = 1
    """Fewer than `max_awards` awards so far, else award_limit_exceeded."""
    NO_AWARD = 2
    """No award so far."""
    ROUND_FREE = 3
    """This round has no winner yet, else award_limit_exceeded."""
    CALL_OVER = 4
    """The round is won, or its deadline has passed and no bid is open; and the end has not been told."""
    PRICE_RISES = 5
    """Above the last call, else invalid_price."""
    PRICE_FALLS = 6
    """Below the last call, else invalid_price; and no bid is open."""
    PRICE_MEETS = 7
    """At least the called price, else invalid_price."""
    PRICE_EQUALS = 8
    """Exactly the called price, else invalid_price."""
    WINNER = 9
    """To the winner, else not_winner."""


@unique
class Effect(IntEnum):
    """What an accepted message changes besides the state."""

    NONE = 0
    CALL = 1
    """A new round: its deadline, its price, the message to cite."""
    OFFER = 2
    AWARD = 3
    WIN = 4
    CLOSE = 5
    """The auction is over: closed when somebody won a round, else unsold. Open bids are rejected."""


@unique
class Outcome(IntEnum):
    """How a conversation ended. The numbers are the core's."""

    NONE = 0
    DONE = 1
    RESULT = 2
    ANSWERED = 3
    REFUSED = 4
    ACCEPTED = 5
    REJECTED = 6
    NO_PROPOSALS = 7
    PARTIAL = 8
    CANCELLED = 9
    SOLD = 10
    UNSOLD = 11
    FAILURE = 12
    NOT_UNDERSTOOD = 13
    PARTICIPANT_DIED = 14
    INITIATOR_DIED = 15
    NO_MATCH = 16
    PROXY = 17
    BROKERING = 18
    BUDGET_EXCEEDED = 19
    REPLY_TIMEOUT = 20
    TTL = 21
    BY_KIND = 22
    """In a table only: `result` where the content is one, else `done`."""


OUTCOME_WORDS: Final = {
    outcome: "budget_exceeded"
    if outcome is Outcome.BUDGET_EXCEEDED
    else outcome.name.lower().replace("_", "-")
    for outcome in Outcome
}
"""The words of outcomes, as the API and the metrics say them."""


@unique
class Reason(IntEnum):
    """Why a message was refused. The numbers are the core's, the words the metrics' and the API's."""

    NONE = 0
    UNKNOWN_PERFORMATIVE = 1
    UNKNOWN_PROTOCOL = 2
    MISSING_CONVERSATION_ID = 3
    DUPLICATE_MESSAGE = 4
    UNKNOWN_CONVERSATION = 5
    DEADLINE_IN_PAST = 6
    CONVERSATION_ID_REUSE = 7
    LATE = 8
    CONVERSATION_EXPIRED = 9
    CONVERSATION_CLOSED = 10
    NOT_PARTICIPANT = 11
    PROTOCOL_MISMATCH = 12
    WRONG_ROLE = 13
    UNKNOWN_IN_REPLY_TO = 14
    UNEXPECTED_PERFORMATIVE = 15
    MISMATCHED_IN_REPLY_TO = 16
    DUPLICATE_RESPONSE = 17
    NO_PENDING_PROPOSAL = 18
    AWARD_LIMIT_EXCEEDED = 19
    RECEIVER_UNAVAILABLE = 20
    INVALID_PRICE = 21
    NOT_WINNER = 22
    TOO_MANY_PARTICIPANTS = 23
    BUDGET_EXCEEDED = 24
    CONVERSATIONS_EXHAUSTED = 25


REASON_WORDS: Final = {reason: reason.name.lower() for reason in Reason}
"""The words of refusals, as the API, the events and the metrics say them."""

SESSION_WORDS: Final = {state: state.name.lower().replace("_", "-") for state in State}
"""The words of a participant's states, as the API says them."""

ROLE_WORDS: Final = {role: role.name.lower() for role in Role}

CONVERSATION_STATES: Final = ("None", "Initiated", "InProgress", "Completed", "Failed", "Expired")
"""The states of a conversation, by the core's numbers; the first is that of none."""


@final
class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line: in `state`, `role` says `act`; then the session is in `next`.

    `refuse` makes it a line that says no, and why. `kinds` and `phases` narrow it, empty = all.
    `outcome` ends the conversation. `next_phase` None leaves the phase.
    """

    state: State
    role: Role
    act: str
    kinds: tuple[Kind, ...] = ()
    phases: tuple[Phase, ...] = ANY_PHASE
    cites: Cites = Cites.ANY
    guard: Guard = Guard.NONE
    refuse: Reason = Reason.NONE
    effect: Effect = Effect.NONE
    next: State = State.NONE
    next_phase: Phase | None = None
    outcome: Outcome = Outcome.NONE


@final
class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol: its word, how it opens, and its lines.

    `aliases` are words that mean it on input, `document` is FIPA's number. `auction` tells that the session
    opens idle and that the opening act has no deadline. `lasting` protocols have no deadlines unless asked
    for.
    """

    name: str
    aliases: tuple[str, ...] = ()
    title: str
    document: str
    opening: tuple[str, ...]
    first: State
    one_to_one: bool
    auction: bool = False
    lasting: bool = False
    recruits: bool = False
    rows: tuple[Row, ...]


TERMINAL: Final = frozenset(
    {
        State.ENDED,
        State.SILENT,
        State.REFUSED,
        State.NOT_UNDERSTOOD,
        State.REJECTED,
        State.DONE,
        State.FAILED,
        State.DEAD,
        State.CANCELLED,
    }
)
"""States in which nothing more is expected of a session."""

COMPLETED: Final = frozenset(range(Outcome.DONE, Outcome.FAILURE))
"""Outcomes of a conversation that reached a legal end of its protocol."""
EXPIRED: Final = frozenset({Outcome.REPLY_TIMEOUT, Outcome.TTL})
