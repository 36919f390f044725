"""The file of a backup: a tar of a manifest, the database, and modules; each with its size and SHA-256.

The manifest comes first and names everything else. Nothing of a file is believed before its digest agrees,
and no name but those that the manifest may hold is ever turned into a path.
"""

import io
import re
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind
from caxton.storage.database import DATABASE_NAME

FORMAT: Final = 1
MANIFEST_NAME: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 64 << 20
_PIECE_BYTES: Final = 1 << 20
_MODULE: Final = re.compile(r"modules/[0-9a-f]{64}\.wasm")


@final
class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    name: str
    size_bytes: int
    sha256: str


@final
class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `modules_missing` were gone already when it was made."""

    format: int
    caxton_version: str
    schema_version: int
    created_at: str
    agents: int
    tokens: int
    files: tuple[ArchivedFile, ...]
    modules_missing: tuple[str, ...] = ()


def describe(name: str, path: Path) -> ArchivedFile:
    """Return what the manifest says of a file."""
    digest = sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return ArchivedFile(name=name, size_bytes=size, sha256=digest.hexdigest())


def write_archive(file: IO[bytes], manifest: Manifest, places: dict[str, Path]) -> None:
    """Write a backup; `places` says where each file of the manifest lies."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        text = msgspec.json.format(msgspec.json.encode(manifest))
        tar.addfile(_member(MANIFEST_NAME, len(text)), io.BytesIO(text))
        for one in manifest.files:
            with places[one.name].open("rb") as content:
                tar.addfile(_member(one.name, one.size_bytes), content)


@contextmanager
def open_archive(path: Path) -> Generator[tuple[Manifest, Iterator[tuple[ArchivedFile, IO[bytes]]]]]:
    """Open a backup and yield its manifest and its files, in order, to be read one after the other.

    Raises:
        InvalidRequest: it is no backup, or one of another format.
    """
    try:
        with tarfile.open(path, mode="r:") as tar:
            manifest = _manifest(path, tar)
            yield manifest, _files(path, tar, manifest)
    except (tarfile.TarError, EOFError) as error:
        raise not_a_backup(path, f"it cannot be read ({error})") from error


def copy_verified(path: Path, one: ArchivedFile, content: IO[bytes], target: IO[bytes] | None) -> None:
    """Read a file of a backup, write it where one is given, and see that it is what the manifest says.

    Raises:
        InvalidRequest: it is not.
    """
    digest = sha256()
    while piece := content.read(_PIECE_BYTES):
        digest.update(piece)
        if target is not None:
            target.write(piece)
    if digest.hexdigest() != one.sha256:
        raise not_a_backup(path, f"{one.name} in it is not what was put into it")


def not_a_backup(path: Path, what: str) -> InvalidRequest:
    """Return the refusal of a file."""
    return InvalidRequest(
        [
            Problem(
                field="backup",
                kind=ProblemKind.INVALID_VALUE,
                problem=f"{path} cannot be restored: {what}",
                fix="use another backup; `caxton backup` writes and verifies one",
            )
        ]
    )


def _member(name: str, size_bytes: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o600
    return member


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST_NAME or not 0 < member.size <= MANIFEST_BYTES_MAX:
        raise not_a_backup(path, "it has no manifest")
    content = tar.extractfile(member)
    assert content is not None, "the manifest is a file"
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise not_a_backup(path, f"its manifest cannot be read ({error})") from error
    if manifest.format != FORMAT:
        raise not_a_backup(path, f"it has format {manifest.format}, this version reads {FORMAT}")
    names = [one.name for one in manifest.files]
    strange = [name for name in names if name != DATABASE_NAME and _MODULE.fullmatch(name) is None]
    if strange or names.count(DATABASE_NAME) != 1 or len(set(names)) != len(names):
        raise not_a_backup(path, "its manifest does not name what a backup holds")
    return manifest


def _files(path: Path, tar: tarfile.TarFile, manifest: Manifest) -> Iterator[tuple[ArchivedFile, IO[bytes]]]:
    for one in manifest.files:
        member = tar.next()
        if member is None or (member.name, member.size) != (one.name, one.size_bytes) or not member.isreg():
            raise not_a_backup(path, f"{one.name} is missing or was cut")
        content = tar.extractfile(member)
        assert content is not None, "it is a file"
        yield one, content
