"""Agents are built from C once, from exactly what they depend on, and every refusal says what to do."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from caxton.runtime.inspection import ModuleLimits, inspect_module
from caxton.runtime.validator import Validator
from caxton.sdk.toolchain import (
    BuildFailed,
    BuildTimeout,
    BuiltAgent,
    SourceUnreadable,
    ToolchainMissing,
    build_c,
    default_cache_directory,
)
from tests.guests.host import Platform
from tests.sdk.built import AGENTS, COMPILER_CACHE, ROOT

NO_ZIG = """
import sys
sys.modules["ziglang"] = None
from pathlib import Path
from caxton.sdk.toolchain import ToolchainMissing, build_c
try:
    build_c(Path("agent.c"))
except ToolchainMissing as missing:
    print(missing)
"""


def build(source: Path, cache: Path, flags: tuple[str, ...] = (), timeout_s: float = 60.0) -> BuiltAgent:
    """Build into a cache of the test's own; the compiler's files are shared, since they take long to make."""
    return build_c(
        source,
        cache_directory=cache,
        compiler_cache=COMPILER_CACHE,
        extra_flags=flags,
        timeout_s=timeout_s,
    )


ECHO = """
#include "caxton.h"
static int32_t on_message(caxton_json message) {
    caxton_writer reply = caxton_message("inform");
    caxton_put_json(&reply, "content", caxton_field(message, "content"));
    return caxton_reply(&reply);
}
CAXTON_AGENT(16384, on_message)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "echo.c"
    path.write_text(ECHO)
    return path


def test_a_missing_compiler_is_an_error_that_names_the_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_ZIG], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'caxton[agents]'" in done.stdout


def test_an_agent_is_built_and_answers(source: Path, tmp_path: Path) -> None:
    agent = build(source, tmp_path / "cache")
    assert not agent.cached
    assert agent.diagnostics == ""
    assert agent.path.read_bytes() == agent.wasm
    platform = Platform()
    platform.deploy("echo", agent.wasm)
    assert platform.tell("echo", "request", {"a": [1, "ü"]})[0]["content"] == {"a": [1, "ü"]}


def test_the_second_build_comes_from_the_cache_until_something_changes(source: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = build(source, cache)
    assert build(source, cache).cached
    header = tmp_path / "extra.h"
    header.write_text("#define EXTRA 1\n")
    assert not build(source, cache).cached
    assert not build(source, cache, ("-DEXTRA",)).cached
    source.write_text(ECHO.replace("inform", "confirm"))
    changed = build(source, cache)
    assert not changed.cached
    assert changed.wasm != first.wasm
    assert not list(cache.glob(".build-*"))


def test_a_source_that_does_not_compile_is_refused_with_what_the_compiler_said(tmp_path: Path) -> None:
    source = tmp_path / "bad.c"
    source.write_text("int32_t broken( {")
    cache = tmp_path / "cache"
    with pytest.raises(BuildFailed) as caught:
        build(source, cache)
    assert "bad.c:1:" in str(caught.value)
    assert "error" in caught.value.diagnostics
    assert list(cache.glob("*.wasm")) == []


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"nowhere\.c"):
        build(tmp_path / "nowhere.c", tmp_path / "cache")


def test_a_build_that_takes_too_long_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    source = tmp_path / "slow.c"
    # Expands to 10^8 declarations: no compiler ends that soon.
    powers = "".join(
        f"#define T{n + 1}(x) " + "".join(f"T{n}(x##{d}) " for d in range(10)) + "\n" for n in range(8)
    )
    source.write_text(f"#define T0(x) int v##x;\n{powers}T8(0)\n")
    with pytest.raises(BuildTimeout, match=r"0\.5 s"):
        build(source, tmp_path / "cache", timeout_s=0.5)
    running = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert str(source) not in running
    assert list((tmp_path / "cache").glob("*.wasm")) == []


def test_two_builds_of_one_source_at_once_both_succeed(source: Path, tmp_path: Path) -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(build(source, tmp_path / "cache").wasm))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 2
    assert results[0] == results[1]


@pytest.mark.parametrize("name", sorted(path.stem for path in AGENTS.glob("*.c")))
def test_each_agent_of_the_demo_builds_without_warnings_into_a_strict_module(
    name: str, tmp_path: Path
) -> None:
    agent = build(AGENTS / f"{name}.c", tmp_path, ("-Werror",))
    report = inspect_module(
        agent.wasm,
        profile="strict",
        limits=ModuleLimits(module_bytes_max=32 << 10, memory_bytes_max=256 << 10),
        granted_wasi=False,
        validate=Validator(),
    )
    assert report.problems == ()
    assert report.features_used == frozenset()
    # Small enough for the runtime to copy it instead of mapping it.
    assert report.active_data_bytes < 4096


def test_an_agent_may_copy_structures_although_there_is_no_c_library(tmp_path: Path) -> None:
    source = tmp_path / "copy.c"
    source.write_text(
        ECHO.replace(
            "caxton_writer reply",
            "static struct { char b[3000]; } a, b; a = b; "
            "for (int i = 0; i < 3000; i++) b.b[i] = a.b[2999 - i]; caxton_writer reply",
        )
    )
    assert build(source, tmp_path / "cache").wasm


def test_the_cache_lies_in_the_users_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_directory() == tmp_path / "caxton" / "agents"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_cache_directory() == Path.home() / ".cache" / "caxton" / "agents"


def test_a_toolchain_error_shows_what_happened_and_what_to_do() -> None:
    missing = ToolchainMissing()
    assert missing.message in str(missing)
    assert missing.hint in str(missing)
