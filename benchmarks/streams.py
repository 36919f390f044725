"""Messages in live conversations beside the same messages in none: subscriptions, publishers, 200 bytes.

Method: 1,000 agents, each subscribes (fipa-subscribe) to some others and publishes to as many. Whoever gets an
inform publishes to one of its own subscribers, at random, in that subscription: so each message opens the record of
another conversation, which its sender names by id. Without protocol the same guests exchange the same bytes, but
nobody has subscribed. Rounds of all kinds follow each other in one process; what counts is the processor time of the
core's threads, medians over the rounds.
"""

from typing import Final, NamedTuple

import wasmtime

from benchmarks.figure import Figure, median
from benchmarks.load import (
    CLIENT_ID,
    FIRST_ID,
    ID_DIGITS,
    IMPORT_SEND,
    MESSAGE_BYTES,
    Load,
    opened,
    post,
    rest,
    spawn_all,
)
from caxton._core.core import Core

AGENTS: Final = 1000
IN_FLIGHT: Final = 64
FEW: Final = 2
MANY: Final = 50
ROUNDS: Final = 7
SUBSCRIBE_S: Final = 30.0
STRIDE: Final = 7
TEXT_AT: Final = 16
OPENING_AT: Final = 512
LEAD: Final = '{"performative":"inform","receiver":"'
MIDDLE: Final = '","conversation_id":"s-'
BETWEEN: Final = "-"
CONTENT: Final = '","content":{"token":"what is new","pad":"'
END: Final = '"}}'
OPENING: Final = '{"performative":"subscribe","protocol":"fipa-subscribe","receiver":"'

# "r" asks an agent for its subscriptions, "q" only tells it its number; an "s" is subscribed to, an "i" was published.
_GUEST: Final = """
(module
  {import_send}
  (memory (export "memory") 1)
  (global $state (mut i32) (i32.const 12345))
  (global $own (mut i32) (i32.const 0))
  (data (i32.const {at}) "{text}")
  (data (i32.const {opening_at}) "{opening}")
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 4096))
  (func $write (param $at i32) (param $id i32)
    (loop $next
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $id) (i32.const 10))))
      (local.set $id (i32.div_u (local.get $id) (i32.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $next (local.get $id))))
  (func $read (param $at i32) (result i32) (local $end i32) (local $value i32)
    (local.set $end (i32.add (local.get $at) (i32.const {digits})))
    (loop $next
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.sub (local.get $value) (i32.const {first})))
  (func $subscribe (local $k i32) (local $to i32)
    (loop $next
      (local.set $to (i32.add (i32.const {first}) (i32.rem_u
        (i32.add (i32.add (global.get $own) (i32.const 1)) (i32.mul (local.get $k) (i32.const {stride})))
        (i32.const {agents}))))
      (call $write (i32.const {opening_receiver}) (local.get $to))
      (call $write (i32.const {opening_own}) (i32.add (global.get $own) (i32.const {first})))
      (call $write (i32.const {opening_other}) (local.get $to))
      (drop (call $send (i32.const {opening_at}) (i32.const {opening_bytes})))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $k) (i32.const {each})))))
  (func (export "handle_message") (param $in i32) (param $bytes i32) (result i32)
    (local $act i32) (local $to i32)
    ;; {{"id":"<36>","performative":"
    (local.set $act (i32.load8_u offset=61 (local.get $in)))
    (if (i32.eq (local.get $act) (i32.const 115)) (then (return (i32.const 0))))
    (if (i32.ne (local.get $act) (i32.const 105))
      (then
        (global.set $own (call $read (i32.sub (i32.add (local.get $in) (local.get $bytes)) (i32.const 9))))
        (if (i32.eq (local.get $act) (i32.const 114)) (then (call $subscribe)))
        (return (i32.const 0))))
    (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1103515245))
      (i32.add (i32.const 12345) (i32.load8_u (i32.add (local.get $in) (i32.const 20))))))
    (local.set $to (i32.add (i32.const {first}) (i32.rem_u
      (i32.sub
        (i32.add (global.get $own) (i32.const {turns}))
        (i32.mul (i32.const {stride})
          (i32.rem_u (i32.shr_u (global.get $state) (i32.const 8)) (i32.const {each}))))
      (i32.const {agents}))))
    (call $write (i32.const {receiver}) (local.get $to))
    (call $write (i32.const {subscriber}) (local.get $to))
    (call $write (i32.const {publisher}) (i32.add (global.get $own) (i32.const {first})))
    (call $send (i32.const {at}) (i32.const {message_bytes}))))
"""


class _Round(NamedTuple):
    free_ns: float
    elsewhere_ns: float
    few_ns: float
    many_ns: float
    judged: int


