"""A small platform for guests under test: real modules in real sandboxes, the host's side in plain Python.

It keeps the rules of the guest ABI (what is sent leaves when the handler returns, the host fills in what the
guest left out, timers run on a clock that only ``advance`` moves) and none of the server's machinery, so that
an agent can be tried on its own. Slow and simple on purpose.
"""

import atexit
import functools
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import wasmtime
from wasmtime import FuncType, ValType

from caxton.runtime import abi
from caxton.runtime.abi import ValueType

Message = dict[str, object]

FUEL: Final = 20_000_000
EPOCH_MS: Final = 1_765_000_000_000


@dataclass
class Agent:
    """One instance and what the host keeps about it."""

    name: str
    number: int
    store: wasmtime.Store
    exports: dict[str, wasmtime.Func]
    memory: wasmtime.Memory
    config: dict[str, str]
    state: dict[str, bytes] = field(default_factory=dict[str, bytes])
    timers: dict[int, int] = field(default_factory=dict[int, int])
    logged: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    capabilities: list[str] = field(default_factory=list[str])
    outbox: list[Message] = field(default_factory=list[Message])
    handling: Message | None = None
    reply: Message | None = None
    pulled: bytes = b""
    fuel_used: int = 0


class GuestTrap(Exception):
    """A handler trapped."""


@functools.cache
def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    # The bindings' destructors complain when the interpreter has taken its modules apart before they run.
    atexit.register(engine.close)
    return engine


@functools.cache
def _module(wasm: bytes) -> wasmtime.Module:
    module = wasmtime.Module(_engine(), wasm)
    atexit.register(module.close)
    return module


