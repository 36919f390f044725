"""Helps the stress loops: a starting gate inside nogil, yielding, and cheap seeded numbers.

Threads that were merely started one after the other may be ordered by the GIL; past the gate they run
at once, and nothing but the code under test orders them.
"""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.atomics cimport add_u32_seq, load_u32_seq

cdef extern from "<sched.h>" nogil:
    int sched_yield() noexcept

cdef inline void gate_pass(uint32_t* arrived, uint32_t parties) noexcept nogil:
    add_u32_seq(arrived, 1)
    while load_u32_seq(arrived) < parties:
        sched_yield()

# Marsaglia's xorshift with shifts 13, 7, 17; the state must not be zero.
cdef inline uint64_t random_next(uint64_t* state) noexcept nogil:
    state[0] ^= state[0] << 13
    state[0] ^= state[0] >> 7
    state[0] ^= state[0] << 17
    return state[0]
