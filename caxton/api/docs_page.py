"""The page at `/docs`: the OpenAPI document as plain HTML, without scripts and without anything from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from caxton.api.route import Content, Route

CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.5rem}h2{margin-top:2.5rem;border-bottom:1px solid #cfd6df;text-transform:capitalize}
details{border:1px solid #cfd6df;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code{font:13px ui-monospace,monospace}b.m{display:inline-block;width:4.5rem;font:700 12px ui-monospace,monospace}
table{border-collapse:collapse;margin:.4rem 0 .8rem}td,th{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top}
th{font-weight:600;color:#55606e}pre{white-space:pre-wrap}
@media(prefers-color-scheme:dark){body{background:#11161c;color:#dbe2ea}details,h2{border-color:#303a46}th{color:#93a0ae}}
"""

Schemas = Mapping[str, object]


def docs_page(routes: Sequence[Route], schemas: Schemas, version: str) -> bytes:
    """Return the page; `schemas` are the components of the OpenAPI document."""
    shown = [route for route in routes if route.method != "WEBSOCKET"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        "<meta name=referrer content=no-referrer>",
        f"<title>Caxton API {escape(version)}</title><style>{_STYLE}</style>",
        f"<h1>Caxton management API <small>{escape(version)}</small></h1>",
        "<p>Send <code>Authorization: Bearer &lt;token&gt;</code>. Errors have one form: "
        "<code>{&quot;error&quot;: {code, message, details, hint, trace_id}}</code>. "
        "For programs: <code>GET /api/v1/openapi.json</code>.</p>",
    ]
    for tag in dict.fromkeys(route.tag for route in shown):
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts.extend(_route(route) for route in shown if route.tag == tag)
    parts.append("<h2>Documents</h2>")
    parts.extend(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return "".join(parts).encode()


def _route(route: Route) -> str:
    words = [
        f"<details><summary><b class=m>{route.method}</b><code>{escape(route.path)}</code> {escape(route.summary)}</summary>"
    ]
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


def _schema(name: str, schema: object) -> str:
    words = [f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>"]
    if isinstance(schema, dict):
        description = schema.get("description")
        if isinstance(description, str):
            words.append(f"<p>{escape(description)}</p>")
        properties = schema.get("properties")
        required = schema.get("required")
        if isinstance(properties, dict):
            words.append("<table><tr><th>field<th>type<th></tr>")
            for field, wanted in properties.items():
                must = "required" if isinstance(required, list) and field in required else ""
                words.append(f"<tr><td><code>{escape(str(field))}</code><td>{_type(wanted)}<td>{must}</tr>")
            words.append("</table>")
        elif isinstance(schema.get("enum"), list):
            words.append(f"<p>{escape(', '.join(map(str, schema['enum'])))}</p>")
    words.append("</details>")
    return "".join(words)


def _type(schema: object) -> str:
    if not isinstance(schema, dict):
        return "any"
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = escape(reference.rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        return " or ".join(_type(choice) for choice in choices)
    if "enum" in schema:
        return escape(" | ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items'))}"
    return escape(str(schema.get("type", "any")))
