"""The plain way to do the same: wasmtime's Python package, an asyncio queue and a task for each agent.

Guests, limits and envelope are those of the server (fuel, deadline, memory; the host fills in id, sender,
timestamp and trace), so the same modules run. It checks less: no names, no rates, no telemetry, no verdict.
"""

import asyncio
import itertools
import time
import uuid
from typing import Final, final

import orjson
import wasmtime

FUEL: Final = 10**8
TICKS: Final = 1000
MEMORY_BYTES_MAX: Final = 16 << 20
MAILBOX_MAX: Final = 1000


@final
class Twin:
    """Agents of one module, by id."""

    def __init__(self, wasm: bytes, first_id: int, agents: int) -> None:
        config = wasmtime.Config()
        config.consume_fuel = True
        config.epoch_interruption = True
        self.engine: Final = wasmtime.Engine(config)
        self.module: Final = wasmtime.Module(self.engine, wasm)
        self.agents: Final = {
            number: TwinAgent(self, number) for number in range(first_id, first_id + agents)
        }
        self.client: Final[asyncio.Queue[bytes]] = asyncio.Queue()
        self.handled = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let every agent wait for messages."""
        self._tasks = [asyncio.create_task(agent.serve()) for agent in self.agents.values()]

    async def stop(self) -> None:
        """End all agents."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def send(self, text: bytes, sender: int, current: dict[str, object] | None) -> int:
        """Accept one message: read it, fill it in, put it into the receiver's queue; a host code."""
        message = orjson.loads(text)
        message["id"] = str(uuid.uuid4())
        message["sender"] = str(sender)
        message["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if current is not None:
            message.setdefault("conversation_id", current.get("conversation_id"))
            message.setdefault("receiver", current["sender"])
        receiver = int(message["receiver"])
        delivered = orjson.dumps(message)
        if receiver == 0:
            self.client.put_nowait(delivered)
            return 0
        agent = self.agents.get(receiver)
        if agent is None:
            return -2
        if agent.queue.full():
            return -4
        agent.queue.put_nowait(delivered)
        return 0


@final
class TwinAgent:
    """One instance and its queue."""

    def __init__(self, twin: Twin, number: int) -> None:
        self.queue: Final[asyncio.Queue[bytes]] = asyncio.Queue(MAILBOX_MAX)
        self._twin = twin
        self._number = number
        self._current: dict[str, object] | None = None
        self._outbox: list[bytes] = []
        self._store = wasmtime.Store(twin.engine)
        self._store.set_limits(memory_size=MEMORY_BYTES_MAX)
        self._store.set_fuel(FUEL)
        self._store.set_epoch_deadline(TICKS)
        pair = wasmtime.FuncType([wasmtime.ValType.i32(), wasmtime.ValType.i32()], [wasmtime.ValType.i32()])
        imports = [
            wasmtime.Func(self._store, pair, self._send)
            for _ in itertools.repeat(None, len(twin.module.imports))
        ]
        exports = wasmtime.Instance(self._store, twin.module, imports).exports(self._store)
        memory, alloc, handle = exports["memory"], exports["caxton_alloc"], exports["handle_message"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(alloc, wasmtime.Func)
        assert isinstance(handle, wasmtime.Func)
        self._memory, self._alloc, self._handle = memory, alloc, handle

    async def serve(self) -> None:
        """Handle messages for ever, giving others their turn after each."""
        while True:
            text = await self.queue.get()
            self.handle(text)
            await asyncio.sleep(0)

    def handle(self, text: bytes) -> None:
        """Hand one message to the guest and send on what it says."""
        store = self._store
        store.set_fuel(FUEL)
        store.set_epoch_deadline(TICKS)
        place = self._alloc(store, len(text))
        self._memory.write(store, text, place)
        self._current = orjson.loads(text)
        self._handle(store, place, len(text))
        for message in self._outbox:
            self._twin.send(message, self._number, self._current)
        self._outbox.clear()
        self._twin.handled += 1

    def _send(self, pointer: int, length: int) -> int:
        self._outbox.append(bytes(self._memory.read(self._store, pointer, pointer + length)))
        return 0


async def pass_messages(wasm: bytes, first_id: int, agents: int, in_flight: int, seconds: float) -> float:
    """Let guests pass messages on for so long; returns messages a second of processor time."""
    twin = Twin(wasm, first_id, agents)
    twin.start()
    for i in range(in_flight):
        twin.send(b'{"performative":"inform","receiver":"%d"}' % (first_id + i * 7919 % agents), 0, None)
    cpu, handled, deadline = time.thread_time(), twin.handled, time.monotonic() + seconds
    while time.monotonic() < deadline:
        await asyncio.sleep(0)
    rate = (twin.handled - handled) / (time.thread_time() - cpu)
    await twin.stop()
    return rate


async def ask(twin: Twin, body: bytes) -> bytes:
    """Send one message from outside and wait for the answer."""
    twin.send(body, 0, None)
    return await twin.client.get()
