"""The guest ABI ``caxton_v1`` as data: what an agent module must and may export, and what it may import.

Read before any code of a module runs. Version 1 only ever gains imports: nothing here is renamed or retyped.
"""

from typing import Final, Literal

import msgspec

ValueType = Literal["i32", "i64", "f32", "f64", "v128", "reference"]


class Signature(msgspec.Struct, frozen=True):
    """The type of a function: its parameters and results, in order."""

    params: tuple[ValueType, ...] = ()
    results: tuple[ValueType, ...] = ()

    def __str__(self) -> str:
        return f"({', '.join(self.params)}) -> ({', '.join(self.results)})"


def _signature(text: str) -> Signature:
    letters: dict[str, ValueType] = {"i": "i32", "l": "i64"}
    params, _, results = text.partition(">")
    return Signature(tuple(letters[c] for c in params), tuple(letters[c] for c in results))


ABI_VERSION: Final = 1
IMPORT_MODULE: Final = "caxton_v1"
MARKER: Final = "caxton_abi_v1"
MARKER_PREFIX: Final = "caxton_abi_v"
MEMORY: Final = "memory"
HANDLER: Final = "handle_message"
COMMAND_ENTRY: Final = "_start"
MANIFEST_SECTION: Final = "caxton"

REQUIRED_EXPORTS: Final[dict[str, Signature]] = {
    "caxton_alloc": _signature("i>i"),
    HANDLER: _signature("ii>i"),
}
OPTIONAL_EXPORTS: Final[dict[str, Signature]] = {
    "caxton_reply": _signature(">l"),
    "caxton_init": _signature(">i"),
    "caxton_timer": _signature("l>i"),
    "caxton_snapshot": _signature(">l"),
    "caxton_restore": _signature("ii>i"),
    "_initialize": _signature(">"),
}
EXPORTS: Final[dict[str, Signature]] = {MARKER: _signature(">"), **REQUIRED_EXPORTS, **OPTIONAL_EXPORTS}

IMPORTS: Final[dict[str, Signature]] = {
    "reply": _signature("ii>i"),
    "send": _signature("ii>i"),
    "log": _signature("iii>"),
    "now_ms": _signature(">l"),
    "monotonic_ns": _signature(">l"),
    "random": _signature("ii>i"),
    "kv_get": _signature("ii>i"),
    "kv_set": _signature("iiii>i"),
    "kv_delete": _signature("ii>i"),
    "kv_list": _signature("ii>i"),
    "call_tool": _signature("iiii>l"),
    "set_timer": _signature("ll>i"),
    "cancel_timer": _signature("l>i"),
    "config_get": _signature("ii>i"),
    "register_capability": _signature("ii>i"),
    "fetch": _signature("iii>i"),
    "last_error": _signature(">i"),
}

WASI_MODULE: Final = "wasi_snapshot_preview1"
# The functions of WASI preview 1, offered only to an agent that was granted the inert subset. Its types are
# the C library's: checked here, so that a mismatch is named at deployment and not when the instance is
# linked.
WASI_IMPORTS: Final[dict[str, Signature]] = {
    name: _signature(text)
    for name, text in {
        "args_get": "ii>i",
        "args_sizes_get": "ii>i",
        "environ_get": "ii>i",
        "environ_sizes_get": "ii>i",
        "clock_res_get": "ii>i",
        "clock_time_get": "ili>i",
        "fd_advise": "illi>i",
        "fd_allocate": "ill>i",
        "fd_close": "i>i",
        "fd_datasync": "i>i",
        "fd_fdstat_get": "ii>i",
        "fd_fdstat_set_flags": "ii>i",
        "fd_fdstat_set_rights": "ill>i",
        "fd_filestat_get": "ii>i",
        "fd_filestat_set_size": "il>i",
        "fd_filestat_set_times": "illi>i",
        "fd_pread": "iiili>i",
        "fd_prestat_get": "ii>i",
        "fd_prestat_dir_name": "iii>i",
        "fd_pwrite": "iiili>i",
        "fd_read": "iiii>i",
        "fd_readdir": "iiili>i",
        "fd_renumber": "ii>i",
        "fd_seek": "ilii>i",
        "fd_sync": "i>i",
        "fd_tell": "ii>i",
        "fd_write": "iiii>i",
        "path_create_directory": "iii>i",
        "path_filestat_get": "iiiii>i",
        "path_filestat_set_times": "iiiilli>i",
        "path_link": "iiiiiii>i",
        "path_open": "iiiiillii>i",
        "path_readlink": "iiiiii>i",
        "path_remove_directory": "iii>i",
        "path_rename": "iiiiii>i",
        "path_symlink": "iiiii>i",
        "path_unlink_file": "iii>i",
        "poll_oneoff": "iiii>i",
        "proc_exit": "i>",
        "proc_raise": "i>i",
        "random_get": "ii>i",
        "sched_yield": ">i",
        "sock_accept": "iii>i",
        "sock_recv": "iiiiii>i",
        "sock_send": "iiiii>i",
        "sock_shutdown": "ii>i",
    }.items()
}
