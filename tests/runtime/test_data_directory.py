"""One server a directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.runtime.data_directory import DataDirectory


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path / "a" / "b")
    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert (directory.path / "lock").read_text() == f"{os.getpid()}\n"
    directory.close()
    directory.close()


def test_a_second_server_is_refused_with_the_process_id_of_the_first(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from caxton.runtime.data_directory import DataDirectory\n"
        "held = DataDirectory.open(pathlib.Path(sys.argv[1]))\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationInvalid) as refusal:
            DataDirectory.open(tmp_path)
        assert str(other.pid) in refusal.value.problems[0].problem
        assert refusal.value.problems[0].field == "storage.data_dir"
        other.communicate()
    # However the other process ended, its lock ended with it.
    DataDirectory.open(tmp_path).close()


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationInvalid):
        DataDirectory.open(tmp_path / "file")


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationInvalid):
        DataDirectory.open(tmp_path / "data")
    assert (tmp_path / "elsewhere").read_text() == "precious"
