"""What the shell is told of conversations: copies, made under the stripe and read without it."""

from caxton._core.machine cimport Machine

# The conversation with this id (canonical escapes), or None; see core.pyi for the tuple.
cdef object account_find(Machine* machine, bytes name)
# Up to ``count_max`` of them from the record ``start`` on, live ones only or all, and where to go on (0 = the end).
cdef tuple account_page(Machine* machine, unsigned int start, int count_max, bint live_only)
# Open one by hand. (Reason, state).
cdef tuple account_open(Machine* machine, bytes name, object protocol, unsigned long long initiator,
                        list participants, unsigned int messages_max, unsigned long long fuel_max,
                        unsigned long long ttl_ms)
# End one that nobody else has a say in; see verdict.end_by_hand.
cdef bint account_end(Machine* machine, bytes name)
