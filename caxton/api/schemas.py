"""What goes in and out of the API, field by field; the OpenAPI document is made from these.

Strings from outside are parsed into the domain's values by `requests`; nothing here checks more than
shape and bounds.
"""

from typing import Annotated, Literal

import msgspec

from caxton.domain.agent import AgentKind, Delivery, Profile, RestartPolicy, StateName
from caxton.domain.limits import LimitsRequest
from caxton.runtime.agent_log import LogLine
from caxton.runtime.agent_view import AgentView
from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.runtime.yellow_pages import CapabilityCount
from caxton.security.roles import Role
from caxton.security.tokens import TokenView

__all__ = ["AgentView", "CapabilityCount", "LogLine", "TokenView"]

WAIT_MS_MAX = 300_000
PAGE_AGENTS_MAX = 1000
INBOX_MESSAGES_MAX = 1000
LOG_LINES_MAX = 1000
PAGE_CAPABILITIES_MAX = 1000
HAS_MAX = 16
TOKEN_NAME_CHARACTERS_MAX = 100
TOKEN_S_MAX = 315_360_000

WaitMs = Annotated[int, msgspec.Meta(ge=0, le=WAIT_MS_MAX, description="Milliseconds to wait for an answer.")]
Name = Annotated[
    str,
    msgspec.Meta(
        description="1 to 255 characters of A-Z a-z 0-9 . _ : -, not digits alone.",
        extra_json_schema={
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[A-Za-z0-9._:-]*[A-Za-z_:-][A-Za-z0-9._:-]*$",
        },
    ),
]
Cursor = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1})]
Word = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 255})]
Labels = Annotated[dict[str, str], msgspec.Meta(max_length=64)]
Names = Annotated[list[str], msgspec.Meta(max_length=1000)]
Capabilities = Annotated[list[str], msgspec.Meta(max_length=CAPABILITIES_MAX)]
Has = Annotated[
    list[str], msgspec.Meta(max_length=HAS_MAX, description="May be repeated: agents that have all of them.")
]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a caller sends: an unknown field is a mistake and is told."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the server answers."""


class AgentCreate(Input, frozen=True, kw_only=True):
    """An agent to create: with a module, or of kind `external` without one."""

    name: Name
    kind: AgentKind = AgentKind.GUEST
    module: Annotated[bytes | None, msgspec.Meta(description="The module's bytes in base64.")] = None
    module_digest: Annotated[
        str | None,
        msgspec.Meta(description="SHA-256 of a module that the server knows, instead of its bytes."),
    ] = None
    version: str | None = None
    limits: LimitsRequest = LimitsRequest()
    profile: Profile | None = None
    capabilities: Capabilities | None = None
    config: Annotated[
        dict[str, str], msgspec.Meta(max_length=1000, description="Texts that the guest reads by config_get.")
    ] = {}
    tools: Names = []
    delivery: Annotated[
        Delivery, msgspec.Meta(description="Only at_most_once is possible in this version.")
    ] = Delivery.AT_MOST_ONCE
    restart: RestartPolicy = RestartPolicy()
    instances: Annotated[int, msgspec.Meta(description="Only 1 is possible in this version.")] = 1
    labels: Labels = {}
    wasi: Annotated[
        bool, msgspec.Meta(description="Grant the inert subset of WASI that a C library needs.")
    ] = False


class AgentQuery(Input, frozen=True, kw_only=True):
    """Which agents to list."""

    state: StateName | None = None
    capability: Has = []
    label: Annotated[str | None, msgspec.Meta(description="A label's `key`, or `key=value`.")] = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_AGENTS_MAX)] = 100
    cursor: Cursor | None = None


class AgentList(Output, frozen=True, kw_only=True):
    """One page of agents; `next_cursor` is null on the last."""

    agents: list[AgentView]
    next_cursor: str | None


class DrainRequest(Input, frozen=True, kw_only=True):
    """How long the agent may take to finish what waits, in seconds; the server's default without."""

    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None


class DeleteQuery(Input, frozen=True, kw_only=True):
    """Whether to delete an agent that still has work."""

    force: bool = False


class InvokeRequest(Input, frozen=True, kw_only=True):
    """A question to one agent. `content` is any JSON value and is passed on untouched."""

    content: msgspec.Raw
    performative: str = "request"
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=WAIT_MS_MAX)] = 30_000


class InvokeAnswer(Output, frozen=True, kw_only=True):
    """The agent's answer: a whole message."""

    reply: msgspec.Raw


class LogQuery(Input, frozen=True, kw_only=True):
    """Which lines to show; `follow` keeps the answer open and sends new ones."""

    follow: bool = False
    limit: Annotated[int, msgspec.Meta(ge=0, le=LOG_LINES_MAX)] = 100


class LogList(Output, frozen=True, kw_only=True):
    """What the guest logged, the newest line last."""

    lines: list[LogLine]


class InboxQuery(Input, frozen=True, kw_only=True):
    """How many messages to read at most, and how long to wait for the first."""

    wait_ms: WaitMs = 0
    max: Annotated[int, msgspec.Meta(ge=1, le=INBOX_MESSAGES_MAX)] = 100


