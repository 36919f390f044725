"""Test door to counters and histograms."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from caxton._core.atomics cimport add_u32_seq, load_u32_seq, monotonic_ns
from caxton._core.bounds cimport PERFORMATIVE_COUNT
from caxton._core.telemetry cimport (
    HISTOGRAM_BUCKETS, STATUS_COUNT, STATUS_SUCCESS, Histogram, Telemetry, counter_add, histogram_add,
    telemetry_sum,
)
from gate cimport gate_pass

cdef enum:
    SETS_MAX = 8


cdef dict histogram_view(const Histogram* histogram):
    return {
        "count": histogram.count,
        "sum_ns": histogram.sum_ns,
        "buckets": [histogram.buckets[b] for b in range(HISTOGRAM_BUCKETS)],
    }


cdef class TelemetryDoor:
    cdef Telemetry* sets            # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef uint32_t arrived
    cdef uint32_t finished

    def __cinit__(self):
        self.sets = <Telemetry*>calloc(SETS_MAX, sizeof(Telemetry))     # SAFETY: zeroed, checked below
        if self.sets == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.sets)

    def count(self, uint32_t number, uint32_t performative, uint32_t status, uint64_t amount) -> None:
        assert number < SETS_MAX and performative < PERFORMATIVE_COUNT and status < STATUS_COUNT
        counter_add(&self.sets[number].processed[performative][status], amount)

    def observe(self, uint32_t number, uint64_t duration_ns) -> None:
        assert number < SETS_MAX
        histogram_add(&self.sets[number].queue_wait, duration_ns)

    def observe_last(self, uint32_t number, uint64_t fuel) -> None:
        """Count in the set's last word."""
        assert number < SETS_MAX
        counter_add(&self.sets[number].fuel, fuel)

    cdef void sum_up(self, Telemetry* total, uint32_t count) noexcept nogil:
        cdef Telemetry* parts[SETS_MAX]
        cdef uint32_t number
        for number in range(count):
            parts[number] = &self.sets[number]
        telemetry_sum(total, parts, count)

    def total(self, uint32_t count) -> dict[str, object]:
        cdef Telemetry total
        assert count <= SETS_MAX
        self.sum_up(&total, count)
        return {
            "processed": [
                [total.processed[performative][status] for status in range(<uint32_t>STATUS_COUNT)]
                for performative in range(<uint32_t>PERFORMATIVE_COUNT)
            ],
            "queue_wait": histogram_view(&total.queue_wait),
            "fuel": total.fuel,
        }

    def write(self, uint32_t number, uint32_t rounds, uint32_t parties) -> None:
        """Count as a worker does: only into the own set."""
        cdef uint32_t turn
        cdef uint64_t* word
        assert number < SETS_MAX
        # SAFETY: only C state is touched; the set is this thread's own.
        with nogil:
            gate_pass(&self.arrived, parties)
            for turn in range(rounds):
                word = &self.sets[number].processed[turn % PERFORMATIVE_COUNT][<uint32_t>STATUS_SUCCESS]
                counter_add(word, 1)
                histogram_add(&self.sets[number].queue_wait, turn)
            add_u32_seq(&self.finished, 1)

    def scrape(self, uint32_t writers, uint32_t parties) -> int:
        """Sum until all writers are done; return how often the total went back."""
        cdef Telemetry total
        cdef uint64_t before = 0
        cdef uint32_t back = 0
        assert writers <= SETS_MAX
        # SAFETY: only C state is touched; reads are relaxed.
        with nogil:
            gate_pass(&self.arrived, parties)
            while load_u32_seq(&self.finished) < writers:
                self.sum_up(&total, writers)
                back += total.queue_wait.count < before
                before = total.queue_wait.count
        return back

    def time_observe(self, uint32_t rounds) -> int:
        cdef uint64_t start, duration_ns = 1
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                duration_ns = duration_ns * 6364136223846793005u + 1
                histogram_add(&self.sets[0].queue_wait, duration_ns >> 40)
            start = monotonic_ns() - start
        return start
