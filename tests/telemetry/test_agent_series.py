"""Some agents have series of their own; the rest is summed; no counter ever goes down."""

from hypothesis import given, settings
from hypothesis import strategies as st

from caxton.telemetry.agent_series import OTHER, AgentSeries, Series
from caxton.telemetry.reading import AgentReading


def _agent(number: int, handled: int, **faults: int) -> AgentReading:
    return AgentReading(
        agent_id=number,
        name=f"agent-{number}",
        mailbox_depth=1,
        messages_handled=handled,
        fuel_used=handled * 10,
        memory_bytes=65536,
        restarts=sum(faults.values()),
        events={},
        faults=faults,
    )


def _handled(rows: list[Series]) -> dict[str, int]:
    return {row.label: row.counters.handled for row in rows}


def test_few_agents_have_series_of_their_own() -> None:
    rows = AgentSeries(10).update([_agent(1, 5), _agent(2, 7, trap=2)])
    assert _handled(rows) == {"agent-1": 5, "agent-2": 7}
    assert rows[1].counters.faults == {"trap": 2}


def test_of_many_the_busiest_are_shown_and_the_rest_is_summed() -> None:
    rows = AgentSeries(2).update([_agent(number, number * 100) for number in range(1, 6)])
    assert _handled(rows) == {"agent-5": 500, "agent-4": 400, OTHER: 600} | {}
    other = next(row for row in rows if row.label == OTHER)
    assert (other.mailbox_depth, other.memory_bytes) == (3, 3 * 65536)


def test_a_chosen_agent_keeps_its_series_when_another_becomes_busier() -> None:
    series = AgentSeries(1)
    series.update([_agent(1, 10), _agent(2, 5)])
    assert _handled(series.update([_agent(1, 10), _agent(2, 5000)])) == {"agent-1": 10, OTHER: 5000}


def test_what_a_deleted_agent_did_stays_in_the_sum() -> None:
    series = AgentSeries(1)
    series.update([_agent(1, 10), _agent(2, 5)])
    assert _handled(series.update([_agent(1, 11)])) == {"agent-1": 11, OTHER: 5}


def test_an_agent_that_is_chosen_later_begins_where_the_sum_ended() -> None:
    series = AgentSeries(1)
    series.update([_agent(1, 10), _agent(2, 5)])
    series.update([_agent(2, 6)])
    assert _handled(series.update([_agent(2, 9)])) == {"agent-2": 4, OTHER: 5}


@settings(max_examples=200)
@given(st.lists(st.dictionaries(st.integers(1, 6), st.integers(0, 50), max_size=6), max_size=12))
def test_no_series_ever_goes_down_while_it_is_shown(scrapes: list[dict[int, int]]) -> None:
    series = AgentSeries(2)
    totals: dict[int, int] = {}
    before: dict[str, int] = {}
    for scrape in scrapes:
        for number in [gone for gone in totals if gone not in scrape]:
            # An agent that comes back is another one: ids are random.
            del totals[number]
            before.pop(f"agent-{number}", None)
            series.update([_agent(other, count) for other, count in totals.items()])
        for number, more in scrape.items():
            totals[number] = totals.get(number, 0) + more
        rows = _handled(series.update([_agent(number, count) for number, count in totals.items()]))
        for label, count in rows.items():
            assert count >= before.get(label, 0), (label, before, rows)
        before = before | rows
