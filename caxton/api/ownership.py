"""Which external agents a caller may speak and listen for."""

from collections.abc import Callable
from typing import final

from caxton.domain.errors.security import Forbidden
from caxton.domain.ids import AgentId
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, Principal, Role


@final
class Ownership:
    """A caller owns the agent of its token and those that it made; an admin may act for any."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def agent_of(self, principal: Principal) -> AgentId:
        """Return the external agent that belongs to the caller's token, made on first use."""
        return self._runtime.external_for(principal.identity)

    def may_send_as(self, principal: Principal) -> Callable[[AgentId], bool]:
        """Return the test of whether the caller may name an agent as sender."""
        if principal.role is Role.ADMIN:
            return _anyone
        identity, owner = principal.identity, self._runtime.owner
        return lambda agent_id: owner(agent_id) == identity

    def require(self, principal: Principal, agent_id: AgentId, permission: Permission) -> None:
        """Refuse a caller that may not act for the agent.

        Raises:
            Forbidden: it is neither the owner nor an admin.
        """
        if not self.may_send_as(principal)(agent_id):
            raise Forbidden(permission, role=principal.role, subject=f"agent {agent_id} of another token")

    def require_or_operator(self, principal: Principal, agent_id: AgentId, permission: Permission) -> None:
        """As `require`, but an operator may as well."""
        if principal.role is not Role.OPERATOR:
            self.require(principal, agent_id, permission)


def _anyone(_: AgentId) -> bool:
    return True
