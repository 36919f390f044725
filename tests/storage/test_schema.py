"""A database of every version that ever was opens, comes forward, and says the same."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caxton.storage.agents import load_agents, load_deployments
from caxton.storage.answers import load_answers
from caxton.storage.audit import load_entries
from caxton.storage.database import open_database
from caxton.storage.schema import Schema
from caxton.storage.tokens import load_tokens
from tests.storage.keep_schema import AGENT, ANSWER, ENTRY, SCHEMAS, TOKEN

KEPT = sorted(SCHEMAS.glob("*.sql"))


def shape(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the tables and indexes with the text that made them."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
    return [(name, " ".join(sql.split())) for name, sql in rows]


def test_every_version_is_kept() -> None:
    assert [int(path.stem) for path in KEPT] == list(range(1, Schema().version + 1)), (
        "run `python -m tests.storage.keep_schema` for the new step"
    )


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_a_kept_database_comes_forward_with_all_that_it_holds(tmp_path: Path, kept: Path) -> None:
    path = tmp_path / "caxton.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript(kept.read_text(encoding="utf-8"))
    opened = open_database(path, "full")
    fresh = open_database(tmp_path / "fresh.db", "full")
    assert opened.version_found == int(kept.stem)
    assert shape(opened.connection) == shape(fresh.connection)
    assert load_agents(opened.connection, path) == [AGENT]
    (deployment,) = load_deployments(opened.connection, AGENT.agent_id)
    assert (deployment.deployed_by, deployment.deployment_id) == ("root", AGENT.deployment_id)
    assert load_tokens(opened.connection, path) == [TOKEN]
    assert load_answers(opened.connection, 0) == [ANSWER]
    assert [entry for _, entry in load_entries(opened.connection, 10, None, None, None)] == [ENTRY]
    opened.connection.close()
    fresh.connection.close()


def test_a_released_step_still_makes_what_it_made(tmp_path: Path) -> None:
    for kept in KEPT:
        with closing(sqlite3.connect(tmp_path / kept.name)) as made:
            made.executescript(kept.read_text(encoding="utf-8"))
            version = Schema().check(made, tmp_path / kept.name)
            with closing(sqlite3.connect(tmp_path / f"{kept.stem}.db", isolation_level=None)) as fresh:
                Schema(up_to=version).migrate(fresh, tmp_path / kept.name)
                assert shape(fresh) == shape(made)
