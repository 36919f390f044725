"""The one composition root: everything is made here, started in order, stopped in reverse.

`ServerHandle` is a running server inside somebody's event loop. `serve` gives it a process: the loop,
the log, the signals, and a last resort for the case that stopping takes too long.
"""

import asyncio
import gc
import logging
import os
import resource
import signal
import ssl
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final, final

import msgspec
import uvloop

from caxton import __version__
from caxton.api.service import Service, ServiceBounds
from caxton.clock import Clock, SystemClock
from caxton.config import Config
from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime.runtime import Runtime
from caxton.security.root_token import load_root_token
from caxton.security.tokens import TokenStore
from caxton.storage.metrics import StoreCollector
from caxton.storage.tokens import TokenTable, load_tokens
from caxton.tasks.assembly import ProtocolServices
from caxton.telemetry.logs import LogStream
from caxton.telemetry.metrics import MetricsServer, RuntimeCollector

STOP_S: Final = 5.0
"""From the first signal to the end of the process, at most."""

_API_GRACE_S: Final = 3.0
_RUNTIME_GRACE_S: Final = 0.8
_FILES_MAX: Final = 65_536
# Files of the process itself: the core, the store, logs, metrics, and connections being refused.
_FILES_RESERVED: Final = 1_536
# Objects made since the last look before the collector looks at the young ones: a few turns of the loop.
_YOUNG_OBJECTS: Final = 10_000
_LOGGER: Final = logging.getLogger("caxton.server")


@final
class ServerHandle:
    """A running server. Made by `start`; `stop` ends it."""

    def __init__(
        self,
        runtime: Runtime,
        service: Service,
        *,
        host: str,
        metrics_port: int,
        token_source: str,
        scheme: str,
    ) -> None:
        self.runtime: Final = runtime
        self.service: Final = service
        self.metrics_port: Final = metrics_port
        self.token_source: Final = token_source
        self._host = f"[{host}]" if ":" in host else host
        self._scheme = scheme
        self._closing = AsyncExitStack()

    @classmethod
    async def start(
        cls,
        config: Config,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        bounds: ServiceBounds | None = None,
    ) -> "ServerHandle":
        """Start a server in the running loop and return when it takes messages.

        Port 0 in the configuration takes a free port; see `port` and `metrics_port`.

        Raises:
            ConfigurationInvalid: the data directory, an address or the root token cannot be used.
        """
        chosen_clock = SystemClock() if clock is None else clock
        chosen_bounds = _fitting(ServiceBounds(graceful_s=_API_GRACE_S) if bounds is None else bounds)
        async with AsyncExitStack() as opened:
            runtime = Runtime.open(config, chosen_clock)
            opened.push_async_callback(runtime.stop, _RUNTIME_GRACE_S)
            services = ProtocolServices(runtime, chosen_clock)
            opened.push_async_callback(services.stop)
            token, source = load_root_token(Path(config.storage.data_dir), environ)
            store = runtime.store
            stored = await asyncio.to_thread(store.load, load_tokens)
            service = Service(
                runtime,
                services,
                config,
                chosen_clock,
                TokenStore(token, chosen_clock.wall_ns, TokenTable(store), stored),
                __version__,
                bounds=chosen_bounds,
                tls=_tls_context(config),
            )
            opened.push_async_callback(service.listener.stop)
            # The address is taken early, so that a port in use is known before anything runs.
            _bind(service, config)
            await runtime.start()
            await services.start()
            metrics = MetricsServer()
            collector = RuntimeCollector(
                runtime.census(),
                asyncio.get_running_loop(),
                version=__version__,
                agents_max=config.observability.metrics_agents_max,
            )
            metrics.add(collector)
            metrics.add(service.metrics)
            metrics.add(StoreCollector(store))
            metrics_port = metrics.start(config.server.host, config.server.metrics_port)
            opened.push_async_callback(asyncio.to_thread, metrics.stop)
            await service.start()
            handle = cls(
                runtime,
                service,
                host=config.server.host,
                metrics_port=metrics_port,
                token_source=source,
                scheme="http" if config.server.tls.cert is None else "https",
            )
            handle._closing = opened.pop_all()
            return handle
        raise AssertionError("the stack returns or raises")

    @property
    def port(self) -> int:
        """The port of the management API."""
        return self.service.listener.port

    @property
    def url(self) -> str:
        """Where the management API answers."""
        return f"{self._scheme}://{self._host}:{self.port}"

    @property
    def metrics_url(self) -> str:
        """Where the metrics are scraped."""
        return f"http://{self._host}:{self.metrics_port}/metrics"

    async def stop(self) -> None:
        """Stop in reverse order: finish requests, close connections, stop the workers. Idempotent."""
        await self._closing.aclose()


