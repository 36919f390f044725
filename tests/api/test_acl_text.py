"""Messages in FIPA's string form over the API, in and out."""

import json
from collections.abc import Iterator

import httpx
import pytest

from caxton.fipa.acl_message import ACLMessage, AgentIdentifier
from caxton.fipa.parser import parse_message
from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, message, problems_of, running

MESSAGES = f"{API}/messages"
STRING = {"content-type": "application/fipa-acl"}
WANTED = {"accept": "application/fipa-acl"}


def text_for(receiver: str, rest: str = "", performative: str = "inform") -> str:
    return f"({performative} :receiver (set (agent-identifier :name {receiver}@caxton)) {rest})"


def read(text: bytes) -> ACLMessage:
    return parse_message(text, message_bytes_max=2 * 1024 * 1024).message


def extension(message: ACLMessage, name: str) -> object:
    return dict(message.extensions)[name]


def json_inbox(client: httpx.Client, agent: str) -> list[dict[str, object]]:
    page = client.get(f"{API}/agents/{agent}/inbox", params={"wait_ms": 5000}).json()
    client.post(f"{API}/agents/{agent}/inbox/ack", json={"cursor": page["cursor"]})
    return page["messages"]


def test_a_string_message_is_accepted_and_arrives_as_json(client: httpx.Client, external: str) -> None:
    rest = (
        ':content "{\\"reading\\":42}" :language json :ontology measure :conversation-id c-1'
        " :reply-with 12f :reply-by +00000000T000030000"
    )
    answer = client.post(MESSAGES, content=text_for(external, rest, "INFORM"), headers=STRING)
    assert answer.status_code == 202, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["conversation_id"] == "c-1"
    (arrived,) = json_inbox(client, external)
    assert arrived["id"] == answer.json()["message_id"]
    assert arrived["performative"] == "inform"
    assert arrived["content"] == {"reading": 42}
    assert (arrived["language"], arrived["ontology"]) == ("json", "measure")
    assert arrived["reply_with"] == "12f"
    assert arrived["reply_by"]


def test_the_type_of_a_string_message_may_have_parameters(client: httpx.Client, external: str) -> None:
    headers = {"content-type": "Application/FIPA-ACL; charset=utf-8"}
    answer = client.post(MESSAGES, content=text_for(external, ':content "\u00e9"').encode(), headers=headers)
    assert answer.status_code == 202, answer.text
    assert json_inbox(client, external)[0]["content"] == "\u00e9"


def test_who_waits_for_an_answer_may_have_it_as_a_string(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name):
        text = text_for(name, ':content "hi" :reply-with "r-1"', "request")
        answer = client.post(MESSAGES, params={"wait_ms": 5000}, content=text, headers=STRING | WANTED)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/fipa-acl"
        reply = read(answer.content)
        assert reply.sender == AgentIdentifier(name=f"{name}@caxton")
        assert reply.receiver == (AgentIdentifier(name="client.root@caxton"),)
        assert reply.in_reply_to == "r-1"


def test_a_string_may_be_answered_in_json_and_json_with_a_string(client: httpx.Client, name: str) -> None:
    waiting = f"{MESSAGES}?wait_ms=5000"
    with deployed(client, "echo", name):
        answer = client.post(waiting, content=text_for(name), headers=STRING)
        assert answer.json()["reply"]["in_reply_to"] == answer.json()["message_id"]
        answer = client.post(waiting, json=message(name), headers=WANTED)
        assert read(answer.content).sender == AgentIdentifier(name=f"{name}@caxton")


def test_an_inbox_is_read_as_strings_and_acknowledged_by_the_header(
    client: httpx.Client, external: str
) -> None:
    path = f"{API}/agents/{external}/inbox"
    empty = client.get(path, headers=WANTED)
    assert (empty.status_code, empty.content) == (200, b"")
    for number in range(2):
        client.post(MESSAGES, json=message(external, {"n": number}, conversation_id="4bf9", priority=3))
    page = client.get(path, params={"wait_ms": 5000}, headers=WANTED)
    assert page.headers["content-type"] == "application/fipa-acl"
    first, second = (read(line) for line in page.content.splitlines())
    assert [first.content, second.content] == ['{"n":0}', '{"n":1}']
    assert first.receiver == (AgentIdentifier(name=f"{external}@caxton"),)
    assert first.conversation_id == "4bf9"
    assert extension(first, "X-caxton-priority") == "3"
    acknowledged = client.post(f"{path}/ack", json={"cursor": page.headers["caxton-cursor"]})
    assert acknowledged.json() == {"acknowledged": 2}
    assert client.get(path, headers=WANTED).content == b""


def test_a_message_that_was_received_can_be_sent_on_as_it_is(client: httpx.Client, external: str) -> None:
    """What one agent gets as a string, another takes: ids, content and traces come through."""
    body = message(external, {"a": 'x"\\', "b": [1.50]}, reply_with="r", ontology="my own", trace_id="a" * 32)
    client.post(MESSAGES, json=body)
    path = f"{API}/agents/{external}/inbox"
    page = client.get(path, params={"wait_ms": 5000}, headers=WANTED)
    client.post(f"{path}/ack", json={"cursor": page.headers["caxton-cursor"]})
    assert client.get(path).json()["messages"] == []
    sent = client.post(MESSAGES, content=page.content, headers=STRING)
    assert sent.status_code == 202, sent.text
    (again,) = json_inbox(client, external)
    for field in ("content", "reply_with", "ontology", "trace_id", "performative"):
        assert again[field] == body[field]
    assert extension(read(page.content), "X-caxton-id") == again["id"]


