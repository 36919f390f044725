"""The facade of the room: every call that the API, the CLI's demo and the tests make of the runtime.

All methods are for the thread of the event loop. Whatever is refused is raised as an error of
`caxton.domain.errors`, with everything that its answer needs.
"""

from collections.abc import Callable
from typing import final

from caxton.clock import Clock
from caxton.config import Config
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId
from caxton.runtime.agent_log import AgentLog
from caxton.runtime.agent_view import AgentView
from caxton.runtime.answers import Posted, Reply
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.inbox import Inbox
from caxton.telemetry.events import EventRing

MaySendAs = Callable[[AgentId], bool]
Page = tuple[list[AgentView], str | None]
Batch = tuple[int, list[Posted | CaxtonError]]


@final
class Runtime:
    """The agents of this process and the way to them."""

    @classmethod
    def open(cls, config: Config, clock: Clock) -> "Runtime":
        """Take the data directory and load the core; nothing runs yet."""
        ...

    async def start(self) -> None:
        """Start the core's workers; `ready` is true afterwards."""

    async def stop(self, timeout_s: float) -> None:
        """Take nothing new, stop the workers after their current handler, free everything."""

    @property
    def ready(self) -> bool:
        """Tell whether messages are taken."""
        ...

    def components(self) -> dict[str, str]:
        """Return what is missing for `ready`, by component, each with a sentence; empty when ready."""
        ...

    async def deploy(self, request: DeployRequest, module: bytes | None) -> AgentView: ...
    async def create_external(self, request: ExternalRequest) -> AgentView: ...
    def external_for(self, principal_name: str) -> AgentId: ...
    def get(self, agent: str) -> AgentView: ...
    def list(
        self,
        *,
        state: str | None = None,
        capability: str | None = None,
        label: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page: ...
    async def drain(self, agent: str, timeout_s: float | None = None) -> AgentView: ...
    async def start_agent(self, agent: str) -> AgentView: ...
    async def restart(self, agent: str) -> AgentView: ...
    async def delete(self, agent: str, *, force: bool = False) -> None: ...
    def post(self, body: bytes, sender: AgentId, may_send_as: MaySendAs) -> Posted: ...
    async def ask(
        self,
        body: bytes,
        sender: AgentId,
        may_send_as: MaySendAs,
        timeout_s: float,
        receiver: AgentId | None = None,
    ) -> Reply: ...
    def post_batch(
        self, data: bytes, start: int, lines_max: int, sender: AgentId, may_send_as: MaySendAs
    ) -> Batch: ...
    def inbox(self, agent: str) -> Inbox: ...
    def logs(self, agent: str) -> AgentLog: ...
    def system(self) -> dict[str, object]: ...

    @property
    def events(self) -> EventRing: ...
