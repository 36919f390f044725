"""The agents of the demo keep to the Contract Net, alone and together, whatever the others do."""

import uuid

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton.domain.performative import Performative
from tests.guests.corpus import guest
from tests.guests.host import Message, Platform
from tests.sdk.built import demo_agent

CHEAP = {"price_base": "1", "price_per_1000": "2", "work_ms": "800"}
GREEDY = {"price_base": "50", "price_per_1000": "20"}
PICKY = {"price_base": "5", "price_per_1000": "3", "size_min": "500", "size_max": "5000"}
PRIMES_BELOW_1000 = 168


def market(bidders: str = "cheap,greedy,picky", **times: str) -> Platform:
    platform = Platform()
    for name, config in (("cheap", CHEAP), ("greedy", GREEDY), ("picky", PICKY)):
        platform.deploy(name, demo_agent("bidder"), **config)
    platform.deploy("manager", demo_agent("manager"), bidders=bidders, **times)
    return platform


def acts(platform: Platform) -> list[tuple[str, str, str]]:
    """Return (sender, performative, receiver) of everything delivered, by name."""
    names = {str(agent.number): agent.name for agent in platform.agents.values()}
    return [
        (names.get(str(m["sender"]), str(m["sender"])), str(m["performative"]), str(m["receiver"]))
        for m in platform.delivered
    ]


def content(message: Message) -> dict[str, object]:
    return msgspec.convert(message["content"], dict[str, object])


def test_the_cheapest_bidder_wins_and_its_result_reaches_the_requester() -> None:
    platform = market()
    assert (
        platform.tell("manager", "request", {"size": 1000}, reply_with="job-1", conversation_id="mine") == []
    )
    (answer,) = platform.advance(800)
    assert (answer["performative"], answer["conversation_id"]) == ("inform", "mine")
    assert answer["in_reply_to"] == "job-1"
    told = content(answer)
    assert told["winner"] == str(platform.agents["cheap"].number)
    assert told["price"] == 3
    assert told["result"] == {"primes": PRIMES_BELOW_1000, "below": 1000, "price": 3}
    proposals = msgspec.convert(told["proposals"], list[dict[str, object]])
    assert [proposal["price"] for proposal in proposals] == [3, 70, 8]
    assert acts(platform) == [
        ("outside", "request", "manager"),
        ("manager", "cfp", "cheap"),
        ("manager", "cfp", "greedy"),
        ("manager", "cfp", "picky"),
        ("cheap", "propose", "manager"),
        ("greedy", "propose", "manager"),
        ("picky", "propose", "manager"),
        ("manager", "accept-proposal", "cheap"),
        ("manager", "reject-proposal", "greedy"),
        ("manager", "reject-proposal", "picky"),
        ("cheap", "inform", "manager"),
        ("manager", "inform", "outside"),
    ]


def test_the_contract_net_is_one_conversation_and_each_answer_names_what_it_answers() -> None:
    platform = market()
    platform.tell("manager", "request", {"size": 1000})
    platform.advance(800)
    net = [m for m in platform.delivered if "outside" not in (m["sender"], m["receiver"])]
    (conversation,) = {str(m["conversation_id"]) for m in net}
    assert uuid.UUID(conversation).version == 4
    assert {m["protocol"] for m in net} == {"fipa-contract-net"}
    sent = {m["id"]: m["performative"] for m in net}
    answered = {m["performative"]: sent.get(m["in_reply_to"]) for m in net if "in_reply_to" in m}
    assert answered == {
        "propose": "cfp",
        "accept-proposal": "propose",
        "reject-proposal": "propose",
        "inform": "accept-proposal",
    }
    cfp = next(m for m in net if m["performative"] == "cfp")
    assert cfp["reply_by"] == "2025-12-06T05:46:42.000Z"


def test_a_bidder_refuses_jobs_that_are_too_small_or_too_large_for_it() -> None:
    platform = market()
    platform.tell("manager", "request", {"size": 10})
    assert ("picky", "refuse", "manager") in acts(platform)
    platform.tell("manager", "request", {"size": 50_000})
    reasons = [content(m)["reason"] for m in platform.delivered if m["performative"] == "refuse"]
    assert reasons == ["the job is too small for me", "the job is too large for me"]


def test_a_bidder_that_works_at_once_reports_without_a_timer() -> None:
    platform = market(bidders="greedy")
    (answer,) = platform.tell("manager", "request", {"size": 1000})
    assert content(answer)["result"] == {"primes": PRIMES_BELOW_1000, "below": 1000, "price": 70}


