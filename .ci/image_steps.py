"""Run the steps of the Dockerfile by hand, each stage in a clean root, then the server that comes out.

Needs root, ``debootstrap`` and ``chroot``; a minimal Debian of the same release stands in for the base image.
What runs is the Dockerfile itself: this program does only what a container engine would do with each line.
The network is the host's, with its resolver, certificates and pip settings.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import DockerfileError, Stage, command, expand, parse, settings
from smoke import SmokeError, check_server

ROOT = Path(__file__).parents[1]
# debootstrap has a mirror of its own; DEBIAN_MIRROR names another.
MIRROR = os.environ.get("DEBIAN_MIRROR")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Beside the root's own bundle, which its packages write.
CERTIFICATES_INSIDE = "/tmp/host-certificates.crt"
# What .dockerignore keeps out of the copied directories.
BUILT = ("*.so", "__pycache__")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Root:
    """A stage while it is built: its file system and what its instructions have set so far."""

    directory: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    workdir: str = "/"
    user: str = "0:0"
    last: dict[str, str] = field(default_factory=dict[str, str])

    def inside(self, path: str) -> Path:
        return self.directory / (Path(self.workdir) / path).relative_to("/")

    def run(self, words: list[str], extra: Mapping[str, str]) -> int:
        line = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(words)}"
        chroot = ["chroot", f"--userspec={self.user}", str(self.directory), "/bin/sh", "-c", line]
        return subprocess.run(chroot, env={**extra, **self.variables}).returncode


def host_network() -> dict[str, str]:
    """Name the settings without which the host itself could not reach an index."""
    named = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    for name in ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT"):
        if name in os.environ:
            named[name] = os.environ[name]
    if CERTIFICATES.exists():
        named["PIP_CERT"] = CERTIFICATES_INSIDE
    return {**named, "DEBIAN_FRONTEND": "noninteractive"}


def clean_root(pristine: Path, directory: Path) -> Root:
    subprocess.run(["cp", "--archive", "--reflink=auto", f"{pristine}/.", str(directory)], check=True)
    shutil.copy("/etc/resolv.conf", directory / "etc" / "resolv.conf")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, directory / CERTIFICATES_INSIDE.lstrip("/"))
    return Root(directory)


def copy(root: Root, rest: str, stages: Mapping[str, Root]) -> None:
    words = rest.split()
    origin = ROOT
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")].directory
    *sources, target = words
    for source in sources:
        found = origin / source.lstrip("/")
        place = root.inside(target)
        if found.is_dir():
            ignored = shutil.ignore_patterns(*BUILT, *(["_core"] if source == "caxton" else []))
            ignored = ignored if origin == ROOT else None
            shutil.copytree(found, place, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)


def build(stage: Stage, root: Root, stages: Mapping[str, Root]) -> None:
    for step in stage.instructions:
        rest = (
            expand(step.rest, root.variables) if step.word not in {"RUN", "CMD", "ENTRYPOINT"} else step.rest
        )
        print(f"--- {stage.name}: line {step.line}: {step.word} {rest}", flush=True)
        if step.word == "ENV":
            root.variables |= settings(rest)
        elif step.word == "WORKDIR":
            root.workdir = rest
            root.inside(".").mkdir(parents=True, exist_ok=True)
        elif step.word == "USER":
            root.user = rest
        elif step.word == "COPY":
            copy(root, rest, stages)
        elif step.word == "RUN":
            code = root.run(["/bin/sh", "-c", step.rest], host_network())
            if code != 0:
                raise DockerfileError(f"line {step.line}: exit status {code}")
        else:
            root.last[step.word] = rest


def size_mb(root: Root) -> int:
    """Return what the stage adds up to on disk, in 10^6 bytes."""
    listed = subprocess.run(
        ["du", "--summarize", "--block-size=1000000", root.directory],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(listed.stdout.split()[0])


def check_image(root: Root, scratch: Path) -> None:
    """Check what an engine would do with the finished image: start it, ask for its health, stop it."""
    if root.user.split(":")[0] in {"0", "root", ""}:
        raise DockerfileError("the image would run as root; end with USER and a number")
    entry = command(root.last["ENTRYPOINT"])
    health = command(root.last["HEALTHCHECK"].partition("CMD")[2].strip())
    if health != [*entry, "health"]:
        raise DockerfileError(f"the health check is {health}")
    if command(root.last["CMD"]) != ["serve"]:
        raise DockerfileError(f"the image would start {root.last['CMD']}")
    program = scratch / "caxton"
    settled = " ".join(f"{name}={shlex.quote(value)}" for name, value in root.variables.items())
    program.write_text(
        "#!/bin/sh\n"
        f"exec env -i {settled} {shutil.which('chroot')} --userspec={root.user} {root.directory} "
        f'/bin/sh -c \'cd {root.workdir} && exec {shlex.join(entry)} "$@"\' caxton "$@"\n'
    )
    program.chmod(0o755)
    process_files = root.directory / "proc"
    subprocess.run(["mount", "-t", "proc", "proc", process_files], check=True)
    try:
        check_server(program, scratch, data_directory="/var/lib/caxton")
    finally:
        subprocess.run(["umount", process_files], check=True)


def main() -> int:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("image-steps: needs root and debootstrap (apt-get install debootstrap)", file=sys.stderr)
        return 1
    stages = parse((ROOT / "Dockerfile").read_text("utf-8"))
    release = stages[0].image.partition(":")[2].removesuffix("-slim")
    with tempfile.TemporaryDirectory(prefix="caxton-image-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        pristine = scratch / "pristine"
        bootstrap = [
            "debootstrap",
            "--variant=minbase",
            release,
            str(pristine),
            *([MIRROR] if MIRROR else []),
        ]
        with (scratch / "debootstrap.log").open("w") as log:
            subprocess.run(bootstrap, check=True, stdout=log, stderr=log)
        roots: dict[str, Root] = {}
        try:
            root = Root(pristine)
            for stage in stages:
                root = clean_root(pristine, scratch / f"stage-{stage.name}")
                build(stage, root, roots)
                roots[stage.name] = root
            print(
                f"--- the last stage has {size_mb(root)} MB, the base {size_mb(Root(pristine))} MB",
                flush=True,
            )
            check_image(root, scratch)
        except (DockerfileError, SmokeError) as error:
            print(f"image-steps: {error}", file=sys.stderr)
            return 1
    print("image-steps: every step ran, the server came up as the image's user, was healthy and stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
