"""The table of roles and permissions, and the one function that asks it."""

from enum import StrEnum, unique
from typing import Final, final

import msgspec

from caxton.domain.errors.security import Forbidden


@unique
class Permission(StrEnum):
    """Something that a call may need. Every route names exactly one, or none where the door is open."""

    AGENT_DEPLOY = "agent:deploy"
    AGENT_REMOVE = "agent:remove"
    AGENT_UPDATE = "agent:update"
    MESSAGE_SEND = "message:send"
    MESSAGE_READ = "message:read"
    DEPLOYMENT_MANAGE = "deployment:manage"
    METRICS_READ = "metrics:read"
    CONFIG_MODIFY = "config:modify"
    CLUSTER_MANAGE = "cluster:manage"
    AUDIT_READ = "audit:read"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 - a permission


@unique
class Role(StrEnum):
    """What a token is for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    DEVELOPER = "developer"
    VIEWER = "viewer"
    AGENT = "agent"


PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    # Everything, by name: a permission that is added later is not granted by accident.
    Role.ADMIN: frozenset(
        {
            Permission.AGENT_DEPLOY,
            Permission.AGENT_REMOVE,
            Permission.AGENT_UPDATE,
            Permission.MESSAGE_SEND,
            Permission.MESSAGE_READ,
            Permission.DEPLOYMENT_MANAGE,
            Permission.METRICS_READ,
            Permission.CONFIG_MODIFY,
            Permission.CLUSTER_MANAGE,
            Permission.AUDIT_READ,
            Permission.TOKEN_MANAGE,
        }
    ),
    # Keeps the server running: everything but who may come in and what the audit says of them.
    Role.OPERATOR: frozenset(
        {
            Permission.AGENT_DEPLOY,
            Permission.AGENT_REMOVE,
            Permission.AGENT_UPDATE,
            Permission.MESSAGE_SEND,
            Permission.MESSAGE_READ,
            Permission.DEPLOYMENT_MANAGE,
            Permission.METRICS_READ,
            Permission.CONFIG_MODIFY,
            Permission.CLUSTER_MANAGE,
        }
    ),
    # Brings agents and talks to them.
    Role.DEVELOPER: frozenset(
        {
            Permission.AGENT_DEPLOY,
            Permission.AGENT_REMOVE,
            Permission.AGENT_UPDATE,
            Permission.MESSAGE_SEND,
            Permission.MESSAGE_READ,
            Permission.DEPLOYMENT_MANAGE,
            Permission.METRICS_READ,
        }
    ),
    # Looks, touches nothing.
    Role.VIEWER: frozenset({Permission.MESSAGE_READ, Permission.METRICS_READ}),
    # An external agent: speaks and listens for itself.
    Role.AGENT: frozenset({Permission.MESSAGE_SEND, Permission.MESSAGE_READ}),
}


@final
class Principal(msgspec.Struct, frozen=True):
    """Who is behind a request: the token's id, the name it was given, its role.

    `identity` is unique among principals and never used again; what a principal owns is kept under it.
    """

    identity: str
    name: str
    role: Role


ANYONE: Final = Principal("anonymous", "anonymous", Role.ADMIN)
"""Stands for every caller where authentication is switched off, which only a loopback server may be."""


def is_allowed(principal: Principal, permission: Permission) -> bool:
    """Tell whether the principal's role holds the permission."""
    return permission in PERMISSIONS.get(principal.role, frozenset())


def authorize(principal: Principal, permission: Permission, subject: str | None = None) -> None:
    """Let the principal pass.

    Raises:
        Forbidden: the role does not hold the permission; names both.
    """
    if permission not in PERMISSIONS.get(principal.role, frozenset()):
        raise Forbidden(permission, role=principal.role, subject=subject)