def serve(config: Config) -> int:
    """Run a server until SIGTERM or SIGINT, and return the exit code of the process.

    The first signal stops in order, within five seconds; a second one ends the process at once.

    Raises:
        ConfigurationInvalid: it could not be started; nothing is left behind.
    """
    log = LogStream.open(config.observability.log_level, config.observability.log_format)
    try:
        return uvloop.run(_serve(config, log))
    finally:
        log.close()


def spare_collections() -> None:
    """Keep the collector of cyclic garbage from holding up the loop; once, when everything is loaded.

    What exists now stays until the end. Looked through again and again under load, it stops the loop for
    tens of milliseconds each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)


async def _serve(config: Config, log: LogStream) -> int:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    exits = _LastResort(log)

    def on_signal(number: signal.Signals) -> None:
        if told.is_set():
            exits.now(128 + number)
        _LOGGER.info("stopping on %s", number.name, extra={"event": "server_stopping"})
        exits.within(STOP_S)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    handle = await ServerHandle.start(config)
    try:
        spare_collections()
        _LOGGER.info(
            "caxton %s serves %s, metrics at %s, root token in %s",
            __version__,
            handle.url,
            handle.metrics_url,
            handle.token_source,
            extra={"event": "server_started"},
        )
        # Whoever started it may have closed its ears.
        with suppress(OSError):
            print(f"caxton {__version__} serves {handle.url} (metrics: {handle.metrics_url})", flush=True)  # noqa: T201 - for people
        await told.wait()
    finally:
        await handle.stop()
        exits.never()
    _LOGGER.info("stopped", extra={"event": "server_stopped"})
    return 0


@final
class _LastResort:
    """Ends the process whatever the loop and the workers do."""

    def __init__(self, log: LogStream) -> None:
        self._log = log
        self._timer: threading.Timer | None = None

    def within(self, timeout_s: float) -> None:
        """End the process when it still runs after `timeout_s` seconds."""
        self._timer = threading.Timer(timeout_s, self.now, (1,))
        self._timer.daemon = True
        self._timer.start()

    def never(self) -> None:
        """Everything has stopped in order."""
        if self._timer is not None:
            self._timer.cancel()

    def now(self, status: int) -> None:
        """End the process without waiting for anything but the log."""
        _LOGGER.warning("ending at once, with exit code %d", status, extra={"event": "server_killed"})
        self._log.close()
        os._exit(status)


def _bind(service: Service, config: Config) -> None:
    host, port = config.server.host, config.server.port
    try:
        service.listener.bind(host, port)
    except OSError as error:
        problem = Problem(
            field="server.port",
            kind=ProblemKind.INVALID_VALUE,
            problem=f"{host}:{port} cannot be bound: {error.strerror or error}",
            fix="stop what listens there, or choose another port with --port",
        )
        raise ConfigurationInvalid([problem]) from error


def _tls_context(config: Config) -> ssl.SSLContext | None:
    """Return the context of `server.tls`, or None where it is off.

    Raises:
        ConfigurationInvalid: a file cannot be read or is not what it should be.
    """
    tls = config.server.tls
    if tls.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(tls.cert, tls.key)
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        problem = Problem(
            field="server.tls",
            kind=ProblemKind.INVALID_VALUE,
            problem=f"the certificate, its key or the client authorities cannot be used: {error}",
            fix="give files in PEM form that the server may read, with the key of that certificate",
        )
        raise ConfigurationInvalid([problem]) from error
    return context


def _fitting(bounds: ServiceBounds) -> ServiceBounds:
    """Raise the number of files that the process may open, and return bounds that fit into it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, _FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    connections_max = max(16, soft - _FILES_RESERVED) if soft != resource.RLIM_INFINITY else _FILES_MAX
    if bounds.wire.connections_max <= connections_max:
        return bounds
    _LOGGER.warning(
        "the system allows %d open files: at most %d connections",
        soft,
        connections_max,
        extra={"event": "connections_limited"},
    )
    wire = msgspec.structs.replace(bounds.wire, connections_max=connections_max)
    return msgspec.structs.replace(bounds, wire=wire)
