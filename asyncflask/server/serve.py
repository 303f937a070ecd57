"""Starts the embedded server and shuts it down.

The shutdown stops listening, waits for running requests within a grace, closes websockets with
1012, and then runs the app's shutdown. ``http_protocol.py`` handles the connections.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..protocol.header_names import reporting_app
from ..typing import ASGIApplication
from .config import Config
from .http_protocol import HTTPProtocol
from .lifespan import Lifespan
from .runner import MOMENT, SPARE, LastResort, Signals, run_loop
from .state import ServerState, access_logger, logger

#: rounds of the loop from accept() to connection_made()
ROUNDS = 3
TICK = 0.5  # seconds between two checks of the deadlines; less for a shorter timeout


async def serve(
    app: ASGIApplication,
    sockets: Sequence[socket.socket],
    config: Config | None = None,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve an app until ``stop`` is set.

    Args:
        app: The ASGI application.
        sockets: Sockets of :func:`listen`; they are closed at the end.
        config: The settings.
        stop: The event that starts the shutdown.
        ready: Called once connections are accepted.

    Raises:
        LifespanFailed: The app's startup or shutdown failed.
        ValueError: There is no list of sockets.
    """
    if isinstance(sockets, socket.socket) or not sockets:
        raise ValueError(
            f"{sockets!r} is no list of sockets to serve on. Write [listen(host, port)]."
        )
    config = config or Config()
    loop = asyncio.get_running_loop()
    lifespan = Lifespan(app, stop.wait)
    server_state = ServerState(reporting_app(app), config)
    try:
        if not await _started(lifespan, stop):
            return
        if lifespan.supported:
            server_state.state = lifespan.state
        servers = [await _start_listening(server_state, listener) for listener in sockets]
        ticking = loop.create_task(_tick(server_state))
        try:
            if ready is not None:
                ready()
            await stop.wait()
        finally:
            await _stop_listening(servers, sockets)
            await _finish(server_state)
            ticking.cancel()
    finally:
        for listener in sockets:
            listener.close()
        await lifespan.stop(config.lifespan_timeout)


async def _started(lifespan: Lifespan, stop: asyncio.Event) -> bool:
    """Run the app's startup; return whether it ended before ``stop`` was set."""
    loop = asyncio.get_running_loop()
    starting, stopping = loop.create_task(lifespan.start()), loop.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        return False
    starting.result()
    if lifespan.exit is not None:
        raise lifespan.exit
    return True


async def _start_listening(server_state: ServerState, listener: socket.socket) -> asyncio.Server:
    tls = server_state.config.ssl
    return await asyncio.get_running_loop().create_server(
        lambda: HTTPProtocol(server_state),
        sock=listener,
        ssl=tls,
        ssl_handshake_timeout=server_state.config.handshake_timeout if tls else None,
    )


async def _tick(server_state: ServerState) -> None:
    config, limits = server_state.config, server_state.config.limits
    times = [config.handshake_timeout, config.write_timeout, config.close_timeout]
    times += [limits.header_timeout, limits.body_timeout, limits.keep_alive_timeout]
    times += [config.ping_interval] if config.ping_interval else []
    interval = min(TICK, *(time / 4 for time in times))
    while True:
        await asyncio.sleep(interval)
        server_state.tick()


async def _stop_listening(
    servers: Sequence[asyncio.Server], sockets: Sequence[socket.socket]
) -> None:
    """Accept no more, and close the sockets when every accepted connection has its protocol.

    asyncio drops a connection that it has accepted one round of the loop before the close. Another
    process that accepts from the same socket would have answered it.
    """
    loop = asyncio.get_running_loop()
    for listener in sockets:
        with suppress(NotImplementedError):  # Windows' loop has no readers.
            loop.remove_reader(listener)
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
    for server in servers:
        server.close()


async def _finish(server_state: ServerState) -> None:
    """Wait for running requests, and cancel those that do not end."""
    server_state.stopping = True
    for connection in list(server_state.connections):
        connection.shut_down()
    loop = asyncio.get_running_loop()
    until = loop.time() + server_state.config.grace
    while (server_state.connections or server_state.tasks) and loop.time() < until:
        await asyncio.sleep(min(0.02, server_state.config.grace))
    for connection in list(server_state.connections):
        connection.abort()
    tasks = set(server_state.tasks)
    if tasks:
        logger.warning("Cancelled what was still running after the grace: %d.", len(tasks))
    for task in tasks:
        task.cancel()
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=MOMENT)
        if left:
            logger.warning("No longer waited for, cancelled in vain or in a thread: %d.", len(left))
    await asyncio.sleep(0)  # Transports report their end in the loop's next round.


def run(
    app: ASGIApplication,
    sockets: Sequence[socket.socket],
    config: Config | None = None,
    *,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve an app on a new loop until SIGINT or SIGTERM; a second signal ends it at once.

    Args:
        app: The ASGI application.
        sockets: Sockets of :func:`listen`.
        config: The settings.
        ready: Called once connections are accepted.

    Raises:
        ImportError: The settings require uvloop, and it is not installed.
        LifespanFailed: The app's startup or shutdown failed.
        ValueError: There is no list of sockets.
    """
    _log_somewhere()
    config = config or Config()
    last_resort = LastResort()
    main = _serve_until_signal(app, sockets, config, ready, last_resort)
    try:
        run_loop(main, _loop_factory(config.loop), _time_to_end(config), outlasts_exits=True)
    finally:
        last_resort.stop()


def _time_to_end(config: Config) -> float:
    return config.grace + config.lifespan_timeout + SPARE


def _loop_factory(wish: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if wish == "asyncio":
        return None
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]  # there or not
    except ImportError:
        if wish == "uvloop":
            raise
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _log_somewhere() -> None:
    """Write the server's log to standard error, unless the program has set up its own logging."""
    for own in (logger, access_logger):
        if not own.hasHandlers():
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(message)s"))
            own.addHandler(handler)
        if own.level == logging.NOTSET:
            own.setLevel(logging.INFO)


async def _serve_until_signal(
    app: ASGIApplication,
    sockets: Sequence[socket.socket],
    config: Config,
    ready: Callable[[], None] | None,
    last_resort: LastResort,
) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(_log_unexpected_error)
    with Signals(stop.set, last_resort, config.grace + SPARE, _time_to_end(config)):
        await serve(app, sockets, config, stop=stop, ready=ready)


def _log_unexpected_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that asyncio could not raise, unless it is an ordinary event."""
    # A TLS handshake that fails, or a connection that is cut off, is not an error here.
    if not isinstance(context.get("exception"), (ssl.SSLError, ConnectionError)):
        loop.default_exception_handler(context)
