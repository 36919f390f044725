"""Words of the command line become values, or say what is wrong with them."""

from pathlib import Path

import click
import pytest

from caxton.cli.parameters import DURATION, LIMIT, PERFORMATIVE, as_ms, parse_content, parse_limit, parse_pair
from caxton.domain.quantities import DurationNs
from tests.cli.echo_server import server_that_says
from tests.cli.program import run


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("memory_bytes_max=16MiB", ("memory_bytes_max", 16 * 1024 * 1024)),
        ("memory_bytes_max=65536", ("memory_bytes_max", 65536)),
        ("message_bytes_max=1 kB", ("message_bytes_max", 1000)),
        ("execution_ms_max=2s", ("execution_ms_max", 2000)),
        ("cpu_ms_max=250", ("cpu_ms_max", 250)),
        ("fuel_max=1000000", ("fuel_max", 1_000_000)),
        ("messages_per_s_max=0.5", ("messages_per_s_max", 0.5)),
    ],
)
def test_a_limit_is_a_name_and_an_amount_with_or_without_unit(text: str, value: tuple[str, float]) -> None:
    assert parse_limit(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("memory_bytes=1", "`memory_bytes_max`"),
        ("bread=1", "the limits are memory_bytes_max, "),
        ("memory_bytes_max", "name=value"),
        ("=5", "name=value"),
        ("fuel_max=lots", "wants a number"),
        ("cpu_ms_max=1us", "whole number of milliseconds"),
        ("memory_bytes_max=16 pounds", "no unit"),
    ],
)
def test_a_wrong_limit_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(click.BadParameter, match=why):
        LIMIT.convert(text, None, None)


def test_a_pair_keeps_every_sign_after_the_first_equals_sign() -> None:
    assert parse_pair("url=http://a/?b=c") == ("url", "http://a/?b=c")


def test_a_duration_is_counted_in_whole_milliseconds_rounded_up() -> None:
    assert as_ms(DURATION.convert("5s", None, None)) == 5000
    assert as_ms(DurationNs(1)) == 1
    assert as_ms(DURATION.convert("1.5m", None, None)) == 90_000


def test_a_performative_is_taken_in_any_case_and_with_underscores() -> None:
    assert PERFORMATIVE.convert("ACCEPT_PROPOSAL", None, None) == "accept-proposal"


def test_a_duration_without_unit_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="no unit"):
        DURATION.convert("5", None, None)


def test_content_keeps_its_numbers_as_they_were_written() -> None:
    assert bytes(parse_content(' {"price": 1.10, "id": 123456789012345678901234567890} ')) == (
        b'{"price": 1.10, "id": 123456789012345678901234567890}'
    )


def test_content_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "task.json"
    file.write_text('["a", 1]\n')
    assert bytes(parse_content(f"@{file}")) == b'["a", 1]'


def test_content_comes_from_standard_input() -> None:
    with server_that_says(202, b'{"message_id": "m", "conversation_id": "c", "status": "accepted"}') as told:
        words = ("send", "a", "-c", "-", "--server", told.url, "--token", "t")
        assert run(words, {}, b'{"from": 1.10}').code == 0
    assert b'"content":{"from": 1.10}' in told.requests[0].body


def test_standard_input_that_is_not_json_is_a_usage_error() -> None:
    ran = run(("send", "a", "-c", "-"), {}, b"hello")
    assert ran.code == 2
    assert "standard input is not JSON" in ran.err


def test_a_bare_word_as_content_is_refused_with_the_quotes_that_it_needs() -> None:
    with pytest.raises(ValueError, match="a text needs its quotes"):
        parse_content("hello")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.json.*No such file"):
        parse_content(f"@{tmp_path}/nowhere.json")


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bytes"
    file.write_bytes(b'"\xff\xfe"')
    with pytest.raises(ValueError, match="not JSON"):
        parse_content(f"@{file}")
