"""Messages in, back, and to whoever can."""

import asyncio
import itertools

import anyio
import msgspec
import orjson
import pytest

from caxton.domain.errors.agent import AgentNotFound, InvalidState
from caxton.domain.errors.resource import RateLimited, ResourceLimitExceeded, Unavailable
from caxton.domain.errors.routing import (
    DeadlineExceeded,
    InvalidMessage,
    MailboxFull,
    MessageTooLarge,
    NoRoute,
)
from caxton.domain.errors.security import Forbidden
from caxton.domain.ids import AgentId
from caxton.domain.limits import LimitsRequest
from caxton.runtime.answers import Posted, Reply
from caxton.runtime.seam import Incoming
from caxton.runtime.waiters import WAITERS_MAX
from tests.runtime.rig import Rig, content_of, message, nobody_else, until

pytestmark = pytest.mark.anyio


async def test_a_message_is_answered_by_the_agent_it_names(rig: Rig) -> None:
    view = await rig.deploy("echo")
    for receiver in ("echo", view.agent_id):
        reply = await rig.ask(receiver, {"deep": [1, "ü"]})
        assert (reply.performative, reply.from_host, reply.error_kind) == ("inform", False, None)
        answer = orjson.loads(reply.body)
        assert answer["content"]["content"] == {"deep": [1, "ü"]}
        assert answer["sender"] == view.agent_id
        assert (answer["in_reply_to"], answer["conversation_id"]) == (reply.message_id, reply.conversation_id)


async def test_an_answer_finds_its_caller_among_many(rig: Rig) -> None:
    await rig.deploy("echo")
    replies = await asyncio.gather(*(rig.ask("echo", number) for number in range(500)))
    assert [orjson.loads(reply.body)["content"]["content"] for reply in replies] == list(range(500))
    assert len({reply.message_id for reply in replies}) == 500
    assert rig.totals["waiting_callers"] == 0


async def test_an_answer_may_name_the_reply_with_of_its_message(rig: Rig) -> None:
    await rig.deploy("echo")
    reply = await rig.ask("echo", 1, reply_with="my own word")
    assert orjson.loads(reply.body)["in_reply_to"] == "my own word"


async def test_the_caller_may_give_the_receiver_beside_the_text(rig: Rig) -> None:
    await rig.deploy("echo")
    body = orjson.dumps({"performative": "request", "content": 7})
    echo = rig.runtime.agent_id("echo")
    reply = await rig.runtime.ask(body, rig.me, nobody_else, 10.0, echo)
    assert reply.performative == "inform"


async def test_a_part_of_the_server_hears_its_messages_itself(rig: Rig) -> None:
    heard: list[Incoming] = []
    service = rig.runtime.service_agent("service", heard.append)
    rig.post("service", "hello", conversation_id="c-1")
    await until(lambda: len(heard) == 1)
    assert (heard[0].conversation_id, content_of(heard[0].body)) == ("c-1", "hello")
    await until(lambda: rig.runtime.get("service").usage.mailbox_depth == 0, "its place is free again")
    with pytest.raises(InvalidState):
        await rig.runtime.delete("service")
    with pytest.raises(InvalidState):
        rig.runtime.inbox("service")
    with pytest.raises(Forbidden):
        rig.runtime.post(message("inform", "service", sender="service"), rig.me, lambda _: True)
    other = rig.runtime.service_agent("service", heard.append)
    assert (rig.runtime.name_of(service), rig.runtime.name_of(other)) == ("service", "service.2")


async def test_a_promise_is_not_the_answer_yet(rig: Rig) -> None:
    person = await rig.external("person")
    asking = asyncio.create_task(rig.ask("person"))
    asked = await _next_message(rig, "person")
    _say(rig, person, "agree", rig.me, asked)
    await anyio.lowlevel.checkpoint()
    assert not asking.done()
    _say(rig, person, "inform", rig.me, asked, content="done")
    assert content_of(await asking) == "done"
    assert len(rig.runtime.inbox(str(rig.me))) == 0


async def test_an_answer_that_names_nothing_belongs_to_its_conversation(rig: Rig) -> None:
    person = await rig.external("person")
    stranger = await rig.external("stranger")
    asking = asyncio.create_task(rig.ask("person", conversation_id="c-1"))
    await _next_message(rig, "person")
    _post_as(rig, stranger, message("inform", str(rig.me), "not asked", conversation_id="c-1"))
    _post_as(rig, person, message("inform", str(rig.me), "elsewhere", conversation_id="c-2"))
    _post_as(rig, person, message("inform", str(rig.me), "the answer", conversation_id="c-1"))
    assert content_of(await asking) == "the answer"
    inbox = rig.runtime.inbox(str(rig.me))
    await until(lambda: len(inbox) == 2, "what answers nothing lies in the inbox")
    messages, _ = await inbox.read(0, 10)
    assert [content_of(body) for body in messages] == ["not asked", "elsewhere"]


