"""The API's description of itself: for programs and for people."""

from collections.abc import Sequence
from typing import Final, final

import msgspec
import orjson

from caxton.api.answer import Answer
from caxton.api.call import Call
from caxton.api.docs_page import CONTENT_SECURITY_POLICY, docs_page
from caxton.api.openapi import document_schemas, openapi_document
from caxton.api.route import Content, Route, hand_made

_TAG: Final = "description"
_HTML: Final = b"text/html; charset=utf-8"


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A browser cannot send a header when it opens a page; it may send its token here."""

    access_token: str | None = None


@final
class DescriptionRoutes:
    """The handlers of `/openapi.json` and `/docs`; the documents are made on first use."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._described: tuple[Route, ...] = ()
        self._document: bytes | None = None
        self._page: bytes | None = None

    def describe(self, routes: Sequence[Route]) -> None:
        """Take the whole table, these routes among it."""
        self._described = tuple(routes)

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        found: list[Route] = []
        for prefix in ("/api/v1", ""):
            found.append(
                hand_made(
                    "GET",
                    f"{prefix}/openapi.json",
                    self.show_openapi,
                    query=PageQuery,
                    gives={200: (Content("application/json", None, "This document."),)},
                    permission=None,
                    tag=_TAG,
                )
            )
            found.append(
                hand_made(
                    "GET",
                    f"{prefix}/docs",
                    self.show_docs,
                    query=PageQuery,
                    gives={200: (Content("text/html", None, "A page for people."),)},
                    permission=None,
                    tag=_TAG,
                )
            )
        return found

    async def show_openapi(self, _call: Call, _query: PageQuery) -> Answer:
        """Return the OpenAPI 3.1 document of this API."""
        if self._document is None:
            self._document = orjson.dumps(openapi_document(self._main_routes(), self._version))
        return Answer(200, self._document)

    async def show_docs(self, _call: Call, _query: PageQuery) -> Answer:
        """Return a page that describes this API."""
        if self._page is None:
            routes = self._main_routes()
            self._page = docs_page(routes, document_schemas(routes), self._version)
        headers = (
            (b"content-security-policy", CONTENT_SECURITY_POLICY),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
        )
        return Answer(200, self._page, _HTML, headers)

    def _main_routes(self) -> list[Route]:
        """Return the routes without the second paths of this noun."""
        return [route for route in self._described if route.path not in {"/openapi.json", "/docs"}]
