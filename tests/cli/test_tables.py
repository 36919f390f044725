"""Tables in a pipe are plain columns that other programs can cut."""

import pytest

from caxton.cli.tables import show_fields, show_json, show_rows, size


def test_rows_in_a_pipe_are_columns_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("name", "state"), [("a", "running"), ("long-name", None)], empty="none")
    assert capsys.readouterr().out == "NAME       STATE\na          running\nlong-name  -\n"


def test_no_rows_in_a_pipe_are_the_heading_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("name", "state"), [], empty="none")
    assert capsys.readouterr().out == "NAME  STATE\n"


def test_fields_without_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show_fields([("name", "a"), ("labels", {}), ("tools", ()), ("limits", {"fuel_max": 5}), ("ok", True)])
    assert capsys.readouterr().out == "name    a\nlimits  fuel_max=5\nok      yes\n"


def test_values_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("a",), [("\x1b[2J",)], empty="")
    show_fields([("a", {"\x1b": ["\x07"]})])
    assert "\x1b" not in capsys.readouterr().out


def test_json_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"a": [1, {"b": None}]})
    assert capsys.readouterr().out == '{"a":[1,{"b":null}]}\n'


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (0, "0 B"), (1023, "1023 B"), (65536, "64.0 KiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes_are_told_in_binary_units(count: int | None, text: str) -> None:
    assert size(count) == text