def test_a_sender_is_named_and_has_to_be_ones_own(
    server: LiveServer, client: httpx.Client, external: str
) -> None:
    text = text_for(external, f":sender (agent-identifier :name {external}@caxton)")
    assert client.post(MESSAGES, content=text, headers=STRING).status_code == 202
    assert json_inbox(client, external)[0]["content"] is None
    made = client.post(f"{API}/tokens", json={"name": "stranger", "role": "agent"}).json()
    with server.client(made["token"]) as stranger:
        error_of(stranger.post(MESSAGES, content=text, headers=STRING), 403, "FORBIDDEN")


def test_a_text_that_is_no_message_is_refused_in_json_with_its_place(client: httpx.Client) -> None:
    answer = client.post(MESSAGES, content='(inform\n :content "x" x)', headers=STRING | WANTED)
    error = error_of(answer, 400, "INVALID_MESSAGE")
    assert error.details["position"] == {"offset_bytes": 22, "line": 2, "column": 15}
    assert "" in problems_of(answer, 400, "INVALID_MESSAGE")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"", ""),
        (b"\xff", ""),
        (b'{"performative":"inform","receiver":"x","content":1}', ""),
        (b"(inform)", ""),
        (b"(" * 1_000_000, ""),
        (b"(inform :receiver (set (agent-identifier :name a@elsewhere)))", ":receiver"),
        (b"(inform :X-a " + b"(" * 1_000_000, ":X-a"),
    ],
)
def test_a_hostile_text_is_refused(client: httpx.Client, text: bytes, field: str) -> None:
    problems = problems_of(client.post(MESSAGES, content=text, headers=STRING), 400, "INVALID_MESSAGE")
    assert field in problems


def test_errors_of_the_way_stay_json(client: httpx.Client, external: str, name: str) -> None:
    both = STRING | WANTED
    missing = client.post(MESSAGES, content=text_for(f"{external}x"), headers=both)
    assert external in error_of(missing, 404, "AGENT_NOT_FOUND").suggestions()
    unanswered = client.post(MESSAGES, params={"wait_ms": 30}, content=text_for(external), headers=both)
    error_of(unanswered, 504, "DEADLINE_EXCEEDED")
    large = text_for(external, f':content "{"x" * 1_048_576}"')
    error_of(client.post(MESSAGES, content=large, headers=both), 413, "MESSAGE_TOO_LARGE")
    durable = text_for(external, ":X-caxton-delivery exactly_once")
    assert "delivery" in problems_of(client.post(MESSAGES, content=durable, headers=both))
    with deployed(client, "trap", f"{name}-trap"):
        text = text_for(f"{name}-trap")
        failed = client.post(MESSAGES, params={"wait_ms": 5000}, content=text, headers=both)
        error_of(failed, 502, "AGENT_FAILED")


def test_other_paths_take_json_only(client: httpx.Client, external: str) -> None:
    answer = client.post(f"{MESSAGES}/validate", content=text_for(external), headers=STRING)
    assert "Content-Type" in problems_of(answer)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[LiveServer]:
    with running(messaging__platform="plant.example") as started:
        yield started


def test_the_platform_is_a_setting(elsewhere: LiveServer) -> None:
    with elsewhere.client() as client:
        client.post(f"{API}/agents", json={"name": "meter", "kind": "external"})
        ours = "(inform :receiver (set (agent-identifier :name meter@plant.example)))"
        assert client.post(MESSAGES, content=ours, headers=STRING).status_code == 202
        theirs = client.post(MESSAGES, content=text_for("meter"), headers=STRING)
        assert ":receiver" in problems_of(theirs, 400, "INVALID_MESSAGE")
        page = client.get(f"{API}/agents/meter/inbox", params={"wait_ms": 5000}, headers=WANTED)
        assert read(page.content).receiver == (AgentIdentifier(name="meter@plant.example"),)


def test_the_description_names_the_string_form(client: httpx.Client) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    send = paths[MESSAGES]["post"]
    assert "application/fipa-acl" in send["requestBody"]["content"]
    assert "application/fipa-acl" in send["responses"]["200"]["content"]
    inbox = paths[f"{API}/agents/{{agent}}/inbox"]["get"]
    assert "application/fipa-acl" in inbox["responses"]["200"]["content"]


def test_a_full_inbox_is_read_as_strings_in_order(client: httpx.Client, external: str) -> None:
    batch = "\n".join(json.dumps(message(external, number)) for number in range(500))
    assert client.post(f"{MESSAGES}/batch", content=batch).status_code == 200
    page = client.get(f"{API}/agents/{external}/inbox", params={"wait_ms": 5000, "max": 1000}, headers=WANTED)
    found = [read(line).content for line in page.content.splitlines()]
    assert found == [str(number) for number in range(500)]
