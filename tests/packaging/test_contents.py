"""What the packages hold is compared with the sources; here the comparison itself is tried."""

import pytest

from contents import sdist_faults, wheel_faults

SOURCES = [
    "setup.py",
    "_core/__init__.py",
    "_core/queue.pyx",
    "_core/queue.pxd",
    "caxton/cli/main.py",
    "caxton/sdk/abi.h",
]
WHEEL = [
    "caxton/_core/__init__.py",
    "caxton/_core/queue.cpython-311-x86_64-linux-gnu.so",
    "caxton/_core/queue.pxd",
    "caxton/cli/main.py",
    "caxton/sdk/abi.h",
    "caxton-0.1.0.dist-info/RECORD",
]


def test_an_sdist_of_all_tracked_files_has_no_fault() -> None:
    assert sdist_faults([*SOURCES, "PKG-INFO"], [*SOURCES, ".gitignore"]) == []


@pytest.mark.parametrize("missing", SOURCES)
def test_an_sdist_that_lacks_a_tracked_file_says_so(missing: str) -> None:
    packed = [name for name in SOURCES if name != missing]
    assert sdist_faults(packed, SOURCES) == [f"lacks {missing}; name it in MANIFEST.in"]


@pytest.mark.parametrize("built", ["_core/queue.c", "_core/queue.so", "caxton/demo/bidder.wasm"])
def test_an_sdist_with_a_built_file_says_so(built: str) -> None:
    assert len(sdist_faults([*SOURCES, built], SOURCES)) == 1


def test_a_wheel_of_all_sources_has_no_fault() -> None:
    assert wheel_faults(WHEEL, SOURCES) == []


@pytest.mark.parametrize("missing", WHEEL[:-1])
def test_a_wheel_that_lacks_a_module_or_a_header_says_so(missing: str) -> None:
    assert len(wheel_faults([name for name in WHEEL if name != missing], SOURCES)) == 1


@pytest.mark.parametrize("foreign", ["tests/conftest.py", "_core/queue.pyx", "caxton/_core/queue.pyx"])
def test_a_wheel_with_a_foreign_file_says_so(foreign: str) -> None:
    assert len(wheel_faults([*WHEEL, foreign], SOURCES)) == 1
