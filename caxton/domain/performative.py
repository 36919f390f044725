"""The 22 communicative acts of FIPA (SC00037), by word and by number.

The number of an act is its place in the alphabetical order of the words. The core and everything
stored use it, so the order is part of the contract between them.
"""

from enum import StrEnum, unique
from typing import Final

from caxton.domain.errors.request import ParseError, ParseKind
from caxton.domain.suggestion import did_you_mean, near_names


@unique
class Performative(StrEnum):
    """A communicative act. Members stand in the order of their numbers."""

    ACCEPT_PROPOSAL = "accept-proposal"
    AGREE = "agree"
    CANCEL = "cancel"
    CFP = "cfp"
    CONFIRM = "confirm"
    DISCONFIRM = "disconfirm"
    FAILURE = "failure"
    INFORM = "inform"
    INFORM_IF = "inform-if"
    INFORM_REF = "inform-ref"
    NOT_UNDERSTOOD = "not-understood"
    PROPAGATE = "propagate"
    PROPOSE = "propose"
    PROXY = "proxy"
    QUERY_IF = "query-if"
    QUERY_REF = "query-ref"
    REFUSE = "refuse"
    REJECT_PROPOSAL = "reject-proposal"
    REQUEST = "request"
    REQUEST_WHEN = "request-when"
    REQUEST_WHENEVER = "request-whenever"
    SUBSCRIBE = "subscribe"

    @property
    def number(self) -> int:
        """The act's number, 0 to 21."""
        return _NUMBERS[self]


PERFORMATIVES: Final = tuple(Performative)
"""All acts; the index is the number."""

_NUMBERS: Final = {performative: number for number, performative in enumerate(PERFORMATIVES)}
_WORDS: Final = {str(performative): performative for performative in PERFORMATIVES}
_WORD_CHARACTERS_MAX: Final = 64

assert list(_WORDS) == sorted(_WORDS), "the members stand in alphabetical order"
assert len(PERFORMATIVES) == 22, "FIPA defines 22 acts"


def parse_performative(text: str) -> Performative:
    """Return the act that `text` names, with `_` or spaces for hyphens and in any letter case.

    Raises:
        ParseError: `Empty` or `Unknown`, with near words as suggestions.
    """
    found = _WORDS.get(text)
    if found is not None:
        return found
    if len(text) <= _WORD_CHARACTERS_MAX:
        found = _WORDS.get(text.lower().replace("_", "-").replace(" ", "-"))
        if found is not None:
            return found
    return _refuse(text)


def _refuse(text: str) -> Performative:
    if not text.strip():
        problem = "the performative is empty"
        raise ParseError("performative", text, ParseKind.EMPTY, problem, "name one of the 22 acts of FIPA")
    if text.strip().lower() == "query":
        suggestions: tuple[str, ...] = ("query-if", "query-ref")
        fix = "use `query-if` to ask whether something is true, `query-ref` to ask what something is"
    else:
        suggestions = near_names(text, _WORDS)
        fix = did_you_mean(suggestions) or f"use one of {', '.join(_WORDS)}"
    problem = f"`{text[:_WORD_CHARACTERS_MAX]}` is none of the 22 performatives of FIPA"
    raise ParseError("performative", text, ParseKind.UNKNOWN, problem, fix, suggestions=suggestions)
