"""The inert WASI subset that a libc needs: writing to the log, clock, random; the rest says "not supported"."""

from caxton._core.wasmtime_c cimport wasmtime_linker_t

cdef int wasi_define(wasmtime_linker_t* linker, char* text, size_t room) noexcept nogil
