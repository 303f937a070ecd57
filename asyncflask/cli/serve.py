"""Start an app on this machine for development: ``asyncflask run`` and ``app.run()``.

hypercorn speaks the protocols and Werkzeug's reloader watches the files; what stands here binds
the socket, so that a port in use is one clear line, and turns signals into an orderly end. With the
reloader, the parent process binds and each child inherits the socket: a browser that comes during
a restart waits instead of being refused.

Only what serves imports this file: it is the one that loads hypercorn.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NoReturn

import click
import hypercorn
import hypercorn.asyncio
import hypercorn.logging
from werkzeug._reloader import run_with_reloader
from werkzeug.serving import generate_adhoc_ssl_context, is_running_from_reloader

from ..typing import ASGIApplication, Receive, Scope, Send

SOCKET_VARIABLE = "_ASYNCFLASK_SOCKET"
LAST_SECONDS = 5.0  # what a server that is being replaced by the reloader has to end
RELOAD_GRACE = 0.5  # of that, for open requests and websockets: somebody waits for the reload
UNIX = "unix://"

REMEDIES = {
    errno.EADDRINUSE: "Another program listens there: stop it, or choose another port (--port).",
    errno.EACCES: "The system does not allow it: choose a port above 1023 (--port).",
    errno.EADDRNOTAVAIL: "This machine has no such address: choose another one (--host).",
}


def serve(
    app: ASGIApplication,
    host: str,
    port: int,
    *,
    certfile: str | None = None,
    keyfile: str | None = None,
    ssl_context: ssl.SSLContext | Literal["adhoc"] | None = None,
    use_reloader: bool = False,
    extra_files: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
) -> None:
    """Serve ``app`` until SIGINT or SIGTERM comes; a second signal ends it at once.

    For development: production uses an ASGI server directly (``hypercorn module:app``).

    Args:
        app: The ASGI application.
        host: A name or address of this machine, or ``unix://path``.
        port: The TCP port; 0 takes a free one.
        certfile: A certificate in PEM format, for HTTPS; with ``keyfile``.
        keyfile: Its key.
        ssl_context: Instead of these two; ``"adhoc"`` makes a certificate on the spot.
        use_reloader: Whether the process is started anew when a file of the program changes.
        extra_files: Further files to watch.
        exclude_patterns: ``fnmatch`` patterns of files not to watch.

    Raises:
        SystemExit: With status 1, after one line on standard error: the address cannot be used.
    """
    config = _Config()
    config.accesslog = "-"
    config.access_log_format = '%(h)s "%(m)s %(Uq)s HTTP/%(H)s" %(s)s'
    config.logger_class = _Logger
    config.certfile = certfile
    config.keyfile = keyfile
    if isinstance(ssl_context, str):
        ssl_context = generate_adhoc_ssl_context()
    config.ssl_context = ssl_context
    listener = _inherited_socket() or _listen(host, port)
    config.bind = [f"fd://{listener.fileno()}"]
    if not use_reloader:
        listener.detach()  # hypercorn closes it.
        asyncio.run(_serve_until_signal(app, config))
        return
    if is_running_from_reloader():
        listener.detach()
    else:
        listener.set_inheritable(True)
        os.environ[SOCKET_VARIABLE] = str(listener.fileno())
    config.graceful_timeout = RELOAD_GRACE
    server = _ThreadedServer(app, config)
    try:
        run_with_reloader(server.run, extra_files, exclude_patterns)
    finally:
        server.stop()


# -- the socket ------------------------------------------------------------------------------------


def _inherited_socket() -> socket.socket | None:
    """The parent's socket, in a child of the reloader."""
    number = os.environ.get(SOCKET_VARIABLE)
    if number is None or not is_running_from_reloader() or sys.platform == "win32":
        return None
    return socket.socket(fileno=int(number))


def _listen(host: str, port: int) -> socket.socket:
    try:
        if host.startswith(UNIX):
            return _listen_unix(host.removeprefix(UNIX))
        # A name is taken for IPv4, as Flask does: "localhost" is to answer at 127.0.0.1.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # There it would let two programs share the port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        _give_up(host, port, error)


