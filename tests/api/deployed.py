"""Agents of the corpus, deployed over the API."""

import json
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from tests.api.live import API
from tests.guests.corpus import guest


@contextmanager
def deployed(client: httpx.Client, module: str, name: str, **fields: object) -> Generator[dict[str, object]]:
    """Deploy a module of the corpus; it is deleted again at the end."""
    answer = client.post(
        f"{API}/agents",
        files={
            "config": (None, json.dumps({"name": name, **fields}), "application/json"),
            "module": (f"{module}.wasm", guest(module), "application/wasm"),
        },
    )
    assert answer.status_code == 201, answer.text
    try:
        yield answer.json()
    finally:
        client.delete(f"{API}/agents/{name}", params={"force": True})
