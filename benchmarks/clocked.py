"""Guests that keep time: a message carries the moment it was meant to be sent, its handler counts the delay.

The moment stands as 16 hexadecimal digits at the end of the content, on the kernel's monotonic clock, which
guests and programs share; so a delay runs from there to the first instruction of the handler, and nothing of
the server's own telemetry is believed. A guest's counts (see `benchmarks.spread`) are asked for with a
`query-ref`: it logs them in one line and begins anew.
"""

import time
from collections.abc import Iterable
from typing import Final

import wasmtime

from benchmarks.load import (
    CLIENT_ID,
    FIRST_ID,
    ID_DIGITS,
    IMPORT_SEND,
    LEAD,
    MESSAGE_BYTES,
    SEND,
    TEXT_AT,
    post,
    rest,
)
from benchmarks.spread import Spread
from caxton._core.core import KIND_LOG, Core

MIDDLE: Final = '","content":"'
END: Final = '"}'
STAMP_DIGITS: Final = 16
READ_S: Final = 60.0

_GUEST: Final = """
(module
  {import_send}
  (import "caxton_v1" "log" (func $log (param i32 i32 i32)))
  (import "caxton_v1" "monotonic_ns" (func $now (result i64)))
  (memory (export "memory") 1)
  (global $state (mut i32) (i32.const 12345))
  (data (i32.const {at}) "{text}")
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 4096))
  (func $tell (local $at i32)
    (call $log (i32.const 2) (i32.const {counts}) (i32.const 4096))
    (local.set $at (i32.const {counts}))
    (loop $next
      (i64.store (local.get $at) (i64.const 0))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const {counts_end})))))
  (func $count (param $ns i64) (local $exponent i64) (local $at i32)
    (local.set $at (i32.wrap_i64 (local.get $ns)))
    (if (i64.ge_u (local.get $ns) (i64.const 64))
      (then
        (local.set $exponent (i64.sub (i64.const 63) (i64.clz (local.get $ns))))
        (local.set $at (i32.wrap_i64 (i64.add
          (i64.add (i64.const 64) (i64.mul (i64.sub (local.get $exponent) (i64.const 6)) (i64.const 32)))
          (i64.and (i64.const 31)
            (i64.shr_u (local.get $ns) (i64.sub (local.get $exponent) (i64.const 5)))))))
        (if (i32.gt_u (local.get $at) (i32.const 1023)) (then (local.set $at (i32.const 1023))))))
    (local.set $at (i32.add (i32.const {counts}) (i32.shl (local.get $at) (i32.const 2))))
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1))))
  (func $read (param $at i32) (result i64) (local $left i32) (local $value i64) (local $digit i64)
    (local.set $left (i32.const 16))
    (loop $next
      (local.set $digit (i64.load8_u (local.get $at)))
      (local.set $value (i64.or (i64.shl (local.get $value) (i64.const 4))
        (i64.add (i64.and (local.get $digit) (i64.const 15))
          (i64.mul (i64.const 9) (i64.shr_u (local.get $digit) (i64.const 6))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $value))
  (func (export "handle_message") (param $in i32) (param $bytes i32) (result i32)
    (local $now i64) (local $then i64) (local $id i32) (local $at i32)
    (local.set $now (call $now))
    ;; {{"id":"<36>","performative":"q
    (if (i32.eq (i32.load8_u offset=61 (local.get $in)) (i32.const 113))
      (then (call $tell) (return (i32.const 0))))
    (local.set $then (call $read (i32.sub (i32.add (local.get $in) (local.get $bytes)) (i32.const 18))))
    (if (i64.lt_u (local.get $then) (local.get $now))
      (then (call $count (i64.sub (local.get $now) (local.get $then)))))
    {act}))
"""
_PASS_ON: Final = """
    (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1103515245))
      (i32.add (i32.const 12345) (i32.load8_u (i32.add (local.get $in) (i32.const 20))))))
    (local.set $id (i32.add (i32.const {first})
      (i32.rem_u (i32.shr_u (global.get $state) (i32.const 8)) (i32.const {agents}))))
    (local.set $at (i32.const {last_digit}))
    (loop $next
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $id) (i32.const 10))))
      (local.set $id (i32.div_u (local.get $id) (i32.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $next (local.get $id)))
    (local.set $then (call $now))
    (local.set $at (i32.const {last_stamp}))
    (loop $next
      (local.set $id (i32.and (i32.wrap_i64 (local.get $then)) (i32.const 15)))
      (i32.store8 (local.get $at)
        (i32.add (local.get $id)
          (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $id) (i32.const 9)))))
      (local.set $then (i64.shr_u (local.get $then) (i64.const 4)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $next (i32.gt_u (local.get $at) (i32.const {before_stamp}))))
"""
_COUNTS_AT: Final = 16384


def guest(agents: int, *, passes_on: bool) -> bytes:
    """Assemble the guest. It passes messages on to random agents, or keeps them."""
    pad = MESSAGE_BYTES - len(LEAD) - ID_DIGITS - len(MIDDLE) - STAMP_DIGITS - len(END)
    text = LEAD + "0" * ID_DIGITS + MIDDLE + "x" * pad + "0" * STAMP_DIGITS + END
    last_stamp = TEXT_AT + MESSAGE_BYTES - len(END) - 1
    act = _PASS_ON.format(
        first=FIRST_ID, agents=agents, last_digit=TEXT_AT + len(LEAD) + ID_DIGITS - 1, last_stamp=last_stamp,
        before_stamp=last_stamp - STAMP_DIGITS,
    ) + SEND  # fmt: skip
    source = _GUEST.format(
        import_send=IMPORT_SEND if passes_on else "", at=TEXT_AT, text=text.replace('"', '\\"'),
        counts=_COUNTS_AT, counts_end=_COUNTS_AT + 4096, act=act if passes_on else "(i32.const 0)",
    )  # fmt: skip
    return bytes(wasmtime.wat2wasm(source))


def stamped(number: int, at_ns: int) -> bytes:
    """Write a message of 200 bytes to an agent, to be sent at that moment of the monotonic clock."""
    head = b"%s%d%s" % (LEAD.encode(), FIRST_ID + number, MIDDLE.encode())
    pad = MESSAGE_BYTES - len(head) - STAMP_DIGITS - len(END)
    return b"%s%s%016x%s" % (head, b"x" * pad, at_ns, END.encode())


def set_going(core: Core, agents: int, in_flight: int) -> None:
    """Put so many messages among agents that pass them on."""
    for i in range(in_flight):
        post(core, stamped(i * 7919 % agents, time.monotonic_ns()))


def collect(core: Core, agents: Iterable[int]) -> Spread:
    """Ask agents for what they counted since they were asked last.

    Raises:
        RuntimeError: one did not tell.
    """
    asked = [FIRST_ID + number for number in agents]
    among = frozenset(asked)
    whole, heard, deadline = Spread(), 0, time.monotonic() + READ_S
    for place in range(0, len(asked), 1000):
        for agent in asked[place : place + 1000]:
            post(core, b'{"performative":"query-ref","receiver":"%d"}' % agent)
        while heard < min(place + 1000, len(asked)):
            told = core.take_completions(10_000)
            if not told:
                rest(0.001)
            for row in told:
                # Others log as well.
                if row[0] == KIND_LOG and row[3] in among and isinstance(text := row[5], bytes):
                    heard += 1
                    whole.add(Spread.of_words(text))
            if time.monotonic() > deadline:
                raise RuntimeError(f"{heard} of {len(asked)} agents told what they counted")
    return whole


__all__ = ["CLIENT_ID", "collect", "guest", "set_going", "stamped"]
