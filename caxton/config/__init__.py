"""The settings of the server: what they are, where they come from, whether they hold.

`load_config` reads file, environment, `--set` and flags, and returns a `Config` that nobody needs to
check again, with the origin of each value, or raises `ConfigurationInvalid` with every problem of
every source. `not_yet` lists what a good configuration asks for in vain.
"""

from caxton.config.absent import ABSENT, Absent, not_yet
from caxton.config.agent_limits import default_limits, limit_maxima
from caxton.config.contradiction import is_loopback
from caxton.config.load import LoadedConfig, config_path, default_data_dir, load_config
from caxton.config.sections import Config
from caxton.config.source import Source

__all__ = [
    "ABSENT",
    "Absent",
    "Config",
    "LoadedConfig",
    "Source",
    "config_path",
    "default_data_dir",
    "default_limits",
    "is_loopback",
    "limit_maxima",
    "load_config",
    "not_yet",
]
