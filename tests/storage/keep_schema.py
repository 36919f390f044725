"""Write down a database of the present schema version, with a row in each table, as SQL.

    python -m tests.storage.keep_schema

Run it in the change that adds a step to the schema, never for a version that was released.
"""

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Final

from caxton.domain.agent import AgentSpec, GuestProgram
from caxton.domain.ids import AgentId, AgentName, Capability, DeploymentId, Digest
from caxton.domain.quantities import Version
from caxton.security.roles import Role
from caxton.security.tokens import StoredToken
from caxton.storage.agents import StoredAgent, agent_comes
from caxton.storage.answers import StoredAnswer, answer_comes
from caxton.storage.audit import StoredEntry, entry_comes
from caxton.storage.database import open_database
from caxton.storage.schema import Schema
from caxton.storage.statement import Change
from caxton.storage.tokens import token_is

SCHEMAS: Final = Path(__file__).with_name("schemas")
NOW_NS: Final = 1_700_000_000_123_456_789
AGENT: Final = StoredAgent(
    agent_id=AgentId(2**64 - 1),
    spec=AgentSpec(
        name=AgentName("bidder"),
        version=Version("1.2.3"),
        capabilities=(Capability("bid"),),
        config={"greeting": "hé"},
        labels={"team": "a"},
    ),
    program=GuestProgram(digest=Digest("ab" * 32), module_bytes=1234),
    wanted="stopped",
    created_ns=NOW_NS,
    deployment_id=DeploymentId("6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
    wasi=True,
)
TOKEN: Final = StoredToken(
    token_id="0123456789ab",
    name="robot",
    role=Role.VIEWER,
    digest=bytes(range(32)),
    created_ns=NOW_NS,
    expires_ns=NOW_NS + 1,
)
ANSWER: Final = StoredAnswer(
    whose="root a key",
    since_ns=NOW_NS,
    fingerprint=b"\x01\x02",
    status=201,
    content_type="application/json",
    headers=((b"location", b"/x"),),
    body=b"{}",
)
ENTRY: Final = StoredEntry(
    at_ns=NOW_NS,
    identity="root",
    name="root",
    role="admin",
    operation="create_agent",
    status=201,
    code=None,
    trace_id="0" * 31 + "1",
    subject="bidder",
)


def changes() -> list[Change]:
    """Return one of everything."""
    return [
        *agent_comes(AGENT, "root", 3),
        token_is(TOKEN),
        entry_comes(ENTRY),
        *answer_comes(ANSWER, [], 0),
    ]


def dump(connection: sqlite3.Connection) -> str:
    """Return a database as SQL."""
    pragmas = [
        f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
        for name in ("application_id", "user_version")
    ]
    return "\n".join([*pragmas, *connection.iterdump()]) + "\n"


def main() -> int:
    place = SCHEMAS / f"{Schema().version:04}.sql"
    if place.exists():
        print(f"{place} is there already: remove it first if that version was never released")  # noqa: T201 - a program for people
        return 1
    with tempfile.TemporaryDirectory() as directory:
        opened = open_database(Path(directory, "caxton.db"), "normal")
        for change in changes():
            opened.connection.execute(change.statement.sql, change.statement.pack(change.rows))
        place.write_text(dump(opened.connection), encoding="utf-8")
        opened.connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
