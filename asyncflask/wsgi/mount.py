"""Other applications behind this one, each below a prefix of the path: ``app.mount("/old", old)``.

For moving an app over step by step. The mounted application sees the prefix as its root path
(``SCRIPT_NAME``), so that the URLs it builds are right. An ASGI application is awaited on the loop,
a WSGI one runs in a worker thread (``adapter.py``). Hooks of the outer app do not run for it. The
prefix alone is redirected to the prefix with a slash, so that relative links stay below it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from logging import Logger
from typing import Any, Literal, cast
from urllib.parse import quote

from werkzeug.utils import redirect

from .._current import slot
from ..concurrency.inspection import is_async
from ..protocol.header_names import with_lower_names
from ..typing import Message, Receive, Scope, Send
from ..wrappers.http_connection import path_below_root
from ..wrappers.request import drain
from ..wrappers.response.asgi import send_response
from ..wrappers.response.response import Response
from .adapter import Host, Served, serve_wsgi

Interface = Literal["asgi", "wsgi"]


class MountedRoute:
    """The route of a mounted application, as tracing tools around the outer app see it.

    Args:
        prefix: Where the application is mounted.
        route: The application's own ``scope["route"]``, with ``path`` and ``path_format``.
    """

    def __init__(self, prefix: str, route: Any) -> None:
        self.route = route
        self.path: str = prefix + route.path
        self.path_format: str = prefix + route.path_format

    def __str__(self) -> str:
        return self.path


class Mount:  # PERF: no dataclass, which takes 0.5 ms to make, at each import.
    """One application below a prefix.

    Args:
        prefix: Without a slash at its end.
        app: The application.
        interface: What it speaks.
        lifespan: Whether an ASGI application that is none of ours is started and shut down.
    """

    #: what the application has put into the state of its lifespan, if that runs
    state: dict[str, Any] | None = None

    def __init__(self, prefix: str, app: Any, interface: Interface, lifespan: bool = False) -> None:
        self.prefix = prefix
        self.app = app
        self.interface: Interface = interface
        self.lifespan = lifespan

    @property
    def owner(self) -> Any:
        """The application, also where one of its methods was mounted (``app.asgi_app``)."""
        return getattr(self.app, "__self__", self.app)

    async def serve(self, host: Host, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with the mounted application.

        Args:
            host: The outer app, whose workers a WSGI application runs in.
            scope: The outer app's scope.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.
        """
        inner = {**scope, "root_path": scope.get("root_path", "").rstrip("/") + self.prefix}
        if self.state is not None:
            inner["state"] = {**(scope.get("state") or {}), **self.state}
        if scope["type"] == "http" and path_below_root(scope) == self.prefix:
            await _redirect_to_slash(host, inner, receive, send)
            return
        if self.interface == "wsgi" and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})  # ASGI: answered 403.
            return
        log = host.logger.warning if host.debug else None
        send_lower = with_lower_names(send, self.app, log)

        async def send_on(message: Message) -> None:
            self._show_route(inner, scope)
            await send_lower(message)

        try:
            await self._call(host, inner, receive, send_on)
        finally:
            self._show_route(inner, scope)

    async def _call(self, host: Host, scope: Scope, receive: Receive, send: Send) -> None:
        if self.interface == "wsgi":
            await serve_wsgi(host, self.app, scope, receive, send)
            return
        # Of an app of both its ASGI side, as it is now: middleware may be put around it late.
        app = self.app.asgi_app if hasattr(self.app, "wsgi_app") else self.app
        previous = slot.get()
        slot.set(None)
        try:
            await app(scope, receive, send)
        finally:
            slot.set(previous)

    def _show_route(self, inner: Scope, outer: Scope) -> None:
        """Show what is around the outer app which route of the mounted one answers."""
        route = inner.get("route")
        if "route" not in outer and hasattr(route, "path") and hasattr(route, "path_format"):
            outer["route"] = MountedRoute(self.prefix, route)
            outer["endpoint"] = inner.get("endpoint")


