"""What the core is told of a guest that it is to start: its name, its bounds, what it is configured with."""

from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.seam import SpawnOrder


def spawn_order(record: AgentRecord, fuel_per_ms: int) -> SpawnOrder:
    """Return the order for an agent's next instance; `fuel_per_ms` is what a millisecond of it may burn."""
    spec = record.agent.spec
    limits = spec.limits
    fuel_max = limits.fuel_max
    if fuel_max is None:
        fuel_max = (limits.cpu_ms_max or 0) * fuel_per_ms
    return SpawnOrder(
        agent_id=record.agent.id,
        name=spec.name,
        fuel_max=fuel_max,
        memory_bytes_max=limits.memory_bytes_max,
        execution_ms_max=limits.execution_ms_max,
        message_bytes_max=limits.message_bytes_max,
        mailbox_max=limits.mailbox_max,
        messages_per_s_max=limits.messages_per_s_max or 0.0,
        restart_intensity=0 if spec.restart.policy == "temporary" else spec.restart.intensity,
        restart_period_ms=max(round(spec.restart.period_s * 1000), 1),
        config=spec.config,
        wasi=record.wasi,
    )
