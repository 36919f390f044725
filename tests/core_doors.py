"""Builds and loads the test doors: Cython modules that open the core's C functions to tests.

A door (``tests/_core_doors/<name>.pyx``) is compiled on first use into ``build/doors/`` and again when
it, a declaration page of the core, or a flag has changed. Parallel test processes wait for each other
on a file lock. With ``CAXTON_SANITIZE`` set, doors are instrumented like the core itself;
``CAXTON_DOORS`` names another directory to build into.
"""

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "_core_doors"
SUFFIX: str = sysconfig.get_config_vars()["EXT_SUFFIX"]
FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-strict-aliasing", "-Werror"]
DIRECTIVES = {
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}


def sanitizer_flags(sanitizer: str) -> list[str]:
    """Return what instruments a module for gcc's ``thread`` or ``address`` sanitizer; nothing for ""."""
    return [f"-fsanitize={sanitizer}", "-g", "-O1", "-fno-omit-frame-pointer"] if sanitizer else []


def compile_module(name: str, source: Path, include: list[Path], sanitizer: str, target: Path) -> Path:
    """Compile one Cython source into the directory ``target``, in a process without a sanitizer's runtime.

    Raises:
        RuntimeError: the compiler's words, when it refused.
    """
    target.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        command = [sys.executable, __file__, name, str(source), scratch, sanitizer, *map(str, include)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        built = Path(scratch, *name.split("."))
        built = built.with_name(built.name + SUFFIX)
        if done.returncode != 0 or not built.exists():
            raise RuntimeError(f"cannot build {source}:\n{done.stdout}{done.stderr}")
        place = target / built.name
        built.replace(place)
    return place


def fingerprint(source: Path, include: list[Path], sanitizer: str) -> str:
    """Digest everything that the compiled module depends on."""
    digest = hashlib.sha256(repr((sys.version, FLAGS, DIRECTIVES, sanitizer)).encode())
    pages = [page for folder in include for page in sorted([*folder.glob("*.pxd"), *folder.glob("*.h")])]
    for path in [source, *pages]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def ensure(name: str, source: Path, sanitizer: str, target: Path, package_parent: Path) -> Path:
    """Return the compiled module ``target/<last part of name>``, made anew when something has changed."""
    target.mkdir(parents=True, exist_ok=True)
    built = target / (name.rpartition(".")[2] + SUFFIX)
    stamp = built.with_suffix(".stamp")
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = fingerprint(source, [SOURCES, package_parent / "caxton" / "_core"], sanitizer)
        if not built.exists() or not stamp.exists() or stamp.read_text() != wanted:
            compile_module(name, source, [SOURCES, package_parent], sanitizer, target)
            stamp.write_text(wanted)
    return built


@cache
def load(name: str) -> ModuleType:
    """Return the door ``name``, built when needed."""
    import caxton

    sanitizer = os.environ.get("CAXTON_SANITIZE", "")
    package_parent = Path(caxton.__file__).resolve().parent.parent
    target = Path(os.environ.get("CAXTON_DOORS", ROOT / "build" / "doors" / (sanitizer or "plain")))
    built = ensure(name, SOURCES / f"{name}.pyx", sanitizer, target, package_parent)
    spec = importlib.util.spec_from_file_location(name, built)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_here(name: str, source: str, scratch: str, sanitizer: str, *include: str) -> None:
    """Do the work of compile_module in this process."""
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    translated = Path(scratch, f"{name.rpartition('.')[2]}.c")
    command = [sys.executable, "-m", "cython", "-3", "--module-name", name, "-o", str(translated)]
    for directive, value in DIRECTIVES.items():
        command += ["--directive", f"{directive}={value}"]
    for folder in include:
        command += ["--include-dir", folder]
    subprocess.run([*command, source], check=True)
    extra = sanitizer_flags(sanitizer)
    extension = Extension(
        name, [str(translated)], extra_compile_args=FLAGS + extra, extra_link_args=extra[:1]
    )
    build = build_ext(Distribution({"ext_modules": [extension]}))
    build.build_lib = scratch
    # Absolute paths of sources are appended to it: the objects then lie beside them.
    build.build_temp = "/"
    build.ensure_finalized()
    build.run()


if __name__ == "__main__":
    compile_here(*sys.argv[1:])
