"""The core's counters as Python values."""

from caxton._core.machine cimport Machine

cdef dict scrape(Machine* machine)
