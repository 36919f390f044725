"""Agents: create, list, look at, drain, start, restart, delete, ask."""

from typing import final

import msgspec

from caxton.api.answer import Answer, struct_answer
from caxton.api.call import BodyLease, BodyRoom, Call
from caxton.api.decoding import decode_body
from caxton.api.ending import Ending
from caxton.api.errors import invalid_request
from caxton.api.multipart import read_parts
from caxton.api.ownership import Ownership
from caxton.api.replies import unwrap
from caxton.api.requests import deploy_request, external_request
from caxton.api.route import Content, Nothing, Route, answering, ending, hand_made, taking
from caxton.api.schemas import (
    AgentCreate,
    AgentList,
    AgentQuery,
    AgentView,
    DeleteQuery,
    DrainRequest,
    InvokeAnswer,
    InvokeRequest,
)
from caxton.domain.agent import AgentKind
from caxton.domain.ids import AgentId, format_agent_id
from caxton.domain.limits import LimitMaxima
from caxton.domain.performative import parse_performative
from caxton.domain.problem import ProblemKind
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

MODULE_BODY_BYTES_MAX = 32 * 1024 * 1024
_TAG = "agents"
_ONE = "/api/v1/agents/{agent}"
_PARTS = ("config", "module")


class AgentUpload(msgspec.Struct, frozen=True):
    """`config` is the JSON of an agent to create, `module` its bytes."""

    config: AgentCreate
    module: bytes