def test_a_task_that_nobody_wants_is_a_failure_that_says_so() -> None:
    platform = market(bidders="picky")
    (answer,) = platform.tell("manager", "request", {"size": 1}, conversation_id="mine")
    assert (answer["performative"], answer["conversation_id"]) == ("failure", "mine")
    assert content(answer)["reason"] == "no bidder made a proposal"
    assert content(answer)["refused"] == 1


def test_a_silent_bidder_is_waited_for_until_the_deadline_and_no_longer() -> None:
    platform = market(bidders="greedy,mute", reply_by_ms="300")
    platform.deploy("mute", guest("silent"))
    platform.tell("manager", "request", {"size": 1000})
    assert platform.advance(300) == []
    (answer,) = platform.advance(50)
    assert content(answer)["price"] == 70


def test_a_proposal_after_the_award_is_rejected_as_late() -> None:
    platform = market()
    platform.tell("manager", "request", {"size": 1000})
    net = platform.delivered[1]["conversation_id"]
    (answer,) = platform.tell(
        "manager",
        "propose",
        {"price": 1},
        conversation_id=net,
        protocol="fipa-contract-net",
        reply_with="p-9",
    )
    assert (answer["performative"], answer["in_reply_to"]) == ("reject-proposal", "p-9")
    assert content(answer)["reason"] == "late"
    (result,) = platform.advance(800)
    assert content(result)["price"] == 3


def test_a_winner_that_does_not_report_in_time_is_cancelled_and_the_requester_told() -> None:
    platform = market(bidders="cheap", work_ms_max="500")
    platform.tell("manager", "request", {"size": 1000})
    (answer,) = platform.advance(500)
    assert answer["performative"] == "failure"
    assert content(answer)["reason"] == "the winner did not report in time"
    assert acts(platform)[-3:] == [
        ("manager", "cancel", "cheap"),
        ("manager", "failure", "outside"),
        ("cheap", "inform", "manager"),
    ]
    assert platform.agents["cheap"].timers == {}


def test_a_second_proposal_of_a_bidder_does_not_count() -> None:
    platform = market(bidders="greedy,mute", reply_by_ms="300")
    platform.deploy("mute", guest("silent"))
    platform.tell("manager", "request", {"size": 1000})
    net = platform.delivered[1]["conversation_id"]
    for price in (60, 1):
        platform.tell("manager", "propose", {"price": price}, conversation_id=net, sender="stranger")
    accepted = [m for m in platform.delivered if m["performative"] == "accept-proposal"]
    assert [(m["receiver"], m["content"]) for m in accepted] == [("stranger", {"price": 60})]


def test_an_award_for_another_price_is_a_failure_and_the_proposal_is_gone() -> None:
    platform = market()
    platform.tell("cheap", "cfp", {"size": 1000}, conversation_id="c")
    (first,) = platform.tell("cheap", "accept-proposal", {"price": 1}, conversation_id="c")
    (second,) = platform.tell("cheap", "accept-proposal", {"price": 3}, conversation_id="c")
    assert [first["performative"], second["performative"]] == ["failure", "failure"]


def test_a_job_under_way_can_be_cancelled() -> None:
    platform = market()
    platform.tell("cheap", "cfp", {"size": 1000}, conversation_id="c")
    assert platform.tell("cheap", "accept-proposal", {"price": 3}, conversation_id="c") == []
    (answer,) = platform.tell("cheap", "cancel", None, conversation_id="c")
    assert answer["performative"] == "inform"
    assert platform.advance(1000) == []
    (again,) = platform.tell("cheap", "cancel", None, conversation_id="c")
    assert again["performative"] == "failure"


def test_proposals_that_nobody_answers_do_not_fill_a_bidder_for_ever() -> None:
    platform = market()
    answers = [
        platform.tell("greedy", "cfp", {"size": 10}, conversation_id=f"c-{n}")[0]["performative"]
        for n in range(33)
    ]
    assert answers == ["propose"] * 32 + ["refuse"]
    platform.advance(300_001)
    assert (
        platform.tell("greedy", "cfp", {"size": 10}, conversation_id="later")[0]["performative"] == "propose"
    )


def test_a_manager_runs_several_nets_at_once_and_refuses_more_than_it_can_hold() -> None:
    platform = market(bidders="cheap")
    for number in range(8):
        assert (
            platform.tell("manager", "request", {"size": 100 + number}, conversation_id=f"c-{number}") == []
        )
    (refusal,) = platform.tell("manager", "request", {"size": 1}, conversation_id="one too many")
    assert refusal["performative"] == "refuse"
    answers = platform.advance(800)
    assert [m["conversation_id"] for m in answers] == [f"c-{n}" for n in range(8)]
    assert [m["performative"] for m in answers] == ["inform"] * 8
    assert platform.tell("manager", "request", {"size": 1}, conversation_id="again") == []


