"""Agents and their deployments as rows.

The functions that return changes do nothing by themselves: whoever runs agents hands the changes on. The JSON
of a spec and of a program is part of the schema: fields may be added to their classes with a default, and not
renamed.
"""

import sqlite3
from pathlib import Path
from typing import Final, Literal, final

import msgspec

from caxton.domain.agent import AgentSpec, Program
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import AgentId, DeploymentId, parse_agent_id, parse_deployment_id
from caxton.storage.refusals import damaged
from caxton.storage.statement import Change, Statement, add, put, remove

Wanted = Literal["running", "stopped"]
"""What an agent is to be after a restart. One that failed is wanted running: it gets another chance."""

_PUT: Final = put(
    "agents", "agent_id", "wanted", "created_ns", "deployment_id", "wasi", blobs=("spec", "program")
)
_REMOVE: Final = remove("agents", "agent_id")
_ADD_DEPLOYMENT: Final = add(
    "deployments", "deployment_id", "agent_id", "version", "module_digest", "deployed_by", "created_ns"
)
_REMOVE_DEPLOYMENTS: Final = remove("deployments", "agent_id")
# A row is an agent and how many of its deployments stay.
_TRIM_DEPLOYMENTS: Final = Statement(
    "DELETE FROM deployments WHERE sequence IN ("
    "SELECT old.sequence FROM json_each(?1) AS one "
    "JOIN deployments AS old ON old.agent_id = json_extract(one.value, '$[0]') "
    "WHERE (SELECT count(*) FROM deployments AS newer "
    "WHERE newer.agent_id = old.agent_id AND newer.sequence > old.sequence) "
    ">= json_extract(one.value, '$[1]'))"
)


@final
class StoredAgent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of an agent: enough to bring it back."""

    agent_id: AgentId
    spec: AgentSpec
    program: Program
    wanted: Wanted
    created_ns: int
    deployment_id: DeploymentId
    wasi: bool = False


@final
class StoredDeployment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That somebody brought a version of an agent."""

    deployment_id: DeploymentId
    agent_id: AgentId
    version: str
    module_digest: str | None
    deployed_by: str
    created_ns: int


def agent_comes(agent: StoredAgent, deployed_by: str, deployments_max: int) -> list[Change]:
    """Return the changes that keep a new agent, and that `deployed_by` brought it."""
    agent_id = str(agent.agent_id)
    digest = getattr(agent.program, "digest", None)
    row = (str(agent.deployment_id), agent_id, agent.spec.version, digest, deployed_by, agent.created_ns)
    return [
        agent_is(agent),
        Change(_ADD_DEPLOYMENT, [row]),
        Change(_TRIM_DEPLOYMENTS, [(agent_id, deployments_max)]),
    ]


def agent_is(agent: StoredAgent) -> Change:
    """Return the change after which an agent is kept as it is given."""
    return Change(
        _PUT,
        [
            (
                str(agent.agent_id),
                agent.wanted,
                agent.created_ns,
                str(agent.deployment_id),
                int(agent.wasi),
                msgspec.json.encode(agent.spec),
                msgspec.json.encode(agent.program),
            )
        ],
    )


def agent_goes(agent_id: AgentId) -> list[Change]:
    """Return the changes after which nothing is kept of an agent."""
    key = [(str(agent_id),)]
    return [Change(_REMOVE, key), Change(_REMOVE_DEPLOYMENTS, key)]


def load_agents(connection: sqlite3.Connection, path: Path) -> list[StoredAgent]:
    """Return all agents in the order of their deployment.

    Raises:
        ConfigurationInvalid: a row cannot be read; names it, since passing it over would lose an agent.
    """
    agents: list[StoredAgent] = []
    rows = connection.execute(
        "SELECT agent_id, wanted, created_ns, deployment_id, wasi, spec, program FROM agents "
        "ORDER BY sequence"
    )
    for agent_id, wanted, created_ns, deployment_id, wasi, spec, program in rows:
        try:
            agents.append(
                StoredAgent(
                    agent_id=parse_agent_id(agent_id),
                    spec=msgspec.json.decode(spec, type=AgentSpec),
                    program=msgspec.json.decode(program, type=Program),
                    wanted=wanted,
                    created_ns=created_ns,
                    deployment_id=parse_deployment_id(deployment_id),
                    wasi=bool(wasi),
                )
            )
        except (msgspec.MsgspecError, InvalidRequest, UnicodeDecodeError) as error:
            raise damaged(path, f"the row of agent {agent_id} cannot be read ({error})") from error
    return agents


def load_deployments(connection: sqlite3.Connection, agent_id: AgentId) -> list[StoredDeployment]:
    """Return the deployments of an agent that are kept, newest first."""
    rows = connection.execute(
        "SELECT deployment_id, version, module_digest, deployed_by, created_ns FROM deployments "
        "WHERE agent_id = ? ORDER BY sequence DESC",
        (str(agent_id),),
    )
    return [
        StoredDeployment(
            deployment_id=DeploymentId(deployment_id),
            agent_id=agent_id,
            version=version,
            module_digest=digest,
            deployed_by=deployed_by,
            created_ns=created_ns,
        )
        for deployment_id, version, digest, deployed_by, created_ns in rows
    ]
