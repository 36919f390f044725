"""The core in its process: fork, faulthandler, an end without stop, a missing or different engine."""

import ctypes
import importlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from wasmtime import _bindings as bindings

wasmtime_c = importlib.import_module("caxton._core.wasmtime_c")
ROOT = Path(__file__).resolve().parent.parent.parent
# A sanitizer's runtime reads the address space in its own way and is no part of what is tested here.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def _run(
    program: str, *paths: Path, before: Callable[[], None] | None = None, options: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    search = os.pathsep.join(map(str, [*paths, ROOT]))
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        timeout=100,
        env={**ENVIRONMENT, "PYTHONPATH": search},
        preexec_fn=before,
        check=False,
    )


OUT_OF_BOUNDS = """
OUT_OF_BOUNDS = '''(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.load (i32.const 0x7fffffff))))'''
"""


def test_faulthandler_enabled_after_the_start_does_not_turn_a_guest_s_fault_into_the_server_s() -> None:
    outcome = _run(
        "import faulthandler\n"
        "from tests.core.live_core import running\n"
        f"{OUT_OF_BOUNDS}"
        "with running() as live:\n"
        "    live.up('echo')\n"
        "    faulthandler.enable()\n"
        "    for source in (OUT_OF_BOUNDS, 'stack_overflow', 'divide_by_zero', 'trap'):\n"
        "        print(live.ask(live.up(source)).error_kind)\n"
        "    live.waiting.clear()\n"
    )
    assert outcome.stderr == ""
    assert outcome.stdout.split() == ["trap", "stack", "trap", "trap"]
    assert outcome.returncode == 0


def test_a_deep_guest_fits_whatever_stack_the_process_s_limits_give_to_threads() -> None:
    # A guest may use 256 KiB of its worker's stack, which a thread of a small default does not have.
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (192 * 1024, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    outcome = _run(
        "from tests.core.live_core import running\n"
        "with running() as live:\n"
        "    print(live.ask(live.up('stack_overflow')).error_kind)\n"
        "    live.waiting.clear()\n",
        before=small,
    )
    assert (outcome.stdout, outcome.stderr, outcome.returncode) == ("stack\n", "", 0)


@pytest.mark.parametrize(
    "left_running",
    [
        "pass",
        "live.post(live.up('infinite_loop', fuel_max=0, execution_ms_max=300_000))",
        "live.ask(live.up('timer'))",
        "[live.post(live.up('echo')) for _ in range(20)]",
        "del live",
        "sys.exit(0)",
    ],
)
def test_an_interpreter_that_ends_without_stopping_the_core_just_ends(left_running: str) -> None:
    outcome = _run(
        "import sys\n"
        "from tests.core.live_core import LiveCore\n"
        "live = LiveCore()\n"
        "live.core.start()\n"
        f"{left_running}\n"
    )
    assert (outcome.stdout, outcome.stderr, outcome.returncode) == ("", "", 0)


def test_a_child_by_multiprocessing_is_told_and_its_parent_goes_on() -> None:
    outcome = _run(
        "import multiprocessing\n"
        "import warnings\n"
        "from caxton.domain.errors.resource import Unavailable\n"
        "from caxton.runtime.bridge import Bridge\n"
        "from tests.runtime.test_bridge import SETTINGS\n"
        # CPython 3.12 and newer warn of any fork beside threads; here it is the point.
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "bridge = Bridge.open(SETTINGS)\n"
        "bridge.start()\n"
        "def child(answers):\n"
        "    try:\n"
        "        bridge.live_messages()\n"
        "    except Unavailable as error:\n"
        "        answers.put(str(error))\n"
        "context = multiprocessing.get_context('fork')\n"
        "answers = context.Queue()\n"
        "process = context.Process(target=child, args=(answers,))\n"
        "process.start()\n"
        "print(answers.get(timeout=60))\n"
        "process.join(60)\n"
        "print(process.exitcode, bridge.live_messages(), bridge.stop(5.0))\n"
        "bridge.close()\n"
    )
    assert outcome.stderr == ""
    told, rest = outcome.stdout.splitlines()
    assert "forked" in told
    assert rest == "0 0 True"


def _distribution(folder: Path, version: str) -> Path:
    """Make a folder that says another version of wasmtime is installed."""
    info = folder / f"wasmtime-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: wasmtime\nVersion: {version}\n")
    return folder


@pytest.mark.parametrize("version", ["49.0.0", "51.0.0", "5.0.0", "500.1"])
def test_another_engine_version_is_an_import_error_that_says_what_to_install(
    tmp_path: Path, version: str
) -> None:
    outcome = _run("import caxton._core.core", _distribution(tmp_path, version))
    assert outcome.returncode == 1
    last = outcome.stderr.splitlines()[-1]
    assert last == (
        f"ImportError: caxton is built for wasmtime 50, but {version} is installed; install the pinned one: "
        "python -m pip install 'wasmtime>=50,<51'"
    )


def test_a_missing_engine_is_an_import_error_that_says_what_to_install() -> None:
    # Without site-packages there is no distribution at all.
    outcome = _run("import caxton._core.core", options=("-S",))
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1] == (
        "ImportError: caxton needs the package wasmtime, which is not installed; install the pinned one: "
        "python -m pip install 'wasmtime>=50,<51'"
    )


def test_the_server_s_command_says_what_to_install_and_shows_no_traceback(tmp_path: Path) -> None:
    outcome = _run(
        "import sys\n"
        f"sys.argv = ['caxton', 'serve', '--set', 'storage.data_dir={tmp_path / 'data'}']\n"
        "from caxton.cli.main import main\n"
        "main()\n",
        _distribution(tmp_path, "49.0.0"),
    )
    assert outcome.returncode not in (0, 1)
    assert "python -m pip install 'wasmtime>=50,<51'" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def _changed(**structures: type[ctypes.Structure]) -> SimpleNamespace:
    """Return the engine's bindings with other structures in place of some."""
    return SimpleNamespace(**{**vars(bindings), **structures})


def test_the_installed_engine_has_the_layout_that_was_compiled_in() -> None:
    wasmtime_c.check_layout(bindings)


@pytest.mark.parametrize(
    "name",
    ["wasmtime_val_raw_t", "wasmtime_extern_t", "wasmtime_func_t", "wasmtime_memory_t", "wasmtime_instance_t",
     "wasm_byte_vec_t", "wasm_valtype_vec_t", "wasm_exporttype_vec_t"],
)  # fmt: skip
def test_a_structure_of_another_size_is_an_import_error(name: str) -> None:
    class Longer(getattr(bindings, name)):
        _fields_ = [("more", ctypes.c_uint64)]  # noqa: RUF012 - the shape that ctypes asks for

    with pytest.raises(ImportError, match=rf"{name}: \d+ bytes, expected \d+.*pip install"):
        wasmtime_c.check_layout(_changed(**{name: Longer}))


def test_a_field_at_another_place_is_an_import_error() -> None:
    class Moved(ctypes.Structure):
        _fields_ = [("of", ctypes.c_uint64 * 3), ("kind", ctypes.c_uint8)]

    with pytest.raises(ImportError, match=r"wasmtime_extern_t\.of: at 0, expected 8"):
        wasmtime_c.check_layout(_changed(wasmtime_extern_t=Moved))
