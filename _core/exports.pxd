"""What the core calls in a guest, checked against the compiled module itself.

Guest functions are entered without a check of their type: a wrong one would read and write values behind the
array that it is given. The shell inspects a module's bytes before they are compiled; this page is the core's own
look, once a module, so that nothing but the engine's word is trusted.
"""

from caxton._core.wasmtime_c cimport wasmtime_module_t

# 0, or -1 with what is wrong in ``text``: an export that the core needs is missing, or one that it calls has
# another type.
cdef int exports_check(wasmtime_module_t* module, char* text, size_t room) noexcept nogil