async def test_an_answer_to_an_earlier_question_is_not_taken_for_this_one(rig: Rig) -> None:
    person = await rig.external("person")
    first = rig.post("person", "first", conversation_id="c-1")
    asking = asyncio.create_task(rig.ask("person", "second", conversation_id="c-1"))
    _, second = [await _message_at(rig, "person", place) for place in (0, 1)]
    late = message("inform", str(rig.me), "late", conversation_id="c-1", in_reply_to=first.message_id)
    _post_as(rig, person, late)
    _say(rig, person, "inform", rig.me, second, content="now")
    assert content_of(await asking) == "now"


async def test_no_answer_in_time_is_a_missed_deadline_and_a_late_one_is_kept(rig: Rig) -> None:
    person = await rig.external("person")
    with pytest.raises(DeadlineExceeded) as missed:
        await rig.runtime.ask(message("request", "person"), rig.me, nobody_else, 0.05)
    assert missed.value.message_id
    asked = await _next_message(rig, "person")
    _say(rig, person, "inform", rig.me, asked, content="late")
    inbox = rig.runtime.inbox(str(rig.me))
    await until(lambda: len(inbox) == 1, "the late answer is kept")
    assert rig.totals["waiting_callers"] == 0


async def test_a_caller_that_goes_away_leaves_no_trace(rig: Rig) -> None:
    await rig.external("person")
    asking = asyncio.create_task(rig.ask("person"))
    await until(lambda: rig.totals["waiting_callers"] == 1, "it waits")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert rig.totals["waiting_callers"] == 0


async def test_the_number_of_waiting_callers_is_bounded(rig: Rig) -> None:
    await rig.external("person", mailbox_max=WAITERS_MAX + 100)
    asks: list[asyncio.Task[Reply]] = []
    while len(asks) < WAITERS_MAX:
        # In parts that the message pool has room for.
        asks += [asyncio.create_task(rig.ask("person")) for _ in range(1000)]
        await until(lambda asks=asks: rig.totals["waiting_callers"] == len(asks), "all wait")
    with pytest.raises(ResourceLimitExceeded):
        await rig.ask("person")
    for ask in asks:
        ask.cancel()
    await asyncio.gather(*asks, return_exceptions=True)
    assert rig.totals["waiting_callers"] == 0


async def test_callers_hear_of_the_end_of_the_server(rig: Rig) -> None:
    await rig.external("person")
    asking = asyncio.create_task(rig.ask("person"))
    await until(lambda: rig.totals["waiting_callers"] == 1, "it waits")
    await rig.runtime.stop(5.0)
    with pytest.raises(Unavailable):
        await asking
    with pytest.raises(Unavailable):
        rig.post("person")


async def test_an_unknown_receiver_is_refused_with_near_names(rig: Rig) -> None:
    await rig.deploy("translator", "echo")
    with pytest.raises(NoRoute) as refusal:
        rig.post("trnslator")
    assert refusal.value.suggestions == ("translator",)
    assert refusal.value.code == "AGENT_NOT_FOUND"


async def test_a_list_of_receivers_is_all_or_nothing(rig: Rig) -> None:
    for name in ("one", "two"):
        await rig.external(name)
    rig.post(["one", "two"], "both")
    with pytest.raises(NoRoute):
        rig.post(["one", "two", "three"], "nobody")
    for name in ("one", "two"):
        inbox = rig.runtime.inbox(name)
        await until(lambda inbox=inbox: len(inbox) > 0, "it came")
        messages, _ = await inbox.read(0, 10)
        assert [content_of(body) for body in messages] == ["both"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", ""),
        (b'{"performative": "request"}', "receiver"),
        (b'{"receiver": "echo"}', "performative"),
        (b'{"performative": "shout", "receiver": "echo"}', "performative"),
        (b'{"performative": "request", "receiver": "echo", "colour": 1}', "colour"),
        (b'{"performative": "request", "receiver": "echo", "priority": 12}', "priority"),
    ],
)
async def test_a_message_that_is_none_is_refused_with_what_is_wrong(
    rig: Rig, body: bytes, field: str
) -> None:
    await rig.deploy("echo")
    with pytest.raises(InvalidMessage) as refusal:
        rig.runtime.post(body, rig.me, nobody_else)
    assert field in {problem.field for problem in refusal.value.problems}


