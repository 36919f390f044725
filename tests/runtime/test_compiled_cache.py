"""Machine code on disk counts only if this server wrote it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.ids import Digest
from caxton.runtime.compiled_cache import CodeKey, CompiledCache

KEY = CodeKey(digest=Digest("ab" * 32), profile="strict", copy_on_write=False)
CODE = os.urandom(10_000)


def _entry(directory: Path) -> Path:
    return next(path for path in directory.iterdir() if path.suffix == ".code")


def _rewrite(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def tamper(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return tamper


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


TAMPERINGS: dict[str, Callable[[Path], None]] = {
    "the last byte changed": _rewrite(lambda entry: entry[:-1] + bytes([entry[-1] ^ 1])),
    "the code's first byte changed": _rewrite(
        lambda entry: entry[:-10_000] + bytes([entry[-10_000] ^ 1]) + entry[-9_999:]
    ),
    "the code's authentication changed": _rewrite(
        lambda entry: entry[:-10_001] + bytes([entry[-10_001] ^ 1]) + entry[-10_000:]
    ),
    "cut": _rewrite(lambda entry: entry[: len(entry) // 2]),
    "cut within the header": _rewrite(lambda entry: entry[:20]),
    "longer": _rewrite(lambda entry: entry + b"\0"),
    "empty": _rewrite(lambda entry: b""),
    "a length beyond the end": _rewrite(lambda entry: entry[:8] + b"\xff\xff\xff\xff" + entry[12:]),
    "another engine": _rewrite(lambda entry: entry.replace(b'"engine":"50', b'"engine":"49')),
    "another profile": _rewrite(lambda entry: entry.replace(b'"strict"', b'"strikt"')),
    "readable by others": lambda path: path.chmod(0o644),
    "a link": _link,
}


def test_what_goes_in_comes_out_also_after_a_restart(tmp_path: Path) -> None:
    cache = CompiledCache(tmp_path / "compiled", "50.0.1")
    cache.put(KEY, CODE)
    assert cache.get(KEY) == CODE
    cache.close()
    assert CompiledCache(tmp_path / "compiled", "50.0.1").get(KEY) == CODE


def test_directory_key_and_entries_are_for_the_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "compiled"
    CompiledCache(directory, "50.0.1").put(KEY, CODE)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda name: name)
def test_an_entry_that_was_tampered_with_is_refused_and_removed(tmp_path: Path, tampering: str) -> None:
    cache = CompiledCache(tmp_path, "50.0.1") if tmp_path.chmod(0o700) is None else None
    assert cache is not None
    cache.put(KEY, CODE)
    entry = _entry(tmp_path)
    before = entry.read_bytes()
    TAMPERINGS[tampering](entry)
    assert entry.is_symlink() or entry.read_bytes() != before or entry.stat().st_mode & 0o077
    assert cache.get(KEY) is None
    assert cache.refused_count == 1
    assert not entry.exists()
    assert not entry.is_symlink()
    # What is compiled anew takes its place.
    cache.put(KEY, CODE)
    assert cache.get(KEY) == CODE


@pytest.mark.parametrize(
    "other",
    [
        CodeKey(digest=Digest("cd" * 32), profile="strict", copy_on_write=False),
        CodeKey(digest=KEY.digest, profile="standard", copy_on_write=False),
        CodeKey(digest=KEY.digest, profile="strict", copy_on_write=True),
    ],
    ids=["digest", "profile", "mapping"],
)
def test_an_entry_that_was_renamed_is_refused(tmp_path: Path, other: CodeKey) -> None:
    cache = CompiledCache(tmp_path / "compiled", "50.0.1")
    cache.put(other, CODE)
    strange = _entry(tmp_path / "compiled")
    cache.put(KEY, b"own")
    own = next(path for path in (tmp_path / "compiled").glob("*.code") if path != strange)
    strange.rename(own)
    assert cache.get(KEY) is None
    assert cache.refused_count == 1


def test_code_for_another_engine_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "compiled"
    CompiledCache(directory, "50.0.1").put(KEY, CODE)
    assert CompiledCache(directory, "50.0.2").get(KEY) is None


def test_code_under_another_key_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "compiled"
    CompiledCache(directory, "50.0.1").put(KEY, CODE)
    (directory / "key").write_bytes(os.urandom(32))
    assert CompiledCache(directory, "50.0.1").get(KEY) is None


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "compiled"
    directory.mkdir(mode=0o700)
    directory.chmod(mode)
    with pytest.raises(ConfigurationInvalid) as refusal:
        CompiledCache(directory, "50.0.1")
    assert f"{mode:04o}" in refusal.value.problems[0].problem


def test_a_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "compiled").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationInvalid):
        CompiledCache(tmp_path / "compiled", "50.0.1")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "compiled"
    CompiledCache(directory, "50.0.1").close()
    (directory / "key").chmod(0o640)
    with pytest.raises(ConfigurationInvalid):
        CompiledCache(directory, "50.0.1")


def test_a_damaged_key_costs_compilations_only(tmp_path: Path) -> None:
    directory = tmp_path / "compiled"
    CompiledCache(directory, "50.0.1").put(KEY, CODE)
    (directory / "key").write_bytes(b"short")
    cache = CompiledCache(directory, "50.0.1")
    assert cache.get(KEY) is None
    cache.put(KEY, CODE)
    assert cache.get(KEY) == CODE


@pytest.mark.parametrize("bounds", [{"bytes_max": 35_000}, {"entries_max": 3}], ids=str)
def test_what_was_not_used_for_longest_gives_way(tmp_path: Path, bounds: dict[str, int]) -> None:
    cache = CompiledCache(tmp_path / "compiled", "50.0.1", **bounds)
    keys = [CodeKey(digest=Digest(f"{n:064x}"), profile="strict", copy_on_write=False) for n in range(4)]
    for number, key in enumerate(keys[:3]):
        cache.put(key, CODE)
        os.utime(tmp_path / "compiled" / f"{key.digest}.strict.copy.code", (number, number))
    assert cache.get(keys[0]) == CODE  # used just now
    cache.put(keys[3], CODE)
    assert [cache.get(key) is not None for key in keys] == [True, False, True, True]
