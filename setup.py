"""Build of the Cython core.

The sources of the package ``caxton._core`` live in ``_core/``. The build needs ``caxton/_core`` to
resolve to them, so that absolute cimports and in-place builds work; sdists drop links, hence the
link is made here when it is missing.

``CAXTON_SANITIZE=thread|address`` builds an instrumented core, for a copy of the checkout only.
``CAXTON_CORE=later`` leaves the core out, for an editable install that is followed by an in-place build.
``CAXTON_STRICT=1`` makes the warnings of the C compiler errors.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
LINK = ROOT / "caxton" / "_core"
if not LINK.is_symlink() and not LINK.exists():
    LINK.symlink_to("../_core", target_is_directory=True)

JOBS = len(os.sched_getaffinity(0))
FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-strict-aliasing"]
SANITIZER = os.environ.get("CAXTON_SANITIZE", "")
if SANITIZER not in ("", "address", "thread"):
    raise SystemExit(f"CAXTON_SANITIZE is {SANITIZER!r}: set it to thread or address, or leave it out")
if SANITIZER:
    FLAGS += [f"-fsanitize={SANITIZER}", "-g", "-O1", "-fno-omit-frame-pointer"]
LINK_FLAGS = [f"-fsanitize={SANITIZER}"] if SANITIZER else []

if os.environ.get("CAXTON_STRICT", "") == "1":
    FLAGS.append("-Werror")

# Files other than Python that are part of the program, by room: sources of agents, schema steps.
DATA = {
    "demo": ["c", "h"],
    "sdk": ["c", "h", "md", "toml", "ts", "zig"],
    "storage": ["sql"],
}

os.chdir(ROOT)
extensions = [
    Extension(
        f"caxton._core.{source.stem}",
        [f"_core/{source.name}"],
        extra_compile_args=FLAGS,
        extra_link_args=LINK_FLAGS,
    )
    for source in sorted(Path("_core").glob("*.pyx"))
    if os.environ.get("CAXTON_CORE", "") != "later"
]

setup(
    packages=[p for p in find_packages(include=["caxton", "caxton.*"]) if not p.startswith("caxton._core")]
    + ["caxton._core"],
    package_dir={"caxton._core": "_core"},
    package_data={
        "caxton": ["py.typed", *(f"{room}/**/*.{kind}" for room, kinds in DATA.items() for kind in kinds)],
        "caxton._core": ["*.pxd", "*.pyi", "*.h"],
    },
    ext_modules=cythonize(
        extensions,
        nthreads=JOBS if len(extensions) > 1 else 0,
        compiler_directives=Options.extra_warnings
        | {
            # Cython takes `&name` for a read; gcc's own check of the same looks through the pointer.
            "warn.maybe_uninitialized": False,
            "language_level": "3",
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": False,
        },
        include_path=["."],
    ),
    options={"build_ext": {"parallel": JOBS}},
)