async def test_bounds_of_a_receiver_are_told_with_its_name_and_numbers(rig: Rig) -> None:
    await rig.external("small", mailbox_max=2)
    for _ in range(2):
        rig.post("small")
    with pytest.raises(MailboxFull) as full:
        rig.post("small")
    assert (full.value.agent, full.value.mailbox_max) == ("small", 2)
    with pytest.raises(MessageTooLarge) as large:
        rig.post("small", "x" * (1 << 20))
    assert large.value.message_bytes_max == 1 << 20
    await rig.deploy("slow", "silent", limits=LimitsRequest(messages_per_s_max=1))
    rig.post("slow")
    with pytest.raises(RateLimited) as limited:
        rig.post("slow")
    assert 0 < (limited.value.retry_after_s or 0) <= 1


async def test_a_stopped_agent_takes_no_message(rig: Rig) -> None:
    await rig.deploy("echo")
    await rig.runtime.drain("echo")
    with pytest.raises(InvalidState) as refusal:
        rig.post("echo")
    assert refusal.value.state == "stopped"


async def test_a_token_speaks_as_the_external_agents_that_it_owns_only(rig: Rig) -> None:
    person = await rig.external("person")
    await rig.deploy("echo")
    body = message("request", "echo", sender="person")
    with pytest.raises(Forbidden):
        rig.runtime.post(body, rig.me, nobody_else)
    reply = await rig.runtime.ask(body, rig.me, lambda agent: agent == person, 10.0)
    assert orjson.loads(reply.body)["receiver"] == str(person)
    with pytest.raises(Forbidden):
        rig.runtime.post(message("request", "echo", sender="echo"), rig.me, lambda agent: True)
    with pytest.raises(AgentNotFound):
        rig.runtime.post(message("request", "echo", sender="persn"), rig.me, lambda agent: True)


async def test_a_capability_reaches_the_least_loaded_agent_that_has_it(rig: Rig) -> None:
    await rig.external("busy", mailbox_max=100)
    for name in ("first", "second"):
        await rig.deploy(name, "echo", capabilities=("repeat",))
    senders = {orjson.loads((await rig.ask({"capability": "repeat"})).body)["sender"] for _ in range(10)}
    assert senders == {rig.runtime.get(name).agent_id for name in ("first", "second")}
    await rig.runtime.drain("first")
    reply = await rig.ask({"capability": "repeat"})
    assert orjson.loads(reply.body)["sender"] == rig.runtime.get("second").agent_id


async def test_of_two_agents_with_a_capability_the_one_with_less_in_its_mailbox_is_chosen(rig: Rig) -> None:
    endless = LimitsRequest(fuel_max=2**62, execution_ms_max=60_000)
    await rig.deploy("stuck", "infinite_loop", capabilities=("work",), limits=endless)
    await rig.deploy("free", "echo", capabilities=("work",))
    # Several, since the place of a message is given back a moment after its answer has gone out.
    for _ in range(5):
        rig.post("stuck")
    await until(lambda: rig.runtime.get("stuck").usage.mailbox_depth == 5, "it is busy")
    senders = {orjson.loads((await rig.ask({"capability": "work"})).body)["sender"] for _ in range(20)}
    assert senders == {rig.runtime.get("free").agent_id}


async def test_a_capability_that_nobody_has_is_refused_with_near_ones(rig: Rig) -> None:
    await rig.deploy("echo", capabilities=("translate",))
    with pytest.raises(NoRoute) as refusal:
        rig.post({"capability": "translat"})
    assert refusal.value.suggestions == ("translate",)


async def test_a_guest_registers_a_capability_at_its_start(rig: Rig) -> None:
    await rig.deploy("registrar")
    await until(lambda: rig.runtime.get("registrar").capabilities == ("translate",), "it is known")
    assert (await rig.ask({"capability": "translate"})).performative == "inform"


async def test_a_batch_answers_line_by_line_and_one_bad_line_spoils_no_other(rig: Rig) -> None:
    person = await rig.external("person")
    await rig.deploy("echo", capabilities=("repeat",))
    lines = [
        message("inform", "person", 1),
        b"broken",
        message("inform", "nobody", 2),
        b"",
        message("inform", {"capability": "repeat"}, 3),
        message("inform", "person", 4, sender="person"),
        message("inform", "person", 5),
    ]
    data = b"\n".join(lines)
    end, results = rig.runtime.post_batch(data, 0, 1000, rig.me, lambda agent: agent == person)
    assert end == len(data)
    kinds = [type(result) for result in results]
    assert kinds == [Posted, InvalidMessage, NoRoute, Posted, Posted, Posted]
    inbox = rig.runtime.inbox("person")
    await until(lambda: len(inbox) == 3, "all came")
    messages, _ = await inbox.read(0, 10)
    assert sorted(str(content_of(body)) for body in messages) == ["1", "4", "5"]


