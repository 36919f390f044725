"""Making, starting, stopping and closing; see core.pyi for what callers may expect."""

import threading
import time

from libc.stdlib cimport calloc, free

from caxton._core.atomics cimport add_u32_seq, futex_wake, store_u32_release
from caxton._core.bounds cimport ENGINE_COUNT, RECEIVERS_MAX, WORKERS_MAX
from caxton._core.calibration cimport calibrate, probe_open, warm_up
from caxton._core.code cimport ModuleCode
from caxton._core.engine cimport engine_close, engine_open
from caxton._core.history cimport history_open
from caxton._core.imports cimport imports_define
from caxton._core.limiter cimport budget_init
from caxton._core.machine cimport machine_close, machine_converse, machine_open
from caxton._core.sandbox cimport sandbox_close
from caxton._core.timers cimport wheel_close
from caxton._core.wasmtime_c cimport Wasmtime, wasmtime_table
from caxton._core.worker cimport ticker_run, worker_run

from caxton._core.engine import CoreError

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    MESSAGE_BYTES_MAX = 1 << 30     # offsets in a text are 32-bit words
    THREAD_STACK_BYTES = 4 << 20    # a guest's own stack (see engine.pxd), and the host functions above it


cdef class Life:
    """What the face of the core stands on. Made whole or not at all."""

    def __cinit__(self, *, int workers, unsigned int agents_max, unsigned int pool_messages,
                  uint64_t message_bytes_max, unsigned int epoch_tick_ms, uint64_t instance_bytes_max,
                  uint64_t mappings_max, bytes protocols not None, unsigned int conversations_max,
                  unsigned int participants_max, uint64_t reply_by_ms, uint64_t conversation_ttl_ms,
                  unsigned int loop_hops, uint64_t history_bytes):
        self.threads = []
        self.searching = threading.Lock()
        self.codes = {}
        if not 1 <= workers <= WORKERS_MAX - 1:
            raise CoreError("argument", f"workers must be 1 to {WORKERS_MAX - 1}, not {workers}")
        if agents_max < 1 or pool_messages < 64 or epoch_tick_ms < 1:
            raise CoreError("argument", "agents_max and epoch_tick_ms must be positive, pool_messages at least 64")
        if not 1 <= message_bytes_max <= MESSAGE_BYTES_MAX:
            raise CoreError("argument", f"message_bytes_max must be 1 to {MESSAGE_BYTES_MAX}, not {message_bytes_max}")
        if conversations_max < 1 or not 1 <= participants_max <= RECEIVERS_MAX:
            raise CoreError("argument", f"conversations_max must be positive, participants_max 1 to {RECEIVERS_MAX}")
        # SAFETY: calloc gives zeroed room of exactly these types.
        self.machine = <Machine*>calloc(1, sizeof(Machine))
        self.wheel = <Wheel*>calloc(1, sizeof(Wheel))
        if self.machine == NULL or self.wheel == NULL:
            raise MemoryError
        if machine_open(self.machine, workers, agents_max, pool_messages, message_bytes_max) != 0:
            free(self.machine)
            free(self.wheel)
            self.machine = NULL
            self.wheel = NULL
            raise CoreError("resource", "the kernel refused memory for the message pool and the routing table")
        self.event_fd = self.machine.event_fd
        self.tick_ms = epoch_tick_ms
        self.machine.tick_ns = <uint64_t>epoch_tick_ms * 1000000
        self.converse(protocols, conversations_max, participants_max)
        self.machine.conversations.default_reply_ns = reply_by_ms * 1000000
        self.machine.conversations.default_ttl_ns = conversation_ttl_ms * 1000000
        self.machine.loop_hops = loop_hops
        if history_open(self.machine, history_bytes) != 0:
            raise CoreError("resource", "the kernel refused memory for the history of conversations")
        budget_init(&self.machine.instance_bytes, instance_bytes_max)
        budget_init(&self.machine.mappings, mappings_max)
        cdef int e
        for e in range(ENGINE_COUNT):
            engine_open(&self.machine.engines[e], e // 2, e % 2)
            self.offer_imports(&self.machine.engines[e])
        self.probe = probe_open(&self.machine.engines[0])
        # SAFETY: the probe is this object's own; guest code in it is ours.
        with nogil:
            self.fuel_rate = calibrate(&self.machine.engines[0], self.probe)
        if self.fuel_rate == 0:
            raise CoreError("wasmtime", "the engine did not run the calibration loop")

    cdef int converse(self, bytes image, uint32_t conversations_max, uint32_t participants_max) except -1:
        cdef int outcome = machine_converse(self.machine, image, len(image), conversations_max, participants_max)
        if outcome == -2:
            raise CoreError("argument", "the protocols' image does not fit this core")
        if outcome != 0:
            raise CoreError("resource", "the kernel refused memory for the conversation table")
        return 0

    cdef int offer_imports(self, Engine* engine) except -1:
        cdef char text[512]
        if imports_define(engine.linker, False, text, sizeof(text)) != 0 or \
                imports_define(engine.linker_wasi, True, text, sizeof(text)) != 0:
            raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
        return 0

    cdef Machine* open_machine(self) except NULL:
        if self.machine == NULL:
            raise CoreError("state", "the core is closed")
        return self.machine

    cdef Slot* slot_of(self, uint32_t index, uint32_t generation) except? NULL:
        cdef Machine* machine = self.open_machine()
        if index >= machine.routing.slot_count:
            raise CoreError("argument", f"no slot {index}")
        cdef Slot* slot = &machine.routing.slots[index]
        return slot if slot.generation == generation and slot.id != 0 else NULL

    def start(self):
        """Start workers and ticker; return when each worker has made its first guest call."""
        cdef Machine* machine = self.open_machine()
        if self.running:
            raise CoreError("state", "the core runs already")
        if machine.stopping != 0:
            raise CoreError("state", "the core was stopped: make a new one")
        warm = [threading.Event() for _ in range(machine.worker_count)]
        failed = []
        for i in range(machine.worker_count):
            thread = threading.Thread(
                target=self._work, args=(i, warm[i], failed), name=f"caxton-worker-{i}", daemon=True)
            self.threads.append(thread)
        self.threads.append(threading.Thread(target=self._tick, name="caxton-ticker", daemon=True))
        self.start_threads()
        for event in warm:
            event.wait()
        if failed:
            self.stop(1.0)
            raise CoreError("wasmtime", "a worker's first guest call failed")

    cdef int start_threads(self) except -1:
        # The default stack is whatever the process's limits say: too small a one is overrun by the first deep guest.
        before = threading.stack_size(THREAD_STACK_BYTES)
        started = []
        self.running = True
        try:
            for thread in self.threads:
                thread.start()
                started.append(thread)
        except RuntimeError as error:
            self.threads = started
            self.stop(1.0)
            raise CoreError("resource", f"the kernel grants no more threads: {error}") from error
        finally:
            threading.stack_size(before)
        return 0

    def _work(self, int index, warm, failed):
        cdef Machine* machine = self.machine
        cdef int outcome
        # SAFETY: the machine outlives the thread: close frees it only after all threads have been joined.
        with nogil:
            outcome = warm_up(&machine.engines[0], self.probe)
        if outcome != 0:
            failed.append(index)
        warm.set()
        if outcome == 0:
            # SAFETY: as above; from here to the end of its life the worker holds no Python object.
            with nogil:
                worker_run(machine.workers[index])

    def _tick(self):
        cdef Machine* machine = self.machine
        # SAFETY: as in _work.
        with nogil:
            ticker_run(machine, self.wheel)

    def stop(self, double timeout_s):
        """Stop workers after their current handler; True when all ended in time. Idempotent."""
        cdef Machine* machine = self.machine
        cdef unsigned int i
        if machine == NULL or not self.running:
            return True
        # ORDERING: the flag needs no company; the futex word changes after it, so a parking worker sees one of them.
        store_u32_release(&machine.stopping, 1)
        for i in range(machine.worker_count):
            add_u32_seq(&machine.workers[i].wake, 1)
            futex_wake(&machine.workers[i].wake, 1)
        deadline = time.monotonic() + timeout_s
        workers = self.threads[:machine.worker_count]
        for thread in workers:
            thread.join(max(0.0, deadline - time.monotonic()))
        in_time = not any(thread.is_alive() for thread in workers)
        if not in_time:
            # The deadlines of the handlers still running end with the next ticks. ORDERING: a flag alone.
            store_u32_release(&machine.hurry, 1)
            for thread in workers:
                thread.join(10.0)
        # ORDERING: a flag alone; the join below orders the rest.
        store_u32_release(&machine.ticker_stopping, 1)
        for thread in self.threads[machine.worker_count:]:
            thread.join(10.0)
        if any(thread.is_alive() for thread in self.threads):
            raise CoreError("state", "a worker does not end: the core cannot be closed")
        self.running = False
        self.threads.clear()
        return in_time

    def close(self):
        """Free everything. Raises CoreError while threads run. Idempotent."""
        cdef Machine* machine = self.machine
        cdef uint32_t i
        cdef int e
        if machine == NULL:
            return
        if self.running:
            raise CoreError("state", "stop the core before closing it")
        with self.searching:
            self.machine = NULL
        wheel_close(machine, self.wheel)
        for i in range(machine.routing.frontier):
            sandbox_close(machine, &machine.routing.slots[i])
            free(machine.routing.slots[i].settings)
            machine.routing.slots[i].settings = NULL
        for code in self.codes.values():
            (<ModuleCode>code).code.users = 0
        self.codes.clear()
        if self.probe != NULL:
            wt.instance_pre_delete(self.probe)
            self.probe = NULL
        for e in range(ENGINE_COUNT):
            engine_close(&machine.engines[e])
        machine_close(machine)
        free(machine)
        free(self.wheel)
        self.wheel = NULL
        self.event_fd = -1

    def __dealloc__(self):
        # Without stop and close the threads may still run: then nothing may be freed.
        if self.machine != NULL and not self.running:
            machine_close(self.machine)
            free(self.machine)
            free(self.wheel)