class InboxPage(Output, frozen=True, kw_only=True):
    """Messages, oldest first, and the cursor that acknowledges them."""

    messages: list[msgspec.Raw]
    cursor: str


class InboxAck(Input, frozen=True, kw_only=True):
    """The cursor of a read: all messages up to it are let go."""

    cursor: Cursor


class InboxAcked(Output, frozen=True, kw_only=True):
    """How many messages were let go."""

    acknowledged: int


class StreamQuery(Input, frozen=True, kw_only=True):
    """`ack=auto` lets each message go once it is sent; `manual` keeps it until it is acknowledged."""

    ack: Literal["manual", "auto"] = "manual"
    access_token: str | None = None


class SendQuery(Input, frozen=True, kw_only=True):
    """With `wait_ms` the answer to the message is awaited and returned."""

    wait_ms: WaitMs | None = None


class CapabilityReceiver(Input, frozen=True, kw_only=True):
    """Some agent with a capability; the server picks it."""

    capability: str


class MessageIn(Input, frozen=True, kw_only=True):
    """A message as a client sends it; what is left out the server fills in."""

    performative: Annotated[
        str, msgspec.Meta(description="One of the 22 acts of FIPA.", extra_json_schema={"minLength": 1})
    ]
    receiver: Word | Names | CapabilityReceiver
    content: object = None
    id: str | None = None
    sender: str | None = None
    conversation_id: str | None = None
    protocol: str | None = None
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by: str | None = None
    reply_by_s: float | None = None
    reply_to: str | None = None
    conversation_ttl_s: float | None = None
    max_awards: int | None = None
    content_kind: str | None = None
    encoding: str | None = None
    ontology: str | None = None
    language: str | None = None
    delivery: Delivery | None = None
    priority: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    timestamp: str | None = None


class MessageAccepted(Output, frozen=True, kw_only=True):
    """The message is in the mailbox of each of its receivers."""

    message_id: str
    conversation_id: str
    status: Literal["accepted"]


class MessageAnswered(Output, frozen=True, kw_only=True):
    """The message was handled; `reply` is the answer, a whole message."""

    message_id: str
    conversation_id: str
    reply: msgspec.Raw


class ProblemRow(Output, frozen=True, kw_only=True):
    """One fault: where, of which kind, what, and what to do."""

    field: str
    kind: str
    problem: str
    fix: str


class Validation(Output, frozen=True, kw_only=True):
    """Whether a message could be sent as it is, and everything that speaks against it."""

    valid: bool
    problems: list[ProblemRow]


class CapabilityQuery(Input, frozen=True, kw_only=True):
    """Which capabilities to list; with `has`, of the agents that have all of these, counted among them."""

    prefix: Annotated[str, msgspec.Meta(description="Only names that begin with this.")] = ""
    has: Has = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_CAPABILITIES_MAX)] = 100
    cursor: Cursor | None = None


class CapabilityList(Output, frozen=True, kw_only=True):
    """One page of capabilities, by name; `next_cursor` is null on the last."""

    capabilities: list[CapabilityCount]
    next_cursor: str | None


class HolderQuery(Input, frozen=True, kw_only=True):
    """Which of the agents with a capability to list: those that have others as well, or are in a state."""

    has: Has = []
    state: StateName | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_AGENTS_MAX)] = 100
    cursor: Cursor | None = None


class CapabilityAgent(Output, frozen=True, kw_only=True):
    """An agent that has a capability; messages to it go where `load`, the mailbox depth, is least."""

    agent_id: str
    name: str
    kind: AgentKind
    state: StateName
    load: int
    mailbox_depth: int
    mailbox_max: int
    messages_handled: int


class CapabilityView(Output, frozen=True, kw_only=True):
    """A capability, how many agents have it and how many of those run, and one page of them."""

    name: str
    agents_count: int
    running_count: int
    agents: list[CapabilityAgent]
    next_cursor: str | None


class TokenCreate(Input, frozen=True, kw_only=True):
    """A token to make; without `expires_in_s` it lives until it is revoked or the server stops."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=TOKEN_NAME_CHARACTERS_MAX,
            extra_json_schema={"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"},
        ),
    ]
    role: Role
    expires_in_s: Annotated[float, msgspec.Meta(gt=0, le=TOKEN_S_MAX)] | None = None


class TokenCreated(Output, frozen=True, kw_only=True):
    """The token, shown this once, and what is kept of it."""

    token: str
    token_id: str
    name: str
    role: Role
    created_at: str
    expires_at: str | None


class TokenList(Output, frozen=True, kw_only=True):
    """All tokens that are not revoked."""

    tokens: list[TokenView]


class Health(Output, frozen=True, kw_only=True):
    """The process can serve."""

    status: Literal["healthy"]
    version: str
    uptime_s: float


class Readiness(Output, frozen=True, kw_only=True):
    """Whether messages are taken; `components` names what is missing, each with a sentence."""

    status: Literal["ready", "not_ready"]
    components: dict[str, str]


class ErrorDetail(Output, frozen=True, kw_only=True):
    """What went wrong, for people and for programs."""

    code: str
    message: str
    details: dict[str, msgspec.Raw]
    hint: str
    trace_id: str


class ErrorDocument(Output, frozen=True, kw_only=True):
    """Every error has this form."""

    error: ErrorDetail
