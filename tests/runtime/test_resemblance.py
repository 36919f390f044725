"""Near names are found among few and among many."""

import pytest

from caxton.runtime.resemblance import resembling


@pytest.mark.parametrize(
    ("word", "names", "found"),
    [
        ("trranslator", ["reader", "translator", "writer"], ("translator",)),
        ("Translator", ["translator"], ("translator",)),
        ("nothing-like-it", ["translator"], ()),
        ("", ["a"], ()),
        ("x", [], ()),
    ],
)
def test_a_name_that_looks_like_the_word_is_found(
    word: str, names: list[str], found: tuple[str, ...]
) -> None:
    assert resembling(word, names) == found


def test_among_ten_thousand_alike_the_nearest_by_both_ends_is_found() -> None:
    names = [f"agent-{number}" for number in range(9000)]
    assert "agent-7777" in resembling("agemt-7777", names)
    assert "agent-7777" in resembling("agentt-7777", names)
