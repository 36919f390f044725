"""Modules on disk, by digest."""

import os
from pathlib import Path

import pytest

from caxton.domain.ids import digest_of
from caxton.runtime import module_store
from caxton.runtime.module_store import ModuleStore


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path / "modules")
    module = b"\0asm" + os.urandom(1000)
    store.put(digest_of(module), module)
    assert ModuleStore(tmp_path / "modules").get(digest_of(module)) == module
    assert store.digests() == [digest_of(module)]
    store.remove(digest_of(module))
    assert store.get(digest_of(module)) is None


def test_a_module_that_was_changed_on_disk_is_not_given_out(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path)
    digest = digest_of(b"module")
    store.put(digest, b"module")
    (tmp_path / f"{digest}.wasm").write_bytes(b"modulE")
    assert store.get(digest) is None
    assert store.digests() == []


def test_leftovers_of_a_crash_are_removed_at_the_next_start(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path)
    store.put(digest_of(b"whole"), b"whole")
    (tmp_path / ".half.wasm.0a0b.new").write_bytes(b"ha")
    ModuleStore(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{digest_of(b'whole')}.wasm"]


def test_unused_modules_give_way_the_oldest_first_and_used_ones_stay(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path, unused_max=3)
    digests = [digest_of(str(number).encode()) for number in range(6)]
    for number, digest in enumerate(digests):
        store.put(digest, str(number).encode(), frozenset(digests[:1]))
        os.utime(tmp_path / f"{digest}.wasm", (number, number))
    assert set(store.digests()) == {digests[0], *digests[3:]}


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    digest = digest_of(b"module")
    (tmp_path / f"{digest}.wasm").mkdir()
    (tmp_path / f"{digest}.wasm" / "in the way").write_text("")
    with pytest.raises(OSError, match="directory"):
        module_store.write_durably(tmp_path / f"{digest}.wasm", b"module")
    assert [path.name for path in tmp_path.iterdir()] == [f"{digest}.wasm"]
