"""What a client hears of a posted message, as Python values."""

from caxton._core.post cimport Posted

# (code, message id, conversation id, detail), see core.pyi.
cdef tuple receipt(Posted* posted, unsigned long long length, unsigned long long bytes_max)
