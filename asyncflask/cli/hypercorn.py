"""Serve an app with hypercorn: ``asyncflask run --server hypercorn``.

hypercorn supports HTTP/2 as well. This module is imported only where hypercorn is used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import click
import hypercorn
import hypercorn.asyncio
import hypercorn.logging
import hypercorn.run
from hypercorn.typing import HTTPScope, ResponseSummary, WebsocketScope
from hypercorn.utils import LifespanFailureError

from ..concurrency.bridge import as_coroutine
from ..concurrency.stop_signals import extended
from ..server.runner import MOMENT, SPARE, LastResort, Signals, run_loop
from ..typing import ASGIApplication, Message, Receive, Scope, Send
from .workers import LIFESPAN_SECONDS, WorkerSettings

#: where the processes of ``--workers`` find the app
WORKER_APP = "asyncflask.cli.worker:load_app()"
#: ALPN protocols that a ready ``SSLContext`` needs for HTTP/2 (RFC 9113 §3.2)
ALPN = ["h2", "http/1.1"]


def serve_with_hypercorn(
    app: ASGIApplication,
    listener: socket.socket,
    *,
    certfile: str | None = None,
    keyfile: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
    grace: float = 3.0,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; a second signal ends at once.

    Args:
        app: The ASGI application.
        listener: The socket to accept connections on.
        certfile: A certificate in PEM format, for HTTPS; with ``keyfile``.
        keyfile: Its key.
        ssl_context: Instead of these two.
        grace: Seconds that open requests and websockets have to end.
        ready: Called once connections are accepted.

    Raises:
        SystemExit: With status 1, after one line on standard error: the app's startup or shutdown
            has failed.
    """
    config = _config(listener.detach(), certfile, keyfile, grace)
    config.ssl_context = ssl_context
    config.ready = ready
    try:
        _run_on_own_loop(app, config)
    except LifespanFailureError as error:  # The app's own log has the traceback.
        click.secho(f"Error: {error}", err=True, fg="red")
        raise SystemExit(1) from None


def run_hypercorns_workers(listener: socket.socket, count: int, settings: WorkerSettings) -> int:
    """Let hypercorn start worker processes itself, where they cannot inherit a socket (Windows).

    Args:
        listener: The socket to accept connections on; hypercorn closes it.
        count: Number of processes.
        settings: How each of them serves.

    Returns:
        The exit status.
    """
    config = _config(listener.detach(), settings.certfile, settings.keyfile, settings.grace)
    config.workers, config.application_path = count, WORKER_APP
    config.max_requests = settings.max_requests
    return hypercorn.run.run(config)


def _config(fileno: int, certfile: str | None, keyfile: str | None, grace: float) -> _Config:
    config = _Config()
    config.accesslog = "-"
    config.access_log_format = '%(h)s "%(m)s %(Uq)s HTTP/%(H)s" %(s)s'
    config.logger_class = _Logger
    config.certfile, config.keyfile = certfile, keyfile
    config.graceful_timeout = grace
    config.bind = [f"fd://{fileno}"]  # hypercorn closes it.
    return config


class _Config(hypercorn.Config):
    """hypercorn's configuration, which may have a ready ``SSLContext``."""

    ssl_context: ssl.SSLContext | None = None
    ready: Callable[[], object] | None = None

    @property
    def ssl_enabled(self) -> bool:
        return self.ssl_context is not None or super().ssl_enabled

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return self.ssl_context or super().create_ssl_context()


