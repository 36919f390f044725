"""Streams of log lines."""

import pytest

from caxton.cli.log_stream import read_stream
from caxton.cli.refusal import Unreachable

LINE = '{"cursor": 3, "timestamp": "2026-11-23T10:00:00.000Z", "level": "info", "message": "hi"}'


def test_lines_are_read_and_signs_of_life_passed_over() -> None:
    assert [line.message for line in read_stream([LINE, "", LINE])] == ["hi", "hi"]


def test_something_else_in_the_stream_is_said() -> None:
    with pytest.raises(Unreachable, match="something else"):
        list(read_stream(["<html>"]))