@final
class AgentRoutes:
    """The handlers of `/agents`."""

    def __init__(
        self,
        runtime: Runtime,
        ownership: Ownership,
        room: BodyRoom,
        ending_: Ending,
        maxima: LimitMaxima,
        message_bytes_max: int,
    ) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._room = room
        self._ending = ending_
        self._maxima = maxima
        self._message_bytes_max = message_bytes_max

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [*self._collection(), *self._single(), *self._steering()]

    def _collection(self) -> list[Route]:
        return [
            hand_made(
                "POST",
                "/api/v1/agents",
                self.create_agent,
                query=Nothing,
                takes=(Content("application/json", AgentCreate), Content("multipart/form-data", AgentUpload)),
                gives={201: (Content("application/json", AgentView),)},
                permission=Permission.AGENT_DEPLOY,
                tag=_TAG,
                refuses=(
                    "INVALID_WASM",
                    "AGENT_ALREADY_EXISTS",
                    "MESSAGE_TOO_LARGE",
                    "RESOURCE_LIMIT_EXCEEDED",
                    "STORAGE_FULL",
                ),
                repeatable_body_bytes_max=MODULE_BODY_BYTES_MAX,
            ),
            answering(
                "GET",
                "/api/v1/agents",
                self.list_agents,
                query=AgentQuery,
                gives=AgentList,
                permission=Permission.METRICS_READ,
                tag=_TAG,
            ),
        ]

    def _single(self) -> list[Route]:
        return [
            answering(
                "GET",
                _ONE,
                self.get_agent,
                query=Nothing,
                gives=AgentView,
                permission=Permission.METRICS_READ,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND",),
            ),
            ending(
                "DELETE",
                _ONE,
                self.delete_agent,
                query=DeleteQuery,
                permission=Permission.AGENT_REMOVE,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE", "RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
            taking(
                "POST",
                f"{_ONE}/invoke",
                self.invoke_agent,
                self._room,
                query=Nothing,
                takes=InvokeRequest,
                gives=InvokeAnswer,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                body_bytes_max=self._message_bytes_max,
                refuses=(
                    "AGENT_NOT_FOUND",
                    "INVALID_STATE",
                    "MAILBOX_FULL",
                    "AGENT_FAILED",
                    "DEADLINE_EXCEEDED",
                    "MESSAGE_TOO_LARGE",
                ),
            ),
        ]

    def _steering(self) -> list[Route]:
        return [
            taking(
                "POST",
                f"{_ONE}/drain",
                self.drain_agent,
                self._room,
                query=Nothing,
                takes=DrainRequest,
                gives=AgentView,
                permission=Permission.AGENT_UPDATE,
                tag=_TAG,
                optional=True,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE", "RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
            answering(
                "POST",
                f"{_ONE}/start",
                self.start_agent,
                query=Nothing,
                gives=AgentView,
                permission=Permission.AGENT_UPDATE,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE", "RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
            answering(
                "POST",
                f"{_ONE}/restart",
                self.restart_agent,
                query=Nothing,
                gives=AgentView,
                permission=Permission.AGENT_UPDATE,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE", "RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
        ]

    async def create_agent(self, call: Call, _: Nothing) -> Answer:
        """Create an agent from a module, or an external one."""
        with self._room.lease() as lease:
            body, module = await self._read(call, lease)
            call.subject = body.name
            if body.kind is AgentKind.EXTERNAL:
                if module is not None:
                    raise invalid_request(
                        "module",
                        "an external agent has no module",
                        "leave `module` out, or leave `kind` out to deploy it",
                        ProblemKind.CONTRADICTION,
                    )
                owner = call.principal.identity
                view = await self._runtime.create_external(external_request(body, owner, self._maxima))
            else:
                request = deploy_request(
                    body, self._maxima, has_module=module is not None, by=call.principal.identity
                )
                view = await self._runtime.deploy(request, module)
        location = f"/api/v1/agents/{view.agent_id}".encode()
        return struct_answer(201, view, ((b"location", location),))

    async def _read(self, call: Call, lease: BodyLease) -> tuple[AgentCreate, bytes | None]:
        if call.content_type() != "multipart/form-data":
            call.require_json()
            body = decode_body(await call.body(MODULE_BODY_BYTES_MAX, lease), AgentCreate)
            return body, body.module
        parts = await read_parts(call, _PARTS, MODULE_BODY_BYTES_MAX, lease)
        config = parts.get("config")
        if config is None:
            raise invalid_request(
                "config", "the part `config` is missing", "send the agent's JSON in it", ProblemKind.MISSING
            )
        body = decode_body(config, AgentCreate)
        module = parts.get("module")
        if module is not None and body.module is not None:
            raise invalid_request(
                "config.module",
                "the module is given twice",
                "send its bytes in the part `module` only",
                ProblemKind.CONTRADICTION,
            )
        return body, body.module if module is None else module

    async def list_agents(self, _: Call, query: AgentQuery) -> AgentList:
        """List agents, page by page."""
        agents, cursor = self._runtime.list(
            state=query.state,
            capabilities=query.capability,
            label=query.label,
            limit=query.limit,
            cursor=query.cursor,
        )
        return AgentList(agents=agents, next_cursor=cursor)

    async def get_agent(self, call: Call, _: Nothing) -> AgentView:
        """Show an agent, with what it uses."""
        return self._runtime.get(call.parameters[0])

    async def delete_agent(self, call: Call, query: DeleteQuery) -> None:
        """Remove an agent."""
        await self._runtime.delete(call.parameters[0], force=query.force)

    async def drain_agent(self, call: Call, _: Nothing, body: DrainRequest) -> AgentView:
        """Take no new messages, finish those that wait."""
        with self._ending.wakes(call):
            return await self._runtime.drain(call.parameters[0], body.timeout_s)

    async def start_agent(self, call: Call, _: Nothing) -> AgentView:
        """Start a stopped or failed agent."""
        return await self._runtime.start_agent(call.parameters[0])

    async def restart_agent(self, call: Call, _: Nothing) -> AgentView:
        """Replace the agent's instance by a fresh one."""
        return await self._runtime.restart(call.parameters[0])

    async def invoke_agent(self, call: Call, _: Nothing, body: InvokeRequest) -> InvokeAnswer:
        """Send the agent a message and return its answer."""
        agent = self._runtime.agent_id(call.parameters[0])
        text = _message(parse_performative(body.performative), agent, bytes(body.content))
        sender = self._ownership.agent_of(call.principal)
        with self._ending.wakes(call):
            reply = await self._runtime.ask(
                text, sender, self._ownership.may_send_as(call.principal), body.timeout_ms / 1000, agent
            )
        return InvokeAnswer(reply=unwrap(reply, format_agent_id(agent)))


def _message(performative: str, receiver: AgentId, content: bytes) -> bytes:
    """Return the text of a message; performative and receiver need no escapes."""
    return b'{"performative":"%b","receiver":"%d","content":%b}' % (performative.encode(), receiver, content)
