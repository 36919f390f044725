"""The ticker's part in conversations: deadlines that pass, members that die, ended ones that are forgotten."""

from libc.stdint cimport uint64_t
from caxton._core.machine cimport Machine
from caxton._core.message cimport MessageCache

cdef void conversations_turn(Machine* machine, MessageCache* cache, uint64_t now_ns) noexcept nogil
