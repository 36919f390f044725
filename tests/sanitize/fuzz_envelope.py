"""Fuzzes the envelope under gcc's AddressSanitizer and UndefinedBehaviorSanitizer.

    python tests/sanitize/fuzz_envelope.py [--seconds N] [--seed N] [--portable]

Builds an instrumented copy of the envelope's rooms and of its test door below ``build/asan-envelope/`` (with
``--portable``: of the code for machines without SSE2, below ``build/asan-envelope-portable/``), leaves the
normal build alone, and feeds it damaged messages whose copies are allocated at exactly their size: the first
byte read or written out of place ends the process. What is accepted is compared with orjson and delivered
into a buffer that ends at the stated bound. As a control, the door then reads one byte too many on purpose,
which must be reported.

Exit code: 0 sound; 1 a finding, or the control passed unseen; 2 no sanitizer here, or the build failed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Last: where PYTHONPATH names an instrumented copy of the core, that one must be found first.
sys.path.append(str(ROOT))

from tests import core_doors  # noqa: E402 - the path must be there first

CORE = ROOT / "_core"
ROOMS = ("message", "json", "text", "performative", "field", "address", "envelope")
SANITIZERS = "address,undefined"
RICH = (
    b' {"id": "6F9619FF-8b86-d011-b42d-00c04fc964ff", "performative": "QUERY_REF", "sender": "manager-1",\n'
    b'"receiver": ["bidder.one", 42, "18446744073709551615"], "protocol": "fipa-query", "reply_to": 7,'
    b'"conversation_id": "caf\xc3\xa9 \\u00e9\\ud83d\\ude00", "reply_with": "r\\"1", "in_reply_to": "q/1",'
    b'"reply_by": "2026-11-23T10:15:00.25+01:00", "timestamp": "2026-11-23T09:15:00Z",'
    b'"content": [1.5e-7, "\\ud83d\\ude00", "\xe2\x82\xac", {"b": null, "c": [true, false]}],'
    b'"content_kind": "done", "language": "json", "encoding": "utf-8", "ontology": "\\u0074rade",'
    b'"delivery": "exactly_once", "priority": 9, "span_id": "b7ad6b7169203331",'
    b'"trace_id": "0AF7651916cd43dd8448eb211c80319c",'
    b'"conversation_ttl_s": 2.0005, "max_awards": 3 }\r\n'
)
SEEDS = [
    b'{"performative":"inform"}',
    b'{"performative":"request","receiver":"8123456789012345678","content":{"a":[1,2,{"b":"x"}]}}',
    RICH,
    b'{"performative":"cfp","receiver":{"capability":"add \\u0031"},"reply_by_s":1e1,"content":1.79769e308}',
    b'{"performative":"cfp","content":' + b'[{"a":' * 31 + b'"deep"' + b"}]" * 31 + b"}",
    b'{"performative":"cfp","content":' + str(2**1024 - 2**970).encode() + b"}",
    b'{"content":"more than sixteen bytes, more than thirty-two bytes, and so on","performative":"agree"}',
]
PIECES = [
    *(bytes([byte]) for byte in rb'"\{}[],: 0-e'),
    *(
        b"\0",
        b"\\u",
        b"\\ud83d",
        b"\xf0\x9f\x98\x80",
        b"\xf0\x9f",
        b"\xed\xa0\x80",
        b"\x7f",
        b"\xff",
        b"null",
        b"1e309",
    ),
    *(b'"content":', b'"receiver":', b'"id":', b"[" * 70, b"x" * 260, b"\\u00e9" * 130),
]


def say(line: str) -> None:
    """Write one line of the report."""
    sys.stdout.write(f"{line}\n")


def mutate(text: bytes, dice: random.Random) -> bytes:
    """Damage a message in one to four places."""
    out = bytearray(text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randint(0, len(out))
        match dice.randrange(6):
            case 0:
                out[at:at] = dice.choice(PIECES)
            case 1:
                out[at : at + 1] = bytes([dice.randrange(256)])
            case 2:
                del out[at : at + dice.randint(1, 12)]
            case 3:
                out[at:at] = out[at : at + dice.randint(1, 40)]
            case 4:
                del out[at:]
            case _:
                other = dice.choice(SEEDS)
                start = dice.randrange(len(other))
                out[at:at] = other[start : start + dice.randint(1, 60)]
    return bytes(out)


def fuzz(seconds: float, seed: int) -> None:
    """Feed damaged messages for so long; raises AssertionError when the core and orjson disagree."""
    import orjson

    door = core_doors.load("envelope_door")
    dice = random.Random(seed)
    host = door.Host(
        id=1, trace=3, span=4, timestamp_ms=1, conversation=b"c" * 255, protocol=b"p", in_reply_to=b"i"
    )
    tried = accepted = 0
    end = time.monotonic() + seconds
    for text in SEEDS:
        for length in range(len(text) + 1):
            door.parse(text[:length])
    while time.monotonic() < end:
        text = mutate(dice.choice(SEEDS), dice)
        tried += 1
        found = door.parse(text, dice.choice((0, door.CLIENT)))
        door.error(dice.randrange(22), host, b"kind", text)
        if isinstance(found, tuple):
            assert found[1] <= len(text), (seed, text, found)
            continue
        accepted += 1
        sent = orjson.loads(text)
        delivered, _, pieces = door.splice(text, host)
        assert orjson.loads(delivered)["content"] == sent.get("content"), (seed, text)
        assert orjson.loads(b'"' + pieces["conversation_id"] + b'"') == (
            sent.get("conversation_id") or "c" * 255
        ), (seed, text)
    say(f"seed {seed}: {tried} messages, {accepted} accepted, no finding")
    assert accepted > 0


def libraries() -> list[str] | None:
    """Return gcc's runtime libraries, None when this machine lacks one."""
    if shutil.which("gcc") is None:
        return None
    found: list[str] = []
    for name in ("libasan.so", "libubsan.so"):
        answer = subprocess.run(
            ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        )
        library = Path(answer.stdout.strip())
        if not library.is_absolute() or not library.exists():
            return None
        found.append(str(library))
    return found


