"""Build agents written in C into WebAssembly modules, with the compiler of the package ``ziglang``.

A source file enters, the bytes of a module leave. What was built is kept in a cache directory under a name
that covers everything the result depends on: source, headers, flags and the compiler's version. The compiler
runs in a process group of its own and is ended with it when its time is over.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

HEADERS: Final = Path(__file__).parent / "c"
SOURCE_BYTES_MAX: Final = 4 << 20
# A build takes less than a second; this is for machines that are very busy or very slow.
BUILD_S_MAX: Final = 180.0
_DIAGNOSTICS_BYTES_MAX: Final = 64 << 10
_STACK_BYTES: Final = 16 << 10

# The first version of WebAssembly (what the profile 'strict' allows), small, without debug information. The
# stack is kept small since every instance of the agent pays for it.
FLAGS: Final = (
    "-target",
    "wasm32-freestanding",
    "-mcpu=mvp",
    "-std=c11",
    "-O2",
    "-s",
    "-nostdlib",
    "-Wall",
    "-Wextra",
    "-Wl,--no-entry",
    f"-Wl,-z,stack-size={_STACK_BYTES}",
)


class ToolchainError(Exception):
    """The agent cannot be built. ``hint`` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}"


class ToolchainMissing(ToolchainError):
    """The compiler is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "building agents from C needs the package ziglang, which is not installed",
            "install the extra that brings it: pip install 'caxton[agents]'",
        )


class SourceUnreadable(ToolchainError):
    """The source file is missing, too large, or not to be read."""


class BuildFailed(ToolchainError):
    """The compiler refused the source; ``diagnostics`` is what it said."""

    def __init__(self, source: Path, diagnostics: str) -> None:
        first = next((line for line in diagnostics.splitlines() if "error" in line), "no reason was given")
        super().__init__(
            f"{source.name} does not compile: {first.strip()}", "mend the source and build again"
        )
        self.diagnostics = diagnostics


class BuildTimeout(ToolchainError):
    """The compiler was still busy when its time was over, and was ended."""

    def __init__(self, source: Path, timeout_s: float) -> None:
        super().__init__(
            f"{source.name} was not built within {timeout_s:g} s",
            "try again when the machine is less busy, or allow more time",
        )


class BuiltAgent(msgspec.Struct, frozen=True, kw_only=True):
    """A module made from source. ``diagnostics`` holds the compiler's warnings, if it was run."""

    wasm: bytes
    path: Path
    cached: bool
    build_s: float
    diagnostics: str = ""


def compiler_version() -> str:
    """Return the version of the installed compiler.

    Raises:
        ToolchainMissing: if there is none.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolchainMissing
    try:
        return importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        raise ToolchainMissing from None


def default_cache_directory() -> Path:
    """Return where built agents are kept unless somebody says otherwise: the user's cache directory."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if root and Path(root).is_absolute() else Path.home() / ".cache") / "caxton" / "agents"


def build_c(
    source: Path,
    *,
    cache_directory: Path | None = None,
    compiler_cache: Path | None = None,
    extra_flags: Sequence[str] = (),
    timeout_s: float = BUILD_S_MAX,
) -> BuiltAgent:
    """Build one C source into an agent module, or take it from the cache.

    The source may include ``caxton.h`` and the headers that lie beside it. Several processes may build at
    once. ``compiler_cache`` is where the compiler keeps files of its own; by default inside the cache.

    Raises:
        ToolchainMissing: if the compiler is not installed.
        SourceUnreadable: if there is no such source, or it is larger than 4 MiB.
        BuildFailed: if it does not compile.
        BuildTimeout: if it takes longer than ``timeout_s``.
    """
    version = compiler_version()
    source = source.resolve()
    flags = (*FLAGS, *extra_flags)
    cache = cache_directory if cache_directory is not None else default_cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{source.stem}-{_fingerprint(source, flags, version)}.wasm"
    with contextlib.suppress(FileNotFoundError):
        return BuiltAgent(wasm=target.read_bytes(), path=target, cached=True, build_s=0.0)
    started = time.monotonic()
    # Built beside its place and then renamed, so that nobody ever reads half a module.
    with tempfile.TemporaryDirectory(dir=cache, prefix=".build-") as work:
        made = Path(work) / "agent.wasm"
        arguments = [*flags, f"-I{HEADERS}", f"-I{source.parent}", "-o", str(made), str(source)]
        diagnostics = _run_compiler(source, arguments, compiler_cache or cache / "compiler", timeout_s)
        wasm = made.read_bytes()
        made.replace(target)
    return BuiltAgent(
        wasm=wasm, path=target, cached=False, build_s=time.monotonic() - started, diagnostics=diagnostics
    )


def _fingerprint(source: Path, flags: Sequence[str], version: str) -> str:
    digest = hashlib.sha256(repr((version, tuple(flags))).encode())
    headers = sorted(HEADERS.glob("*.h")) + sorted(source.parent.glob("*.h"))
    for path in (source, *headers):
        content = _read_source(path)
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def _read_source(path: Path) -> bytes:
    try:
        if path.stat().st_size > SOURCE_BYTES_MAX:
            raise SourceUnreadable(
                f"{path} is larger than {SOURCE_BYTES_MAX >> 20} MiB",
                "split it, or build it with a tool of your own",
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceUnreadable(f"{path} cannot be read: {reason}", "name a C source file") from error


def _run_compiler(source: Path, arguments: Sequence[str], cache: Path, timeout_s: float) -> str:
    environment = dict(os.environ)
    # The compiler keeps its own cache with ours: a service user's home may not be there to write to.
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache))
    environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(cache))
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(  # noqa: S603 - the program is our own interpreter
            [sys.executable, "-m", "ziglang", "cc", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        ) as compiler,
    ):
        try:
            status = compiler.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BuildTimeout(source, timeout_s) from None
        finally:
            if compiler.returncode is None:
                _end(compiler)
        output.seek(0)
        said = output.read(_DIAGNOSTICS_BYTES_MAX).decode("utf-8", "replace")
    if status != 0:
        raise BuildFailed(source, said)
    return said


def _end(compiler: "subprocess.Popen[bytes]") -> None:
    """End the compiler and everything that it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(compiler.pid, signal.SIGKILL)
    else:
        compiler.kill()
    compiler.wait()
