"""A backup is of one moment, verified, and comes back whole, into an empty directory only."""

import asyncio
import hashlib
import io
import stat
import tarfile
from pathlib import Path

import msgspec
import pytest

from caxton.domain.errors.request import ConfigurationInvalid, InvalidRequest
from caxton.storage.archive import MANIFEST_NAME
from caxton.storage.backup import restore_backup, verify_backup, write_backup
from caxton.storage.database import connect, open_database
from tests.storage.shelf import shelf, thing, things

VERSION = "1.2.3"
NOW = "2026-01-01T00:00:00.000Z"
MODULE = b"\0asm of a kind"
DIGEST = hashlib.sha256(MODULE).hexdigest()
GONE = "ab" * 32


def data_directory(root: Path) -> Path:
    """Make a data directory with two agents, of which one has lost its module."""
    directory = root / "data"
    (directory / "modules").mkdir(parents=True)
    (directory / "modules" / f"{DIGEST}.wasm").write_bytes(MODULE)
    (directory / "modules" / f"{'cd' * 32}.wasm").write_bytes(b"nobody's")
    (directory / "root.token").write_text("secret")
    opened = open_database(directory / "caxton.db", "full")
    for number, digest in enumerate((DIGEST, GONE)):
        program = msgspec.json.encode({"type": "guest", "digest": digest, "module_bytes": 1})
        opened.connection.execute(
            "INSERT INTO agents (agent_id, wanted, created_ns, deployment_id, wasi, spec, program) "
            "VALUES (?, 'running', 0, '', 0, x'', ?)",
            (str(number), program),
        )
    opened.connection.close()
    return directory


def backed_up(root: Path) -> Path:
    target = root / "backup.tar"
    write_backup(data_directory(root), target, version=VERSION, created_at=NOW)
    return target


def test_a_backup_holds_what_is_needed_and_no_secret(tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    manifest = write_backup(data_directory(tmp_path), target, version=VERSION, created_at=NOW)
    assert (manifest.agents, manifest.tokens, manifest.modules_missing) == (2, 0, (GONE,))
    with tarfile.open(target) as tar:
        assert tar.getnames() == [MANIFEST_NAME, "caxton.db", f"modules/{DIGEST}.wasm"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert verify_backup(target) == manifest
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup.tar"}, "nothing else is left"


def test_a_backup_comes_back_whole(tmp_path: Path) -> None:
    target = backed_up(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "lock").touch()
    restore_backup(target, empty)
    assert sorted(path.name for path in empty.iterdir()) == ["caxton.db", "lock", "modules"]
    assert (empty / "modules" / f"{DIGEST}.wasm").read_bytes() == MODULE
    opened = open_database(empty / "caxton.db", "full")
    assert opened.connection.execute("SELECT count(*) FROM agents").fetchone() == (2,)
    opened.connection.close()


def test_a_directory_that_is_not_empty_and_a_file_that_exists_are_left_alone(tmp_path: Path) -> None:
    target = backed_up(tmp_path)
    before = target.read_bytes()
    with pytest.raises(InvalidRequest, match="exists already"):
        write_backup(tmp_path / "data", target, version=VERSION, created_at=NOW)
    assert target.read_bytes() == before
    with pytest.raises(InvalidRequest, match="not empty"):
        restore_backup(target, tmp_path / "data")
    with pytest.raises(InvalidRequest, match=r"holds no caxton\.db"):
        write_backup(tmp_path, tmp_path / "other.tar", version=VERSION, created_at=NOW)


def test_a_damaged_database_is_not_backed_up(tmp_path: Path) -> None:
    directory = data_directory(tmp_path)
    path = directory / "caxton.db"
    path.write_bytes(path.read_bytes()[:-16384])
    with pytest.raises(ConfigurationInvalid):
        write_backup(directory, tmp_path / "backup.tar", version=VERSION, created_at=NOW)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("member", ["caxton.db", f"modules/{DIGEST}.wasm"])
@pytest.mark.parametrize("damage", ["cut", "changed", "header"])
def test_a_damaged_backup_restores_nothing(tmp_path: Path, member: str, damage: str) -> None:
    target = backed_up(tmp_path)
    content = bytearray(target.read_bytes())
    with tarfile.open(target) as tar:
        found = tar.getmember(member)
    at = found.offset_data + found.size // 2
    if damage == "cut":
        del content[at:]
    else:
        content[at if damage == "changed" else found.offset + 10] ^= 0x55
    target.write_bytes(content)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidRequest):
        restore_backup(target, empty)
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../caxton.db", "/etc/caxton.db", "modules/../../x.wasm", "lock", "modules/short.wasm"]
)
def test_a_manifest_that_names_other_places_is_refused(tmp_path: Path, name: str) -> None:
    content = b"evil"
    digest = hashlib.sha256(content).hexdigest()
    files = [{"name": one, "size_bytes": len(content), "sha256": digest} for one in ("caxton.db", name)]
    manifest = {
        "format": 1, "caxton_version": "1", "schema_version": 1, "created_at": NOW, "agents": 0, "tokens": 0,
        "files": files,
    }  # fmt: skip
    target = tmp_path / "backup.tar"
    with tarfile.open(target, "w") as tar:
        for member, text in (
            (MANIFEST_NAME, msgspec.json.encode(manifest)),
            ("caxton.db", content),
            (name, content),
        ):
            info = tarfile.TarInfo(member)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    empty = tmp_path / "a" / "empty"
    empty.mkdir(parents=True)
    with pytest.raises(InvalidRequest):
        restore_backup(target, empty)
    assert list(empty.iterdir()) == []


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    directory = data_directory(tmp_path)
    target = tmp_path / "backup.tar"
    manifest = write_backup(directory, target, version=VERSION, created_at=NOW)
    newer = msgspec.structs.replace(manifest, schema_version=manifest.schema_version + 1)
    with tarfile.open(target) as old, tarfile.open(tmp_path / "newer.tar", "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            assert content is not None
            text = msgspec.json.encode(newer) if member.name == MANIFEST_NAME else content.read()
            member.size = len(text)
            new.addfile(member, io.BytesIO(text))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidRequest, match="schema version"):
        restore_backup(tmp_path / "newer.tar", empty)
    assert list(empty.iterdir()) == []


@pytest.mark.anyio
async def test_a_backup_beside_a_writer_is_of_one_moment_and_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "data" / "modules").mkdir(parents=True)
    async with shelf(tmp_path / "data" / "caxton.db", group_commit_ms=0) as store:
        for number in range(300):
            await store.append([thing(f"{number}/1", number, bytes(5000)), thing(f"{number}/2", number)])
        acknowledged = 300
        going = asyncio.Event()

        async def write() -> None:
            nonlocal acknowledged
            while not going.is_set():
                pair = [thing(f"{acknowledged}/1", 0, bytes(5000)), thing(f"{acknowledged}/2", 0)]
                await store.append(pair)
                acknowledged += 1

        writing = asyncio.create_task(write())
        before = acknowledged
        await asyncio.to_thread(
            write_backup, tmp_path / "data", tmp_path / "backup.tar", version=VERSION, created_at=NOW
        )
        going.set()
        await writing
        assert acknowledged > before, "it was written meanwhile"
    empty = tmp_path / "empty"
    empty.mkdir()
    restore_backup(tmp_path / "backup.tar", empty)
    connection = connect(str(empty / "caxton.db"))
    found = things(connection)
    connection.close()
    assert len(found) >= 600
    assert sorted(name[:-2] for name in found if name.endswith("1")) == sorted(
        name[:-2] for name in found if name.endswith("2")
    )
