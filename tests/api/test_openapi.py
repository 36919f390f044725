"""The API's description of itself, held against the API."""

import json
import re
from typing import Any

import httpx
import msgspec

from caxton.api.schemas import ErrorDocument
from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, message


def document_of(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(f"{API}/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere(client: httpx.Client) -> None:
    document = document_of(client)
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/components/schemas"
        assert name in schemas
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    for name, schema in schemas.items():
        assert "enum" in schema or schema["type"] == "object", name


def test_the_document_lists_every_route_and_no_other(server: LiveServer, client: httpx.Client) -> None:
    listed = {
        (method.upper(), path)
        for path, operations in document_of(client)["paths"].items()
        for method in operations
    }
    routes = {
        (route.method, route.path) for route in server.handle.service.routes if route.method != "WEBSOCKET"
    }
    assert listed == routes - {("GET", "/openapi.json"), ("GET", "/docs")}


def test_answers_are_what_the_document_says(server: LiveServer, client: httpx.Client, name: str) -> None:
    document = document_of(client)
    routes = {(route.method.lower(), route.path): route for route in server.handle.service.routes}

    def check(answer: httpx.Response, method: str, path: str) -> None:
        responses = document["paths"][path][method]["responses"]
        described = responses.get(str(answer.status_code), responses["default"])
        media = described["content"][answer.headers["content-type"]]
        named = media["schema"]["$ref"].rpartition("/")[2]
        given = routes[method, path].gives.get(answer.status_code)
        kind = given[0].document if given else ErrorDocument
        assert kind is not None
        assert kind.__name__ == named
        # Every field that must be there is, with its type, and nothing is answered that is not described.
        msgspec.json.decode(answer.content, type=kind)
        assert set(answer.json()) <= set(document["components"]["schemas"][named]["properties"])

    one = f"{API}/agents/{{agent}}"
    with deployed(client, "logger", name):
        client.post(f"{API}/agents/{name}/invoke", json={"content": 1, "timeout_ms": 200})
        check(client.get(f"{API}/agents"), "get", f"{API}/agents")
        check(client.get(f"{API}/agents/{name}"), "get", one)
        check(client.get(f"{API}/agents/nobody-{name}"), "get", one)
        check(client.get(f"{API}/agents/{name}/logs"), "get", f"{one}/logs")
        check(client.post(f"{API}/agents/{name}/drain", json={}), "post", f"{one}/drain")
    outside = f"{name}-outside"
    made = client.post(f"{API}/agents", json={"name": outside, "kind": "external", "capabilities": [outside]})
    check(made, "post", f"{API}/agents")
    check(client.post(f"{API}/messages", json=message(outside)), "post", f"{API}/messages")
    page = client.get(f"{API}/agents/{outside}/inbox", params={"wait_ms": 5000})
    check(page, "get", f"{one}/inbox")
    acknowledged = client.post(f"{API}/agents/{outside}/inbox/ack", json={"cursor": page.json()["cursor"]})
    check(acknowledged, "post", f"{one}/inbox/ack")
    check(client.post(f"{API}/messages/validate", json={}), "post", f"{API}/messages/validate")
    check(client.get(f"{API}/capabilities"), "get", f"{API}/capabilities")
    check(client.get(f"{API}/capabilities/{outside}"), "get", f"{API}/capabilities/{{capability}}")
    declared = f"{API}/agents/{outside}/capabilities/more"
    check(client.put(declared), "put", f"{one}/capabilities/{{capability}}")
    assert client.delete(declared).status_code == 204
    check(client.delete(declared), "delete", f"{one}/capabilities/{{capability}}")
    talks = f"{API}/conversations"
    opened = client.post(talks, json={"participants": [outside]})
    check(opened, "post", talks)
    check(client.get(talks), "get", talks)
    talk = f"{talks}/{opened.json()['conversation_id']}"
    check(client.get(talk), "get", f"{talks}/{{conversation_id}}")
    check(client.post(f"{talk}/cancel"), "post", f"{talks}/{{conversation_id}}/cancel")
    check(client.post(f"{talk}/cancel"), "post", f"{talks}/{{conversation_id}}/cancel")
    token = client.post(f"{API}/tokens", json={"name": "described", "role": "viewer"})
    check(token, "post", f"{API}/tokens")
    check(client.get(f"{API}/tokens"), "get", f"{API}/tokens")
    check(client.delete(f"{API}/tokens/nobody"), "delete", f"{API}/tokens/{{token_id}}")
    check(client.get("/health"), "get", "/health")
    check(client.get("/ready"), "get", "/ready")
    client.delete(f"{API}/agents/{outside}", params={"force": True})


def test_the_page_names_every_route_and_loads_nothing_from_elsewhere(
    server: LiveServer, client: httpx.Client
) -> None:
    page = client.get(f"{API}/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for route in server.handle.service.routes:
        assert route.path in page.text
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", page.text)
    assert "<script" not in page.text
