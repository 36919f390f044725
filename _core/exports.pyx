"""The exports of the guest ABI with their types, compared with a module's."""

from libc.stdio cimport snprintf
from libc.string cimport memcmp, strlen

from caxton._core.wasmtime_c cimport (
    EXTERN_MEMORY, VALKIND_I32, VALKIND_I64, Wasmtime, wasm_byte_vec_t, wasm_exporttype_vec_t,
    wasm_externtype_t, wasm_functype_t, wasm_valtype_vec_t, wasmtime_table,
)

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    CALLED_COUNT = 6

# Parameters, a colon, results; i = i32, I = i64.
cdef struct Called:
    const char* name            # borrowed: a literal
    const char* type            # borrowed: a literal
    bint needed

cdef Called called[CALLED_COUNT]
called[0] = Called(b"caxton_alloc", b"i:i", True)
called[1] = Called(b"handle_message", b"ii:i", True)
called[2] = Called(b"caxton_reply", b":I", False)
called[3] = Called(b"caxton_init", b":i", False)
called[4] = Called(b"caxton_timer", b"I:i", False)
called[5] = Called(b"_initialize", b":", False)


cdef const char* side_match(const wasm_valtype_vec_t* side, const char* letters) noexcept nogil:
    # The place behind the letters of this side, or NULL when the types differ.
    cdef size_t i
    cdef int kind
    for i in range(side.size):
        kind = wt.valtype_kind(side.data[i])
        if not (kind == VALKIND_I32 and letters[0] == b"i") and not (kind == VALKIND_I64 and letters[0] == b"I"):
            return NULL
        letters += 1
    return letters


cdef bint type_is(const wasm_functype_t* type, const char* letters) noexcept nogil:
    letters = side_match(wt.functype_params(type), letters)
    if letters == NULL or letters[0] != b":":
        return False
    letters = side_match(wt.functype_results(type), letters + 1)
    return letters != NULL and letters[0] == 0


cdef const wasm_externtype_t* find(const wasm_exporttype_vec_t* exports, const char* name) noexcept nogil:
    cdef const wasm_byte_vec_t* own
    cdef size_t i
    for i in range(exports.size):
        own = wt.exporttype_name(exports.data[i])
        if own.size == strlen(name) and memcmp(own.data, name, own.size) == 0:
            return wt.exporttype_type(exports.data[i])
    return NULL


cdef int look(const wasm_exporttype_vec_t* exports, char* text, size_t room) noexcept nogil:
    cdef const wasm_externtype_t* type = find(exports, b"memory")
    cdef const wasm_functype_t* function
    cdef int i
    if type == NULL or wt.externtype_kind(type) != EXTERN_MEMORY:
        snprintf(text, room, b"the module exports no memory named memory")
        return -1
    for i in range(<int>CALLED_COUNT):
        type = find(exports, called[i].name)
        if type == NULL and not called[i].needed:
            continue
        function = NULL
        if type != NULL:
            function = wt.externtype_as_functype(type)
        if function == NULL:
            snprintf(text, room, b"the module exports no function %s", called[i].name)
            return -1
        if not type_is(function, called[i].type):
            snprintf(text, room, b"the export %s has another type than the guest ABI states", called[i].name)
            return -1
    return 0


cdef int exports_check(wasmtime_module_t* module, char* text, size_t room) noexcept nogil:
    cdef wasm_exporttype_vec_t exports
    cdef int outcome
    wt.module_exports(module, &exports)
    outcome = look(&exports, text, room)
    wt.exporttype_vec_delete(&exports)
    return outcome
