"""Making the block of an agent's settings."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy


cdef AgentSettings* settings_new(dict config) except? NULL:
    # One block: the header, the entries, then all keys and values.
    cdef size_t count = len(config)
    cdef size_t size = sizeof(AgentSettings) + count * sizeof(Setting)
    cdef AgentSettings* made
    cdef char* room
    cdef bytes key
    cdef bytes value
    cdef size_t i = 0
    if count == 0:
        return NULL
    for key, value in config.items():
        size += len(key) + len(value)
    # SAFETY: the block is exactly as large as what is laid into it below.
    made = <AgentSettings*>malloc(size)
    if made == NULL:
        raise MemoryError
    made.count = <uint32_t>count
    made.entries = <Setting*>(<char*>made + sizeof(AgentSettings))
    room = <char*>made + sizeof(AgentSettings) + count * sizeof(Setting)
    for key, value in config.items():
        made.entries[i].key = room
        made.entries[i].key_bytes = <uint32_t>len(key)
        memcpy(room, <const char*>key, len(key))
        room += len(key)
        made.entries[i].value = room
        made.entries[i].value_bytes = <uint32_t>len(value)
        memcpy(room, <const char*>value, len(value))
        room += len(value)
        i += 1
    return made
