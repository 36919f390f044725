"""Streams and listings that cannot be continued."""

from typing import final

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.taxonomy import ObservabilityError, clipped
from caxton.domain.problem import Problem, ProblemKind


@final
class CursorUnknown(ObservabilityError, InvalidRequest):
    """The place to continue a listing or a stream from is not one that this server gave."""

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        super().__init__(
            [
                Problem(
                    field="cursor",
                    kind=ProblemKind.INVALID_VALUE,
                    problem=f"the cursor `{clipped(cursor)}` is not known",
                    fix="start again without a cursor",
                )
            ]
        )
