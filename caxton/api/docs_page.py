"""The page at `/docs`: the API as plain HTML, without scripts and without anything from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import msgspec

from caxton.api.route import Content, Route

CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
_PREFACE: Final = (
    "<p>Send <code>Authorization: Bearer &lt;token&gt;</code>. Errors have one form: "
    "<code>{&quot;error&quot;: {code, message, details, hint, trace_id}}</code>. "
    "For programs: <code>GET /api/v1/openapi.json</code>.</p>"
)
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;
color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{margin-top:2.5rem;border-bottom:1px solid #cfd6df;text-transform:capitalize}
details{border:1px solid #cfd6df;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code{font:13px ui-monospace,monospace}
b.m{display:inline-block;width:4.5rem;font:700 12px ui-monospace,monospace}
table{border-collapse:collapse;margin:.4rem 0 .8rem}
td,th{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top}
th{font-weight:600;color:#55606e}pre{white-space:pre-wrap}
@media(prefers-color-scheme:dark){body{background:#11161c;color:#dbe2ea}
details,h2{border-color:#303a46}th{color:#93a0ae}a{color:#8fb8ff}}
"""


class _Shape(msgspec.Struct):
    """The part of a JSON schema that the page shows."""

    description: str = ""
    properties: dict[str, "_Shape"] = {}
    required: list[str] = []
    enum: list[object] = []
    any_of: "tuple[_Shape, ...]" = msgspec.field(default=(), name="anyOf")
    items: "_Shape | None" = None
    reference: str = msgspec.field(default="", name="$ref")
    type: str = "any"


def docs_page(routes: Sequence[Route], schemas: Mapping[str, object], version: str) -> bytes:
    """Return the page; `schemas` are the components of the OpenAPI document."""
    shown = [route for route in routes if route.method != "WEBSOCKET"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        "<meta name=referrer content=no-referrer>",
        f"<title>Caxton API {escape(version)}</title><style>{_STYLE}</style>",
        f"<h1>Caxton management API <small>{escape(version)}</small></h1>",
        _PREFACE,
    ]
    for tag in dict.fromkeys(route.tag for route in shown):
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts.extend(_route(route) for route in shown if route.tag == tag)
    parts.append("<h2>Documents</h2>")
    shapes = msgspec.convert(schemas, dict[str, _Shape])
    parts.extend(_document(name, shape) for name, shape in sorted(shapes.items()))
    return "".join(parts).encode()


def _route(route: Route) -> str:
    head = f"<b class=m>{route.method}</b><code>{escape(route.path)}</code> {escape(route.summary)}"
    words = [f"<details><summary>{head}</summary>"]
    access = "open to everybody" if route.public else "any token"
    if route.permission is not None:
        access = f"permission <code>{escape(route.permission)}</code>"
    words.append(f"<p>Access: {access}.</p>")
    fields = route.query.__struct_fields__
    if fields:
        words.append(f"<p>Query: {', '.join(f'<code>{escape(field)}</code>' for field in fields)}.</p>")
    if route.takes:
        words.append(f"<p>Takes {_contents(route.takes)}.</p>")
    for status, contents in route.gives.items():
        words.append(f"<p>{status}: {_contents(contents) if contents else 'no body'}.</p>")
    if route.refuses:
        words.append(f"<p>Errors: {', '.join(f'<code>{escape(code)}</code>' for code in route.refuses)}.</p>")
    words.append("</details>")
    return "".join(words)


def _contents(contents: Sequence[Content]) -> str:
    shown: list[str] = []
    for content in contents:
        name = "" if content.document is None else content.document.__name__
        link = f" <a href='#{escape(name)}'><code>{escape(name)}</code></a>" if name else ""
        note = f" ({escape(content.description)})" if content.description else ""
        shown.append(f"<code>{escape(content.media_type)}</code>{link}{note}")
    return ", or ".join(shown)


def _document(name: str, shape: _Shape) -> str:
    words = [f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>"]
    words.append(f"<p>{escape(shape.description)}</p>")
    if shape.properties:
        words.append("<table><tr><th>field<th>type<th></tr>")
        for field, wanted in shape.properties.items():
            must = "required" if field in shape.required else ""
            words.append(f"<tr><td><code>{escape(field)}</code><td>{_type(wanted)}<td>{must}</tr>")
        words.append("</table>")
    elif shape.enum:
        words.append(f"<p>{_type(shape)}</p>")
    words.append("</details>")
    return "".join(words)


def _type(shape: _Shape) -> str:
    if shape.reference:
        name = escape(shape.reference.rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if shape.any_of:
        return " or ".join(_type(choice) for choice in shape.any_of)
    if shape.enum:
        return escape(" | ".join(map(str, shape.enum)))
    if shape.type == "array" and shape.items is not None:
        return f"array of {_type(shape.items)}"
    return escape(shape.type)
