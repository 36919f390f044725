"""Test door to verdicts on several threads: members talk, time passes, agents die, records are freed and used again."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from caxton._core.atomics cimport add_u32_seq, add_u64_seq, load_u32_seq, load_u64_seq, load_u64_relaxed
from caxton._core.conversation cimport (
    Conversation, citation_of_id, conversation_find, conversations_exist, key_of,
)
from caxton._core.machine cimport Machine, machine_bury, machine_close, machine_converse, machine_open
from caxton._core.message cimport Message, message_free, pool_live
from caxton._core.performative cimport AGREE, CANCEL, CFP, FAILURE, INFORM, PROPOSE, REFUSE, REQUEST, SUBSCRIBE
from caxton._core.protocol cimport OUTCOME_COUNT, PROTOCOLS_MAX, PROTOCOL_ABSENT, protocol_find
from caxton._core.queue cimport mailbox_pop
from caxton._core.routing cimport SLOT_RUNNING, Slot, routing_claim, routing_publish, routing_find_id
from caxton._core.verdict cimport SAID_NEW_ID, Outbid, Said, Verdict, charge, judge
from caxton._core.watch cimport conversations_turn
from gate cimport gate_pass, random_next, sched_yield

cdef enum:
    MEMBERS = 4
    TICK_NS = 1000000
    STEP_NS = 20000             # that the common clock moves on with each message
    TTL_NS = 50000000


cdef class JudgingDoor:
    cdef Machine machine
    cdef uint64_t now_ns            # atomic: the common clock
    cdef uint32_t arrived
    cdef uint32_t finished
    cdef uint32_t conversations

    def __cinit__(self, bytes image, uint32_t conversations):
        cdef Slot* slot
        if machine_open(&self.machine, 1, 64, 4096, 4096) != 0:
            raise MemoryError("the machine was refused")
        self.machine.tick_ns = TICK_NS
        if machine_converse(&self.machine, image, len(image), conversations * 2, 8) != 0:
            raise MemoryError("the table was refused")
        self.machine.conversations.default_reply_ns = TTL_NS // 5
        self.machine.conversations.default_ttl_ns = TTL_NS
        self.conversations = conversations
        for number in range(1, MEMBERS + 1):
            slot = routing_claim(&self.machine.routing, number, NULL, 0)
            slot.state = SLOT_RUNNING
            routing_publish(&self.machine.routing, slot)
        self.now_ns = self.machine.deadlines.start_ns

    def __dealloc__(self):
        machine_close(&self.machine)

    cdef uint8_t say(self, uint32_t number, uint64_t* state, Verdict* verdict) noexcept nogil:
        # Something that is often right: each member opens, answers or tells, in one of few conversations.
        cdef uint8_t[9] acts = [REQUEST, SUBSCRIBE, CFP, AGREE, INFORM, REFUSE, FAILURE, CANCEL, PROPOSE]
        cdef Said said
        cdef Outbid outbid[8]
        cdef uint64_t receivers[2]
        cdef char name[3]
        cdef uint64_t dice = random_next(state)
        memset(&said, 0, sizeof(Said))
        name[0] = <char>(97 + number % 26)
        name[1] = <char>(97 + number // 26)
        said.name = name
        said.name_bytes = 2
        key_of(&self.machine.conversations, name, 2, &said.key_high, &said.key_low)
        said.act = acts[dice % 9]
        said.protocol = PROTOCOL_ABSENT
        if said.act == REQUEST:
            said.protocol = protocol_find(&self.machine.protocols, b"fipa-request", 12)
        elif said.act == SUBSCRIBE:
            said.protocol = protocol_find(&self.machine.protocols, b"fipa-subscribe", 14)
        elif said.act == CFP:
            said.protocol = protocol_find(&self.machine.protocols, b"fipa-contract-net", 17)
        said.flags = SAID_NEW_ID
        said.sender = 1 + (dice >> 8) % 2
        receivers[0] = 3 - said.sender
        receivers[1] = 3
        said.receivers = receivers
        said.receiver_count = 2 if said.act == CFP else 1
        said.id_high = random_next(state)
        said.id_low = random_next(state)
        said.id = citation_of_id(&self.machine.conversations, said.id_high, said.id_low)
        said.now_ns = add_u64_seq(&self.now_ns, STEP_NS)
        if (dice >> 16) % 4 == 0:
            said.ttl_ns = TTL_NS // 2
        # The record of the verdict before, as a reply has it: most often another conversation's, or freed since.
        said.near = verdict.conversation
        said.near_generation = verdict.generation
        verdict.outbid = outbid
        judge(&self.machine.conversations, &self.machine.deadlines, &said, verdict)
        return verdict.reason

    def judge(self, uint32_t rounds, uint64_t seed, uint32_t parties) -> tuple[int, int]:
        """Say ``rounds`` things in random conversations: (accepted, refused)."""
        cdef Verdict verdict
        cdef Verdict charged
        cdef uint64_t state = seed
        cdef uint64_t accepted = 0
        cdef uint32_t _i
        memset(&verdict, 0, sizeof(Verdict))
        # SAFETY: only C state is touched; verdicts are made for many threads.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _i in range(rounds):
                accepted += self.say(<uint32_t>(random_next(&state) % self.conversations), &state, &verdict) == 0
                if verdict.conversation != 0:
                    charge(&self.machine.conversations, verdict.conversation, verdict.generation, 5,
                           load_u64_seq(&self.now_ns), &charged)
            add_u32_seq(&self.finished, 1)
        return (accepted, rounds - accepted)

    def disturb(self, uint32_t judges, uint32_t parties) -> int:
        """Count up in records without their stripes, while the judges go on: the twin that must be caught."""
        cdef uint64_t high = 0
        cdef uint64_t low = 0
        cdef uint64_t seen = 0
        # SAFETY: broken on purpose.
        with nogil:
            gate_pass(&self.arrived, parties)
            while load_u32_seq(&self.finished) < judges:
                key_of(&self.machine.conversations, b"aa", 2, &high, &low)
                seen += count_broken(&self.machine, high, low)
        return seen

    def watch(self, uint32_t judges, uint32_t parties) -> int:
        """Turn as the ticker does until the judges are done, and bury the third member now and then; then let time pass
        until all is forgotten. Returns turns."""
        cdef uint64_t turns = 0
        cdef uint64_t late
        # SAFETY: as in judge; this is the only ticker.
        with nogil:
            gate_pass(&self.arrived, parties)
            while load_u32_seq(&self.finished) < judges:
                self.turn(turns)
                turns += 1
                sched_yield()
            late = 0
            while conversations_exist(&self.machine.conversations) and late < 10000:
                add_u64_seq(&self.now_ns, TTL_NS // 10)
                self.turn(1)
                late += 1
        return turns

    cdef void turn(self, uint64_t turns) noexcept nogil:
        cdef Message* told
        if turns % 64 == 0:
            machine_bury(&self.machine, NULL, routing_find_id(&self.machine.routing, 3))
        conversations_turn(&self.machine, NULL, load_u64_seq(&self.now_ns))
        told = mailbox_pop(&self.machine.shell)
        while told != NULL:
            message_free(&self.machine.pool, NULL, told)
            told = mailbox_pop(&self.machine.shell)

    def used(self) -> int:
        return self.machine.conversations.used

    def rooms(self) -> int:
        return pool_live(&self.machine.conversations.rooms)

    def waiting(self) -> int:
        return self.machine.deadlines.waiting

    def opened(self) -> int:
        return sum([load_u64_relaxed(&self.machine.conversations.opened[p]) for p in range(<int>PROTOCOLS_MAX + 1)])

    def ended(self) -> int:
        return sum([
            load_u64_relaxed(&self.machine.conversations.finished[p][o])
            for p in range(<int>PROTOCOLS_MAX + 1) for o in range(<int>OUTCOME_COUNT)
        ])


cdef uint64_t count_broken(Machine* machine, uint64_t high, uint64_t low) noexcept nogil:
    cdef Conversation* conversation = conversation_find(&machine.conversations, high, low)
    if conversation == NULL:
        return 0
    conversation.fuel += 1
    return 1
