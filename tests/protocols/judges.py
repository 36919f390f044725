"""The judges that are held against each other, by name. The model is the measure of the others."""

from typing import Final

from tests.protocols.engine_judge import EngineJudge
from tests.protocols.judge import MakeJudge
from tests.protocols.model import Model

JUDGES: Final[dict[str, MakeJudge]] = {"model": Model, "engine": EngineJudge}
