"""The scripts behind the first `make`: what they say when the machine lacks something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def script(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [ROOT / ".ci" / name, *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = script("make-venv", "python9.9", str(tmp_path / "venv"))
    assert result.returncode == 1
    assert "no 'python9.9' on PATH" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_too_old_is_refused_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac\n')
    old.chmod(0o755)
    result = script("make-venv", str(old), str(tmp_path / "venv"))
    assert result.returncode == 1
    assert "is Python 3.9, 3.11 is the oldest that works" in result.stderr


def test_a_python_without_headers_says_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\ncase "$2" in *include*) echo /nowhere ;; *print*) echo 3.12 ;; esac\n')
    bare.chmod(0o755)
    result = script("make-venv", str(bare), str(tmp_path / "venv"))
    assert result.returncode == 1
    assert "no Python.h in /nowhere" in result.stderr
    assert "python3.12-dev" in result.stderr


def test_an_interpreter_of_the_running_version_is_found() -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    found = script("find-python", version, PATH=path)
    assert found.returncode == 0
    ask = [shutil.which(found.stdout.strip(), path=path) or "", "--version"]
    said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Python {version}.")


def test_a_version_that_no_one_has_is_not_found() -> None:
    assert script("find-python", "3.99").returncode == 1


def test_without_an_index_the_way_out_is_said(tmp_path: Path) -> None:
    result = script(
        "pip-install",
        str(Path(sys.executable).parent),
        "caxton-no-such-package",
        CAXTON_WHEELS=str(tmp_path),
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
    )
    assert result.returncode != 0
    assert "make wheels" in result.stderr
