"""What was said in conversations lately: kept at the hearing, read by the shell."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from caxton._core.acceptance cimport Author
from caxton._core.machine cimport Machine, Worker
from caxton._core.message cimport Message
from caxton._core.verdict cimport Said, Verdict

# Make the tapes: one for each worker and one for the control thread, of ``size`` bytes together; 0 = none.
# 0, or -1 when memory is refused. They are closed with the machine.
cdef int history_open(Machine* machine, uint64_t size) noexcept nogil

# Keep a message and its verdict, on the thread that judged it; ``worker`` NULL = control thread.
cdef void history_keep(Machine* machine, Worker* worker, Author* author, Message* first, const uint64_t* receivers,
                       uint32_t receiver_count, const Said* said, const Verdict* verdict) noexcept nogil
# Keep an answer that the host made about it.
cdef void history_keep_answer(Machine* machine, Worker* worker, Author* author, Message* answer, const Said* said,
                              const Verdict* verdict) noexcept nogil
# Keep a message of which nothing was made, since its receiver is gone; ``text`` is the sender's.
cdef void history_keep_text(Machine* machine, Worker* worker, Author* author, const char* text, uint64_t length,
                            uint64_t receiver, const Said* said, const Verdict* verdict) noexcept nogil

# What the tapes hold of a conversation after ``after``, see core.pyi. Any thread, one at a time.
cdef tuple history_find(Machine* machine, bytes name, unsigned long long after, unsigned int count_max)
