"""What the core tells the shell, as Python values."""

from caxton._core.machine cimport Machine

# Up to ``count_max`` completions, oldest first; see core.pyi for the tuples. Re-arms the eventfd.
cdef list completion_take(Machine* machine, int count_max)
