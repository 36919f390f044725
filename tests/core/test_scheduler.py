"""The real workers, ticker, injectors and parking, with agents that come and go but have no sandbox."""

import pytest

from tests.sanitize import stress


@pytest.mark.sanitize
@pytest.mark.parametrize(("workers", "agents"), [(1, 5), (2, 30), (4, 3)])
def test_every_message_is_handled_once_while_agents_come_and_go(workers: int, agents: int) -> None:
    stress.scheduler(workers=workers, agents=agents)
