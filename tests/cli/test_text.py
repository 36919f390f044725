"""Text from agents cannot steer a terminal."""

from caxton.cli.text import clipped, visible


def test_escape_sequences_become_visible() -> None:
    assert visible("\x1b]0;owned\x07\x1b[31mred") == "\\x1b]0;owned\\x07\\x1b[31mred"


def test_line_breaks_stay_on_one_line() -> None:
    assert visible("a\r\nb\tc") == "a\\r\\nb\\tc"


def test_controls_that_turn_the_reading_direction_become_visible() -> None:
    assert visible("a\u202eb") == "a\\u202eb"


def test_letters_of_every_script_stay_as_they_are() -> None:
    assert visible("Grüße, 日本語, emoji 🐝") == "Grüße, 日本語, emoji 🐝"


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcd", 4) == "abcd"
