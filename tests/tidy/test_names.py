"""A reader names the file before opening the tree: words that fit any file name none."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.sources import chosen, offences

EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "base", "manager", "misc"}
ADVICE = "says nothing; a function without a home means that a noun is missing: name the file after that noun"
CLASS = re.compile(r"^\s*(?:cdef )?class (\w*(?:Manager|Helper|Util|Utils|Misc))\b", re.MULTILINE)


def empty_file_names(path: str, _text: str) -> Iterator[str]:
    for part in PurePosixPath(path).with_suffix("").parts:
        for word in EMPTY_WORDS.intersection(re.split(r"[^a-z0-9]+", part.lower())):
            yield f"1: the word '{word}' in '{part}' {ADVICE}"


def empty_class_names(_path: str, text: str) -> Iterator[str]:
    for match in CLASS.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield f"{line}: the class name '{match[1]}' {ADVICE.replace('file', 'class')}"


def test_no_file_or_directory_has_an_empty_name() -> None:
    found = offences(empty_file_names, chosen(".py", ".pyi", ".pyx", ".pxd", ".h"))
    assert not found, f"\n{found}"


def test_no_class_has_an_empty_name() -> None:
    found = offences(empty_class_names, chosen(".py", ".pyi", ".pyx"))
    assert not found, f"\n{found}"


def test_empty_words_are_found_as_file_directory_and_part_of_a_name() -> None:
    for path in ("caxton/utils.py", "caxton/common/ids.py", "tests/test_helpers.py", "_core/base.pxd"):
        assert list(empty_file_names(path, "")) != [], path
    for path in ("caxton/runtime/registry.py", "caxton/storage/database.py"):
        assert list(empty_file_names(path, "")) == [], path


def test_empty_words_are_found_in_class_names() -> None:
    assert list(empty_class_names("a.py", "x = 1\nclass AgentManager:\n")) != []
    assert list(empty_class_names("a.pyx", "cdef class PoolHelper:\n")) != []
    assert list(empty_class_names("a.py", "class Registry:\n")) == []
