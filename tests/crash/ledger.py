"""What a client was promised, so that it can be held against what is there after a crash."""

from typing import Final, final

GONE: Final = "gone"
"""Stands for an agent or a token that is not there (any more)."""


@final
class Ledger:
    """Things by name, each with the conditions in which it may be found.

    An operation is noted before it is begun, and settled when it was acknowledged or refused. One that is
    never settled may have happened or not; in between it may not have.
    """

    def __init__(self) -> None:
        self._may_be: dict[str, frozenset[str]] = {}

    def begin(self, name: str, becomes: str) -> None:
        """Note that a thing is about to become something, or may stay what it is."""
        self._may_be[name] = self.of(name) | {becomes}

    def settle(self, name: str, condition: str) -> None:
        """Note what a thing is, as the server said."""
        self._may_be[name] = frozenset({condition})

    def of(self, name: str) -> frozenset[str]:
        """Return the conditions in which a thing may be."""
        return self._may_be.get(name, frozenset({GONE}))

    def names(self) -> list[str]:
        """Return everything that was ever mentioned."""
        return list(self._may_be)

    def is_settled(self, name: str) -> bool:
        """Tell whether there is one condition only."""
        return len(self.of(name)) == 1

    def breaches(self, found: dict[str, str]) -> list[str]:
        """Return in words everything that is not as it may be; a thing that is not found is gone."""
        told = [
            f"{name} is {found.get(name, GONE)}, and may be {' or '.join(sorted(self.of(name)))}"
            for name in self._may_be
            if found.get(name, GONE) not in self.of(name)
        ]
        return told + [f"{name} was never asked for" for name in found if name not in self._may_be]
