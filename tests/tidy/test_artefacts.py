"""What is built is not tracked: it would lie about the sources that it came from."""

import re
from collections.abc import Iterable, Iterator

import pytest

from tests.tidy.sources import tracked

BUILT = re.compile(
    r"\.(?:so|o|a|pyc|wasm|cwasm|whl|egg|db|sqlite3?)$|\.tar\.gz$|^_core/[^/]*\.(?:c|html)$"
    r"|(?:^|/)(?:__pycache__|node_modules|\.venv[^/]*|[^/]*\.egg-info)/|^(?:build|dist)/"
)


def built_files(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if BUILT.search(path):
            yield f"{path}: is built; `git rm --cached` it, name it in .gitignore, build it where it is used"


@pytest.mark.skipif(tracked() is None, reason="an unpacked sdist has no list of tracked files")
def test_no_built_file_is_tracked() -> None:
    found = "\n".join(built_files(tracked() or ()))
    assert not found, f"\n{found}"


def test_built_files_are_told_from_sources() -> None:
    for path in (
        "_core/queue.c",
        "_core/queue.cpython-311-x86_64-linux-gnu.so",
        "caxton/demo/agents/bidder.wasm",
        "caxton/__pycache__/x.cpython-311.pyc",
        "dist/caxton-0.1.0.tar.gz",
        ".venv/bin/python",
    ):
        assert list(built_files([path])) != [], path
    for path in (
        "_core/queue.pyx",
        "_core/shim.h",
        "caxton/demo/agents/bidder.c",
        "caxton/storage/database.py",
    ):
        assert list(built_files([path])) == [], path
