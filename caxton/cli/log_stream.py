"""The lines that agents log, as the API hands them over: a page of them, or a stream that goes on."""

from collections.abc import Iterable, Iterator
from typing import Final, final

import msgspec

from caxton.cli.client import Client
from caxton.cli.path import segment
from caxton.cli.refusal import Unreachable


@final
class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line that an agent logged. `timestamp` is RFC 3339."""

    timestamp: str
    level: str
    message: str
    cursor: int = 0


class _Page(msgspec.Struct, frozen=True):
    lines: list[LogLine]


_LINE: Final = msgspec.json.Decoder(LogLine)


def last_lines(client: Client, agent: str, limit: int) -> list[LogLine]:
    """Return an agent's newest lines, the newest last. Raises: Refused, Unreachable."""
    return client.get(f"/agents/{segment(agent)}/logs", query={"limit": limit}).decode(_Page).lines


def following_lines(client: Client, agent: str, limit: int) -> Iterator[LogLine]:
    """Yield an agent's newest lines and then each new one as it comes, until the agent is gone.

    Raises: Refused, Unreachable.
    """
    path = f"/agents/{segment(agent)}/logs"
    return read_stream(client.follow(path, query={"follow": "true", "limit": limit}))


def read_stream(lines: Iterable[str]) -> Iterator[LogLine]:
    """Yield the log lines of a stream of JSON lines; an empty one only says that the stream lives.

    Raises: Unreachable for a line that is no log line.
    """
    for line in lines:
        if line:
            try:
                yield _LINE.decode(line)
            except msgspec.DecodeError as error:
                raise Unreachable.at(f"the stream of the log holds something else: {error}") from error
