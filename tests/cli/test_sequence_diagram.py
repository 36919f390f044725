"""A conversation drawn on fixed rows."""

import msgspec
import pytest

from caxton.cli.conversation_show import HistoryRow, history_of, said_rows
from caxton.cli.refusal import Refused
from caxton.cli.sequence_diagram import Line, SaidRow, sequence_diagram
from tests.cli.echo_server import server_that_says
from tests.cli.test_client import client_of

CAST = ("manager", "frugal", "swift")


def said(at_ms: float, sender: str, receiver: str, act: str, content: object = None) -> SaidRow:
    return SaidRow(
        at_ns=round(at_ms * 1e6), sender=sender, receiver=receiver, performative=act, content=content
    )


ROWS = (
    said(100, "manager", "frugal", "cfp", {"size": 10}),
    said(100.01, "manager", "swift", "cfp", {"size": 10}),
    said(100.5, "swift", "manager", "propose", {"price": 9}),
    SaidRow(
        at_ns=101_000_000,
        sender="swift",
        receiver="manager",
        performative="propose",
        is_refused=True,
        reason="late",
    ),
    said(102, "manager", "swift", "accept-proposal", {"price": 9}),
    said(1500.25, "swift", "manager", "inform", {"primes": 4}),
)


def texts(rows: tuple[SaidRow, ...], columns: int, cast: tuple[str, ...] = CAST) -> list[str]:
    return [line.text for line in sequence_diagram(rows, cast, columns)]


def test_agents_are_columns_and_messages_arrows_between_them() -> None:
    assert texts(ROWS, 120) == [
        "                      manager              frugal              swift",
        "      0.000 ms            ├────────cfp───────▶│                   │           size=10",
        "      0.010 ms            ├──────────────────cfp─────────────────▶│           size=10",
        "      0.500 ms            │◀───────────────propose────────────────┤           price=9",
        "      1.000 ms            │✗╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌propose╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤           refused: late",
        "      2.000 ms            ├────────────accept-proposal───────────▶│           price=9",
        "   1400.250 ms            │◀────────────────inform────────────────┤           primes=4",
    ]


def test_what_went_wrong_or_was_refused_has_a_colour() -> None:
    lines = sequence_diagram([*ROWS, said(1600, "swift", "manager", "failure")], CAST, 120)
    assert [line.colour for line in lines] == [None, None, None, None, "red", "green", "green", "red"]


def test_a_terminal_that_is_too_narrow_gets_a_list() -> None:
    assert texts(ROWS, 70)[2:5] == [
        "      0.500 ms    swift → manager  propose          price=9",
        "      1.000 ms    swift ✗ manager  propose          refused: late",
        "      2.000 ms  manager → swift    accept-proposal  price=9",
    ]


def test_long_contents_are_cut_to_the_width() -> None:
    (_, line) = texts((said(0, "manager", "frugal", "cfp", {"text": "x" * 300}),), 100)
    assert len(line) == 100
    assert line.endswith("…")


def test_who_is_not_of_the_cast_comes_behind_it_and_may_speak_to_itself() -> None:
    head, line = texts((said(0, "broker", "broker", "inform", {"a": 1}),), 120)
    assert head.split() == [*CAST, "broker"]
    assert "↺ inform" in line
    assert 0 <= line.index("↺") - head.index("broker") < len("broker")


def test_names_and_contents_cannot_steer_the_terminal() -> None:
    rows = (said(0, "\x1b[2J", "b", "\x1b[31m", {"\x1b": "\x1b"}),)
    for columns in (40, 200):
        assert "\x1b" not in "".join(texts(rows, columns, ()))


def test_nothing_said_draws_the_cast_alone() -> None:
    assert sequence_diagram([], CAST, 80) == [Line("                 manager   frugal   swift")]


def test_the_apis_rows_are_drawn_with_names_and_one_arrow_for_each_receiver() -> None:
    row = HistoryRow(
        at="2026-11-25T12:00:00.001Z",
        sender="1",
        receiver=["2", "3"],
        performative="cfp",
        accepted=False,
        reason="late",
    )
    first, second = said_rows([row], {"1": "manager", "2": "frugal"})
    assert (first.sender, first.receiver, second.receiver) == ("manager", "frugal", "3")
    assert (first.is_refused, first.reason) == (True, "late")
    assert first.at_ns % 1_000_000_000 == 1_000_000


def error(code: str) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "message": "m", "details": {}, "hint": "h"}})


def test_the_rows_of_a_history_are_read_up_to_a_limit() -> None:
    rows = [{"at": "2026-11-25T12:00:00Z", "sender": "1", "receiver": "2", "performative": "cfp"}] * 3
    body = msgspec.json.encode({"messages": rows, "next_cursor": None})
    with server_that_says(200, body) as told, client_of(told.url) as client:
        found, more = history_of(client, "a talk", 10)
        assert (len(found or []), more) == (3, False)
        found, more = history_of(client, "a talk", 2)
        assert (len(found or []), more) == (2, True)
    assert told.requests[0].path == "/api/v1/conversations/a%20talk/messages?limit=10"


@pytest.mark.parametrize("code", ["NOT_FOUND", "CONVERSATION_NOT_FOUND", "MESSAGE_NOT_FOUND"])
def test_where_nothing_is_found_no_history_is_kept(code: str) -> None:
    with server_that_says(404, error(code)) as told, client_of(told.url) as client:
        assert history_of(client, "talk", 10) == (None, False)


def test_any_other_no_is_a_no() -> None:
    with (
        server_that_says(403, error("FORBIDDEN")) as told,
        client_of(told.url) as client,
        pytest.raises(Refused),
    ):
        history_of(client, "talk", 10)
