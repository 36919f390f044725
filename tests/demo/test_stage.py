"""What the person sees."""

import io

from rich.console import Console

from caxton.demo.seen_message import SeenMessage
from caxton.demo.stage import Stage


def staged(*, terminal: bool) -> tuple[Stage, io.StringIO]:
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=terminal,
        width=100,
        highlight=False,
        color_system="standard" if terminal else None,
    )
    stage = Stage(console)
    stage.cast(["you", "manager"])
    return stage, out


def seen(at: int, content: object) -> SeenMessage:
    return SeenMessage(
        received_ns=at, sender="you", receiver="manager", performative="request", content=content
    )


def test_a_message_is_one_line_with_the_time_since_the_first() -> None:
    stage, out = staged(terminal=False)
    stage.message(seen(5_000_000, {"size": 1}))
    stage.message(seen(6_250_000, {"size": 2}))
    assert out.getvalue().splitlines() == [
        "      0.000 ms      you → manager  request         size=1",
        "      1.250 ms      you → manager  request         size=2",
    ]


def test_a_refused_message_does_not_arrive_and_has_its_reason() -> None:
    stage, out = staged(terminal=False)
    stage.message(seen(5_000_000, {"size": 1}))
    stage.refusal(seen(6_250_000, None), "late: answer in time")
    assert out.getvalue().splitlines()[1] == (
        "      1.250 ms      you ✗ manager  request         refused: late: answer in time"
    )


def test_a_pipe_gets_no_colours() -> None:
    stage, out = staged(terminal=False)
    stage.heading("a")
    stage.verdict("b", good=True)
    stage.figures([("x", "1", "counted")])
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_colours() -> None:
    stage, out = staged(terminal=True)
    stage.message(seen(1, {}))
    assert "\x1b[" in out.getvalue()


def test_words_of_agents_neither_style_nor_steer() -> None:
    stage, out = staged(terminal=False)
    stage.message(seen(1, {"text": "[red]\x1b[2J"}))
    assert "text=[red]\\x1b[2J" in out.getvalue()


def test_a_command_is_never_broken_into_lines() -> None:
    stage, out = staged(terminal=True)
    stage.command("x" * 300)
    assert "x" * 300 in out.getvalue()
