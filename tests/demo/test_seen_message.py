"""A message as its receiver saw it."""

import pytest

from caxton.demo.seen_message import read_trace


def test_a_trace_is_read_with_names_for_ids() -> None:
    line = '1234 {"performative":"propose","sender":"77","receiver":"8","content":{"price":5}}'
    seen = read_trace(line, "manager", {"77": "frugal"})
    assert (seen.received_ns, seen.sender, seen.receiver) == (1234, "frugal", "manager")
    assert (seen.performative, seen.content) == ("propose", {"price": 5})


def test_ids_in_the_content_become_names_where_they_stand_alone() -> None:
    line = '1 {"performative":"inform","sender":"8","content":{"winner":"77","all":["77","x 77"],"price":77}}'
    assert read_trace(line, "you", {"77": "frugal"}).content == {
        "winner": "frugal",
        "all": ["frugal", "x 77"],
        "price": 77,
    }


@pytest.mark.parametrize("line", ["hello", "12 hello", "x {}", '12 {"performative":1}', "", '12 {"perf'])
def test_another_line_is_no_trace(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_trace(line, "manager", {})
