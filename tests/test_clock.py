"""The time of the machine."""

from datetime import UTC, datetime

from caxton.clock import Clock, SystemClock, format_timestamp, parse_timestamp


def test_the_wall_clock_tells_the_time_of_the_machine() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    told = datetime.fromisoformat(format_timestamp(clock.wall_ns(), "ns")[:26] + "+00:00")
    assert before.replace(microsecond=0) <= told <= datetime.now(UTC)


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = SystemClock()
    seen = [clock.monotonic_ns() for _ in range(1000)]
    assert seen == sorted(seen)


def test_a_told_time_is_read_back() -> None:
    now_ns = SystemClock().wall_ns()
    assert parse_timestamp(format_timestamp(now_ns, "ns")) == now_ns
