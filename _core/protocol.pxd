"""The protocols' tables as the core runs them; `caxton.protocols.compiled` makes the image.

INVARIANT: the image is checked when it is loaded (sizes, every number in its range); afterwards nobody writes it.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from caxton._core.bounds cimport PERFORMATIVE_COUNT

cdef enum:
    PROTOCOLS_MAX = 16
    STATE_COUNT = 23
    ROLE_COUNT = 3
    ROWS_MAX = 96
    INDEX_BYTES = 1520          # STATE_COUNT * ROLE_COUNT * PERFORMATIVE_COUNT, rounded up to a word
    PROTOCOL_NAME_BYTES = 32
    KEEP_PHASE = 0xff
    # In place of a protocol's number.
    PROTOCOL_FREE = 0xfd        # a conversation without a protocol, that has limits
    PROTOCOL_UNKNOWN = 0xfe     # a word that names none
    PROTOCOL_ABSENT = 0xff      # the message names none

cdef enum ProtocolFlag:
    ONE_TO_ONE = 1
    AUCTION = 2                 # opens without a deadline, sessions idle
    LASTING = 4                 # no deadlines unless asked for
    RECRUITS = 8                # targets may join
    ITERATED = 16               # the opening act may come again: the table decides

# The numbers of these enumerations are those of caxton.protocols.row.
cdef enum Role:
    ROLE_INITIATOR = 0
    ROLE_PARTICIPANT = 1
    ROLE_TARGET = 2

cdef enum SessionState:
    SESSION_NONE = 0
    SESSION_SENT = 1
    SESSION_AGREED = 2
    SESSION_ACTIVE = 3
    SESSION_PROXIED = 4
    SESSION_ENDED = 5
    SESSION_CALLED = 6
    SESSION_PROPOSED = 7
    SESSION_AWARDED = 8
    SESSION_SILENT = 9
    SESSION_REFUSED = 10
    SESSION_NOT_UNDERSTOOD = 11
    SESSION_REJECTED = 12
    SESSION_DONE = 13
    SESSION_FAILED = 14
    SESSION_DEAD = 15
    SESSION_CANCELLED = 16
    SESSION_IDLE = 17
    SESSION_BID = 18
    SESSION_OUTBID = 19
    SESSION_WINNING = 20
    SESSION_OUT = 21
    SESSION_TARGET = 22

cdef enum Phase:
    PHASE_STARTED = 0
    PHASE_OPEN = 1
    PHASE_WON = 2
    PHASE_CLOSED = 3

cdef enum ContentKind:
    KIND_ABSENT = 0
    KIND_DONE = 1
    KIND_RESULT = 2
    KIND_TRUTH = 3
    KIND_NOTIFICATION = 4
    KIND_START = 5
    KIND_END = 6
    KIND_DONE_PROXY = 7
    KIND_NO_MATCH = 8
    KIND_PROXY = 9
    KIND_BROKERING = 10
    KIND_OTHER = 11
    KIND_END_UNSOLD = 12
    CONTENT_KIND_COUNT = 13

cdef enum Cites:
    CITES_ANY = 0
    CITES_CALL = 1
    CITES_OFFER = 2
    CITES_AWARD = 3
    CITES_LAST = 4
    CITES_COUNT = 5

cdef enum Guard:
    GUARD_NONE = 0
    GUARD_AWARDS_LEFT = 1
    GUARD_NO_AWARD = 2
    GUARD_ROUND_FREE = 3
    GUARD_CALL_OVER = 4
    GUARD_PRICE_RISES = 5
    GUARD_PRICE_FALLS = 6
    GUARD_PRICE_MEETS = 7
    GUARD_PRICE_EQUALS = 8
    GUARD_WINNER = 9
    GUARD_COUNT = 10

cdef enum Effect:
    EFFECT_NONE = 0
    EFFECT_CALL = 1
    EFFECT_OFFER = 2
    EFFECT_AWARD = 3
    EFFECT_WIN = 4
    EFFECT_CLOSE = 5
    EFFECT_COUNT = 6

cdef enum Outcome:
    OUTCOME_NONE = 0
    OUTCOME_DONE = 1
    OUTCOME_RESULT = 2
    OUTCOME_ANSWERED = 3
    OUTCOME_REFUSED = 4
    OUTCOME_ACCEPTED = 5
    OUTCOME_REJECTED = 6
    OUTCOME_NO_PROPOSALS = 7
    OUTCOME_PARTIAL = 8
    OUTCOME_CANCELLED = 9
    OUTCOME_SOLD = 10
    OUTCOME_UNSOLD = 11
    OUTCOME_FAILURE = 12        # from here on: failed
    OUTCOME_NOT_UNDERSTOOD = 13
    OUTCOME_PARTICIPANT_DIED = 14
    OUTCOME_INITIATOR_DIED = 15
    OUTCOME_NO_MATCH = 16
    OUTCOME_PROXY = 17
    OUTCOME_BROKERING = 18
    OUTCOME_BUDGET_EXCEEDED = 19
    OUTCOME_REPLY_TIMEOUT = 20  # from here on: expired
    OUTCOME_TTL = 21
    OUTCOME_BY_KIND = 22        # in tables only
    OUTCOME_COUNT = 23

cdef enum Reason:
    REASON_NONE = 0
    REASON_UNKNOWN_PERFORMATIVE = 1
    REASON_UNKNOWN_PROTOCOL = 2
    REASON_MISSING_CONVERSATION_ID = 3
    REASON_DUPLICATE_MESSAGE = 4
    REASON_UNKNOWN_CONVERSATION = 5
    REASON_DEADLINE_IN_PAST = 6
    REASON_CONVERSATION_ID_REUSE = 7
    REASON_LATE = 8
    REASON_CONVERSATION_EXPIRED = 9
    REASON_CONVERSATION_CLOSED = 10
    REASON_NOT_PARTICIPANT = 11
    REASON_PROTOCOL_MISMATCH = 12
    REASON_WRONG_ROLE = 13
    REASON_UNKNOWN_IN_REPLY_TO = 14
    REASON_UNEXPECTED_PERFORMATIVE = 15
    REASON_MISMATCHED_IN_REPLY_TO = 16
    REASON_DUPLICATE_RESPONSE = 17
    REASON_NO_PENDING_PROPOSAL = 18
    REASON_AWARD_LIMIT_EXCEEDED = 19
    REASON_RECEIVER_UNAVAILABLE = 20
    REASON_INVALID_PRICE = 21
    REASON_NOT_WINNER = 22
    REASON_TOO_MANY_PARTICIPANTS = 23
    REASON_BUDGET_EXCEEDED = 24
    REASON_CONVERSATIONS_EXHAUSTED = 25
    REASON_COUNT = 26

cdef struct Row:
    uint32_t kinds              # set of 1 << ContentKind
    uint8_t next                # SessionState
    uint8_t next_phase          # Phase or KEEP_PHASE
    uint8_t phases              # set of 1 << Phase
    uint8_t refuse              # Reason; not 0 = the row refuses
    uint8_t cites
    uint8_t guard
    uint8_t effect
    uint8_t outcome
    uint8_t more                # the next row is for the same state, role and act
    uint8_t pad[3]

cdef struct Protocol:
    char name[PROTOCOL_NAME_BYTES]
    char alias[PROTOCOL_NAME_BYTES]
    uint32_t flags              # set of ProtocolFlag
    uint32_t opening_acts       # set of 1 << performative
    uint32_t opening_kinds      # set of 1 << ContentKind
    uint32_t acts[ROLE_COUNT]   # what each role may say at all
    uint32_t first              # SessionState of a new session
    uint8_t index[INDEX_BYTES]  # by state, role, act: row number + 1, 0 = none
    Row rows[ROWS_MAX]

cdef struct Protocols:
    Protocol tables[PROTOCOLS_MAX]
    uint32_t count
    uint32_t name_bytes[PROTOCOLS_MAX]
    uint32_t alias_bytes[PROTOCOLS_MAX]
    uint32_t tells[PROTOCOLS_MAX]       # acts whose content the table asks for; set of 1 << performative

# Check an image and take it over. 0, or -1 when it is none.
cdef int protocols_load(Protocols* protocols, const char* image, uint64_t length) noexcept nogil

# The number of a protocol's word; PROTOCOL_UNKNOWN for any other.
cdef uint8_t protocol_find(const Protocols* protocols, const char* text, uint32_t length) noexcept nogil

# The row for what is said, NULL when the table has none.
cdef inline const Row* protocol_row(const Protocol* protocol, uint8_t state, uint8_t role, uint8_t act,
                                    uint8_t kind, uint8_t phase) noexcept nogil:
    cdef uint32_t number = protocol.index[(state * <uint32_t>ROLE_COUNT + role) * PERFORMATIVE_COUNT + act]
    cdef const Row* row
    if number == 0:
        return NULL
    row = &protocol.rows[number - 1]
    while not (row.kinds >> kind & 1 and row.phases >> phase & 1):
        if not row.more:
            return NULL
        row += 1
    return row

cdef inline bint session_is_over(uint8_t state) noexcept nogil:
    # Nothing more is expected of such a session.
    return (1 << SESSION_ENDED | 1 << SESSION_SILENT | 1 << SESSION_REFUSED | 1 << SESSION_NOT_UNDERSTOOD
            | 1 << SESSION_REJECTED | 1 << SESSION_DONE | 1 << SESSION_FAILED | 1 << SESSION_DEAD
            | 1 << SESSION_CANCELLED) >> state & 1
