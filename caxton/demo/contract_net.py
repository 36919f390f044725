"""The Contract Net itself: a request to the manager over the API, and the messages as the agents log them."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final, final

import msgspec

from caxton.cli.client import Client
from caxton.cli.conversation_view import ConversationView
from caxton.cli.log_stream import LogLine, following_lines
from caxton.cli.path import segment
from caxton.cli.refusal import Ended
from caxton.demo.cast import BIDDERS, CAST, CUSTOMER, JOB_SIZE, MANAGER, primes_below
from caxton.demo.conversation import InOrder, faults, held_faults
from caxton.demo.seen_message import SeenMessage, field_of, read_message, read_trace
from caxton.demo.stage import Stage

_ANSWER_MS: Final = 20_000
# How long the logs may lag behind each other, and behind the answer.
_PATIENCE_NS: Final = 60_000_000
_LATE_S: Final = 5.0
_TURN_S: Final = 0.02


class _Answer(msgspec.Struct, frozen=True):
    reply: msgspec.Raw


@final
class ContractNet:
    """One run. `names` tells the agents' names by their ids."""

    def __init__(self, client: Client, stage: Stage, names: Mapping[str, str]) -> None:
        self._client: Final = client
        self._stage: Final = stage
        self._names: Final = names
        self._arrived: Final[SimpleQueue[SeenMessage]] = SimpleQueue()
        self._order: Final = InOrder(_PATIENCE_NS)
        self.messages: Final[list[SeenMessage]] = []

    def run(self) -> list[str]:
        """Run it, showing each message; return what went wrong, nothing when all is well.

        Raises: Refused, Unreachable.
        """
        for role in CAST:
            # These threads end with the agents, or with the program: nobody has to wait for them.
            threading.Thread(target=self._listen, args=(role.name,), daemon=True).start()
        asking: Future[SeenMessage] = Future()
        threading.Thread(target=self._ask, args=(asking,), daemon=True).start()
        answer = self._watch(asking)
        self._stage.message(answer)
        return self._judge(answer) or self._judge_held(answer)

    def _ask(self, asking: "Future[SeenMessage]") -> None:
        try:
            asking.set_result(self._answer())
        except (Ended, ValueError) as error:
            asking.set_exception(error)

    def _answer(self) -> SeenMessage:
        message = {
            "performative": "request",
            "sender": CUSTOMER,
            "receiver": MANAGER,
            "protocol": "fipa-request",
            "content": {"task": "count-primes", "size": JOB_SIZE},
        }
        answer = self._client.post(
            "/messages", message, query={"wait_ms": _ANSWER_MS}, wait_s=_ANSWER_MS / 1000
        )
        received_ns = time.monotonic_ns()
        return read_message(bytes(answer.decode(_Answer).reply), received_ns, CUSTOMER, self._names)

    def _listen(self, agent: str) -> None:
        try:
            for line in following_lines(self._client, agent, limit=100):
                seen = self._read(line, agent)
                if seen is not None:
                    self._arrived.put(seen)
        except (Ended, RuntimeError):
            # The server or the client ended first. What then is missing, the judgement names.
            return

    def _read(self, line: LogLine, agent: str) -> SeenMessage | None:
        try:
            return read_trace(line.message, agent, self._names)
        except ValueError:
            return None

    def _watch(self, asking: "Future[SeenMessage]") -> SeenMessage:
        """Show messages as they come, until the answer is there and the logs have caught up with it."""
        deadline = time.monotonic() + _ANSWER_MS / 1000 + _LATE_S
        while True:
            self._take_in()
            if asking.done():
                answer = asking.result()
                late = (time.monotonic_ns() - answer.received_ns) / 1e9
                if not self._judge(answer) or late > _LATE_S:
                    break
            assert time.monotonic() < deadline, "the request ends before its deadline"
        for seen in self._order.rest():
            self._stage.message(seen)
        return answer

    def _take_in(self) -> None:
        try:
            seen = self._arrived.get(timeout=_TURN_S)
        except Empty:
            pass
        else:
            self.messages.append(seen)
            self._order.add(seen, time.monotonic_ns())
        for due in self._order.due(time.monotonic_ns()):
            self._stage.message(due)

    def _judge_held(self, answer: SeenMessage) -> list[str]:
        """Ask the server for the conversation that the manager held, and compare."""
        conversation = field_of(answer.content, "contract_net")
        if not isinstance(conversation, str):
            return ["the manager's answer does not name its conversation"]
        view = self._client.get(f"/conversations/{segment(conversation)}").decode(ConversationView)
        sessions = ", ".join(f"{each.words} {each.state}" for each in view.participants)
        self._stage.note(
            f"{view.protocol}: {view.state} ({view.outcome}) after {view.messages} messages; {sessions}"
        )
        return held_faults(view, self.messages, MANAGER)

    def _judge(self, answer: SeenMessage) -> list[str]:
        return faults(
            self.messages,
            manager=MANAGER,
            bidders=[role.name for role in BIDDERS],
            answer=answer,
            result=primes_below(JOB_SIZE),
        )
