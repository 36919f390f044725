"""Test door to the verdicts under virtual time: a conversation table and its wheel, without a machine around them."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from caxton._core.conversation cimport (
    Conversation, Conversations, Session, citation_of, conversation_find, conversation_free,
    conversations_close, conversations_open, key_of, session_at,
)
from caxton._core.deadline cimport (
    Deadlines, deadline_again, deadline_done, deadlines_close, deadlines_due, deadlines_open,
)
from caxton._core.message cimport pool_live
from caxton._core.performative cimport performative_find
from caxton._core.protocol cimport PROTOCOL_ABSENT, Protocols, protocol_find, protocols_load
from caxton._core.settlement cimport bury, due_next, is_forgettable, settle
from caxton._core.verdict cimport (
    ACT_UNKNOWN, SAID_HAS_PRICE, SAID_NO_CONVERSATION, Outbid, Said, Verdict, judge, reason_word,
)

cdef enum:
    AGENTS_MAX = 1024
    START_NS = 1000000000000

STATES = (None, "Initiated", "InProgress", "Completed", "Failed", "Expired")
ANSWERS = (None, "not-understood", "reject-proposal")


cdef class VerdictDoor:
    cdef Protocols protocols
    cdef Conversations* table       # OWNERSHIP: owned by the door, closed in __dealloc__
    cdef Deadlines* deadlines       # OWNERSHIP: likewise
    cdef Outbid outbid[AGENTS_MAX]
    cdef readonly uint64_t now_ns
    cdef bint forgets

    def __cinit__(self, bytes image, *, uint32_t conversations_max=4096, uint32_t participants_max=1000,
                  uint64_t reply_ns=30_000_000_000, uint64_t ttl_ns=300_000_000_000, uint64_t tick_ns=1_000_000,
                  bint forgets=True):
        self.forgets = forgets
        # SAFETY: zeroed memory, checked below.
        self.table = <Conversations*>calloc(1, sizeof(Conversations))
        self.deadlines = <Deadlines*>calloc(1, sizeof(Deadlines))
        if self.table == NULL or self.deadlines == NULL:
            raise MemoryError
        if protocols_load(&self.protocols, image, len(image)) != 0:
            raise ValueError("the image is none")
        if conversations_open(self.table, &self.protocols, conversations_max, participants_max) != 0:
            raise MemoryError("the table was refused")
        if deadlines_open(self.deadlines, conversations_max * 2, tick_ns, START_NS) != 0:
            raise MemoryError("the wheel was refused")
        self.table.default_reply_ns = reply_ns
        self.table.default_ttl_ns = ttl_ns
        self.now_ns = START_NS

    def __dealloc__(self):
        if self.table != NULL:
            conversations_close(self.table)
            free(self.table)
        if self.deadlines != NULL:
            deadlines_close(self.deadlines)
            free(self.deadlines)

    def submit(self, *, int sender, tuple receivers, bytes performative, bytes conversation, bytes protocol,
               bytes message_id, bytes reply_with, bytes in_reply_to, uint64_t reply_by_ns, uint64_t ttl_ns,
               uint32_t max_awards, uint32_t messages_max, int kind, price, tuple targets):
        """Judge one message at the door's time; agents are numbers from 1. Times are absolute, 0 = none.

        Returns (reason, state, answer, agents whose bids were rejected automatically, whether it is an award).
        """
        cdef Said said
        cdef Verdict verdict
        cdef uint64_t agents[AGENTS_MAX]
        cdef uint64_t recruited[64]
        cdef int act = performative_find(performative, len(performative))
        cdef bytes name = conversation if conversation else message_id
        memset(&said, 0, sizeof(Said))
        memset(&verdict, 0, sizeof(Verdict))
        verdict.outbid = self.outbid
        for i, agent in enumerate(receivers):
            agents[i] = agent
        for i, agent in enumerate(targets):
            recruited[i] = agent
        key_of(self.table, name, len(name), &said.key_high, &said.key_low)
        said.name = name
        said.name_bytes = len(name)
        said.flags = 0 if conversation else SAID_NO_CONVERSATION
        said.protocol = protocol_find(&self.protocols, protocol, len(protocol)) if protocol else PROTOCOL_ABSENT
        said.act = ACT_UNKNOWN if act < 0 else act
        said.kind = kind
        if price is not None:
            said.price = price
            said.flags |= SAID_HAS_PRICE
        said.sender = sender
        said.receivers = agents
        said.receiver_count = len(receivers)
        said.targets = recruited
        said.target_count = len(targets)
        said.max_awards = max_awards
        said.messages_max = messages_max
        said.id_low = citation_of(self.table, message_id, len(message_id))
        said.id = said.id_low
        said.reply_with = citation_of(self.table, reply_with, len(reply_with)) if reply_with else 0
        said.in_reply_to = citation_of(self.table, in_reply_to, len(in_reply_to)) if in_reply_to else 0
        said.now_ns = self.now_ns
        said.reply_by_ns = reply_by_ns
        said.ttl_ns = ttl_ns
        judge(self.table, self.deadlines, &said, &verdict)
        rejected = tuple([self.outbid[i].agent for i in range(verdict.outbid_count)])
        return (reason_word(verdict.reason).decode() or None, STATES[verdict.state], ANSWERS[verdict.answer], rejected,
                bool(verdict.awarded))

    def turn(self, uint64_t now_ns) -> None:
        """Move time on, as the ticker does."""
        cdef uint32_t number
        cdef uint32_t following
        cdef Conversation* conversation
        cdef uint64_t due
        assert now_ns >= self.now_ns
        self.now_ns = now_ns
        number = deadlines_due(self.deadlines, now_ns)
        while number != 0:
            following = self.deadlines.nodes[number - 1].next
            conversation = &self.table.records[self.deadlines.nodes[number - 1].conversation]
            if conversation.generation != self.deadlines.nodes[number - 1].generation:
                deadline_done(self.deadlines, number)
            else:
                settle(self.table, conversation, now_ns)
                if self.forgets and is_forgettable(self.table, conversation, now_ns):
                    conversation_free(self.table, conversation)
                    deadline_done(self.deadlines, number)
                elif self.deadlines.nodes[number - 1].due_ns == conversation.armed_ns:
                    due = due_next(self.table, conversation)
                    conversation.armed_ns = due
                    if due > now_ns:
                        deadline_again(self.deadlines, number, due)
                    else:
                        deadline_done(self.deadlines, number)
                else:
                    deadline_done(self.deadlines, number)
            number = following

    def died(self, int agent) -> None:
        for index in range(self.table.frontier):
            if self.table.records[index].state != 0:
                bury(self.table, &self.table.records[index], agent, self.now_ns)

    def standing(self, bytes name):
        """(state, outcome number, ((agent, session state number, cancelling, role) ...), messages accepted), or None."""
        cdef uint64_t high = 0
        cdef uint64_t low = 0
        cdef Conversation* conversation
        cdef Session* session
        key_of(self.table, name, len(name), &high, &low)
        conversation = conversation_find(self.table, high, low)
        if conversation == NULL:
            return None
        sessions = []
        for i in range(conversation.session_count):
            session = session_at(conversation, i)
            sessions.append((session.agent, session.state, bool(session.cancelling), session.role))
        return (STATES[conversation.state], conversation.outcome, tuple(sessions), conversation.messages)

    def used(self) -> int:
        return self.table.used

    def rooms(self) -> int:
        return pool_live(&self.table.rooms)
