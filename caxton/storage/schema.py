"""The schema of the database: its numbered steps, and what a file says about where it stands.

`migrations/NNNN.sql` brings a database of version NNNN - 1 to NNNN; a step that has been released is never
changed. Each runs in a transaction together with the new number, so that a crash leaves a database of one
version or of the next.
"""

import re
import sqlite3
from pathlib import Path
from typing import Final, final

from caxton.storage.refusals import damaged, not_usable

APPLICATION_ID: Final = 0x43585442
"""Stands in the header of the file, so that another program's database is not taken for ours."""

_STEPS: Final = Path(__file__).with_name("migrations")
_STEP_NAME: Final = re.compile(r"(\d{4})\.sql")


@final
class Schema:
    """The steps from an empty database to the version that this program uses."""

    def __init__(self, directory: Path = _STEPS, *, up_to: int | None = None) -> None:
        """Read the steps of a directory; those beyond `up_to` are left out."""
        found = sorted(path for path in directory.iterdir() if _STEP_NAME.fullmatch(path.name))
        assert found, "a schema has at least one step"
        assert [int(path.stem) for path in found] == list(range(1, len(found) + 1)), "steps have no gaps"
        self._steps: Final = found[:up_to]

    @property
    def version(self) -> int:
        """The version after the last step."""
        return len(self._steps)

    def check(self, connection: sqlite3.Connection, path: Path) -> int:
        """Return the version of a database, 0 for an empty one.

        Raises:
            ConfigurationInvalid: it is another program's, or one of a newer version of this.
        """
        application_id = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        if application_id == 0 and version == 0:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables == 0:
                return 0
        if application_id != APPLICATION_ID:
            raise not_usable(
                f"{path} is a database of another program",
                "choose another directory with --data-dir, or move that file away",
            )
        if version > self.version:
            raise not_usable(
                f"{path} has schema version {version}, and this server knows versions up to {self.version}",
                "run the newer version of caxton that wrote it, or restore a backup that this one made",
            )
        if version < 1:
            raise damaged(path, "it has tables and no schema version")
        return version

    def migrate(self, connection: sqlite3.Connection, path: Path) -> int:
        """Bring a database to this version, step by step; returns the version that it had.

        Raises:
            ConfigurationInvalid: as for `check`.
        """
        found = self.check(connection, path)
        for version, step in enumerate(self._steps[found:], start=found + 1):
            text = step.read_text(encoding="utf-8")
            try:
                connection.executescript(
                    f"BEGIN IMMEDIATE;\n{text}\n"
                    f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {version};\nCOMMIT;"
                )
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.rollback()
                raise
        return found


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
