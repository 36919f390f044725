"""Names worth a closer look when somebody misspelt one.

To compare a word with ten thousand names letter by letter takes a tenth of a second, and whoever sends
wrong names could stop the loop with it. So a cheap look picks few, and only those are compared.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from caxton.domain.suggestion import near_names

LOOKED_AT_MAX: Final = 10_000
COMPARED_MAX: Final = 64
_END_CHARACTERS: Final = 3
_LENGTH_DIFFERENCE_MAX: Final = 3


def resembling(word: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return up to three names that look like `word`, best first."""
    head, tail, length = word[:_END_CHARACTERS], word[-_END_CHARACTERS:], len(word)
    # By how many of its ends agree with the word's.
    shelves: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name in islice(names, LOOKED_AT_MAX):
        if abs(len(name) - length) <= _LENGTH_DIFFERENCE_MAX:
            shelf = shelves[name.startswith(head) + name.endswith(tail)]
            if len(shelf) < COMPARED_MAX:
                shelf.append(name)
    neither, one, both = shelves
    return near_names(word, [*both, *one, *neither][:COMPARED_MAX])
