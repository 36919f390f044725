"""The directory: what agents can do, and which."""

from typing import final

from caxton.api.call import Call
from caxton.api.route import Nothing, Route, answering
from caxton.api.schemas import CapabilityAgent, CapabilityList, CapabilityRow, CapabilityView
from caxton.domain.errors.request import NotFound
from caxton.domain.suggestion import near_names
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

_PATH = "/api/v1/capabilities"
_TAG = "directory"
_AGENTS_MAX = 1000


@final
class CapabilityRoutes:
    """The handlers of `/capabilities`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                _PATH,
                self.list_capabilities,
                query=Nothing,
                gives=CapabilityList,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
            ),
            answering(
                "GET",
                f"{_PATH}/{{capability}}",
                self.get_capability,
                query=Nothing,
                gives=CapabilityView,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("NOT_FOUND",),
            ),
        ]

    async def list_capabilities(self, _call: Call, _query: Nothing) -> CapabilityList:
        """List what agents can do, and how many can."""
        counts = self._runtime.capabilities()
        return CapabilityList(
            capabilities=[
                CapabilityRow(name=name, agents_count=count) for name, count in sorted(counts.items())
            ]
        )

    async def get_capability(self, call: Call, _query: Nothing) -> CapabilityView:
        """List the agents that have a capability, with their load; at most a thousand."""
        name = call.parameters[0]
        counts = self._runtime.capabilities()
        if name not in counts:
            raise NotFound("capability", name, suggestions=near_names(name, counts))
        views, _ = self._runtime.list(capability=name, limit=_AGENTS_MAX)
        agents = [
            CapabilityAgent(
                agent_id=view.agent_id,
                name=view.name,
                state=view.state,
                mailbox_depth=view.usage.mailbox_depth,
                messages_handled=view.usage.messages_handled,
            )
            for view in views
        ]
        return CapabilityView(name=name, agents_count=counts[name], agents=agents)
