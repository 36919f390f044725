"""How many bytes of other people's contents the service keeps, for each message and in all."""

from collections.abc import Callable
from typing import Final, final

PROPOSAL_BYTES_MAX: Final = 64 * 1024
"""Of the content of a proposal or a refusal: a thousand of them may come for each task."""

SEAT_BYTES: Final = 512
"""What a participant costs beside its contents: a session, a name, places in tables."""

ROOM_BYTES_MAX: Final = 256 * 1024 * 1024


@final
class ContentRoom:
    """Counts the bytes that are kept: reserve or refuse."""

    def __init__(self, bytes_max: int = ROOM_BYTES_MAX) -> None:
        self.bytes_max: Final = bytes_max
        self.bytes_held = 0
        self._makers: list[Callable[[], bool]] = []

    def made_by(self, maker: Callable[[], bool]) -> None:
        """Ask `maker` to give something back when there is too little; it says False when it has nothing."""
        self._makers.append(maker)

    def has(self, count: int) -> bool:
        """Tell whether there is so much room, or make it."""
        while self.bytes_held + count > self.bytes_max:
            if not any(maker() for maker in self._makers):
                return False
        return True

    def take(self, count: int) -> bool:
        """Reserve room; False, and nothing reserved, when there is too little."""
        if not self.has(count):
            return False
        self.bytes_held += count
        return True

    def force(self, count: int) -> None:
        """Take room for what has been let in already."""
        self.bytes_held += count

    def give(self, count: int) -> None:
        """Give room back."""
        assert count <= self.bytes_held, "no more is given back than was taken"
        self.bytes_held -= count
