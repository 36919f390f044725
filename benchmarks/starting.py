"""From the birth of the process to the first 200 of /ready, with nothing to recover.

Method: `python -m caxton serve` again and again in a fresh data directory, asked each 5 ms. Beside it: the
same interpreter until it has imported the server's modules, which is what any server in them must spend.
"""

import subprocess
import sys
import time
from typing import Final

from benchmarks.figure import Figure, median
from benchmarks.server_process import cpu_s, serving

ROUNDS: Final = 7
_IMPORTS: Final = "import uvloop, uvicorn, httptools, msgspec, orjson, wasmtime, prometheus_client, click"


def measure(effort: float) -> list[Figure]:
    """Measure for about 15 seconds times `effort`."""
    taken: list[float] = []
    spent: list[float] = []
    imports: list[float] = []
    for _ in range(max(3, round(ROUNDS * effort))):
        with serving() as server:
            taken.append(server.start_s)
            spent.append(cpu_s(server.process.pid))
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
        imports.append(time.monotonic() - begun)
    return [
        Figure(
            name="start to /ready, empty",
            unit="s",
            measured=median(taken),
            aim=1.0,
            beside=median(imports),
            beside_name="importing the libraries",
            claim="less than 1 s",
            gated=True,
            method=f"wall clock from the process to the first 200; median of {len(taken)}",
        ),
        Figure(
            name="start to /ready, processor time",
            unit="s",
            measured=median(spent),
            aim=1.0,
            claim="less than 1 s",
            method="processor seconds of the process until then",
        ),
    ]
