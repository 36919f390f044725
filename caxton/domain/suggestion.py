"""Near names for a word that nothing is called by."""

from collections.abc import Iterable
from typing import Final

SUGGESTIONS_MAX: Final = 3
# Candidates beyond this number are not looked at: matching costs microseconds for each.
CANDIDATES_MAX: Final = 10_000
_WORD_CHARACTERS_MAX: Final = 255


def near_names(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return up to three candidates that look like `word`, best first.

    Letter case and the difference between `_`, `-` and space do not count against a candidate.
    """
    # Imported on use: only a refusal needs it, and every start of a command would pay for it.
    from difflib import get_close_matches  # noqa: PLC0415 - costs time

    plain: dict[str, str] = {}
    for index, candidate in enumerate(candidates):
        if index == CANDIDATES_MAX:
            break
        plain.setdefault(_plain(candidate), candidate)
    found = get_close_matches(_plain(word[:_WORD_CHARACTERS_MAX]), plain, n=SUGGESTIONS_MAX, cutoff=0.6)
    return tuple(plain[key] for key in found)


def did_you_mean(suggestions: Iterable[str]) -> str:
    """Return the sentence that offers the suggestions, or an empty text for none.

    >>> did_you_mean(["inform", "inform-if"])
    'did you mean `inform` or `inform-if`?'
    """
    words = [f"`{suggestion}`" for suggestion in suggestions]
    if not words:
        return ""
    *most, last = words
    return f"did you mean {', '.join(most)} or {last}?" if most else f"did you mean {last}?"


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-").replace(" ", "-")