def _listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Left behind by a server that was killed; one that listens still would answer.
        if listener.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _give_up(host: str, port: int, error: OSError) -> NoReturn:
    remedy = REMEDIES.get(error.errno or 0, "Check the host and the port (--host, --port).")
    if isinstance(error, socket.gaierror):
        remedy = "No such host is known: choose a name or address of this machine (--host)."
    place = repr(host) if host.startswith(UNIX) else f"port {port} of {host!r}"
    click.secho(f"Error: Cannot listen on {place} ({error.strerror}). {remedy}", err=True, fg="red")
    raise SystemExit(1)


# -- the server ------------------------------------------------------------------------------------


class _Config(hypercorn.Config):
    """hypercorn's configuration, able to take a ready ``SSLContext``."""

    ssl_context: ssl.SSLContext | None = None

    @property
    def ssl_enabled(self) -> bool:
        return self.ssl_context is not None or super().ssl_enabled

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return self.ssl_context or super().create_ssl_context()


class _Logger(hypercorn.logging.Logger):
    def atoms(self, request: Any, response: Any, request_time: float) -> Mapping[str, str]:
        """Return hypercorn's fields of an access log line, with control characters escaped."""
        atoms: Any = super().atoms(request, response, request_time)
        # SECURITY: a path of "/%0a127.0.0.1 …" would forge a line of the log, and escape sequences
        # would reach the terminal.
        for name, value in atoms.items():
            if isinstance(value, str) and not value.isprintable():
                atoms[name] = value.encode("unicode_escape").decode("ascii")
        return atoms  # type: ignore[no-any-return]  # hypercorn's dict, changed in place


async def _serve_until(app: ASGIApplication, config: _Config, stop: asyncio.Event) -> None:
    asyncio.get_running_loop().set_exception_handler(_report)
    connections = _Connections(app)
    cutting = asyncio.create_task(connections.cut_off(stop, config.graceful_timeout))
    try:
        await hypercorn.asyncio.serve(
            connections,  # type: ignore[arg-type]  # an ASGI app, spelled with TypedDicts there
            config,
            shutdown_trigger=stop.wait,
            mode="asgi",
        )
    finally:
        cutting.cancel()


class _Connections:
    """An app whose connections can be ended.

    From CPython 3.12 on hypercorn waits for open connections for ever when it stops: asyncio's
    ``Server.wait_closed()`` waits for them there, and its own timeout begins only afterwards.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._tasks.discard(task)

    async def cut_off(self, stop: asyncio.Event, grace: float) -> None:
        """Cancel what still runs ``grace`` seconds after ``stop`` is set."""
        await stop.wait()
        await asyncio.sleep(grace)
        for task in list(self._tasks):
            if task is not None:
                task.cancel()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what asyncio could raise to nobody, unless it is the ordinary course of things."""
    # A failed handshake is the client's affair. A connection that is cut off at the end is reported
    # as an error by CPython 3.11, by mistake.
    if not isinstance(context.get("exception"), (ssl.SSLError, asyncio.CancelledError)):
        loop.default_exception_handler(context)


async def _serve_until_signal(app: ASGIApplication, config: _Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)  # A second one finds the default: it ends at once.

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, end, number)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, where Ctrl-C interrupts the loop, or not the main thread.
    await _serve_until(app, config, stop)


class _ThreadedServer:
    """The server beside the reloader, which wants the main thread for itself."""

    def __init__(self, app: ASGIApplication, config: _Config) -> None:
        self._app = app
        self._config = config
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ended = threading.Event()

    def run(self) -> None:
        """Serve in this thread until :meth:`stop` is called in another one."""
        try:
            asyncio.run(self._run())
        finally:
            self._ended.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        await _serve_until(self._app, self._config, self._stop)

    def stop(self) -> None:
        """End in good order, with ``after_serving``, if it was started at all."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:
            return  # It had ended already.
        self._ended.wait(LAST_SECONDS)
