"""FIPA's string form at the edge: in as the JSON that the core reads, out from what it delivers."""

import asyncio
from collections.abc import Iterable
from typing import Final, final

from caxton.api.answer import Answer, Headers
from caxton.api.call import Call
from caxton.clock import Clock
from caxton.domain.acl import decode_message
from caxton.fipa.exporting import export_message
from caxton.fipa.importing import import_message
from caxton.fipa.platform import Platform
from caxton.runtime.runtime import Runtime

FIPA_ACL: Final = "application/fipa-acl"

# So much is written before others have their turn: one to three milliseconds of small messages.
SLICE_BYTES: Final = 16 * 1024


@final
class ACLText:
    """Reads and writes the string form for one server."""

    def __init__(self, runtime: Runtime, clock: Clock, platform: str, message_bytes_max: int) -> None:
        """`platform` is the part behind the `@` of the agents' names here."""
        self._runtime = runtime
        self._clock = clock
        self._platform = Platform(platform)
        self._message_bytes_max = message_bytes_max

    def spoken(self, call: Call) -> bool:
        """Tell whether the body of the call is said to be in the string form."""
        return call.content_type() == FIPA_ACL

    def read(self, body: bytes) -> bytes:
        """Return the JSON text of a message in the string form.

        Raises:
            InvalidMessageFormat: it cannot be read.
        """
        return import_message(
            body, self._platform, self._clock.wall_ns(), message_bytes_max=self._message_bytes_max
        )

    def wanted(self, call: Call) -> bool:
        """Tell whether the caller wants messages in the string form."""
        return call.accepts(FIPA_ACL)

    async def answer(self, messages: Iterable[bytes], headers: Headers = ()) -> Answer:
        """Return an answer of delivered messages in the string form, each on a line of its own."""
        lines: list[bytes] = []
        slice_bytes = 0
        for message in messages:
            lines.append(export_message(decode_message(message), self._platform, self._runtime.name_of))
            slice_bytes += len(message)
            if slice_bytes > SLICE_BYTES:
                slice_bytes = 0
                await asyncio.sleep(0)
        return Answer(200, b"".join(line + b"\n" for line in lines), FIPA_ACL.encode(), headers)
