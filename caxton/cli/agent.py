"""The group `caxton agent`: deploy agents, look at them and steer them."""

from typing import Final

from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

agent: Final = server_options(
    LazyGroup(
        "agent",
        entries=(
            Entry(
                "inspect",
                "caxton.cli.agent_inspect:inspect",
                "Deploy",
                "Report on a module, without a server.",
            ),
            Entry(
                "deploy",
                "caxton.cli.agent_deploy:deploy",
                "Deploy",
                "Make an agent of a module and start it.",
            ),
            Entry("list", "caxton.cli.agent_list:list_agents", "Look", "List agents."),
            Entry("get", "caxton.cli.agent_list:get_agent", "Look", "Show one agent."),
            Entry("logs", "caxton.cli.agent_logs:logs", "Look", "Show what an agent logged."),
            Entry(
                "drain",
                "caxton.cli.agent_steering:drain",
                "Steer",
                "Let an agent finish its mailbox, then stop it.",
            ),
            Entry(
                "start",
                "caxton.cli.agent_steering:start",
                "Steer",
                "Start an agent that is stopped or failed.",
            ),
            Entry("restart", "caxton.cli.agent_steering:restart", "Steer", "Give an agent a new instance."),
            Entry("delete", "caxton.cli.agent_steering:delete", "Steer", "Remove an agent."),
        ),
        help="Deploy agents, look at them and steer them. AGENT is an agent's id or its name.",
    )
)
