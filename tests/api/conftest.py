"""One server for all tests of the API; those that need other bounds start their own."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.api.live import API, LiveServer, running

_numbers = count()


@pytest.fixture(scope="session")
def server() -> Iterator[LiveServer]:
    with running() as started:
        yield started


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx.Client]:
    with server.client() as made:
        yield made


@pytest.fixture
def name() -> str:
    """Return a name that no other test uses."""
    return f"agent-{next(_numbers)}"


@pytest.fixture
def external(client: httpx.Client, name: str) -> Iterator[str]:
    """Make an external agent of the root token; yields its name."""
    answer = client.post(f"{API}/agents", json={"name": name, "kind": "external"})
    assert answer.status_code == 201, answer.text
    yield name
    client.delete(f"{API}/agents/{name}", params={"force": True})
