"""The OpenAPI 3.1 document, made from the table of routes and the types that they decode and encode."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

import msgspec

from caxton.api.route import Content, Route
from caxton.api.schemas import ErrorDocument

Document = dict[str, object]

_REFERENCE: Final = "#/components/schemas/{name}"
_ERROR: Final[Document] = {
    "description": "Every error: code, message, details, hint, trace id.",
    "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="ErrorDocument")}}},
}
_IDEMPOTENCY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key gives the same answer for 24 hours, and does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
}


class _QuerySchema(msgspec.Struct):
    """The part of a query's schema that its parameters are made of."""

    properties: dict[str, Document] = {}
    required: list[str] = []


def openapi_document(routes: Sequence[Route], version: str) -> Document:
    """Return the document of all routes but the WebSocket twins of GET routes."""
    shown = _shown(routes)
    queries = _queries(shown)
    components = _components(shown)
    # Queries are no bodies: their fields stand as parameters, and they leave the components again.
    parameters = {query: _query_parameters(query, components) for query in queries}
    for query in queries:
        components.pop(query.__name__, None)
    paths: dict[str, dict[str, object]] = {}
    for route in shown:
        operation = _operation(route, parameters[route.query])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Caxton management API",
            "version": version,
            "description": "Agents in sandboxes that talk FIPA ACL: deploy them, talk to them, watch them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in shown)],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": components,
        },
    }


def document_schemas(routes: Sequence[Route]) -> dict[str, Document]:
    """Return the schemas of all bodies and answers, by name."""
    shown = _shown(routes)
    hidden = {query.__name__ for query in _queries(shown)}
    return {name: schema for name, schema in _components(shown).items() if name not in hidden}


def _shown(routes: Sequence[Route]) -> list[Route]:
    return [route for route in routes if route.method != "WEBSOCKET"]


def _queries(routes: Sequence[Route]) -> list[type[msgspec.Struct]]:
    return list(dict.fromkeys(route.query for route in routes))


def _components(routes: Sequence[Route]) -> dict[str, Document]:
    _, components = msgspec.json.schema_components(
        [*_documents(routes), *_queries(routes)], schema_hook=_any_value, ref_template=_REFERENCE
    )
    return components


def _any_value(kind: type) -> Document:
    """Describe what is passed on untouched; every other type describes itself."""
    assert kind is object, f"{kind} has a schema of its own"
    return {"description": "Any JSON value."}


def _documents(routes: Iterable[Route]) -> list[type[msgspec.Struct]]:
    found: dict[type[msgspec.Struct], None] = {ErrorDocument: None}
    for route in routes:
        for content in (*route.takes, *(one for given in route.gives.values() for one in given)):
            if content.document is not None:
                found[content.document] = None
    return list(found)


def _query_parameters(
    query: type[msgspec.Struct], components: dict[str, dict[str, object]]
) -> list[Document]:
    schema = msgspec.convert(components.get(query.__name__, {}), _QuerySchema)
    return [
        {"name": name, "in": "query", "required": name in schema.required, "schema": wanted}
        for name, wanted in schema.properties.items()
    ]


def _operation(route: Route, query: list[Document]) -> Document:
    parameters: list[Document] = [
        {"name": word[1:-1], "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for word in route.path.split("/")
        if word.startswith("{")
    ]
    parameters += query
    if route.method == "POST" and route.repeatable_body_bytes_max is not None:
        parameters.append(_IDEMPOTENCY)
    operation: Document = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": _responses(route),
    }
    if route.permission is not None:
        operation["description"] = f"Needs the permission `{route.permission}`."
        operation["x-permission"] = str(route.permission)
    if route.public:
        operation["security"] = []
    if route.takes:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {content.media_type: _media(content) for content in route.takes},
        }
    return operation


def _responses(route: Route) -> Document:
    responses: Document = {}
    for status, contents in route.gives.items():
        answer: Document = {"description": HTTPStatus(status).phrase}
        if contents:
            answer["content"] = {content.media_type: _media(content) for content in contents}
        responses[str(status)] = answer
    error = dict(_ERROR)
    if route.refuses:
        error["description"] = f"{_ERROR['description']} Among them: {', '.join(route.refuses)}."
    responses["default"] = error
    return responses


def _media(content: Content) -> Document:
    media: Document = {}
    if content.document is not None and content.media_type == "multipart/form-data":
        fields = msgspec.structs.fields(content.document)
        properties: dict[str, Document] = {}
        for field in fields:
            kind: object = field.type
            is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
            properties[field.name] = (
                {"$ref": _REFERENCE.format(name=kind.__name__)}
                if is_struct and isinstance(kind, type)
                else {"type": "string", "format": "binary"}
            )
        media["schema"] = {
            "type": "object",
            "properties": properties,
            "required": ["config"],
            "additionalProperties": False,
        }
        media["encoding"] = {"config": {"contentType": "application/json"}}
    elif content.document is not None:
        media["schema"] = {"$ref": _REFERENCE.format(name=content.document.__name__)}
    if content.description:
        media["x-description"] = content.description
    return media
