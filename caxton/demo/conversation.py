"""The messages of a conversation, put in order, and the judgement whether it went as it should.

A decider: messages and clock readings go in, messages in order and sentences come out.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final, final

import msgspec

from caxton.cli.conversation_view import ConversationView
from caxton.demo.seen_message import SeenMessage, field_of

# How a session ends that the message is the last of.
_ENDS: Final = {"refuse": "refused", "reject-proposal": "rejected", "inform": "done"}
_PROPOSAL_WORDS: Final = ("propose", "refuse")


@final
class InOrder:
    """Put messages from several logs in the order in which they were received.

    The logs arrive one beside the other, a little late and not equally so. A message is let go when it
    has been here for `patience_ns`: until then an earlier one from another log may still come.
    """

    def __init__(self, patience_ns: int) -> None:
        self._patience_ns: Final = patience_ns
        self._waiting: Final[list[tuple[int, int, int, SeenMessage]]] = []
        self._count = 0

    def add(self, message: SeenMessage, now_ns: int) -> None:
        """Take in a message that has just come out of a log."""
        # The count keeps the order of one log where two messages have the same time.
        self._count += 1
        heapq.heappush(self._waiting, (message.received_ns, self._count, now_ns, message))

    def due(self, now_ns: int) -> Iterator[SeenMessage]:
        """Yield, the earliest first, what has waited long enough."""
        while self._waiting and now_ns - self._waiting[0][2] >= self._patience_ns:
            yield heapq.heappop(self._waiting)[3]

    def rest(self) -> Iterator[SeenMessage]:
        """Yield everything that is left."""
        while self._waiting:
            yield heapq.heappop(self._waiting)[3]


@final
class Proposal(msgspec.Struct, frozen=True):
    """What a bidder asked for."""

    bidder: str
    price: int


def proposals(messages: Sequence[SeenMessage], manager: str) -> list[Proposal]:
    """Return the proposals that the manager received, in their order."""
    return [
        Proposal(message.sender, price)
        for message in messages
        if message.receiver == manager and message.performative == "propose"
        if isinstance(price := field_of(message.content, "price"), int)
    ]


def faults(
    messages: Sequence[SeenMessage], *, manager: str, bidders: Sequence[str], answer: SeenMessage, result: int
) -> list[str]:
    """Return everything in which a Contract Net differs from what it should be; nothing when all is well.

    Each bidder is asked and answers, the cheapest proposal and no other is accepted, the others are
    rejected, the winner reports, and the customer's answer says the same, with the right result.
    """
    found = [f"{bidder} got no cfp" for bidder in bidders if _count(messages, manager, bidder, "cfp") != 1]
    found += [
        f"{bidder} did not answer the cfp once"
        for bidder in bidders
        if sum(_count(messages, bidder, manager, act) for act in _PROPOSAL_WORDS) != 1
    ]
    made = proposals(messages, manager)
    if not made:
        return [*found, "nobody made a proposal"]
    best = min(made, key=lambda proposal: proposal.price)
    for proposal in made:
        wanted = "accept-proposal" if proposal is best else "reject-proposal"
        if _count(messages, manager, proposal.bidder, wanted) != 1:
            found.append(f"{proposal.bidder} asked for {proposal.price} and should have got one {wanted}")
    accepted = [message.receiver for message in messages if message.performative == "accept-proposal"]
    if accepted != [best.bidder]:
        found.append(f"the award went to {', '.join(accepted) or 'nobody'}, the cheapest is {best.bidder}")
    if _count(messages, best.bidder, manager, "inform") != 1:
        found.append(f"{best.bidder} did not report its result")
    if answer.performative != "inform":
        return [*found, f"the manager's answer is {answer.performative}: {answer.content}"]
    if field_of(answer.content, "price") != best.price:
        found.append(f"the manager's answer names another price than {best.price}")
    primes = field_of(field_of(answer.content, "result"), "primes")
    if primes != result:
        found.append(f"the result is {primes}, it should be {result}")
    return found


def held_faults(view: ConversationView, messages: Sequence[SeenMessage], manager: str) -> list[str]:
    """Return in what the conversation that the server held differs from the messages that were seen.

    It kept to the protocol of a Contract Net and ended with the winner's result; nothing was refused; and its
    messages are those that went out and came back, the one cfp counted once however many got it.
    """
    found: list[str] = []
    if (view.protocol, view.initiator.words) != ("fipa-contract-net", manager):
        found.append(f"the conversation is one of {view.protocol} begun by {view.initiator.words}")
    if (view.state, view.outcome) != ("Completed", "result"):
        found.append(f"the conversation ended as {view.state} ({view.outcome})")
    if view.refused:
        found.append(f"{view.refused} messages of the conversation were refused")
    names = {participant.words for participant in view.participants}
    among = [seen for seen in messages if {seen.sender, seen.receiver} <= names | {manager}]
    cfps = sum(seen.performative == "cfp" for seen in among)
    if view.messages != len(among) - max(cfps - 1, 0):
        found.append(f"the server counts {view.messages} messages, {len(among)} were seen")
    ends = {participant.words: participant.state for participant in view.participants}
    for seen in among:
        wanted = _ENDS.get(seen.performative)
        bidder = seen.sender if seen.sender != manager else seen.receiver
        if wanted is not None and ends.get(bidder) != wanted:
            found.append(f"the session of {bidder} ended as {ends.get(bidder)}, it should be {wanted}")
    return found


def _count(messages: Sequence[SeenMessage], sender: str, receiver: str, act: str) -> int:
    return sum(
        (seen.sender, seen.receiver, seen.performative) == (sender, receiver, act) for seen in messages
    )
