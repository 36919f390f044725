"""Health, readiness, and what the server tells about itself."""

from collections.abc import Callable
from typing import Final, final

from caxton.api.answer import Answer, json_answer, struct_answer
from caxton.api.call import Call
from caxton.api.ending import Ending
from caxton.api.route import Content, Nothing, Route, answering, hand_made
from caxton.api.schemas import Health, Readiness
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

_TAG: Final = "system"


@final
class SystemRoutes:
    """The handlers of `/health`, `/ready` and `/system`."""

    def __init__(
        self,
        runtime: Runtime,
        ending: Ending,
        version: str,
        uptime_s: Callable[[], float],
        limits: dict[str, object],
    ) -> None:
        """`limits` are those of the API, shown by `/system` beside the runtime's."""
        self._runtime = runtime
        self._ending = ending
        self._version = version
        self._uptime_s = uptime_s
        self._limits = limits

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                "/health",
                self.show_health,
                query=Nothing,
                gives=Health,
                permission=None,
                public=True,
                tag=_TAG,
            ),
            hand_made(
                "GET",
                "/ready",
                self.show_readiness,
                query=Nothing,
                gives={
                    200: (Content("application/json", Readiness),),
                    503: (Content("application/json", Readiness),),
                },
                permission=None,
                public=True,
                tag=_TAG,
            ),
            hand_made(
                "GET",
                "/api/v1/system",
                self.show_system,
                query=Nothing,
                gives={200: (Content("application/json", None, "Versions, workers, totals, limits."),)},
                permission=Permission.METRICS_READ,
                tag=_TAG,
            ),
        ]

    async def show_health(self, _call: Call, _query: Nothing) -> Health:
        """Tell that the process can serve."""
        return Health(status="healthy", version=self._version, uptime_s=round(self._uptime_s(), 3))

    async def show_readiness(self, _call: Call, _query: Nothing) -> Answer:
        """Tell whether messages are taken, and what is missing if not."""
        missing = dict(self._runtime.components())
        if self._ending.begun:
            missing["server"] = "the server is stopping"
        if missing:
            not_ready = Readiness(status="not_ready", components=missing)
            return struct_answer(503, not_ready, ((b"retry-after", b"1"),))
        return struct_answer(200, Readiness(status="ready", components={}))

    async def show_system(self, _call: Call, _query: Nothing) -> Answer:
        """Show versions, workers, totals and limits."""
        document = self._runtime.system()
        document["uptime_s"] = round(self._uptime_s(), 3)
        document["api"] = {**self._limits, "waiting_requests": self._ending.waiting_count}
        return json_answer(200, document)
