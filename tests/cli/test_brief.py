"""Contents of messages on one line."""

from caxton.cli.brief import told_briefly


def test_an_object_is_told_as_pairs() -> None:
    content = {"price": 42, "task": "paint the shed", "fast": True}
    assert told_briefly(content, 80) == "price=42 task=paint the shed fast=true"


def test_other_content_is_told_as_json() -> None:
    assert told_briefly([1, {"a": None}], 80) == '[1,{"a":null}]'
    assert told_briefly("hello", 80) == "hello"
    assert told_briefly(None, 80) == ""


def test_nested_values_stay_json() -> None:
    assert told_briefly({"bids": [{"price": 1}]}, 80) == 'bids=[{"price":1}]'


def test_long_content_is_cut() -> None:
    assert told_briefly({"text": "x" * 100}, 20) == "text=" + "x" * 14 + "…"


def test_content_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in told_briefly({"\x1b[2J": "\x1b[2J"}, 80)
