"""Samples of the rules about honesty: each rule must fire on the bad and be still on the good."""

import pytest

from tests.tidy.sources import Rule
from tests.tidy.test_honesty import (
    bare_refusals,
    checks_that_cannot_fail,
    silent_ignores,
    sleeps_and_mocks,
    unfinished_work,
)

HASH = "#"

BAD: list[tuple[Rule, str]] = [
    (unfinished_work, "x = 1  # TO" + "DO: more"),
    (unfinished_work, "// FIX" + "ME"),
    (silent_ignores, f"import x  {HASH} noqa"),
    (silent_ignores, f"import x  {HASH} noqa: F401"),
    (silent_ignores, f"x = y  {HASH} type: ignore"),
    (silent_ignores, f"x = y  {HASH} pyright: ignore[reportAny]"),
    (silent_ignores, f"# Why.\nx = y  {HASH} noqa: F401\nz = 1\nx = y  {HASH} noqa: F401"),
    (bare_refusals, "def f():\n    raise NotImplementedError\n"),
    (bare_refusals, "def f():\n    raise NotImplementedError('later')\n"),
    (sleeps_and_mocks, "import time\ntime.sleep(1)\n"),
    (sleeps_and_mocks, "from time import sleep as pause\npause(1)\n"),
    (sleeps_and_mocks, "import asyncio\nasync def f():\n    await asyncio.sleep(0.1)\n"),
    (sleeps_and_mocks, "from unittest import mock\n"),
    (sleeps_and_mocks, "from unittest.mock import patch\n"),
    (sleeps_and_mocks, "def test(monkeypatch):\n    monkeypatch.setattr(a, 'b', c)\n"),
    (checks_that_cannot_fail, "assert True\n"),
    (checks_that_cannot_fail, "assert 'text'\n"),
    (checks_that_cannot_fail, "assert (x == 1, 'message')\n"),
    (checks_that_cannot_fail, "assert x == 1 or True\n"),
    (checks_that_cannot_fail, "@pytest.mark.skip(reason='later')\ndef test(): ...\n"),
    (checks_that_cannot_fail, "@pytest.mark.xfail\ndef test(): ...\n"),
]

GOOD: list[tuple[Rule, str]] = [
    (unfinished_work, "todos = hacker"),
    (silent_ignores, f"import x  {HASH} noqa: F401  imported for its effect"),
    (silent_ignores, f"x = y  {HASH} pyright: ignore[reportPrivateUsage]  the test looks inside"),
    (silent_ignores, f"x = y  {HASH} type: ignore[arg-type]  the error is what is tested"),
    (silent_ignores, f"# The library has no types.\nx = y  {HASH} pyright: ignore[reportUnknownMemberType]"),
    (silent_ignores, f"# Costs time.\nimport x  {HASH} noqa: PLC0415\nimport y  {HASH} noqa: PLC0415"),
    (silent_ignores, f"x = y  {HASH} noqa: A002 - click's word"),
    (bare_refusals, "def f():\n    raise NotImplementedError  # what msgspec asks of a hook\n"),
    (sleeps_and_mocks, "def test(monkeypatch):\n    monkeypatch.setattr(sys, 'stdin', stream)\n"),
    (bare_refusals, "def f():\n    return NotImplemented\n"),
    (
        sleeps_and_mocks,
        "import asyncio, anyio\nasync def f():\n    await asyncio.sleep(0)\n    await anyio.sleep(9)\n",
    ),
    (sleeps_and_mocks, "def test(monkeypatch):\n    monkeypatch.setenv('A', 'b')\n"),
    (checks_that_cannot_fail, "assert x == 1 or y\nassert f(), 'message'\nassert not 'text'\n"),
    (checks_that_cannot_fail, "@pytest.mark.skipif(bare, reason='no git')\ndef test(): ...\n"),
]


@pytest.mark.parametrize(("rule", "sample"), BAD)
def test_a_bad_sample_is_found(rule: Rule, sample: str) -> None:
    assert list(rule("tests/test_a.py", sample)) != []


@pytest.mark.parametrize(("rule", "sample"), GOOD)
def test_a_good_sample_is_left_alone(rule: Rule, sample: str) -> None:
    assert list(rule("tests/test_a.py", sample)) == []
