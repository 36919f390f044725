"""How large the core may become on this machine: the settings, and what the kernel grants."""

import os
from pathlib import Path
from typing import Final

from caxton.config import Config
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols
from caxton.runtime.seam import ConversationSettings, CoreSettings

# The core has room for so many workers beside the ticker.
WORKERS_MAX: Final = 63
# Instances reserve address space for all of their memory and touch little of it; beyond this multiple
# of the machine's memory a new instance is refused, long before the kernel would have to kill.
MEMORY_OVERCOMMIT: Final = 16
# The rest of the mappings is for threads, files and the allocator: running out there ends the process.
MAPPINGS_SHARE: Final = 0.7

_MAP_COUNT: Final = Path("/proc/sys/vm/max_map_count")
_MAP_COUNT_DEFAULT: Final = 65_530


def core_settings(config: Config) -> CoreSettings:
    """Return what the core is made with."""
    runtime = config.runtime
    return CoreSettings(
        workers=min(runtime.workers, WORKERS_MAX),
        agents_max=runtime.agents_max,
        pool_messages=runtime.pool_messages,
        message_bytes_max=config.messaging.message_bytes_max,
        epoch_tick_ms=runtime.epoch_tick_ms,
        instance_bytes_max=physical_memory_bytes() * MEMORY_OVERCOMMIT,
        mappings_max=int(mappings_allowed() * MAPPINGS_SHARE),
        conversations=conversation_settings(config),
    )


def conversation_settings(config: Config) -> ConversationSettings:
    """Return how the core holds conversations."""
    messaging = config.messaging
    return ConversationSettings(
        protocols=compile_protocols(PROTOCOLS),
        conversations_max=messaging.conversations_max,
        participants_max=messaging.participants_max,
        reply_by_ms=round(messaging.reply_by_s * 1000),
        conversation_ttl_ms=round(messaging.conversation_ttl_s * 1000),
        loop_hops=messaging.loop_messages,
        history_bytes=messaging.history_bytes,
    )


def physical_memory_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def mappings_allowed() -> int:
    """Return how many memory mappings the kernel grants a process."""
    try:
        return int(_MAP_COUNT.read_text("ascii"))
    except (OSError, ValueError):
        return _MAP_COUNT_DEFAULT
