"""Each way between two states of an agent that does not exist, as a line that must not type-check.

This page is read by the type checkers only. The comment at a line names the error that it must give.
"""

from caxton.domain.agent import (
    Draining,
    Failed,
    Fault,
    Loaded,
    Program,
    Running,
    Stopped,
    Unloaded,
    drain,
    fail,
    load,
    restart,
    revive,
    start,
    stop,
)


def what_exists(unloaded: Unloaded, program: Program, fault: Fault) -> tuple[Loaded, Stopped, Loaded]:
    loaded: Loaded = load(unloaded, program, now_ns=1)
    running: Running = restart(start(loaded, now_ns=2), now_ns=3)
    draining: Draining = drain(running, now_ns=4, deadline_ns=5)
    failed: Failed = fail(draining, fault, now_ns=6)
    stopped: Stopped = stop(draining, now_ns=7)
    return revive(failed, now_ns=8), stopped, revive(stopped, now_ns=9)


def from_unloaded(agent: Unloaded, fault: Fault) -> None:
    start(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    drain(agent, now_ns=1, deadline_ns=2)  # type: ignore[arg-type]  must not pass
    stop(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    fail(agent, fault, now_ns=1)  # type: ignore[arg-type]  must not pass
    restart(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    revive(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.program  # type: ignore[attr-defined]  must not pass


def from_loaded(agent: Loaded, program: Program) -> None:
    load(agent, program, now_ns=1)  # type: ignore[arg-type]  must not pass
    drain(agent, now_ns=1, deadline_ns=2)  # type: ignore[arg-type]  must not pass
    stop(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    restart(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    revive(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.started_ns  # type: ignore[attr-defined]  must not pass


def from_running(agent: Running, program: Program) -> None:
    load(agent, program, now_ns=1)  # type: ignore[arg-type]  must not pass
    start(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    stop(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    revive(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.deadline_ns  # type: ignore[attr-defined]  must not pass
    agent.restarts_count = 1  # type: ignore[misc]  must not pass


def from_draining(agent: Draining, program: Program) -> None:
    load(agent, program, now_ns=1)  # type: ignore[arg-type]  must not pass
    start(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    drain(agent, now_ns=1, deadline_ns=2)  # type: ignore[arg-type]  must not pass
    restart(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    revive(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.fault  # type: ignore[attr-defined]  must not pass


def from_failed(agent: Failed, program: Program, fault: Fault) -> None:
    load(agent, program, now_ns=1)  # type: ignore[arg-type]  must not pass
    start(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    drain(agent, now_ns=1, deadline_ns=2)  # type: ignore[arg-type]  must not pass
    stop(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    fail(agent, fault, now_ns=1)  # type: ignore[arg-type]  must not pass
    restart(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.started_ns  # type: ignore[attr-defined]  must not pass


def from_stopped(agent: Stopped, program: Program, fault: Fault) -> None:
    load(agent, program, now_ns=1)  # type: ignore[arg-type]  must not pass
    start(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    drain(agent, now_ns=1, deadline_ns=2)  # type: ignore[arg-type]  must not pass
    stop(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    fail(agent, fault, now_ns=1)  # type: ignore[arg-type]  must not pass
    restart(agent, now_ns=1)  # type: ignore[arg-type]  must not pass
    _ = agent.fault  # type: ignore[attr-defined]  must not pass


def a_drain_has_a_deadline(agent: Running) -> None:
    drain(agent, now_ns=1)  # type: ignore[call-arg]  must not pass


def the_entered_state_is_exact(agent: Loaded) -> None:
    running: Running = start(agent, now_ns=1)
    draining: Draining = start(agent, now_ns=1)  # type: ignore[assignment]  must not pass
    _ = (running, draining)
