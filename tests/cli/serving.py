"""A real server for the tests of a module, and the program pointed at it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from caxton.demo.own_server import OwnServer
from tests.cli.program import Ran, run
from tests.guests.corpus import guest


@final
class Served:
    """The program, as somebody runs it who has set the two variables."""

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.variables = {
            "CAXTON_SERVER": server.address.url,
            "CAXTON_TOKEN": server.token_file.read_text(encoding="ascii").strip(),
        }

    def run(self, *words: str, stdin: bytes = b"") -> Ran:
        return run(words, self.variables, stdin)

    def deployed(self, directory: Path, guest_name: str, name: str, *words: str) -> str:
        """Deploy a guest of the corpus under a name, and return its id."""
        ran = self.run(
            "agent", "deploy", str(module(directory, guest_name)), "--name", name, *words, "-o", "json"
        )
        assert ran.code == 0, ran.err
        return str(ran.document()["agent_id"])


def module(directory: Path, guest_name: str) -> Path:
    path = directory / f"{guest_name}.wasm"
    path.write_bytes(guest(guest_name))
    return path


@contextmanager
def serving() -> Generator[Served]:
    with OwnServer.start() as server:
        yield Served(server)
