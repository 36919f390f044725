"""Streams of log lines are read in either form."""

from caxton.cli.log_stream import read_stream

LINE = '{"cursor": 3, "timestamp": "2026-11-23T10:00:00.000Z", "level": "info", "message": "hi"}'


def test_bare_json_lines_are_read() -> None:
    assert [line.message for line in read_stream([LINE, "", LINE])] == ["hi", "hi"]


def test_server_sent_events_are_read() -> None:
    stream = [": welcome", "retry: 1000", "id: 3", "event: log", f"data: {LINE}", ""]
    assert [line.cursor for line in read_stream(stream)] == [3]
