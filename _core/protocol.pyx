"""Loading the protocols' tables."""

from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #include <string.h>
    static inline size_t cx_text_bytes(const char *text, size_t most) {
        const char *end = (const char *)memchr(text, 0, most);
        return end ? (size_t)(end - text) : most;
    }
    """
    size_t text_bytes "cx_text_bytes"(const char*, size_t) noexcept nogil

cdef uint32_t ALL_KINDS = 0xFFFFFFFF

if sizeof(Row) != 16:
    raise ImportError("a row is 16 bytes in the image")


cdef bint row_is_sound(const Row* row, bint last) noexcept nogil:
    return (row.next < STATE_COUNT and (row.next_phase == KEEP_PHASE or row.next_phase <= PHASE_CLOSED)
            and row.refuse < REASON_COUNT and row.cites < CITES_COUNT and row.guard < GUARD_COUNT
            and row.effect < EFFECT_COUNT and row.outcome < OUTCOME_COUNT and not (row.more and last))


cdef bint table_is_sound(const Protocol* protocol) noexcept nogil:
    cdef uint32_t i
    if protocol.first >= STATE_COUNT:
        return False
    for i in range(<uint32_t>INDEX_BYTES):
        if protocol.index[i] > ROWS_MAX:
            return False
    for i in range(<uint32_t>ROWS_MAX):
        if not row_is_sound(&protocol.rows[i], i + 1 == ROWS_MAX):
            return False
    return True


cdef uint32_t acts_that_tell(const Protocol* protocol) noexcept nogil:
    cdef uint32_t acts = 0
    cdef uint32_t place
    cdef const Row* row
    if protocol.flags & (AUCTION | RECRUITS):
        return ALL_KINDS
    if protocol.opening_kinds != ALL_KINDS:
        acts = protocol.opening_acts
    for place in range(<uint32_t>(STATE_COUNT * ROLE_COUNT * PERFORMATIVE_COUNT)):
        if protocol.index[place] == 0:
            continue
        row = &protocol.rows[protocol.index[place] - 1]
        while True:
            if row.kinds != ALL_KINDS or row.outcome >= OUTCOME_BY_KIND or row.next == SESSION_DONE:
                acts |= <uint32_t>1 << place % PERFORMATIVE_COUNT
            if not row.more:
                break
            row += 1
    return acts


cdef int protocols_load(Protocols* protocols, const char* image, uint64_t length) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t count = <uint32_t>(length // sizeof(Protocol))
    if length % sizeof(Protocol) != 0 or count == 0 or count > PROTOCOLS_MAX:
        return -1
    memcpy(protocols.tables, image, length)
    for i in range(count):
        protocols.name_bytes[i] = <uint32_t>text_bytes(protocols.tables[i].name, PROTOCOL_NAME_BYTES)
        protocols.alias_bytes[i] = <uint32_t>text_bytes(protocols.tables[i].alias, PROTOCOL_NAME_BYTES)
        if protocols.name_bytes[i] == 0 or not table_is_sound(&protocols.tables[i]):
            return -1
        protocols.tells[i] = acts_that_tell(&protocols.tables[i])
    protocols.count = count
    return 0


cdef uint8_t protocol_find(const Protocols* protocols, const char* text, uint32_t length) noexcept nogil:
    cdef uint32_t i
    for i in range(protocols.count):
        if protocols.name_bytes[i] == length and memcmp(protocols.tables[i].name, text, length) == 0:
            return <uint8_t>i
    for i in range(protocols.count):
        if length != 0 and protocols.alias_bytes[i] == length and memcmp(protocols.tables[i].alias, text, length) == 0:
            return <uint8_t>i
    return PROTOCOL_UNKNOWN