async def test_a_batch_goes_on_where_it_ended(rig: Rig) -> None:
    await rig.external("person")
    data = b"".join(message("inform", "person", number) + b"\n" for number in range(10))
    start, answered = 0, 0
    for _ in itertools.count():
        start, results = rig.runtime.post_batch(data, start, 3, rig.me, nobody_else)
        answered += len(results)
        if start >= len(data):
            break
    assert answered == 10


async def test_a_guest_sends_to_a_capability(rig: Rig) -> None:
    person = await rig.external("person")
    await rig.deploy("echo", capabilities=("repeat",))
    module = _sender_to_capability("repeat")
    await rig.deploy("asker", module)
    rig.post("asker", "go")
    # The echo's answer makes the guest ask again, and so on.
    await until(lambda: rig.runtime.get("echo").usage.messages_handled >= 1, "it was routed")
    assert rig.totals["messages_unrouted"] == 0
    assert len(rig.runtime.inbox(str(person))) == 0


async def test_a_guest_that_sends_to_a_capability_of_nobody_hears_why(rig: Rig) -> None:
    await rig.external("desk")
    await rig.deploy("asker", config={"wants": "translat", "report": "desk"})
    await rig.external("linguist", capabilities=("translate",))
    rig.post("asker", "go", conversation_id="c-1")
    told = await _reported(rig)
    assert (told["performative"], told["conversation_id"]) == ("failure", "c-1")
    assert told["in_reply_to"] == "my-word"
    assert told["content"] == {
        "error": {"kind": "no_route", "message": "no agent has the capability `translat`"}
    }
    assert rig.totals["messages_unrouted"] == 1
    inbox = rig.runtime.inbox("desk")
    inbox.ack((await inbox.read(0, 10))[1])
    await until(lambda: rig.totals["messages_in_flight"] == 0, "the core has let go of all")


async def test_a_guest_hears_that_all_who_could_are_full(rig: Rig) -> None:
    await rig.external("desk")
    await rig.deploy("asker", config={"wants": "translate", "report": "desk"})
    await rig.external("linguist", capabilities=("translate",), mailbox_max=1)
    rig.post("linguist", "the first")
    rig.post("asker", "go")
    told = await _reported(rig)
    assert orjson.loads(orjson.dumps(told["content"]))["error"]["kind"] == "mailbox_full"


async def _reported(rig: Rig) -> dict[str, object]:
    """Return the message that the asker reported to the desk."""
    report = await _next_message(rig, "desk")
    return msgspec.convert(report["content"], dict[str, object])


def _sender_to_capability(capability: str) -> bytes:
    from tests.guests.corpus import assemble

    return assemble(
        f"""
        (module
          @import send
          @include agent
          (func (export "handle_message") (param i32 i32) (result i32)
            (call $send `{{"performative":"request","receiver":{{"capability":"{capability}"}}}}`)))
        """
    )


async def _next_message(rig: Rig, agent: str) -> dict[str, object]:
    return await _message_at(rig, agent, 0)


async def _message_at(rig: Rig, agent: str, place: int) -> dict[str, object]:
    inbox = rig.runtime.inbox(agent)
    await until(lambda: len(inbox) > place, f"message {place} has come")
    messages, _ = await inbox.read(0, place + 1)
    return orjson.loads(messages[place])


def _say(
    rig: Rig,
    who: AgentId,
    performative: str,
    to: AgentId,
    about: dict[str, object],
    content: object = None,
) -> None:
    fields = {"in_reply_to": about["id"], "conversation_id": about["conversation_id"]}
    _post_as(rig, who, message(performative, str(to), content, **fields))


def _post_as(rig: Rig, who: AgentId, body: bytes) -> None:
    rig.runtime.post(body, who, nobody_else)


async def test_the_answer_of_the_host_to_a_fault_is_read(rig: Rig) -> None:
    await rig.deploy("trap")
    reply: Reply = await rig.ask("trap")
    assert (reply.from_host, reply.performative, reply.error_kind) == (True, "failure", "trap")
    assert reply.error_message
