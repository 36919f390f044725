"""The manifest that an agent module may carry: a JSON object in its custom section ``caxton``.

It says what the author wants; what the deployer says overrides it, and only downwards. Fields that this
version does not know are passed over, so that a newer author's module still loads.
"""

from typing import Final

import msgspec

from caxton.domain.errors.request import ParseError
from caxton.domain.ids import parse_capability
from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.runtime.features import Profile

MANIFEST_BYTES_MAX: Final = 65_536
_TOOLS_MAX: Final = 256


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The author's wishes. None or an empty tuple: nothing was said.

    ``memory`` is the number of bytes that the agent expects to need at most.
    """

    name: str | None = None
    version: str | None = None
    capabilities: tuple[str, ...] = ()
    profile: Profile | None = None
    memory: int | None = None
    tools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for label, words in (("name", (self.name,)), ("version", (self.version,))):
            if any(word is not None and not 1 <= len(word) <= 255 for word in words):
                raise ValueError(f"{label} has to be 1 to 255 characters long")
        for label, words, entries_max in (
            ("capabilities", self.capabilities, CAPABILITIES_MAX),
            ("tools", self.tools, _TOOLS_MAX),
        ):
            if len(words) > entries_max:
                raise ValueError(f"{label} has {len(words)} entries; at most {entries_max} are accepted")
            if any(not 1 <= len(word) <= 255 for word in words):
                raise ValueError(f"each of the {label} has to be 1 to 255 characters long")
        for word in self.capabilities:
            try:
                parse_capability(word)
            except ParseError as error:
                raise ValueError(f"{error}; {error.hint}") from error
        if self.memory is not None and self.memory < 1:
            raise ValueError("memory has to be a positive number of bytes")


class ManifestFault(msgspec.Struct, frozen=True):
    """Why a manifest cannot be read."""

    message: str


def read_manifest(payload: bytes) -> Manifest | ManifestFault:
    """Read the content of one custom section ``caxton``; never raises."""
    if len(payload) > MANIFEST_BYTES_MAX:
        return ManifestFault(f"it is {len(payload)} bytes long; at most {MANIFEST_BYTES_MAX} are accepted")
    try:
        return msgspec.json.decode(payload, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ManifestFault(str(error))
    except RecursionError:
        return ManifestFault("it is nested too deeply")
