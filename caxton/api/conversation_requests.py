"""From the API's words about conversations to the runtime's."""

import math
from collections.abc import Callable

from caxton.api.conversation_schemas import ConversationOpen, ConversationQueryIn
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.request import InvalidRequest, ParseError
from caxton.domain.ids import AgentId, new_conversation_id, parse_agent_id, parse_conversation_id
from caxton.domain.problem import Problem, ProblemKind
from caxton.protocols.catalogue import FREE, PROTOCOLS, explain_protocol, protocol_number
from caxton.runtime.conversations import ConversationQuery
from caxton.runtime.seam import ConversationOrder

FindAgent = Callable[[str], AgentId]


def conversation_query(query: ConversationQueryIn, find: FindAgent) -> ConversationQuery:
    """Return which conversations are wanted. Raises: InvalidRequest, AgentNotFound."""
    protocol = query.protocol
    if protocol is not None and protocol != FREE:
        protocol = _protocol_name(protocol)
    return ConversationQuery(
        state=query.state,
        protocol=protocol,
        agent_id=None if query.agent is None else _agent_or_id(query.agent, find),
    )


def conversation_order(body: ConversationOpen, initiator: AgentId, find: FindAgent) -> ConversationOrder:
    """Return the conversation to open, with every agent found.

    Raises:
        InvalidRequest: with every problem of the body.
        AgentNotFound: one of the participants does not exist.
    """
    problems: list[Problem] = []
    conversation_id = new_conversation_id()
    if body.conversation_id is not None:
        try:
            conversation_id = parse_conversation_id(body.conversation_id)
        except ParseError as error:
            problems.append(error.at("conversation_id"))
    protocol = body.protocol
    if protocol is not None:
        unknown = explain_protocol(protocol)
        if unknown is not None:
            problems.append(unknown)
    participants = tuple(find(agent) for agent in body.participants)
    problems += _about_participants(participants, initiator)
    if problems:
        raise InvalidRequest(problems)
    return ConversationOrder(
        conversation_id=conversation_id,
        protocol=None if protocol is None else _protocol_name(protocol),
        initiator=initiator,
        participants=participants,
        messages_max=body.max_messages or 0,
        fuel_max=body.fuel_budget or 0,
        ttl_ms=0 if body.ttl_s is None else math.ceil(body.ttl_s * 1000),
    )


def _about_participants(participants: tuple[AgentId, ...], initiator: AgentId) -> list[Problem]:
    first: dict[AgentId, int] = {}
    problems: list[Problem] = []
    for place, agent_id in enumerate(participants):
        before = first.setdefault(agent_id, place)
        field = f"participants[{place}]"
        if agent_id == initiator:
            problems.append(
                _contradiction(
                    field, "the initiator cannot take part in its own conversation", "leave it out"
                )
            )
        elif before != place:
            problems.append(
                _contradiction(field, f"this is the agent of participants[{before}]", "name each agent once")
            )
    return problems


def _contradiction(field: str, problem: str, fix: str) -> Problem:
    return Problem(field=field, kind=ProblemKind.CONTRADICTION, problem=problem, fix=fix)


def _protocol_name(word: str) -> str:
    number = protocol_number(word)
    if number is None:
        problem = explain_protocol(word)
        assert problem is not None, "a word without a number is explained"
        raise InvalidRequest([problem])
    return PROTOCOLS[number].name


def _agent_or_id(agent: str, find: FindAgent) -> AgentId:
    """Return an agent's id; an id may be that of an agent that has gone."""
    try:
        return find(agent)
    except AgentNotFound:
        try:
            return parse_agent_id(agent)
        except ParseError:
            pass
        raise
