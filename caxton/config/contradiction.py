"""Settings that are good alone and wrong together.

Pure rules over the effective settings; each names the keys that it weighs, so that the answer can
say where each of them came from.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from caxton.config.sections import Config

_PLATFORM: Final = re.compile(r"[A-Za-z0-9._:-]{1,255}", re.ASCII)

Finding = tuple[tuple[str, ...], str, str]
"""The keys at odds, what is wrong, what to do."""


def contradictions(config: Config) -> list[Finding]:
    """Return everything that does not go together."""
    return [finding for rule in _RULES for finding in rule(config)]


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`. A name other than `localhost` counts as reachable."""
    from ipaddress import ip_address  # noqa: PLC0415 - costs time

    if host.rstrip(".").lower() in {"localhost", "ip6-localhost"}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _binding(config: Config) -> list[Finding]:
    server, security = config.server, config.security
    if is_loopback(server.host):
        return []
    if security.auth == "none":
        return [
            (
                ("server.host", "security.auth"),
                f"binding to {server.host} without authentication would let everybody in",
                "set security.auth to token, or server.host to 127.0.0.1",
            )
        ]
    if server.tls.cert is None and not security.behind_proxy:
        return [
            (
                ("server.host", "security.behind_proxy"),
                f"on {server.host} tokens would travel over plain HTTP, for everybody on the way to read",
                "end TLS in a proxy and set security.behind_proxy to true, or set server.host to 127.0.0.1",
            )
        ]
    return []


def _ports(config: Config) -> list[Finding]:
    ports = {
        "server.port": config.server.port,
        "server.metrics_port": config.server.metrics_port,
        "server.grpc_port": config.server.grpc_port,
    }
    names = list(ports)
    return [
        ((one, other), f"both want port {ports[one]}", "give each a port of its own")
        for index, one in enumerate(names)
        for other in names[index + 1 :]
        if ports[one] == ports[other] != 0
    ]


def _tls(config: Config) -> list[Finding]:
    tls = config.server.tls
    findings: list[Finding] = []
    if (tls.cert is None) != (tls.key is None):
        findings.append((("server.tls.cert", "server.tls.key"), "TLS needs both", "set the other one too"))
    if tls.client_ca is not None and tls.cert is None:
        keys = ("server.tls.client_ca", "server.tls.cert")
        findings.append((keys, "client certificates need TLS", "set server.tls.cert and server.tls.key"))
    return findings


def _limits(config: Config) -> list[Finding]:
    limits, messaging = config.runtime.default_limits, config.messaging
    findings: list[Finding] = []
    if (limits.cpu_ms_max is None) == (limits.fuel_max is None):
        keys = ("runtime.default_limits.cpu_ms_max", "runtime.default_limits.fuel_max")
        findings.append((keys, "they say the same limit in two ways", "set exactly one, the other to null"))
    if limits.message_bytes_max is not None and limits.message_bytes_max > messaging.message_bytes_max:
        keys = ("runtime.default_limits.message_bytes_max", "messaging.message_bytes_max")
        above = f"{limits.message_bytes_max} bytes are above the server's {messaging.message_bytes_max}"
        problem = f"an agent's {above}"
        findings.append((keys, problem, "lower the first or raise the second"))
    return findings


def _platform(config: Config) -> list[Finding]:
    platform = config.messaging.platform
    if _PLATFORM.fullmatch(platform) is None:
        problem = f"`{platform[:40]}` cannot stand behind an `@`"
        return [(("messaging.platform",), problem, "use 1 to 255 characters of A-Z a-z 0-9 . _ : -")]
    return []


def _profiles(config: Config) -> list[Finding]:
    profiles = config.runtime.allowed_profiles
    if len(set(profiles)) != len(profiles) or not profiles:
        return [
            (("runtime.allowed_profiles",), "each profile stands there once, and one at least", "list strict")
        ]
    return []


def _canary(config: Config) -> list[Finding]:
    shares = config.deployment.canary.percentages
    if not shares or shares[-1] != 100 or any(a >= b for a, b in pairwise(shares)):
        return [
            (
                ("deployment.canary.percentages",),
                "the stages do not rise to 100",
                "write them like 5, 25, 50, 100",
            )
        ]
    return []


def _tools(config: Config) -> list[Finding]:
    findings: list[Finding] = []
    names: set[str] = set()
    for index, server in enumerate(config.tools.mcp_servers):
        key = f"tools.mcp_servers[{index}]"
        if bool(server.command) == (server.url is not None):
            findings.append(((key,), "it has both or none of `command` and `url`", "give one of them"))
        if server.name in names:
            findings.append(((key,), f"the name {server.name} stands there twice", "give each its own name"))
        names.add(server.name)
    return findings


def _cluster(config: Config) -> list[Finding]:
    cluster = config.cluster
    if cluster.enabled and not cluster.secret:
        problem = "a cluster without a secret takes anybody in"
        return [(("cluster.enabled", "cluster.secret"), problem, "set cluster.secret, best from a variable")]
    return []


def _oidc(config: Config) -> list[Finding]:
    oidc = config.security.oidc
    if (oidc.issuer is None) != (oidc.audience is None):
        return [(("security.oidc.issuer", "security.oidc.audience"), "one needs the other", "set both")]
    return []


_RULES: Final[tuple[Callable[[Config], list[Finding]], ...]] = (
    _binding,
    _ports,
    _tls,
    _limits,
    _platform,
    _profiles,
    _canary,
    _tools,
    _cluster,
    _oidc,
)
