"""What the settings say about the limits of agents."""

from caxton.config.sections import Config
from caxton.domain.limits import LimitMaxima, ResourceLimits


def default_limits(config: Config) -> ResourceLimits:
    """Return the limits of an agent whose deployer asks for none."""
    limits, messaging = config.runtime.default_limits, config.messaging
    return ResourceLimits(
        memory_bytes_max=limits.memory_bytes_max,
        cpu_ms_max=limits.cpu_ms_max,
        fuel_max=limits.fuel_max,
        execution_ms_max=limits.execution_ms_max,
        message_bytes_max=limits.message_bytes_max or messaging.message_bytes_max,
        mailbox_max=limits.mailbox_max or messaging.mailbox_max,
        messages_per_s_max=limits.messages_per_s_max,
    )


def limit_maxima(config: Config) -> LimitMaxima:
    """Return what a deployer may ask for at most."""
    return LimitMaxima(message_bytes_max=config.messaging.message_bytes_max)