class Platform:
    """Agents by name, the messages between them, and a clock."""

    def __init__(self, fuel: int = FUEL) -> None:
        self.fuel = fuel
        self.agents: dict[str, Agent] = {}
        self.now_ms = EPOCH_MS
        self.queue: deque[Message] = deque()
        self.delivered: list[Message] = []
        self.outside: list[Message] = []
        self._numbers = itertools.count(1000)
        self._ids = itertools.count(1)

    def deploy(self, name: str, wasm: bytes, **config: str) -> Agent:
        """Make an instance and start it. Raises AssertionError if it refuses to start."""
        store = wasmtime.Store(_engine())
        store.set_fuel(self.fuel)
        linker = wasmtime.Linker(_engine())
        module = _module(wasm)
        calls = HostCalls(self)
        calls.define_in(linker)
        instance = linker.instantiate(store, module)
        found = instance.exports(store)
        memory = found["memory"]
        assert isinstance(memory, wasmtime.Memory)
        functions = {
            export.name: func
            for export in module.exports
            if isinstance(func := found[export.name], wasmtime.Func)
        }
        agent = Agent(name, next(self._numbers), store, functions, memory, config)
        calls.agent = agent
        for start in ("_initialize", "caxton_init"):
            if start in functions:
                code = self._call(agent, start)
                assert code is None or code >= 0, f"{name} refuses to start: {code} {agent.logged}"
        self._leave(agent)
        self.agents[name] = agent
        return agent

    def tell(self, receiver: str, performative: str, content: object, **fields: object) -> list[Message]:
        """Send a message from outside, let everything come to rest, and return what came back outside."""
        message: Message = {"performative": performative, "receiver": receiver, "content": content, **fields}
        before = len(self.outside)
        self._post(message, "outside", None)
        self.settle()
        return self.outside[before:]

    def settle(self) -> None:
        """Deliver messages until none is left; at most 10,000."""
        for _ in range(10_000):
            if not self.step():
                return
        raise AssertionError("the agents never come to rest")

    def step(self) -> bool:
        """Deliver one message; False if there is none."""
        if not self.queue:
            return False
        self._deliver(self.queue.popleft())
        return True

    def advance(self, milliseconds: int) -> list[Message]:
        """Move the clock, let due timers go off in order, and return what came outside."""
        until, before = self.now_ms + milliseconds, len(self.outside)
        while True:
            due = min(
                ((at, a.name, i) for a in self.agents.values() for i, at in a.timers.items()), default=None
            )
            if due is None or due[0] > until:
                break
            self.now_ms = max(self.now_ms, due[0])
            agent = self.agents[due[1]]
            del agent.timers[due[2]]
            self._run(agent, "caxton_timer", due[2])
            self.settle()
        self.now_ms = until
        return self.outside[before:]

    def handle(self, agent: Agent, text: bytes) -> int:
        """Give a text to an agent as the host does, and return the handler's code.

        Raises GuestTrap.
        """
        at = self._call(agent, "caxton_alloc", len(text))
        assert at, f"{agent.name} has no room for {len(text)} bytes"
        agent.memory.write(agent.store, text, at)
        code = self._run(agent, "handle_message", at, len(text))
        return code if code is not None else 0

    def _deliver(self, message: Message) -> None:
        self.delivered.append(message)
        agent = self.agents.get(str(message["receiver"]))
        if agent is None:
            self.outside.append(message)
            return
        agent.handling, agent.reply = message, None
        try:
            code = self.handle(agent, msgspec.json.encode(message))
        finally:
            agent.handling = None
        if code == 1 and agent.reply is None and "caxton_reply" in agent.exports:
            packed = self._call(agent, "caxton_reply") or 0
            agent.reply = msgspec.json.decode(
                _bytes(agent, packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF), type=Message
            )
        assert (code == 1) == (agent.reply is not None), f"{agent.name} returned {code}"
        if agent.reply is not None:
            self._post({"receiver": message["sender"], **agent.reply}, agent.name, message, answer=True)
        elif code == -2:
            self._post(
                {"performative": "not-understood", "receiver": message["sender"]},
                agent.name,
                message,
                answer=True,
            )
        elif code < 0:
            failure: Message = {
                "performative": "failure",
                "receiver": message["sender"],
                "content": {"error": {"code": code}},
            }
            self._post(failure, agent.name, message, answer=True)

    def _run(self, agent: Agent, name: str, *arguments: int) -> int | None:
        code = self._call(agent, name, *arguments)
        if code is not None and code >= 0:
            self._leave(agent)
        agent.outbox.clear()
        return code

    def _leave(self, agent: Agent) -> None:
        for message in agent.outbox:
            self._post(message, agent.name, agent.handling)
        agent.outbox.clear()

    def _call(self, agent: Agent, name: str, *arguments: int) -> int | None:
        agent.store.set_fuel(self.fuel)
        try:
            result = agent.exports[name](agent.store, *arguments)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            raise GuestTrap(str(trap)) from trap
        finally:
            agent.fuel_used = self.fuel - agent.store.get_fuel()
        assert result is None or isinstance(result, int)
        return result

    def _post(self, message: Message, sender: str, cause: Message | None, *, answer: bool = False) -> None:
        known = {agent.name: str(agent.number) for agent in self.agents.values()}
        names = {number: name for name, number in known.items()}
        filled: Message = {"id": f"id-{next(self._ids)}", "sender": known.get(sender, sender), **message}
        for key in ("conversation_id", "protocol"):
            if key not in filled and cause is not None and key in cause:
                filled[key] = cause[key]
        if answer and cause is not None:
            filled.setdefault("in_reply_to", cause.get("reply_with", cause["id"]))
        filled.setdefault("conversation_id", f"c-{filled['id']}")
        receivers = msgspec.convert(filled["receiver"], str | list[str])
        for receiver in [receivers] if isinstance(receivers, str) else receivers:
            self.queue.append({**filled, "receiver": names.get(receiver, receiver)})

    def accepts(self, text: bytes) -> tuple[int, Message | None]:
        """Judge what a guest wants to send: (0, message) or (host code, None)."""
        try:
            message = msgspec.json.decode(text, type=Message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return -1, None
        return (0, message) if "performative" in message else (-1, None)


def _bytes(agent: Agent, at: int, length: int) -> bytes:
    at, length = at & 0xFFFFFFFF, length & 0xFFFFFFFF
    if at + length > agent.memory.data_len(agent.store):
        raise GuestTrap("a pointer out of range")
    return bytes(agent.memory.read(agent.store, at, at + length))


class HostCalls:
    """The host functions of one agent. ``agent`` is set once the instance exists."""

    agent: Agent

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def reply(self, at: int, length: int) -> int:
        code, message = self.platform.accepts(_bytes(self.agent, at, length))
        if message is not None:
            self.agent.reply = message
        return code

    def send(self, at: int, length: int) -> int:
        code, message = self.platform.accepts(_bytes(self.agent, at, length))
        if message is not None:
            if "receiver" not in message:
                return -1
            self.agent.outbox.append(message)
        return code

    def log(self, level: int, at: int, length: int) -> None:
        self.agent.logged.append((level, _bytes(self.agent, at, length).decode("utf-8", "replace")))

    def now_ms(self) -> int:
        return self.platform.now_ms

    def monotonic_ns(self) -> int:
        return self.platform.now_ms * 1_000_000

    def random(self, at: int, length: int) -> int:
        _bytes(self.agent, at, length)
        self.agent.memory.write(self.agent.store, bytes(37 * (i + at) % 256 for i in range(length)), at)
        return 0

    def set_timer(self, milliseconds: int, number: int) -> int:
        if milliseconds < 0:
            return -1
        self.agent.timers[number] = self.platform.now_ms + milliseconds
        return 0

    def cancel_timer(self, number: int) -> int:
        return -2 if self.agent.timers.pop(number, None) is None else 0

    def config_get(self, at: int, length: int) -> int:
        value = self.agent.config.get(_bytes(self.agent, at, length).decode())
        if value is None:
            return -2
        self.agent.pulled = value.encode()
        return len(self.agent.pulled)

    def fetch(self, to: int, offset: int, length: int) -> int:
        piece = self.agent.pulled[offset : offset + length]
        _bytes(self.agent, to, length)
        self.agent.memory.write(self.agent.store, piece, to)
        return len(piece)

    def register_capability(self, at: int, length: int) -> int:
        self.agent.capabilities.append(_bytes(self.agent, at, length).decode())
        return 0 if length else -1

    def last_error(self) -> int:
        return 0

    def unavailable(self, *_arguments: int) -> int:
        return -6

    def define_in(self, linker: wasmtime.Linker) -> None:
        """Define all imports of the ABI; those without a method here answer that they are unavailable."""
        value_types: dict[ValueType, ValType] = {"i32": ValType.i32(), "i64": ValType.i64()}
        for name, signature in abi.IMPORTS.items():
            params = [value_types[param] for param in signature.params]
            results = [value_types[result] for result in signature.results]
            function: Callable[..., int | None] = getattr(self, name, self.unavailable)
            linker.define_func(abi.IMPORT_MODULE, name, FuncType(params, results), function)