def test_what_the_agents_cannot_read_is_not_understood() -> None:
    platform = market()
    assert platform.tell("manager", "request", "count")[0]["performative"] == "not-understood"
    assert platform.tell("manager", "request", {"size": 1.5})[0]["performative"] == "not-understood"
    assert platform.tell("cheap", "cfp", {"size": "many"})[0]["performative"] == "not-understood"
    assert platform.tell("cheap", "request", {"size": 1})[0]["performative"] == "not-understood"


@pytest.mark.parametrize(
    ("agent", "config"),
    [
        ("manager", {}),
        ("manager", {"bidders": " , "}),
        ("manager", {"bidders": "a", "reply_by_ms": "0"}),
        ("manager", {"bidders": ",".join(f"b{n}" for n in range(17))}),
        ("bidder", {"size_min": "9", "size_max": "8"}),
        ("bidder", {"size_max": "100001"}),
        ("bidder", {"price_base": "-1"}),
        ("relay", {}),
        ("pinger", {"next": ""}),
    ],
)
def test_an_agent_refuses_to_start_with_a_configuration_that_cannot_work(
    agent: str, config: dict[str, str]
) -> None:
    with pytest.raises(AssertionError, match="refuses to start"):
        Platform().deploy("a", demo_agent(agent), **config)


def test_the_number_of_primes_is_right() -> None:
    platform = Platform()
    platform.deploy("b", demo_agent("bidder"), price_base="0", price_per_1000="0")
    found: list[object] = []
    for size in (1, 2, 3, 100, 1000, 100_000):
        platform.tell("b", "cfp", {"size": size}, conversation_id=f"c-{size}")
        (answer,) = platform.tell("b", "accept-proposal", {"price": 0}, conversation_id=f"c-{size}")
        found.append(content(answer)["primes"])
    assert found == [0, 0, 1, 25, 168, 9592]


def test_balls_go_round_the_ring_until_the_pinger_stops_them() -> None:
    platform = Platform()
    platform.deploy("pinger", demo_agent("pinger"), next="relay-1")
    platform.deploy("relay-1", demo_agent("relay"), next="relay-2")
    platform.deploy("relay-2", demo_agent("relay"), next="pinger")
    platform.queue.append(
        {
            "id": "1",
            "sender": "outside",
            "receiver": "pinger",
            "conversation_id": "c",
            "performative": "request",
            "content": {"action": "serve", "balls": 3},
        }
    )
    for _ in range(3000):
        platform.step()
    (stopped,) = platform.tell("pinger", "request", {"action": "stop"})
    assert content(stopped)["in_play"] == 3
    (counts,) = platform.tell("pinger", "query-ref", None)
    assert content(counts)["in_play"] == 0
    passed = content(platform.tell("relay-1", "query-ref", None)[0])["passed"]
    assert 999 <= msgspec.convert(passed, int) <= 1003


@pytest.mark.parametrize(
    "action", [{"action": "serve", "balls": 0}, {"action": "serve", "balls": 1001}, {}, None]
)
def test_the_pinger_does_not_understand_other_requests(action: object) -> None:
    platform = Platform()
    platform.deploy("pinger", demo_agent("pinger"), next="nobody")
    assert platform.tell("pinger", "request", action)[-1]["performative"] == "not-understood"


WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "price", "action", "balls", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(["conversation_id", "reply_with", "protocol", "in_reply_to", "ontology"]),
    st.sampled_from(["c-1", "c-2", "x" * 300, '\\ " ü \u2028', ""]),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from(["cheap", "manager", "picky"]),
            st.sampled_from([p.value for p in Performative]),
            WILD | st.fixed_dictionaries({"size": st.integers(-10, 2000)}),
            FIELDS,
        ),
        max_size=12,
    )
)
def test_no_message_makes_an_agent_trap_or_talk_for_ever(
    messages: list[tuple[str, str, object, dict[str, str]]],
) -> None:
    platform = market(reply_by_ms="100", work_ms_max="200")
    for agent, performative, said, fields in messages:
        platform.tell(agent, performative, said, **fields)
        platform.advance(70)
    platform.advance(10_000)
    assert platform.agents["manager"].timers == {}
