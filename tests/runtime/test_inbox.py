"""Messages stay in an inbox until they are acknowledged."""

import asyncio

import anyio
import pytest

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.routing import MailboxFull
from caxton.runtime.inbox import UNREAD_BYTES_MAX, Inbox
from tests.runtime.rig import Rig, content_of, message, nobody_else, until

pytestmark = pytest.mark.anyio


class Mailbox:
    """Counts the places that an inbox gives back."""

    def __init__(self) -> None:
        self.freed = 0

    def release(self, count: int) -> None:
        self.freed += count


def _inbox(*bodies: bytes, forgetful_max: int | None = None) -> tuple[Inbox, Mailbox]:
    mailbox = Mailbox()
    inbox = Inbox(mailbox.release, forgetful_max=forgetful_max)
    for body in bodies:
        inbox.put(body)
    return inbox, mailbox


async def test_a_read_takes_nothing_away_until_it_is_acknowledged() -> None:
    inbox, mailbox = _inbox(b"1", b"2", b"3")
    first, cursor = await inbox.read(0, 2)
    assert first == [b"1", b"2"]
    assert (await inbox.read(0, 10))[0] == [b"1", b"2", b"3"]
    assert (inbox.ack(cursor), mailbox.freed) == (2, 2)
    assert (await inbox.read(0, 10))[0] == [b"3"]


async def test_an_older_cursor_acknowledges_nothing() -> None:
    inbox, mailbox = _inbox(b"1", b"2")
    _, older = await inbox.read(0, 1)
    _, newer = await inbox.read(0, 2)
    assert (inbox.ack(newer), inbox.ack(older), inbox.ack(newer)) == (2, 0, 0)
    assert mailbox.freed == 2


@pytest.mark.parametrize("cursor", ["", "7", "zz-1", "-1", "x-", "x-9999999999999999999999"])
async def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    inbox, _ = _inbox(b"1")
    with pytest.raises(InvalidRequest) as refusal:
        inbox.ack(cursor)
    assert refusal.value.problems[0].field == "cursor"


async def test_a_cursor_of_another_inbox_or_of_the_future_is_refused() -> None:
    inbox, _ = _inbox(b"1")
    other, _ = _inbox(b"1", b"2")
    _, strange = await other.read(0, 1)
    with pytest.raises(InvalidRequest):
        inbox.ack(strange)
    _, cursor = await inbox.read(0, 1)
    with pytest.raises(InvalidRequest):
        inbox.ack(cursor.rpartition("-")[0] + "-2")


async def test_a_read_waits_for_the_first_message() -> None:
    inbox, _ = _inbox()
    reading = asyncio.create_task(inbox.read(10_000, 10))
    await anyio.lowlevel.checkpoint()
    inbox.put(b"1")
    assert (await reading)[0] == [b"1"]


async def test_a_read_that_waits_in_vain_is_empty() -> None:
    inbox, _ = _inbox()
    messages, cursor = await inbox.read(10, 10)
    assert (messages, inbox.ack(cursor)) == ([], 0)


async def test_all_readers_that_wait_get_the_message() -> None:
    inbox, _ = _inbox()
    readers = [asyncio.create_task(inbox.read(10_000, 10)) for _ in range(3)]
    await anyio.lowlevel.checkpoint()
    inbox.put(b"1")
    assert [messages for messages, _ in await asyncio.gather(*readers)] == [[b"1"]] * 3


async def test_a_closed_inbox_lets_its_readers_go() -> None:
    inbox, _ = _inbox()
    reading = asyncio.create_task(inbox.read(10_000, 10))
    stream = inbox.subscribe()
    streaming = asyncio.create_task(stream.next_batch(1))
    await anyio.lowlevel.checkpoint()
    inbox.close()
    assert (await reading)[0] == []
    assert await streaming == []


async def test_a_stream_goes_through_everything_once_and_in_order() -> None:
    inbox, mailbox = _inbox(b"1", b"2")
    seen: list[bytes] = []
    async with inbox.subscribe() as stream:
        async for cursor, body in stream:
            seen.append(body)
            if body == b"2":
                inbox.put(b"3")
            if body == b"3":
                stream.ack(cursor)
                break
    assert (seen, mailbox.freed, len(inbox)) == ([b"1", b"2", b"3"], 3, 0)


async def test_a_stream_does_not_hand_out_what_was_acknowledged_elsewhere() -> None:
    inbox, _ = _inbox(b"1", b"2", b"3")
    stream = inbox.subscribe()
    _, cursor = await inbox.read(0, 2)
    inbox.ack(cursor)
    assert [body for _, body in await stream.next_batch(10)] == [b"3"]
    assert stream.missed_count == 2


async def test_a_forgetful_inbox_keeps_the_newest_and_counts_the_rest() -> None:
    inbox, mailbox = _inbox(*(str(number).encode() for number in range(10)), forgetful_max=3)
    assert (await inbox.read(0, 10))[0] == [b"7", b"8", b"9"]
    assert (inbox.dropped_count, mailbox.freed) == (7, 7)


async def test_a_forgetful_inbox_is_bounded_in_bytes_too() -> None:
    half = bytes(UNREAD_BYTES_MAX // 2)
    inbox, _ = _inbox(half, half, b"x", forgetful_max=100)
    assert (len(inbox), inbox.dropped_count) == (2, 1)


async def test_an_unread_mailbox_holds_senders_off_until_it_is_acknowledged(rig: Rig) -> None:
    await rig.external("person", mailbox_max=3)
    for number in range(3):
        rig.post("person", number)
    inbox = rig.runtime.inbox("person")
    await until(lambda: len(inbox) == 3, "all came")
    with pytest.raises(MailboxFull):
        rig.post("person", "one too many")
    messages, cursor = await inbox.read(0, 10)
    assert [content_of(body) for body in messages] == [0, 1, 2]
    inbox.ack(cursor)
    rig.post("person", 3)
    await until(lambda: len(inbox) == 1, "there is room again")


async def test_the_agent_of_a_token_goes_on_when_nobody_reads(rig: Rig) -> None:
    await rig.deploy("echo")
    for number in range(3000):
        rig.post("echo", number)
        if number % 200 == 0:
            await until(lambda: rig.totals["messages_in_flight"] < 100, "the core keeps up")
    assert (await rig.ask("echo")).performative == "inform"
    inbox = rig.runtime.inbox(str(rig.me))
    await until(lambda: inbox.dropped_count > 0, "the oldest gave way")
    assert len(inbox) <= 1000


async def test_an_agent_with_a_module_has_no_inbox(rig: Rig) -> None:
    await rig.deploy("echo")
    with pytest.raises(InvalidState):
        rig.runtime.inbox("echo")


async def test_messages_that_wait_are_dropped_with_their_agent(rig: Rig) -> None:
    await rig.external("person")
    rig.runtime.post(message("inform", "person"), rig.me, nobody_else)
    reading = asyncio.create_task(rig.runtime.inbox("person").read(10_000, 10))
    await reading
    waiting = asyncio.create_task(rig.runtime.inbox("person").subscribe().next_batch(1))
    await waiting
    await rig.runtime.delete("person")
    await rig.external("person")
    assert len(rig.runtime.inbox("person")) == 0
    await until(lambda: rig.totals["messages_in_flight"] == 0, "the core has let go of all")