def build(tree: Path) -> None:
    """Bring ``tree/caxton`` up to date: declaration pages, instrumented modules, nothing else."""
    core = tree / "caxton" / "_core"
    core.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "caxton" / "__init__.py", core.parent)
    shutil.copy(CORE / "__init__.py", core)
    for stale in core.glob("*.pxd"):
        stale.unlink()
    for page in CORE.glob("*.pxd"):
        shutil.copy(page, core)
    for room in ROOMS:
        core_doors.ensure(f"caxton._core.{room}", CORE / f"{room}.pyx", SANITIZERS, core, tree)


def run(tree: Path, libs: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this program again with the sanitizers' runtimes in front."""
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(libs),
        "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}",
        "CAXTON_SANITIZE": SANITIZERS,
        "CAXTON_DOORS": str(tree / "doors"),
        # The interpreter keeps memory until its end: only misuse is looked for, not what is left over.
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=66",
        "UBSAN_OPTIONS": "halt_on_error=1:exitcode=66:print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, "-P", str(Path(__file__).resolve()), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def main() -> int:
    """Build, fuzz, run the control; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--portable", action="store_true", help="build without SSE2")
    parser.add_argument("--inside", choices=["fuzz", "control"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside == "fuzz":
        fuzz(options.seconds, options.seed)
        return 0
    if options.inside == "control":
        say(f"read past the end, unseen: {core_doors.load('envelope_door').read_past(SEEDS[0])}")
        return 0
    libs = libraries()
    if libs is None:
        say("AddressSanitizer is not installed for gcc on this machine")
        return 2
    tree = ROOT / "build" / "asan-envelope"
    if options.portable:
        tree = tree.with_name("asan-envelope-portable")
        os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} -DCAXTON_PORTABLE"
    try:
        build(tree)
    except RuntimeError as error:
        say(str(error))
        return 2
    done = run(tree, libs, "--inside", "fuzz", "--seconds", str(options.seconds), "--seed", str(options.seed))
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        say(f"seed {options.seed}: finding\n{done.stderr}")
        return 1
    control = run(tree, libs, "--inside", "control")
    if control.returncode != 66 or "ERROR: AddressSanitizer" not in control.stderr:
        say(f"the control read past the end unseen\n{control.stdout}{control.stderr}")
        return 1
    say("control: the read past the end was reported")
    return 0


if __name__ == "__main__":
    sys.exit(main())
