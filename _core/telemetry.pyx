"""Summing of the workers' counters for the scraper."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset
from caxton._core.atomics cimport load_u64_relaxed

if sizeof(Telemetry) % sizeof(uint64_t) != 0:
    raise ImportError("a telemetry set must consist of 64-bit words only")


cdef void telemetry_sum(Telemetry* total, Telemetry** parts, uint32_t count) noexcept nogil:
    # SAFETY: a set consists of 64-bit counters only (asserted above), so it may be seen as an array of them.
    cdef uint64_t* sums = <uint64_t*>total
    cdef const uint64_t* words
    cdef uint32_t part
    cdef size_t position
    memset(total, 0, sizeof(Telemetry))
    for part in range(count):
        # SAFETY: as above.
        words = <const uint64_t*>parts[part]
        for position in range(sizeof(Telemetry) // sizeof(uint64_t)):
            sums[position] += load_u64_relaxed(&words[position])
