"""Every fixed bound of the core, with the relation to its neighbours."""

cdef enum:
    CACHE_LINE_BYTES = 64
    # Text of an identifier field (conversation, reply-with, in-reply-to, protocol, ...), after unescaping.
    FIELD_BYTES_MAX = 255
    NAME_BYTES_MAX = 255
    JSON_DEPTH_MAX = 64
    PERFORMATIVE_COUNT = 22
    WORKERS_MAX = 64
    # Engine number: profile * 2 + copy_on_write.
    ENGINE_COUNT = 4
    # A handler may queue this many outgoing messages; one more answers "quota".
    SENDS_PER_HANDLER_MAX = 1024
    RECEIVERS_MAX = 1000
    # Agents that one message of a broker names as recruited.
    TARGETS_MAX = 64
    # Of an agent's messages, the routing time is measured in one turn of so many; of a client's, always.
    ROUTING_SAMPLE_EVERY = 64
    TIMERS_PER_AGENT_MAX = 16
    LOG_BYTES_MAX = 4096
    # Messages that a worker handles for one agent before the next agent has its turn.
    AGENT_BATCH_MAX = 32
