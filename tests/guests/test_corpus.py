"""The guests of the corpus do what their sources say, so that tests that rely on them mean something."""

from pathlib import Path

import msgspec
import pytest

from tests.guests import cases, corpus
from tests.guests.host import GuestTrap, Message, Platform


def answer(name: str, messages: int = 1, **config: str) -> Message:
    platform = Platform()
    platform.deploy(name, corpus.guest(name), **config)
    for _ in range(messages - 1):
        platform.tell(name, "request", {"n": 1})
    return platform.tell(name, "request", {"n": 1})[-1]


def value(message: Message) -> object:
    return msgspec.convert(message["content"], dict[str, object])["value"]


@pytest.mark.parametrize("name", ["echo", "echo_bare"])
@pytest.mark.parametrize("size", [0, 100, 50_000, 200_000])
def test_the_echoes_answer_with_the_whole_message_whatever_its_size(name: str, size: int) -> None:
    platform = Platform()
    platform.deploy(name, corpus.guest(name))
    (reply,) = platform.tell(name, "request", "x" * size)
    assert reply["performative"] == "inform"
    assert msgspec.convert(reply["content"], Message)["content"] == "x" * size


def test_an_echo_refuses_what_no_memory_can_hold() -> None:
    platform = Platform()
    agent = platform.deploy("echo", corpus.guest("echo"))
    assert agent.exports["caxton_alloc"](agent.store, -1) == 0


def test_the_silent_one_is_silent() -> None:
    platform = Platform()
    platform.deploy("silent", corpus.guest("silent"))
    assert platform.tell("silent", "inform", 1) == []


def test_the_forwarder_and_the_ring_send_to_the_next() -> None:
    platform = Platform()
    platform.deploy("forwarder", corpus.guest("forwarder"), next="ring")
    platform.deploy("ring", corpus.guest("ring"), next="elsewhere")
    (message,) = platform.tell("forwarder", "inform", "hello")
    assert message["receiver"] == "elsewhere"
    assert message["sender"] == str(platform.agents["ring"].number)
    assert [m["receiver"] for m in platform.delivered] == ["forwarder", "ring", "elsewhere"]


@pytest.mark.parametrize(
    ("name", "messages", "expected"),
    [
        ("counter", 3, 3),
        ("grower", 2, 3),
        ("big_data", 1, 43),
        ("big_data", 2, 1017),
        ("poke", 1, 0),
        ("poke", 2, 195948557),
        ("peek", 2, 0),
        ("last_reply_wins", 1, 2),
        ("snapshot", 1, 101),
        ("timer_cancelled", 1, -2),
        ("registrar", 1, 0),
        ("tool_caller", 1, -6),
        ("kv_user", 1, -6),
        ("now_user", 1, 1_765_000_000_000),
        ("log_burst", 1, 10_000),
    ],
)
def test_a_guest_answers_with_the_value_that_its_source_promises(
    name: str, messages: int, expected: int
) -> None:
    assert value(answer(name, messages)) == expected


def test_the_timer_counts_and_tells_the_next() -> None:
    platform = Platform()
    platform.deploy("timer", corpus.guest("timer"), next="watcher")
    assert value(platform.tell("timer", "request", 1)[0]) == 0
    assert platform.advance(19) == []
    (told,) = platform.advance(1)
    assert told["content"] == {"timer": 7}
    assert value(platform.tell("timer", "request", 1)[0]) == 1


def test_the_logger_uses_each_level() -> None:
    platform = Platform()
    agent = platform.deploy("logger", corpus.guest("logger"))
    platform.tell("logger", "inform", 1)
    assert [level for level, _ in agent.logged] == [0, 1, 2, 3, 4]
    assert agent.logged[4][1] == "an error line: ü is two bytes"


def test_the_config_reader_reads_its_greeting() -> None:
    assert answer("config_reader", greeting="good day")["content"] == {"text": "good day"}
    assert value(answer("config_reader")) == -2


def test_random_numbers_differ_from_zero() -> None:
    assert value(answer("random_user")) != 0


@pytest.mark.parametrize(
    "case", [c for c in cases.RUN_CASES if c.kind in ("trap", "stack", "fuel")], ids=lambda c: c.name
)
def test_guests_that_shall_trap_do_trap(case: cases.RunCase) -> None:
    platform = Platform(fuel=300_000)
    platform.deploy(case.name, corpus.guest(case.name))
    for _ in range(case.warm_up):
        assert platform.tell(case.name, "request", 1)[0]["performative"] == "inform"
    with pytest.raises(GuestTrap):
        platform.tell(case.name, "request", 1)


@pytest.mark.parametrize("name", [n for n, p in corpus.derived.PROBES.items() if p.value is None])
def test_probes_outside_of_the_memory_trap_in_a_host_that_checks(name: str) -> None:
    platform = Platform()
    platform.deploy(name, corpus.guest(name), greeting="hello to you")
    if name.startswith(("outside_kv", "outside_call_tool")):
        # This host answers those without looking at the pointers.
        assert value(platform.tell(name, "request", 1)[0]) == -6
        return
    with pytest.raises(GuestTrap):
        platform.tell(name, "request", 1)


def test_the_reentrancy_probe_handles_what_it_sends_to_itself_one_by_one() -> None:
    platform = Platform()
    platform.deploy("probe", corpus.guest("reentrancy_probe"), me="probe")
    assert value(platform.tell("probe", "request", 1)[0]) == 1
    handled = [m for m in platform.delivered if m["receiver"] == "probe" and m.get("content") == "again"]
    assert len(handled) == 8


def test_every_source_is_reached_by_a_name_and_every_case_has_a_guest() -> None:
    sources = [path for group in corpus.GROUPS for path in (corpus.HERE / group).glob("*.wat")]
    assert len(sources) == len({path.stem for path in sources})
    assert {path.stem for path in (corpus.HERE / "deploy").glob("*.wat")} <= {
        c.name for c in cases.DEPLOY_CASES
    }
    assert all(corpus.guest(case.name) is not None for case in (*cases.DEPLOY_CASES, *cases.RUN_CASES))


def test_every_source_opens_with_what_the_guest_does() -> None:
    for group in corpus.GROUPS:
        for path in Path(corpus.HERE / group).glob("*.wat"):
            assert path.read_text("utf-8").startswith(";; "), path
