"""The floor under every hand-over between threads: one thread says when, another sleeps until then and looks."""

from libc.stdint cimport uint32_t, uint64_t

from caxton._core.atomics cimport (
    add_u32_seq, futex_wait, futex_wake, leading_zeros, load_u32_seq, load_u64_relaxed, monotonic_ns, pause,
    store_u64_relaxed, store_u32_seq, swap_u32_seq,
)

cdef enum:
    BUCKETS = 1024          # as in benchmarks/spread.py
    SPINS = 200             # as a worker of the core
    PARK_NS = 100000000


cdef class Sleeper:
    """A thread that counts how long after its date each call reached it."""

    cdef uint64_t due_ns                # atomic; 0 = nothing to do
    cdef uint32_t word                  # atomic futex
    cdef uint32_t asleep                # atomic
    cdef uint32_t stopping              # atomic
    cdef uint32_t delays[BUCKETS]

    def run(self):
        """Sleep and wake until stopped; for a thread of its own."""
        cdef uint32_t seen, bucket, exponent, spins
        cdef uint64_t due, taken
        # SAFETY: the caller keeps this object until the thread has been joined.
        with nogil:
            while load_u32_seq(&self.stopping) == 0:
                spins = 0
                due = load_u64_relaxed(&self.due_ns)
                while due == 0 and spins < SPINS:
                    pause()
                    spins += 1
                    due = load_u64_relaxed(&self.due_ns)
                if due == 0:
                    seen = load_u32_seq(&self.word)
                    store_u32_seq(&self.asleep, 1)
                    if load_u64_relaxed(&self.due_ns) == 0 and load_u32_seq(&self.stopping) == 0:
                        futex_wait(&self.word, seen, PARK_NS)
                    store_u32_seq(&self.asleep, 0)
                    continue
                store_u64_relaxed(&self.due_ns, 0)
                taken = monotonic_ns() - due
                bucket = <uint32_t>taken
                if taken >= 64:
                    exponent = 63 - leading_zeros(taken)
                    bucket = 64 + (exponent - 6) * 32 + <uint32_t>(taken >> (exponent - 5) & 31)
                self.delays[bucket if bucket < BUCKETS else BUCKETS - 1] += 1

    def call(self, uint64_t due_ns):
        """Let the thread count this date; one that has not been looked at yet is replaced."""
        if load_u64_relaxed(&self.due_ns) != 0:
            return
        store_u64_relaxed(&self.due_ns, due_ns)
        if swap_u32_seq(&self.asleep, 0) == 1:
            add_u32_seq(&self.word, 1)
            futex_wake(&self.word, 1)

    def stop(self):
        """End the thread; returns what it counted as words of 32 bits."""
        cdef bytes words
        store_u32_seq(&self.stopping, 1)
        add_u32_seq(&self.word, 1)
        futex_wake(&self.word, 1)
        words = (<char*>self.delays)[:sizeof(self.delays)]
        return words
