"""What an agent's ``config_get`` finds: one immutable block an agent."""

from libc.stdint cimport uint32_t

cdef struct Setting:
    const char* key             # borrowed from the block
    const char* value           # borrowed from the block
    uint32_t key_bytes
    uint32_t value_bytes

cdef struct AgentSettings:
    uint32_t count
    Setting* entries            # borrowed: lies in the same block

# Lay keys and values (bytes) into one block; NULL for an empty dict. Raises MemoryError.
# OWNERSHIP: the caller's; given back with free() when no instance can read it any more. Control thread.
cdef AgentSettings* settings_new(dict config) except? NULL