def guest(each: int) -> bytes:
    """Assemble the guest that subscribes to so many others."""
    zeros = "0" * ID_DIGITS
    head = LEAD + zeros + MIDDLE + zeros + BETWEEN + zeros + CONTENT
    text = head + "x" * (MESSAGE_BYTES - len(head) - len(END)) + END
    opening = OPENING + zeros + MIDDLE + zeros + BETWEEN + zeros + '","content":"news"}'
    receiver = len(LEAD) + ID_DIGITS - 1
    subscriber = receiver + len(MIDDLE) + ID_DIGITS
    opening_receiver = len(OPENING) + ID_DIGITS - 1
    opening_own = opening_receiver + len(MIDDLE) + ID_DIGITS
    source = _GUEST.format(
        import_send=IMPORT_SEND, at=TEXT_AT, text=text.replace('"', '\\"'), opening_at=OPENING_AT,
        opening=opening.replace('"', '\\"'), opening_bytes=len(opening), digits=ID_DIGITS, first=FIRST_ID,
        agents=AGENTS, stride=STRIDE, each=each, turns=AGENTS * STRIDE - 1, message_bytes=MESSAGE_BYTES,
        receiver=TEXT_AT + receiver, subscriber=TEXT_AT + subscriber,
        publisher=TEXT_AT + subscriber + len(BETWEEN) + ID_DIGITS,
        opening_receiver=OPENING_AT + opening_receiver, opening_own=OPENING_AT + opening_own,
        opening_other=OPENING_AT + opening_own + len(BETWEEN) + ID_DIGITS,
    )  # fmt: skip
    return bytes(wasmtime.wat2wasm(source))


def introduce(core: Core, act: bytes) -> None:
    """Tell each agent its number with a message of this act, and wait until all have handled it."""
    before = Load(core).handled()
    for number in range(AGENTS):
        own = FIRST_ID + number
        post(core, b'{"performative":"%s","receiver":"%d","content":"%d"}' % (act, own, own))
    for _ in range(round(SUBSCRIBE_S * 100)):
        if Load(core).handled() >= before + AGENTS:
            return
        rest(0.01)
    raise RuntimeError("not all agents were introduced")


def _publish(core: Core, seconds: float) -> float:
    """Let agents publish; returns the processor nanoseconds of a message."""
    for i in range(IN_FLIGHT):
        post(core, b'{"performative":"inform","receiver":"%d"}' % (FIRST_ID + i * 7919 % AGENTS))
    running = Load(core)
    running.run(0.2)
    return running.run(seconds).cpu_ns()


def unconcerned(seconds: float, conversations: int) -> float:
    """Measure messages without protocol while so many conversations are live elsewhere."""
    with opened(AGENTS) as core:
        spawn_all(core, guest(MANY), AGENTS)
        introduce(core, b"query-ref")
        for number in range(conversations):
            name = b"elsewhere-%d" % number
            reason, _ = core.open_conversation(name, b"fipa-request", CLIENT_ID, [FIRST_ID], 0, 0, 0)
            if reason:
                raise RuntimeError(f"a conversation was refused: {reason}")
        return _publish(core, seconds)


def _held(core: Core, wanted: int) -> int:
    """Wait until so many conversations are held."""
    held = 0
    for _ in range(round(SUBSCRIBE_S * 100)):
        held = core.telemetry()["conversations_held"]
        if held == wanted:
            return held
        rest(0.01)
    raise RuntimeError(f"{held} of {wanted} subscriptions were made")


def subscribed(seconds: float, each: int) -> tuple[float, int]:
    """Measure messages of subscriptions; returns also how many conversations were held."""
    with opened(AGENTS) as core:
        spawn_all(core, guest(each), AGENTS)
        introduce(core, b"request")
        held = _held(core, AGENTS * each)
        taken = _publish(core, seconds)
        refused = sum(core.telemetry()["verdicts"])
        if refused:
            raise RuntimeError(f"{refused} messages were refused")
        return taken, held


def measure(effort: float) -> list[Figure]:
    """Measure for about 40 seconds times `effort`."""
    rounds: list[_Round] = []
    for _ in range(max(3, round(ROUNDS * effort))):
        free = unconcerned(0.6, 0)
        elsewhere = unconcerned(0.6, AGENTS * MANY)
        few, _ = subscribed(0.6, FEW)
        many, held = subscribed(0.6, MANY)
        rounds.append(_Round(free, elsewhere, few, many, held))
    return _figures(rounds)


def _figures(rounds: list[_Round]) -> list[Figure]:
    free = 1e9 / median([r.free_ns for r in rounds])
    size = "200 B, 1,000 agents, one worker"
    method = "messages a second of processor time of the core's threads; median of rounds"
    beside = "the same without protocol"
    return [
        Figure(
            name=f"messages of {count:,} subscriptions, {size}",
            better="more",
            measured=1e9 / median(taken),
            unit="msg/s",
            aim=0.8 * free,
            beside=free,
            beside_name=beside,
            gated=count == AGENTS * FEW,
            claim="80 % of what goes without protocol",
            method=method,
        )
        for count, taken in (
            (AGENTS * FEW, [r.few_ns for r in rounds]),
            (AGENTS * MANY, [r.many_ns for r in rounds]),
        )
    ] + [
        Figure(
            name=f"messages without protocol beside {AGENTS * MANY:,} conversations",
            better="more",
            measured=1e9 / median([r.elsewhere_ns for r in rounds]),
            unit="msg/s",
            aim=0.97 * free,
            beside=free,
            beside_name="with an empty table",
            gated=True,
            claim="who stands outside of all conversations hardly notices them",
            method=method,
        )
    ]
