"""Finding the route of a path: a dict for paths without parameters, a tree of segments for the rest."""

from collections.abc import Iterable
from typing import Final, final
from urllib.parse import unquote

from caxton.api.errors import MethodNotAllowed
from caxton.api.route import Route
from caxton.domain.errors.request import NotFound
from caxton.domain.suggestion import near_names

NO_PARAMETERS: Final[tuple[str, ...]] = ()
_SHOWN_CHARACTERS_MAX: Final = 200


@final
class _Segment:
    """A place in the tree: what follows by word, what follows as a parameter, what ends here."""

    __slots__ = ("by_word", "methods", "parameter")

    def __init__(self) -> None:
        self.by_word: dict[str, _Segment] = {}
        self.parameter: _Segment | None = None
        self.methods: dict[str, Route] = {}


@final
class RouteTable:
    """All routes of the API; built once, then only read."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes: Final = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._root = _Segment()
        for route in self.routes:
            self._add(route)

    def find(self, method: str, path: str, raw_path: bytes) -> tuple[Route, tuple[str, ...]]:
        """Return the route and the values of its path's parameters, in order.

        HEAD finds the route of GET. `raw_path` is the path before its escapes were read: an escaped slash
        belongs to a parameter, it does not end one.

        Raises:
            NotFound: nothing is at this path; names near ones.
            MethodNotAllowed: the path takes other methods; names them.
        """
        methods = self._exact.get(path)
        parameters = NO_PARAMETERS
        if methods is None:
            words = path.split("/")
            if b"%2f" in raw_path.lower():
                words = [unquote(word) for word in raw_path.decode("ascii").split("/")]
            methods, parameters = self._walk(path, words)
        route = methods.get(method)
        if route is None and method == "HEAD":
            route = methods.get("GET")
        if route is None:
            raise MethodNotAllowed(method[:20], path[:_SHOWN_CHARACTERS_MAX], _allowed(methods))
        return route, parameters

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            methods = self._exact.setdefault(route.path, {})
        else:
            segment = self._root
            for word in route.path.split("/")[1:]:
                if word.startswith("{"):
                    segment.parameter = segment.parameter or _Segment()
                    segment = segment.parameter
                else:
                    segment = segment.by_word.setdefault(word, _Segment())
            methods = segment.methods
        assert route.method not in methods, f"{route.method} {route.path} is declared twice"
        methods[route.method] = route

    def _walk(self, path: str, words: list[str]) -> tuple[dict[str, Route], tuple[str, ...]]:
        segment = self._root
        parameters: list[str] = []
        for word in words[1:]:
            following = segment.by_word.get(word)
            if following is None:
                following = segment.parameter
                if following is None or not word:
                    raise self._not_found(path)
                parameters.append(word)
            segment = following
        if not segment.methods:
            raise self._not_found(path)
        return segment.methods, tuple(parameters)

    def _not_found(self, path: str) -> NotFound:
        shown = path[:_SHOWN_CHARACTERS_MAX]
        known = sorted({route.path for route in self.routes})
        return NotFound("path", shown, suggestions=near_names(shown, known))


def _allowed(methods: dict[str, Route]) -> tuple[str, ...]:
    names = {("GET" if name == "WEBSOCKET" else name) for name in methods}
    if "GET" in names and "WEBSOCKET" not in methods:
        names.add("HEAD")
    return tuple(sorted(names))
