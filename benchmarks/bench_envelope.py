"""The JSON envelope beside the least that any reader and writer of it must do.

Claim: reading a message of 200 bytes and writing the 390 that its receiver gets costs less than 150 ns, that
is, less than twice a pass that only looks at each byte once and a copy of the delivered ones.
Method: rounds of 10,000 messages inside the core without the GIL, the floor in the same run; the library
parser (which makes Python objects and checks no field) stands beside for scale.

    PYTHONPATH=. python -m pytest benchmarks/bench_envelope.py --benchmark-group-by=group

Times are for 10,000 messages: 1 ms is 100 ns a message.
"""

import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests import core_doors

door = core_doors.load("envelope_door")

ROUNDS = 10_000
MESSAGES = {
    "200-byte bid": (
        b'{"performative":"propose","receiver":"8123456789012345678","conversation_id":"contract-4711",'
        b'"protocol":"fipa-contract-net","in_reply_to":"cfp-17",'
        b'"content":{"price":42.5,"currency":"EUR","eta_s":120}}'
    ),
    "200-byte text": (
        b'{"performative":"inform","receiver":"bidder-one","conversation_id":"contract-4711","content":"'
        b'all parts of the machine have been checked and found to be in order; the next date is in May"}'
    ),
    "the bid, spaced": (
        b'{"performative": "propose", "receiver": "8123456789012345678", "conversation_id": "contract-4711", '
        b'"protocol": "fipa-contract-net", "in_reply_to": "cfp-17", '
        b'"content": {"price": 42.5, "currency": "EUR", "eta_s": 120}}'
    ),
    "64 KiB of text": b'{"performative":"inform","receiver":"12","content":"'
    + b"plain words, " * 5000
    + b'"}',
    "64 KiB of numbers": b'{"performative":"inform","receiver":"12","content":['
    + b"12,-3.25," * 7000
    + b"1]}",
    "64 KiB above ASCII": b'{"performative":"inform","receiver":"12","content":"'
    + "Grüße, 世界 ".encode() * 3500
    + b'"}',
}
HOST = {
    "id": 2**127 + 5,
    "sender": 8123456789012345678,
    "receiver": 9223456789012345678,
    "trace": 2**126 + 3,
    "span": 2**62 + 9,
    "timestamp_ms": 1_795_425_300_250,
}


@pytest.fixture(params=list(MESSAGES))
def message(request: pytest.FixtureRequest, benchmark: BenchmarkFixture) -> bytes:
    text = MESSAGES[request.param]
    benchmark.group = f"{request.param} ({len(text)} bytes)"
    return text


def rounds(text: bytes) -> int:
    """Keep a round of a large message as long as one of small ones."""
    return max(1, ROUNDS * 200 // max(200, len(text)))


def test_read_and_write(benchmark: BenchmarkFixture, message: bytes) -> None:
    bench = door.Bench(message, door.Host(**HOST))
    benchmark(bench.parse_and_splice, rounds(message))


def test_read(benchmark: BenchmarkFixture, message: bytes) -> None:
    benchmark(door.Bench(message, door.Host(**HOST)).parse, rounds(message))


def test_floor_one_look_at_each_byte_and_one_copy(benchmark: BenchmarkFixture, message: bytes) -> None:
    benchmark(door.Bench(message, door.Host(**HOST)).floor, rounds(message))


def test_library_parser(benchmark: BenchmarkFixture, message: bytes) -> None:
    def load() -> None:
        for _ in range(rounds(message)):
            orjson.loads(message)

    benchmark(load)
