"""Text from others, made fit for a terminal."""

import re
from typing import Final

# Agents and callers choose names, logs and contents: an escape sequence in one of them could move the
# cursor, recolour or retitle the terminal of whoever looks at it. Bidirectional controls can make a line
# read differently from what it says.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return the text on one line, with each control character as an escape."""
    return _CONTROLS.sub(lambda found: _escape(found[0]), text)


def clipped(text: str, columns: int) -> str:
    """Return the text cut to at most so many characters, with an ellipsis where something is missing."""
    return text if len(text) <= columns else text[: max(columns - 1, 0)] + "…"


def _escape(character: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named is not None:
        return named
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
