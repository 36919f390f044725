"""A message that its protocol forbids: refused, with the reason, and without any effect.

An external agent agrees to a request of the customer, and agrees a second time. All is said over the API.
"""

import time
from collections.abc import Sequence
from typing import Final, final

import msgspec

from caxton.cli.client import Client
from caxton.cli.conversation_view import ConversationView
from caxton.cli.path import segment
from caxton.cli.refusal import Refused
from caxton.demo.cast import CUSTOMER
from caxton.demo.seen_message import SeenMessage
from caxton.demo.stage import Stage

CLERK: Final = "clerk"
PROTOCOL: Final = "fipa-request"
EXPECTED: Final = "duplicate_response"


@final
class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said of a message that it did not take."""

    sender: str
    receiver: str
    performative: str
    code: str
    reason: str
    state: str
    hint: str


@final
class Standing(msgspec.Struct, frozen=True):
    """Where the conversation stood at some moment."""

    state: str
    outcome: str | None
    messages: int
    refused: int


class _Sent(msgspec.Struct, frozen=True):
    conversation_id: str


class _Details(msgspec.Struct, frozen=True):
    reason_kind: str = ""
    state: str = ""


@final
class Violation:
    """One run of it."""

    def __init__(self, client: Client, stage: Stage) -> None:
        self._client: Final = client
        self._stage: Final = stage
        self.refusals: Final[list[Refusal]] = []

    def run(self) -> list[str]:
        """Run it, showing each message; return what went wrong, nothing when all is well.

        Raises: Refused, Unreachable.
        """
        self._client.post("/agents", {"name": CLERK, "kind": "external"})
        self._stage.cast([CLERK])
        task = {"task": "file-the-result"}
        talk = self._say(CUSTOMER, CLERK, "request", task, None).conversation_id
        self._say(CLERK, CUSTOMER, "agree", task, talk)
        before = self._standing(talk)
        try:
            self._say(CLERK, CUSTOMER, "agree", task, talk)
        except Refused as refused:
            self._note(refused)
        after = self._standing(talk)
        self._say(CLERK, CUSTOMER, "inform", {"kind": "done"}, talk)
        end = self._standing(talk)
        self._stage.note(
            f"{PROTOCOL}: {end.state} ({end.outcome}) after {end.messages} messages, {end.refused} refused"
        )
        return violation_faults(self.refusals, before, after, end)

    def _say(
        self, sender: str, receiver: str, performative: str, content: object, conversation: str | None
    ) -> _Sent:
        message: dict[str, object] = {
            "performative": performative,
            "sender": sender,
            "receiver": receiver,
            "protocol": PROTOCOL,
            "content": content,
        }
        if conversation is not None:
            message["conversation_id"] = conversation
        answer = self._client.post("/messages", message)
        self._stage.message(_seen(sender, receiver, performative, content))
        return answer.decode(_Sent)

    def _standing(self, conversation: str) -> Standing:
        view = self._client.get(f"/conversations/{segment(conversation)}").decode(ConversationView)
        return Standing(view.state, view.outcome, view.messages, view.refused)

    def _note(self, refused: Refused) -> None:
        details = msgspec.convert(refused.details, type=_Details)
        refusal = Refusal(
            sender=CLERK,
            receiver=CUSTOMER,
            performative="agree",
            code=refused.code,
            reason=details.reason_kind,
            state=details.state,
            hint=refused.hint or "",
        )
        self.refusals.append(refusal)
        seen = _seen(refusal.sender, refusal.receiver, refusal.performative, None)
        self._stage.refusal(seen, f"{refusal.reason}: {refusal.hint}")


def violation_faults(
    refusals: Sequence[Refusal], before: Standing, after: Standing, end: Standing
) -> list[str]:
    """Return everything in which the refusal differs from what it should be; nothing when all is well."""
    if not refusals:
        return ["a second agree was accepted"]
    found = [
        f"a second agree was refused with {refusal.code} {refusal.reason}, it should be {EXPECTED}"
        for refusal in refusals
        if (refusal.code, refusal.reason) != ("PROTOCOL_VIOLATION", EXPECTED)
    ]
    if (after.state, after.messages, after.refused) != (before.state, before.messages, before.refused + 1):
        found.append(f"the refused message changed the conversation from {before} to {after}")
    if (end.state, end.outcome) != ("Completed", "done"):
        found.append(f"the conversation ended as {end.state} ({end.outcome})")
    return found


def _seen(sender: str, receiver: str, performative: str, content: object) -> SeenMessage:
    return SeenMessage(
        received_ns=time.monotonic_ns(),
        sender=sender,
        receiver=receiver,
        performative=performative,
        content=content,
    )
