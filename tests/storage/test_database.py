"""What opening a database finds: nothing, an older one, a newer one, damage."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.storage.database import connect_reader, open_database
from caxton.storage.schema import Schema
from tests.storage.shelf import PUT, make_table, things

FRAME_HEADER_BYTES = 24
WAL_HEADER_BYTES = 32


def crashed(directory: Path, commits: int, *, body: bytes = b"x" * 100) -> Path:
    """Return a copy of a database that was in use, with so many commits in its log alone."""
    live, copy = directory / "live.db", directory / "copy" / "caxton.db"
    opened = open_database(live, "full")
    make_table(live)
    opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(commits):
        opened.connection.execute(PUT.sql, PUT.pack([(str(number), number, body)]))
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{live}{suffix}", f"{copy}{suffix}")
    opened.connection.close()
    return copy


def wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def frame_bytes(path: Path) -> int:
    connection = sqlite3.connect(path)
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return page_bytes + FRAME_HEADER_BYTES


def change_byte(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationInvalid) as refusal:
        open_database(path, "full")
    (problem,) = refusal.value.problems
    assert problem.field == "storage.data_dir"
    assert problem.fix
    return problem.problem


def kept(path: Path) -> list[int]:
    opened = open_database(path, "full")
    found = things(opened.connection)
    opened.connection.close()
    return sorted(number or 0 for number, _ in found.values())


def test_a_fresh_database_is_of_the_present_version_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    opened = open_database(path, "full")
    assert opened.version_found == 0
    opened.connection.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = open_database(path, "normal")
    assert again.version_found == Schema().version
    assert again.connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert again.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    again.connection.close()


def test_a_reader_sees_what_is_committed_and_cannot_write(tmp_path: Path) -> None:
    opened = open_database(tmp_path / "caxton.db", "full")
    make_table(tmp_path / "caxton.db")
    opened.connection.execute(PUT.sql, PUT.pack([("a", 1, b"")]))
    reader = connect_reader(opened)
    assert things(reader) == {"a": (1, b"")}
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM things")
    reader.close()
    opened.connection.close()


def test_memory_keeps_no_file_and_has_readers_of_its_own(tmp_path: Path) -> None:
    one, other = (
        open_database(tmp_path / "caxton.db", "memory"),
        open_database(tmp_path / "caxton.db", "memory"),
    )
    one.connection.execute(
        "INSERT INTO tokens (token_id, name, role, created_ns, digest) VALUES ('a','','',0,x'')"
    )
    counts = [
        connect_reader(opened).execute("SELECT count(*) FROM tokens").fetchone()[0] for opened in (one, other)
    ]
    assert counts == [1, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    opened = open_database(path, "full")
    opened.connection.execute("PRAGMA user_version = 4711")
    opened.connection.close()
    before = path.read_bytes()
    assert "schema version 4711" in refused(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    assert "another program" in refused(path)


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    steps.mkdir()
    (steps / "0001.sql").write_text("CREATE TABLE first (a INTEGER) STRICT;")
    (steps / "0002.sql").write_text(
        "CREATE TABLE second (a INTEGER) STRICT; CREATE TABLE first (b INTEGER) STRICT;"
    )
    connection = sqlite3.connect(tmp_path / "caxton.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        Schema(steps).migrate(connection, tmp_path / "caxton.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["first"]
    (steps / "0002.sql").write_text("CREATE TABLE second (a INTEGER) STRICT;")
    assert Schema(steps).migrate(connection, tmp_path / "caxton.db") == 1
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)


@pytest.mark.parametrize("content", [b"not a database at all " * 500, os.urandom(16384)])
def test_something_else_in_its_place_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "caxton.db"
    path.write_bytes(content)
    assert "damaged" in refused(path)


def test_a_file_that_was_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    opened = open_database(path, "full")
    opened.connection.close()
    path.write_bytes(path.read_bytes()[:-16384])
    assert "damaged" in refused(path)


def test_a_page_that_was_overwritten_is_told(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    opened = open_database(path, "full")
    opened.connection.close()
    content = path.read_bytes()
    path.write_bytes(content[:16384] + os.urandom(16384) + content[2 * 16384 :])
    assert "damaged" in refused(path)


def test_an_empty_file_beside_a_log_is_told(tmp_path: Path) -> None:
    path = crashed(tmp_path, 3)
    path.write_bytes(b"")
    assert "empty" in refused(path)


def test_after_a_crash_all_commits_are_there(tmp_path: Path) -> None:
    assert kept(crashed(tmp_path, 20)) == list(range(20))


def test_a_torn_tail_is_cut_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = crashed(tmp_path, 5)
    wal = wal_of(path)
    wal.write_bytes(wal.read_bytes()[:-100])
    opened = open_database(path, "full")
    assert opened.frames_unfinished > 0
    assert sorted(things(opened.connection)) == ["0", "1", "2", "3"]
    opened.connection.close()
    assert "was cut off" in caplog.text


def test_a_change_of_acknowledged_commits_in_the_log_is_told(tmp_path: Path) -> None:
    path = crashed(tmp_path, 5)
    change_byte(wal_of(path), WAL_HEADER_BYTES + FRAME_HEADER_BYTES + 1000)
    assert "write-ahead log" in refused(path)


def test_a_change_of_the_logs_head_is_told(tmp_path: Path) -> None:
    for place in (0, 9, 17, 25):
        path = crashed(tmp_path / str(place), 2) if (tmp_path / str(place)).mkdir() is None else tmp_path
        change_byte(wal_of(path), place)
        assert "write-ahead log" in refused(path)


def test_a_change_of_a_frames_salts_does_not_hide_what_follows(tmp_path: Path) -> None:
    path = crashed(tmp_path, 5)
    change_byte(wal_of(path), WAL_HEADER_BYTES + 8)
    assert "write-ahead log" in refused(path)


def test_frames_of_an_older_round_of_the_log_are_no_damage(tmp_path: Path) -> None:
    live, copy = tmp_path / "live.db", tmp_path / "copy.db"
    opened = open_database(live, "full")
    make_table(live)
    for number in range(20):
        opened.connection.execute(PUT.sql, PUT.pack([(str(number), number, b"")]))
    opened.connection.execute("PRAGMA wal_checkpoint(RESTART)")
    opened.connection.execute(PUT.sql, PUT.pack([("20", 20, b"")]))
    for suffix in ("", "-wal"):
        shutil.copy(f"{live}{suffix}", f"{copy}{suffix}")
    opened.connection.close()
    again = open_database(copy, "full")
    assert again.frames_unfinished == 0
    assert len(things(again.connection)) == 21
    again.connection.close()
