"""Settings whose capability this version does not have.

They are known and checked, so that a file written for a later version is read the same way; but a
value that asks for something which would not happen must not be passed over. The server refuses to
start on whatever `not_yet` reports. A version that brings a capability removes its row.
"""

from typing import Final, final

import msgspec

from caxton.config.sections import Config
from caxton.config.walk import flat_values, setting_default
from caxton.domain.problem import Problem, ProblemKind


@final
class Absent(msgspec.Struct, frozen=True):
    """A key, or all keys of a section, and what is missing. `granted` are further values that hold."""

    key: str
    capability: str
    granted: tuple[object, ...] = ()


ABSENT: Final = (
    Absent("server.grpc_port", "gRPC"),
    Absent("messaging.retry", "durable delivery"),
    Absent("messaging.dead_letters_max", "the store of dead letters"),
    Absent("messaging.history", "the store of messages", ("none",)),
    Absent("storage.retention_days", "the store of messages"),
    Absent("security.oidc", "sign-in by an identity provider"),
    Absent("observability.trace_sample", "tracing"),
    Absent("observability.otlp_endpoint", "tracing"),
    Absent("deployment.keep_versions", "deployment of new versions"),
    Absent("deployment.canary", "deployment of new versions"),
    Absent("tools", "tools over the Model Context Protocol"),
    Absent("cluster", "clustering"),
)


def absence_of(key: str) -> Absent | None:
    """Return the row that covers the key, or None for a setting that is acted upon."""
    return next((row for row in ABSENT if key == row.key or key.startswith(f"{row.key}.")), None)


def not_yet(config: Config) -> list[Problem]:
    """Return a problem for each setting that asks for what this version does not do."""
    problems: list[Problem] = []
    for key, value in flat_values(config):
        row = absence_of(key)
        if row is not None and value != setting_default(key) and value not in row.granted:
            problems.append(
                Problem(
                    field=key,
                    kind=ProblemKind.UNSUPPORTED,
                    problem=f"{row.capability} is not part of this version",
                    fix="leave this setting out",
                )
            )
    return problems
