"""Every setting of the server: type, default, unit, bounds, reason.

`docs/configuration.md` is made from this file; the sentence in `setting` is its text.
"""

import os
from typing import Annotated, Literal, final

import msgspec

from caxton.config.setting import setting
from caxton.domain.limits import BOUNDS, MIB

LogLevel = Literal["trace", "debug", "info", "warn", "error"]
_LIMIT = BOUNDS

PORT_MAX = 65_535


def cores() -> int:
    """Return the number of cores that this process may use, at most 64."""
    return max(1, min(64, len(os.sched_getaffinity(0))))


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings."""


@final
class TLS(Section, frozen=True, kw_only=True):
    """Encryption of the management API."""

    cert: Annotated[str | None, setting("file of the certificate chain (PEM)", unit="path")] = None
    key: Annotated[str | None, setting("file of the private key (PEM)", unit="path")] = None
    client_ca: Annotated[
        str | None,
        setting("file of the authorities whose client certificates are accepted (PEM)", unit="path"),
    ] = None


@final
class Server(Section, frozen=True, kw_only=True):
    """Where the server listens."""

    host: Annotated[
        str,
        setting(
            "address to bind; anything but loopback needs authentication, and TLS or a proxy", unit="address"
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, setting("port of the management API; 0 takes a free one", least=0, greatest=PORT_MAX)
    ] = 8080
    metrics_port: Annotated[
        int, setting("port of `GET /metrics`; 0 takes a free one", least=0, greatest=PORT_MAX)
    ] = 9090
    grpc_port: Annotated[int, setting("port of the gRPC API; 0 is off", least=0, greatest=PORT_MAX)] = 0
    tls: TLS = TLS()


@final
class DefaultLimits(Section, frozen=True, kw_only=True):
    """What an agent may use when its deployer asks for nothing else."""

    memory_bytes_max: Annotated[
        int,
        setting(
            "linear memory of one instance; enough for guests of C, Zig and Rust with buffers",
            unit="bytes",
            least=_LIMIT["memory_bytes_max"].least,
            greatest=_LIMIT["memory_bytes_max"].greatest,
        ),
    ] = 16 * MIB
    cpu_ms_max: Annotated[
        int | None,
        setting(
            "work per handled message, as fuel by the rate measured at start; null when `fuel_max` is set",
            unit="milliseconds",
            least=_LIMIT["cpu_ms_max"].least,
            greatest=_LIMIT["cpu_ms_max"].greatest,
        ),
    ] = 100
    fuel_max: Annotated[
        int | None,
        setting(
            "work per handled message in exact fuel, for runs that must not depend on the machine",
            unit="fuel",
            least=_LIMIT["fuel_max"].least,
            greatest=_LIMIT["fuel_max"].greatest,
        ),
    ] = None
    execution_ms_max: Annotated[
        int,
        setting(
            "wall-clock time per handled message, calls into the host included",
            unit="milliseconds",
            least=_LIMIT["execution_ms_max"].least,
            greatest=_LIMIT["execution_ms_max"].greatest,
        ),
    ] = 1000
    message_bytes_max: Annotated[
        int | None,
        setting(
            "largest message that an agent gets or sends",
            unit="bytes",
            least=_LIMIT["message_bytes_max"].least,
            greatest=_LIMIT["message_bytes_max"].greatest,
            default_words="`messaging.message_bytes_max`",
        ),
    ] = None
    mailbox_max: Annotated[
        int | None,
        setting(
            "messages that may wait for an agent",
            unit="messages",
            least=_LIMIT["mailbox_max"].least,
            greatest=_LIMIT["mailbox_max"].greatest,
            default_words="`messaging.mailbox_max`",
        ),
    ] = None
    messages_per_s_max: Annotated[
        float | None,
        setting(
            "messages a second that an agent takes; null is unlimited",
            unit="messages a second",
            least=_LIMIT["messages_per_s_max"].least,
            greatest=_LIMIT["messages_per_s_max"].greatest,
        ),
    ] = None


@final
class Runtime(Section, frozen=True, kw_only=True):
    """The sandboxes and the threads that run them."""

    workers: Annotated[
        int,
        setting(
            "threads that run agents; more than the cores only makes them wait for each other",
            unit="threads",
            least=1,
            greatest=64,
            default_words="the cores that the process may use",
        ),
    ] = msgspec.field(default_factory=cores)
    agents_max: Annotated[
        int,
        setting(
            "agents at a time; room in the routing table is reserved for them at start",
            unit="agents",
            least=1,
            greatest=1_000_000,
        ),
    ] = 100_000
    module_bytes_max: Annotated[
        int,
        setting(
            "largest module that is compiled; the time to compile grows with it",
            unit="bytes",
            least=1024,
            greatest=256 * MIB,
        ),
    ] = 32 * MIB
    default_limits: DefaultLimits = DefaultLimits()
    allowed_profiles: Annotated[
        tuple[Literal["strict", "standard"], ...],
        setting("feature profiles that a deployer may choose; `standard` admits what today's compilers emit"),
    ] = ("strict", "standard")
    epoch_tick_ms: Annotated[
        int,
        setting(
            "tick of the clock that ends overdue handlers; a runaway guest is stopped within two ticks",
            unit="milliseconds",
            least=1,
            greatest=1000,
        ),
    ] = 1
    pool_messages: Annotated[
        int,
        setting(
            "messages that may be under way at a time; address space is reserved, memory used when touched",
            unit="messages",
            least=1024,
            greatest=8_388_608,
        ),
    ] = 262_144


@final
class Retry(Section, frozen=True, kw_only=True):
    """How a durable message is tried again."""

    attempts: Annotated[
        int,
        setting(
            "deliveries of a durable message before it is a dead letter",
            unit="deliveries",
            least=1,
            greatest=100,
        ),
    ] = 3
    delay_ms: Annotated[
        int, setting("wait before the second delivery", unit="milliseconds", least=1, greatest=3_600_000)
    ] = 1000
    factor: Annotated[
        float, setting("each further wait is this many times the one before", least=1, greatest=10)
    ] = 2.0


@final
class Messaging(Section, frozen=True, kw_only=True):
    """Messages and conversations."""

    message_bytes_max: Annotated[
        int,
        setting(
            "largest message of any agent or client; a larger one is refused before it is read",
            unit="bytes",
            least=_LIMIT["message_bytes_max"].least,
            greatest=_LIMIT["message_bytes_max"].greatest,
        ),
    ] = MIB
    platform: Annotated[
        str, setting("what stands behind the `@` of agents' names in messages for other platforms")
    ] = "caxton"
    mailbox_max: Annotated[
        int,
        setting(
            "messages that may wait for an agent that names no limit of its own",
            unit="messages",
            least=_LIMIT["mailbox_max"].least,
            greatest=_LIMIT["mailbox_max"].greatest,
        ),
    ] = 1000
    reply_by_s: Annotated[
        float,
        setting(
            "time for the first answer of a protocol where the sender names none",
            unit="seconds",
            above=0,
            greatest=86_400,
        ),
    ] = 30.0
    conversation_ttl_s: Annotated[
        float,
        setting(
            "a conversation expires this long after its last message",
            unit="seconds",
            above=0,
            greatest=31_536_000,
        ),
    ] = 300.0
    participants_max: Annotated[
        int, setting("participants of one conversation", unit="agents", least=1, greatest=1000)
    ] = 1000
    conversations_max: Annotated[
        int,
        setting(
            "conversations with a protocol or limits, live and remembered: the id of an ended one is not "
            "used again for its time to live; address space is reserved, memory used when touched",
            unit="conversations",
            least=1024,
            greatest=16_777_216,
        ),
    ] = 524_288
    loop_messages: Annotated[
        int,
        setting(
            "messages of which each was sent while the one before was handled; a chain that reaches this is "
            "told as a loop",
            unit="messages",
            least=16,
            greatest=1_000_000_000,
        ),
    ] = 10_000
    history_bytes: Annotated[
        int,
        setting(
            "what was said lately in conversations with a protocol or limits is kept in so much memory, "
            "shared by the workers and the API; the oldest is overwritten; 0 keeps nothing",
            unit="bytes",
            least=0,
            greatest=1 << 36,
        ),
    ] = 64 * MIB
    retry: Retry = Retry()
    dead_letters_max: Annotated[
        int, setting("dead letters that are kept, the newest", unit="messages", least=0, greatest=10_000_000)
    ] = 100_000
    history: Annotated[
        Literal["all", "durable", "none"], setting("which messages are stored after they were delivered")
    ] = "all"


@final
class Storage(Section, frozen=True, kw_only=True):
    """What is kept on disk."""

    data_dir: Annotated[
        str,
        setting(
            "directory of everything that the server keeps; one server at a time",
            unit="path",
            default_words="`/var/lib/caxton` for root, else `caxton` in `$XDG_DATA_HOME` or `~/.local/share`",
        ),
    ] = "/var/lib/caxton"
    durability: Annotated[
        Literal["full", "normal", "memory"],
        setting("`full` survives loss of power, `normal` a crash, `memory` nothing"),
    ] = "full"
    group_commit_ms: Annotated[
        int,
        setting(
            "longest wait for other messages to share a commit with",
            unit="milliseconds",
            least=0,
            greatest=1000,
        ),
    ] = 5
    retention_days: Annotated[
        int,
        setting("stored messages and conversations are kept this long", unit="days", least=1, greatest=3650),
    ] = 30


@final
class OIDC(Section, frozen=True, kw_only=True):
    """Tokens of an identity provider."""

    issuer: Annotated[str | None, setting("address of the OpenID Connect provider", unit="URL")] = None
    audience: Annotated[str | None, setting("audience that a token must name")] = None
    role_claim: Annotated[str, setting("claim of the token that holds the role")] = "roles"


@final
class Security(Section, frozen=True, kw_only=True):
    """Who may call."""

    auth: Annotated[
        Literal["token", "none"], setting("`none` lets everybody in, and is possible on loopback only")
    ] = "token"
    rate_limit: Annotated[
        float,
        setting("calls of one token; 0 is unlimited", unit="calls a second", least=0, greatest=1_000_000),
    ] = 0.0
    behind_proxy: Annotated[
        bool,
        setting(
            "a proxy in front ends TLS, so that tokens may arrive over plain HTTP on other than loopback"
        ),
    ] = False
    oidc: OIDC = OIDC()
    audit_days: Annotated[
        int, setting("entries of the audit log are kept this long", unit="days", least=1, greatest=3650)
    ] = 90


@final
class Observability(Section, frozen=True, kw_only=True):
    """Logs, metrics, traces."""

    log_level: Annotated[LogLevel, setting("the least grave level that is logged")] = "info"
    log_format: Annotated[
        Literal["json", "text"], setting("`json` is one object a line, `text` is for reading on a terminal")
    ] = "json"
    trace_sample: Annotated[
        float, setting("share of the traces that are recorded, decided where they enter", least=0, greatest=1)
    ] = 0.1
    otlp_endpoint: Annotated[
        str | None, setting("where traces are sent (OTLP over HTTP); null is nowhere", unit="URL")
    ] = None
    metrics_agents_max: Annotated[
        int,
        setting(
            "agents with metric series of their own, the busiest; the rest is summed under `other`",
            unit="agents",
            least=0,
            greatest=100_000,
        ),
    ] = 200


@final
class Canary(Section, frozen=True, kw_only=True):
    """Defaults of a canary deployment."""

    percentages: Annotated[
        tuple[Annotated[float, setting("share of a stage", unit="percent", above=0, greatest=100)], ...],
        setting("share of the traffic in each stage, rising; the last is 100"),
    ] = (5.0, 25.0, 50.0, 100.0)
    error_rate_max: Annotated[
        float,
        setting("share of failed messages above which the candidate is rolled back", least=0, greatest=1),
    ] = 0.01
    latency_p99_ms_max: Annotated[
        float,
        setting(
            "99th percentile above which the candidate is rolled back",
            unit="milliseconds",
            above=0,
            greatest=3_600_000,
        ),
    ] = 100.0


@final
class Deployment(Section, frozen=True, kw_only=True):
    """New versions of agents."""

    keep_versions: Annotated[
        int,
        setting("versions of an agent that can be rolled back to", unit="versions", least=1, greatest=100),
    ] = 3
    drain_timeout_s: Annotated[
        float,
        setting("time for a draining agent to finish what waits", unit="seconds", above=0, greatest=86_400),
    ] = 60.0
    canary: Canary = Canary()


@final
class MCPServer(Section, frozen=True, kw_only=True):
    """A server of tools that speaks the Model Context Protocol."""

    name: Annotated[str, setting("name under which agents are granted its tools")]
    command: Annotated[
        tuple[str, ...], setting("program and arguments of a server that is started here; empty with `url`")
    ] = ()
    url: Annotated[str | None, setting("address of a server that runs elsewhere", unit="URL")] = None
    env: Annotated[dict[str, str], setting("environment of the started program")] = {}
    timeout_ms: Annotated[
        int, setting("longest wait for one call", unit="milliseconds", least=1, greatest=3_600_000)
    ] = 30_000


@final
class Tools(Section, frozen=True, kw_only=True):
    """Tools that agents may call."""

    mcp_servers: Annotated[tuple[MCPServer, ...], setting("servers of tools")] = ()


@final
class Partition(Section, frozen=True, kw_only=True):
    """What a cut-off part of the cluster does."""

    policy: Annotated[
        Literal["degrade", "continue"],
        setting("`degrade` makes the minority refuse acts that must be unique in the cluster"),
    ] = "degrade"
    settle_s: Annotated[
        float,
        setting(
            "a changed view must hold this long before it counts", unit="seconds", above=0, greatest=3600
        ),
    ] = 10.0


@final
class Cluster(Section, frozen=True, kw_only=True):
    """Several servers as one."""

    enabled: Annotated[bool, setting("join other servers")] = False
    bind: Annotated[str, setting("address for the other servers", unit="address:port")] = "127.0.0.1:7946"
    join: Annotated[tuple[str, ...], setting("addresses of servers to join", unit="address:port")] = ()
    secret: Annotated[str | None, setting("shared secret of all members", secret=True)] = None
    expected_nodes: Annotated[
        int,
        setting(
            "members of the whole cluster; decides what a majority is", unit="nodes", least=1, greatest=1000
        ),
    ] = 1
    nats_url: Annotated[str | None, setting("server that carries messages between nodes", unit="URL")] = None
    partition: Partition = Partition()


@final
class Config(Section, frozen=True, kw_only=True):
    """All settings."""

    server: Server = Server()
    runtime: Runtime = msgspec.field(default_factory=Runtime)
    messaging: Messaging = Messaging()
    storage: Storage = Storage()
    security: Security = Security()
    observability: Observability = Observability()
    deployment: Deployment = Deployment()
    tools: Tools = Tools()
    cluster: Cluster = Cluster()
