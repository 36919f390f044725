"""The directory: what agents can do, who can, and what external agents say of themselves."""

import base64
import binascii
from typing import Final, final

from caxton.api.call import Call
from caxton.api.ownership import Ownership
from caxton.api.route import Nothing, Route, answering, ending
from caxton.api.schemas import (
    AgentView,
    CapabilityAgent,
    CapabilityList,
    CapabilityQuery,
    CapabilityView,
    HolderQuery,
)
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import InvalidRequest, ParseError
from caxton.domain.ids import Capability, parse_capability
from caxton.domain.problem import Problem
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

_PATH: Final = "/api/v1/capabilities"
_OF_AGENT: Final = "/api/v1/agents/{agent}/capabilities/{capability}"
_TAG: Final = "directory"
_DECLARING: Final = Permission.MESSAGE_SEND


@final
class CapabilityRoutes:
    """The handlers of `/capabilities` and `/agents/{agent}/capabilities`."""

    def __init__(self, runtime: Runtime, ownership: Ownership) -> None:
        self._runtime = runtime
        self._ownership = ownership

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                _PATH,
                self.list_capabilities,
                query=CapabilityQuery,
                gives=CapabilityList,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
            ),
            answering(
                "GET",
                f"{_PATH}/{{capability}}",
                self.get_capability,
                query=HolderQuery,
                gives=CapabilityView,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("NOT_FOUND",),
            ),
            answering(
                "PUT",
                _OF_AGENT,
                self.register_capability,
                query=Nothing,
                gives=AgentView,
                permission=_DECLARING,
                tag=_TAG,
                refuses=(
                    "AGENT_NOT_FOUND",
                    "INVALID_STATE",
                    "RESOURCE_LIMIT_EXCEEDED",
                    "STORAGE_FULL",
                    "FORBIDDEN",
                ),
            ),
            ending(
                "DELETE",
                _OF_AGENT,
                self.deregister_capability,
                query=Nothing,
                permission=_DECLARING,
                tag=_TAG,
                refuses=(
                    "AGENT_NOT_FOUND",
                    "NOT_FOUND",
                    "INVALID_STATE",
                    "RESOURCE_LIMIT_EXCEEDED",
                    "STORAGE_FULL",
                    "FORBIDDEN",
                ),
            ),
        ]

    async def list_capabilities(self, _: Call, query: CapabilityQuery) -> CapabilityList:
        """List what agents can do, by name, with how many can and how many of those run."""
        _check(query.has, query.prefix)
        after = "" if query.cursor is None else _name_of(query.cursor)
        pages = self._runtime.yellow_pages
        rows, last = await pages.page(query.prefix, query.has, query.limit, after)
        return CapabilityList(capabilities=rows, next_cursor=None if last is None else _cursor_of(last))

    async def get_capability(self, call: Call, query: HolderQuery) -> CapabilityView:
        """List the agents that have a capability, with state and load, in the order of their deployment."""
        _check(query.has)
        counted = self._runtime.yellow_pages.counts(call.parameters[0])
        views, cursor = self._runtime.list(
            state=query.state, capabilities=[counted.name, *query.has], limit=query.limit, cursor=query.cursor
        )
        return CapabilityView(
            name=counted.name,
            agents_count=counted.agents_count,
            running_count=counted.running_count,
            agents=[_holder(view) for view in views],
            next_cursor=cursor,
        )

    async def register_capability(self, call: Call, _: Nothing) -> AgentView:
        """Note that an external agent can do something; its owner or an operator says so. Idempotent."""
        agent, capability = self._declared(call)
        record = await self._runtime.yellow_pages.register(agent, capability)
        return self._runtime.get(record.name)

    async def deregister_capability(self, call: Call, _: Nothing) -> None:
        """Note that an external agent cannot do something any more."""
        agent, capability = self._declared(call)
        await self._runtime.yellow_pages.deregister(agent, capability)

    def _declared(self, call: Call) -> tuple[str, Capability]:
        agent, word = call.parameters
        try:
            capability = parse_capability(word)
        except ParseError as error:
            raise InvalidRequest([error.at("capability")]) from error
        agent_id = self._runtime.agent_id(agent)
        self._ownership.require_or_operator(call.principal, agent_id, _DECLARING)
        return agent, capability


def _holder(view: AgentView) -> CapabilityAgent:
    return CapabilityAgent(
        agent_id=view.agent_id,
        name=view.name,
        kind=view.kind,
        state=view.state,
        load=view.usage.mailbox_depth,
        mailbox_depth=view.usage.mailbox_depth,
        mailbox_max=view.limits.mailbox_max,
        messages_handled=view.usage.messages_handled,
    )


def _check(has: list[str], prefix: str = "") -> None:
    """Refuse words that no capability can be. Raises: InvalidRequest, with all of them."""
    named = [(f"has[{index}]", word) for index, word in enumerate(has)]
    if prefix:
        named.append(("prefix", prefix))
    problems: list[Problem] = []
    for field, word in named:
        try:
            parse_capability(word)
        except ParseError as error:
            problems.append(error.at(field))
    if problems:
        raise InvalidRequest(problems)


def _cursor_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _name_of(cursor: str) -> str:
    try:
        name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise CursorUnknown(cursor) from None
    if not name or _cursor_of(name) != cursor:
        raise CursorUnknown(cursor)
    return name
