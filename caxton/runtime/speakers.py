"""External agents that the runtime makes by itself: who speaks for a token, and who is a part of the server.

They are made anew after each start, and the store does not know of them.
"""

import re
from typing import Final, final

from caxton.domain.ids import AgentId, AgentName
from caxton.domain.limits import BOUNDS
from caxton.runtime.deploy_request import ExternalRequest
from caxton.runtime.dispatcher import Dispatcher, Listener
from caxton.runtime.lifecycle import Lifecycle
from caxton.runtime.registry import Registry

CLIENT_PREFIX: Final = "client."
SERVICE_OWNER: Final = "caxton"
"""Owner of agents that are a part of the server; no token has this identity."""
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._:-]")
_NAME_CHARACTERS_MAX: Final = 200


@final
class Speakers:
    """Makes these agents on first use. For the thread of the event loop."""

    def __init__(self, lifecycle: Lifecycle, registry: Registry, dispatcher: Dispatcher) -> None:
        self._lifecycle = lifecycle
        self._registry = registry
        self._dispatcher = dispatcher
        self._by_principal: dict[str, AgentId] = {}

    def of_principal(self, principal_name: str) -> AgentId:
        """Return the external agent that speaks for a token, made on first use.

        Raises:
            ResourceLimitExceeded: there is no room for another agent.
        """
        known = self._by_principal.get(principal_name)
        if known is not None and self._registry.by_id(known) is not None:
            return known
        plain = _NOT_IN_A_NAME.sub("-", principal_name)[:_NAME_CHARACTERS_MAX]
        request = ExternalRequest(name=self._free_name(f"{CLIENT_PREFIX}{plain}"), owner=principal_name)
        made = self._lifecycle.create_external(request, forgetful=True).agent.id
        self._by_principal[principal_name] = made
        return made

    def of_server(self, name: str, listener: Listener) -> AgentId:
        """Bring an external agent that is a part of the server: `listener` takes its messages as they come.

        It has no inbox, cannot be deleted, and nobody else speaks for it. Where the name is taken, it gets a
        number.

        Raises:
            ResourceLimitExceeded: there is no room for another agent.
        """
        request = ExternalRequest(
            name=self._free_name(name), owner=SERVICE_OWNER, mailbox_max=BOUNDS["mailbox_max"].greatest
        )
        made = self._lifecycle.create_external(request, has_inbox=False).agent.id
        self._dispatcher.listen(made, listener)
        return made

    def _free_name(self, wanted: str) -> AgentName:
        name = wanted
        number = 1
        while self._registry.is_taken(AgentName(name)):
            number += 1
            name = f"{wanted}.{number}"
        return AgentName(name)
