"""A conformance case played over HTTP among external agents, a hundred times as fast as it is written.

What counts is on which side of each deadline a step falls. The machine may be busy: a run in which a step
came to lie on the wrong side of one proves nothing, and says so by `Slipped`.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.api.live import API
from tests.protocols.conformance import CALLS, Case, CaseStep, Content

SCALE_S: Final = 0.01
# Exactly at a deadline is in time, which no two clocks can try: such a step comes so much before it.
BEFORE_S: Final = 0.05
AFTER_S: Final = 0.005
INBOX_WAIT_MS: Final = 2000


class Slipped(Exception):
    """The run was too slow, or too fast, for what it was to show."""


@dataclass(frozen=True)
class Outcome:
    """What the server said to one step."""

    accepted: bool
    reason: str | None
    state: str | None


@dataclass
class Deadline:
    """An absolute time on the case's clock and on the machine's."""

    at: float
    real: float


@dataclass
class HTTPCase:
    """One run. Agents and conversations have names of their own."""

    client: httpx.Client
    case: Case
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    messages: dict[int, str] = field(default_factory=dict[int, str])
    deadlines: list[Deadline] = field(default_factory=list[Deadline])
    began: float = 0.0

    def begin(self) -> None:
        names = {name for step in self.case.steps for name in self._agents(step)}
        for name in sorted(names):
            body = {"name": f"case-{self.run}-{name}", "kind": "external"}
            answer = self.client.post(f"{API}/agents", json=body)
            assert answer.status_code == 201, answer.text
            self.ids[name] = answer.json()["agent_id"]
        self.began = time.time()

    def end(self) -> None:
        for agent_id in self.ids.values():
            self.client.delete(f"{API}/agents/{agent_id}", params={"force": True})

    def conversation(self, name: str) -> str:
        return f"{self.run}-{name}"

    def standing(self, name: str) -> tuple[str, str | None] | None:
        """Return state and outcome of a conversation, None where there is none."""
        answer = self.client.get(f"{API}/conversations/{self.conversation(name)}")
        if answer.status_code == 404:
            return None
        found = answer.json()
        return found["state"], found["outcome"]

    def play(self, number: int) -> Outcome:
        """Let a step happen at its time, and tell what came of it."""
        step = self.case.steps[number - 1]
        self._wait_for(step)
        sent = time.time()
        if step.performative == "@tick":
            outcome = Outcome(accepted=True, reason=None, state=None)
        elif step.performative == "@agent-died":
            gone = self.client.delete(
                f"{API}/agents/{self.ids[self._receivers(step)[0]]}", params={"force": True}
            )
            assert gone.status_code == 204, gone.text
            outcome = Outcome(accepted=True, reason=None, state=None)
        else:
            outcome = self._say(step, number, sent)
        self._check_side(step, sent, time.time())
        return outcome

    def automatic(self, receiver: str) -> tuple[str, str]:
        """Take the next message for an agent that the server made itself: performative and reason."""
        while True:
            agent = f"{API}/agents/{self.ids[receiver]}"
            params = {"wait_ms": INBOX_WAIT_MS, "max": 1}
            page = self.client.get(f"{agent}/inbox", params=params).json()
            assert page["messages"], f"{receiver} got no automatic message"
            self.client.post(f"{agent}/inbox/ack", json={"cursor": page["cursor"]})
            message: dict[str, Any] = page["messages"][0]
            content = message["content"]
            if _is_automatic(content):
                return message["performative"], content["error"]["kind"]

    def unasked(self) -> list[str]:
        """Return the texts of messages that the server made itself and that nobody took by `automatic`."""
        found: list[str] = []
        for agent_id in self.ids.values():
            answer = self.client.get(f"{API}/agents/{agent_id}/inbox", params={"max": 100})
            if answer.status_code != 404:
                found += [str(one) for one in answer.json()["messages"] if _is_automatic(one["content"])]
        return found

    def _say(self, step: CaseStep, number: int, sent: float) -> Outcome:
        assert step.sender is not None
        same = number if step.duplicate_of_step is None else step.duplicate_of_step
        message_id = self.messages.setdefault(same, str(uuid4()))
        body = {
            "id": message_id,
            "performative": step.performative,
            "sender": self.ids[step.sender],
            "receiver": [self.ids[name] for name in self._receivers(step)],
            "conversation_id": self.conversation(step.conversation_id),
            "protocol": self.case.protocol if step.protocol is None else step.protocol,
            "conversation_ttl_s": self.case.timeouts.ttl * SCALE_S,
            "content": self._content(step.content, step.performative),
        }
        if step.in_reply_to_step is not None:
            body["in_reply_to"] = self.messages.setdefault(step.in_reply_to_step, str(uuid4()))
        if self.case.timeouts.max_awards is not None:
            body["max_awards"] = self.case.timeouts.max_awards
        deadline = self._deadline(step, sent)
        if deadline is not None:
            body["reply_by"] = _rfc3339(deadline.real)
            if deadline.real > sent:
                self.deadlines.append(deadline)
        answer = self.client.post(f"{API}/messages", json=body)
        state = self.standing(step.conversation_id)
        shown = None if state is None else state[0]
        if answer.status_code == 202:
            return Outcome(accepted=True, reason=None, state=shown)
        if answer.status_code == 200:
            assert answer.json()["status"] == "duplicate"
            return Outcome(accepted=False, reason="duplicate_message", state=shown)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "PROTOCOL_VIOLATION"), answer.text
        assert error["hint"]
        return Outcome(accepted=False, reason=error["details"]["reason_kind"], state=shown)

    def _deadline(self, step: CaseStep, sent: float) -> Deadline | None:
        if step.reply_by_at is not None:
            return Deadline(step.reply_by_at, self.began + step.reply_by_at * SCALE_S)
        window = self.case.timeouts.reply_by
        if window is None or step.performative not in CALLS or step.in_reply_to_step is not None:
            return None
        return Deadline(step.t + window, sent + window * SCALE_S)

    def _content(self, content: Content, performative: str) -> dict[str, object]:
        found: dict[str, object] = {
            name: value
            for name, value in (("kind", content.kind), ("price", content.price), ("result", content.result))
            if value is not None
        }
        if performative == "proxy" and self.case.roles.targets:
            found["targets"] = [self.ids[name] for name in self.case.roles.targets]
        return found

    def _wait_for(self, step: CaseStep) -> None:
        due = self.began + step.t * SCALE_S
        for deadline in self.deadlines:
            if step.t > deadline.at:
                due = max(due, deadline.real + AFTER_S)
            elif step.t == deadline.at:
                due = min(due, deadline.real - BEFORE_S)
        # Real time has to pass: what is tried here are the server's own clocks.
        while (left := due - time.time()) > 0:
            self.client.get("/health", timeout=max(left, 1.0))

    def _check_side(self, step: CaseStep, sent: float, done: float) -> None:
        for deadline in self.deadlines:
            if step.t <= deadline.at and done >= deadline.real:
                raise Slipped
            if step.t > deadline.at and sent <= deadline.real:
                raise Slipped

    def _agents(self, step: CaseStep) -> set[str]:
        found = {*self._receivers(step), *self.case.roles.targets}
        return found if step.sender is None else found | {step.sender}

    def _receivers(self, step: CaseStep) -> tuple[str, ...]:
        return (step.to,) if isinstance(step.to, str) else step.to


def _is_automatic(content: object) -> bool:
    return isinstance(content, dict) and "error" in content


def _rfc3339(at_s: float) -> str:
    whole, fraction = divmod(round(at_s * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{fraction:03}Z"