class _Logger(hypercorn.logging.Logger):
    def __init__(self, config: hypercorn.Config) -> None:
        super().__init__(config)
        self._config = config

    async def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log all but hypercorn's address, which the parent process prints once.

        Args:
            message: The message.
            args: For the logger.
            kwargs: For the logger.
        """
        ready = getattr(self._config, "ready", None)
        if ready is not None and message.startswith("Running on "):
            ready()
        else:
            await super().info(message, *args, **kwargs)

    def atoms(
        self,
        request: HTTPScope | WebsocketScope,
        response: ResponseSummary | None,
        request_time: float,
    ) -> Mapping[str, str]:
        """Return hypercorn's fields of an access log line, with control characters escaped.

        Args:
            request: The ASGI scope.
            response: The message ``http.response.start``, if there is one.
            request_time: Seconds.
        """
        atoms: Any = super().atoms(request, response, request_time)
        # SECURITY: a path of "/%0a127.0.0.1 …" would forge a line of the log, and escape sequences
        # would reach the terminal.
        for name, value in atoms.items():
            if isinstance(value, str) and not value.isprintable():
                atoms[name] = value.encode("unicode_escape").decode("ascii")
        return atoms  # type: ignore[no-any-return]  # hypercorn's dict, changed in place


async def _serve_until(app: ASGIApplication, config: _Config, stop: asyncio.Event) -> None:
    asyncio.get_running_loop().set_exception_handler(_log_loop_error)
    connections = _Connections(app, stop)
    loop = asyncio.get_running_loop()
    serving = loop.create_task(
        hypercorn.asyncio.serve(
            connections,  # type: ignore[arg-type]  # an ASGI app, spelled with TypedDicts there
            config,
            shutdown_trigger=stop.wait,
            mode="asgi",
        )
    )
    cutting = loop.create_task(connections.cut_off(config.graceful_timeout))
    try:
        await asyncio.wait({serving, cutting}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and connections.gave_up:
            # hypercorn looks at the shutdown only after the app has started.
            serving.cancel()
            await asyncio.wait({serving}, timeout=MOMENT)
        elif not serving.done() and not connections.is_shutting_down:
            await connections.shut_down(LIFESPAN_SECONDS)
        else:
            await serving
    finally:
        cutting.cancel()


class _Connections:
    """An app whose connections can be ended.

    From CPython 3.12 on hypercorn waits for open connections without limit when it stops: asyncio's
    ``Server.wait_closed()`` waits for them there, and its own timeout begins only afterwards.

    Args:
        app: The ASGI application.
        stop: Set when the server is to stop; the app is told of it.
    """

    def __init__(self, app: ASGIApplication, stop: asyncio.Event) -> None:
        self._app = app
        self._stop = stop
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._lifespan: asyncio.Task[Any] | None = None
        self._is_over = asyncio.Event()
        self._is_starting = True
        #: whether the server was stopped before the app had started
        self.gave_up = False
        #: whether hypercorn has begun the app's shutdown. Before it waits for an app that ignores
        #: its cancellation or is in a thread, and for a client that does not read.
        self.is_shutting_down = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app's lifespan, and notice the end of its startup."""

        async def notice(message: Message) -> None:
            self._is_starting = False
            await send(message)

        self._lifespan = asyncio.current_task()
        try:
            scope = extended(scope, self._stop.wait)
            await self._app(scope, lambda: self._next(receive), notice)
        finally:
            self._is_starting = False  # An app without a lifespan has raised.

    async def cut_off(self, grace: float) -> None:
        """Cancel the connections that are still open some time after the server is to stop.

        Args:
            grace: Seconds.
        """
        await self._stop.wait()
        if self._is_starting:
            self.gave_up = True
            return
        await asyncio.sleep(grace)
        for task in list(self._tasks):
            if task is not None:
                task.cancel()
        await asyncio.sleep(MOMENT)

    async def shut_down(self, seconds: float) -> None:
        """Run the app's shutdown instead of hypercorn.

        Args:
            seconds: Limit for it.
        """
        self._is_over.set()
        if self._lifespan is not None:
            await asyncio.wait({self._lifespan}, timeout=seconds)

    async def _next(self, receive: Receive) -> Message:
        """Return hypercorn's next lifespan message, or the shutdown if hypercorn is stuck."""
        loop = asyncio.get_running_loop()
        heard = loop.create_task(as_coroutine(receive()))
        over = loop.create_task(as_coroutine(self._is_over.wait()))
        try:
            await asyncio.wait({heard, over}, return_when=asyncio.FIRST_COMPLETED)
            message = heard.result() if heard.done() else {"type": "lifespan.shutdown"}
            self.is_shutting_down = message["type"] == "lifespan.shutdown"
            return message
        finally:
            heard.cancel()
            over.cancel()


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that asyncio could not raise anywhere, unless it is an ordinary event."""
    # A failed handshake is the client's error. CPython 3.11 reports a connection that is closed at
    # the end as an error, by mistake.
    if not isinstance(context.get("exception"), (ssl.SSLError, asyncio.CancelledError)):
        loop.default_exception_handler(context)


def _run_on_own_loop(app: ASGIApplication, config: _Config) -> None:
    """Serve on a loop of its own, which is stopped when it takes too long to end."""
    last_resort = LastResort()
    seconds = config.graceful_timeout + LIFESPAN_SECONDS + SPARE
    try:
        run_loop(_serve_hypercorn(app, config, last_resort, seconds), None, seconds)
    finally:
        last_resort.stop()


async def _serve_hypercorn(
    app: ASGIApplication, config: _Config, last_resort: LastResort, seconds: float
) -> None:
    stop = asyncio.Event()
    with Signals(stop.set, last_resort, config.graceful_timeout + SPARE, seconds):
        await _serve_until(app, config, stop)
