"""The group `caxton task`: Contract Nets that the server runs."""

from typing import Final

from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

task: Final = server_options(
    LazyGroup(
        "task",
        entries=(
            Entry("run", "caxton.cli.task_run:run", "Run", "Ask agents for proposals and award the best."),
            Entry("list", "caxton.cli.task_steering:list_tasks", "Look", "List tasks, the newest first."),
            Entry("get", "caxton.cli.task_steering:get_task", "Look", "Show one task."),
            Entry("award", "caxton.cli.task_steering:award", "Steer", "Choose the winners by hand."),
            Entry("cancel", "caxton.cli.task_steering:cancel", "Steer", "Tell participants to stop."),
        ),
        help="Have the server run a Contract Net among agents.",
    )
)