async def _redirect_to_slash(host: Host, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 308, which keeps the method, with the root path and a slash.

    SECURITY: the location has no host and begins with one slash, so it leads to this server.
    """
    location = "/" + quote(scope["root_path"].lstrip("/"), safe="/:@!$&'()*+,;=~") + "/"
    if query := scope.get("query_string"):
        location += "?" + query.decode("latin-1")
    response = cast(Response, redirect(location, 308, Response))
    served = Served(host, scope, receive, send)
    if served.announced and drain.is_left(served):
        send = drain.reading_on(served, send)
    await send_response(response, scope["method"], send)


def make_mount(prefix: str, app: Any, interface: Interface | None, lifespan: bool = False) -> Mount:
    """Check what :meth:`asyncflask.Flask.mount` is given.

    Raises:
        ValueError: The prefix is none, or ``lifespan`` is asked for of a WSGI application.
        TypeError: ``interface`` is not given, and ``app`` does not show what it speaks.
    """
    stripped = prefix.rstrip("/")
    if not stripped.startswith("/") or "//" in stripped:
        raise ValueError(
            f"mount({prefix!r}): the prefix begins with a slash and is more than that. Write"
            " '/old'; what is to answer everything else belongs around the app:"
            " `app.asgi_app = Middleware(app.asgi_app)`."
        )
    found = interface or _interface_of(app)
    if found not in ("asgi", "wsgi"):
        raise TypeError(
            f"mount({prefix!r}, {app!r}): whether this speaks ASGI (scope, receive, send) or WSGI"
            " (environ, start_response) does not show. Write interface='asgi' or 'wsgi'."
        )
    if lifespan and found == "wsgi":
        raise ValueError(
            f"mount({prefix!r}, {app!r}, lifespan=True): a WSGI application has no lifespan. Omit"
            " the argument, and start what it needs in a before_serving function."
        )
    return Mount(stripped, app, found, lifespan)


def _interface_of(app: Any) -> Interface | None:
    if hasattr(app, "asgi_app"):
        return "asgi"
    if hasattr(app, "wsgi_app"):
        return "wsgi"
    if not callable(app):
        return None
    if is_async(app):
        return "asgi"
    try:
        inspect.signature(app).bind(None, None)
    except (TypeError, ValueError):
        return None
    return "wsgi"


def find_mount(mounts: Iterable[Mount], scope: Scope) -> Mount | None:
    """Return the mount that a connection belongs to, by whole segments of its path.

    Args:
        mounts: The longest prefix first.
        scope: The connection's scope.
    """
    path = path_below_root(scope)
    for mount in mounts:
        if path.startswith(mount.prefix) and path[len(mount.prefix) :][:1] in ("/", ""):
            return mount
    return None


# -- startup and shutdown --------------------------------------------------------------------------

Stop = Callable[[], Awaitable[None]]

#: the applications that are being started, by their ids; they may be mounted several times
_started: ContextVar[set[int] | None] = ContextVar("asyncflask.wsgi.mount", default=None)


async def start_mounted(app: Any, mounts: Iterable[Mount]) -> list[Stop]:
    """Start mounted apps of ours, and others whose lifespan is asked for, each once.

    Args:
        app: The outer app.
        mounts: What is mounted on it.

    Returns:
        What shuts them down, for :func:`stop_mounted`.

    Raises:
        RuntimeError: An application that is none of ours has failed to start, or has no lifespan.
        Exception: What a startup function of an app of ours raises. Those that were started
            before have been shut down.
    """
    stops: list[Stop] = []
    seen = _started.get()
    token = None
    if seen is None:
        seen = {id(app)}
        token = _started.set(seen)
    try:
        for mount in mounts:
            if id(mount.owner) in seen:
                continue
            start = _starter(mount, mounts)
            if start is not None:
                seen.add(id(mount.owner))
                stops.append(await start())
    except BaseException:
        await stop_mounted(stops, app.logger)
        raise
    finally:
        if token is not None:
            _started.reset(token)
    return stops


async def stop_mounted(stops: Sequence[Stop], logger: Logger) -> None:
    """Shut down what was started, the last one first. All are; the first error is raised.

    Args:
        stops: What :func:`start_mounted` has returned.
        logger: For the other errors.
    """
    first: Exception | None = None
    for stop in reversed(stops):
        try:
            await stop()
        except Exception as error:
            if first is not None:
                logger.error("A mounted application failed in shutdown.", exc_info=error)
            first = first or error
    if first is not None:
        raise first


def _starter(mount: Mount, mounts: Iterable[Mount]) -> Callable[[], Awaitable[Stop]] | None:
    app = mount.owner
    if all(is_async(getattr(app, step, None) or len) for step in ("startup", "shutdown")):
        return lambda: _start_ours(app)
    if any(other.lifespan for other in mounts if other.owner is app):
        return lambda: _start_lifespan(mount, [m for m in mounts if m.owner is app])
    return None


async def _start_ours(app: Any) -> Stop:
    await app.startup()
    stop: Stop = app.shutdown
    return stop


async def _start_lifespan(mount: Mount, same: Sequence[Mount]) -> Stop:
    """Start an ASGI application through its lifespan. (ASGI: lifespan.)"""
    from ..server.lifespan import Lifespan, LifespanFailed  # It is seldom needed.

    async def alone(scope: Scope, receive: Receive, send: Send) -> None:
        slot.set(None)  # Its task has the outer app's context otherwise.
        await mount.app(scope, receive, send)

    lifespan = Lifespan(alone)
    where = f"The application {mount.app!r} that is mounted at {mount.prefix!r}"
    try:
        await lifespan.start()
    except BaseException as error:
        await lifespan.stop(None)
        if isinstance(error, LifespanFailed):
            raise RuntimeError(f"{where} did not start. {error}") from error
        raise
    if not lifespan.supported:
        await lifespan.stop(None)
        raise RuntimeError(
            f"{where} with lifespan=True has no lifespan, or failed before it answered"
            f" ({lifespan.error!r}). If it has none, omit lifespan=True."
        ) from lifespan.error
    for each in same:
        each.state = lifespan.state

    async def stop() -> None:
        for each in same:
            each.state = None
        try:
            await lifespan.stop(None)
        except LifespanFailed as error:
            raise RuntimeError(f"{where} did not shut down cleanly. {error}") from error

    return stop
