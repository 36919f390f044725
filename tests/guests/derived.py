"""Guests that are derived in code: probes of one host call each, and binaries mangled byte by byte."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wasmtime import wat2wasm

Guest = Callable[[str], bytes]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A guest that makes one host call per message and replies ``{"value": result}``.

    ``value`` is what it must reply. None: the call must trap.
    """

    imports: str
    call: str
    value: int | None
    before: str = ""

    @property
    def source(self) -> str:
        """Return the guest's WAT, with the corpus's shorthands."""
        return f"""
(module
  @import reply {self.imports}
  @include agent
  @include answer
  (data (i32.const 0) "bytes that are no text: \\ff\\fe")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    {self.before}
    (call $reply_number (i64.extend_i32_s {self.call})))
  (func (export "caxton_timer") (param i64) (result i32) (i32.const 0)))
"""


def _send(message: str, value: int) -> Probe:
    return Probe(imports="send", call=f"(call $send `{message}`)", value=value)


def _outside(name: str, operands: str) -> Probe:
    return Probe(imports=name if name != "reply" else "", call=f"(call ${name} {operands})", value=None)


_END: Final = "(i32.const 65532) (i32.const 8)"
_WRAP: Final = "(i32.const -4) (i32.const 8)"
_FAR: Final = "(i32.const 0) (i32.const -1)"

PROBES: Final[dict[str, Probe]] = {
    # Pointers out of range: a trap from each import that takes one, for a range that ends outside the memory,
    # one that wraps around 2^32, and one that is as long as the address space.
    "outside_reply": _outside("reply", _END),
    "outside_reply_wrap": _outside("reply", _WRAP),
    "outside_send": _outside("send", _END),
    "outside_send_wrap": _outside("send", _WRAP),
    "outside_send_far": _outside("send", _FAR),
    "outside_log": Probe(
        imports="log", before=f"(call $log (i32.const 2) {_END})", call="(i32.const 0)", value=None
    ),
    "outside_random": _outside("random", _END),
    "outside_random_wrap": _outside("random", _WRAP),
    "outside_kv_get": _outside("kv_get", _END),
    "outside_kv_set_key": _outside("kv_set", f"{_END} `value`"),
    "outside_kv_set_value": _outside("kv_set", f"`key` {_END}"),
    "outside_kv_delete": _outside("kv_delete", _END),
    "outside_kv_list": _outside("kv_list", _END),
    "outside_call_tool_name": Probe(
        imports="call_tool", call=f"(i32.wrap_i64 (call $call_tool {_END} `{{}}`))", value=None
    ),
    "outside_call_tool_args": Probe(
        imports="call_tool", call=f"(i32.wrap_i64 (call $call_tool `clock` {_END}))", value=None
    ),
    "outside_config_get": _outside("config_get", _END),
    "outside_register_capability": _outside("register_capability", _END),
    "outside_fetch": Probe(
        imports="config_get fetch",
        before="(drop (call $config_get `greeting`))",
        call="(call $fetch (i32.const 65532) (i32.const 0) (i32.const 8))",
        value=None,
    ),
    # Host codes: 0 done, -1 invalid, -2 not found, -3 denied, -5 too big.
    "send_unknown_receiver": _send(
        '{"performative":"inform","receiver":"nobody-of-that-name","content":1}', -2
    ),
    "send_broken_json": _send('{"performative":"inform","receiver":', -1),
    "send_no_object": _send("[1,2,3]", -1),
    "send_no_receiver": _send('{"performative":"inform","content":1}', -1),
    "send_bad_performative": _send('{"performative":"shout","receiver":"silent","content":1}', -1),
    "send_duplicate_keys": _send('{"performative":"inform","performative":"cfp","receiver":"silent"}', -1),
    "send_other_sender": _send(
        '{"performative":"inform","sender":"somebody-else","receiver":"silent","content":1}', -3
    ),
    "send_empty": Probe(imports="send", call="(call $send (i32.const 0) (i32.const 0))", value=-1),
    "send_no_text": Probe(imports="send", call="(call $send (i32.const 0) (i32.const 26))", value=-1),
    "send_huge": Probe(
        imports="send",
        before="(drop (memory.grow (i32.const 32)))",
        call="(call $send (i32.const 0) (i32.const 2097152))",
        value=-5,
    ),
    "config_missing": Probe(imports="config_get", call="(call $config_get `no such key`)", value=-2),
    "timer_negative": Probe(
        imports="set_timer", call="(call $set_timer (i64.const -1) (i64.const 1))", value=-1
    ),
    "timer_cancel_unset": Probe(imports="cancel_timer", call="(call $cancel_timer (i64.const 77))", value=-2),
    "capability_empty": Probe(
        imports="register_capability",
        call="(call $register_capability (i32.const 0) (i32.const 0))",
        value=-1,
    ),
    "last_error_unset": Probe(imports="last_error", call="(call $last_error)", value=0),
    "reply_broken_code": Probe(imports="", call="(call $reply `{`)", value=-1),
}


def _component(guest: Guest) -> bytes:
    return bytes(wat2wasm("(component)"))


def _padded(guest: Guest) -> bytes:
    """Pad the silent agent with a custom section of 1 MiB: too large wherever the limit is 1 MiB."""
    size = 1 << 20
    name = b"\x07padding"
    body = name + bytes(size)
    return guest("silent") + b"\x00" + _leb(len(body)) + body


def _leb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


MANGLED: Final[dict[str, Callable[[Guest], bytes]]] = {
    "empty": lambda guest: b"",
    "truncated": lambda guest: guest("echo")[:-20],
    "truncated_header": lambda guest: guest("echo")[:6],
    "bad_magic": lambda guest: b"\x7fELF" + guest("echo")[4:],
    "version_2": lambda guest: guest("echo")[:4] + b"\x02\x00\x00\x00" + guest("echo")[8:],
    "too_large": _padded,
    "component": _component,
    "text": lambda guest: b'(module\n  (func (export "handle_message")))\n',
    "section_overruns": lambda guest: guest("echo") + b"\x00\xff\xff\xff\xff\x0f",
}
