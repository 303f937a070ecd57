"""Applications that are mounted below a prefix of the path: ``app.mount("/old", old)``.

The mounted application has the prefix as its root path (``SCRIPT_NAME``), so that it builds the
right URLs. An ASGI application is awaited on the loop; a WSGI application runs in a worker thread
(``adapter.py``). The outer app's hooks do not run for it. The prefix alone is redirected to the
prefix with a slash, so that relative links stay below it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from logging import Logger
from typing import Any, Literal, Protocol, cast, runtime_checkable
from urllib.parse import quote

from werkzeug.utils import redirect

from .._contextvars import context_var
from ..concurrency.inspection import is_async
from ..concurrency.stopping import Stopping
from ..protocol.header_names import with_lower_names
from ..typing import Message, Receive, Scope, Send
from ..wrappers.http_connection import path_below_root
from ..wrappers.request import drain
from ..wrappers.response.asgi import send_response
from ..wrappers.response.response import Response
from .adapter import Host, Served, serve_wsgi

Interface = Literal["asgi", "wsgi"]


@runtime_checkable
class Route(Protocol):
    """The attributes of a route that tracing tools read (Starlette's names)."""

    path: str
    path_format: str


class MountedRoute:
    """The route of a mounted application, for tracing tools around the outer app.

    Args:
        prefix: The prefix of the application.
        route: The application's own ``scope["route"]``.
    """

    def __init__(self, prefix: str, route: Route) -> None:
        self.route = route
        self.path = prefix + route.path
        self.path_format = prefix + route.path_format

    def __str__(self) -> str:
        return self.path


@dataclass(eq=False)
class Mount:
    """One application below a prefix.

    Args:
        prefix: The prefix, without a slash at its end.
        app: The application.
        interface: The interface that it is called with.
        lifespan: Whether the lifespan of a foreign ASGI application is run.
    """

    prefix: str
    app: Any
    interface: Interface
    lifespan: bool = False
    #: The state of the application's lifespan, while that runs.
    state: dict[str, Any] | None = field(default=None, init=False)

    @property
    def owner(self) -> object:
        """The application, also if one of its methods was mounted (``app.asgi_app``)."""
        owner: object = getattr(self.app, "__self__", self.app)
        return owner

    async def serve(self, host: Host, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with the mounted application.

        Args:
            host: The outer app, in whose workers a WSGI application runs.
            scope: The outer app's scope.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.

        Raises:
            Exception: Whatever the application raises.
        """
        inner = {**scope, "root_path": scope.get("root_path", "").rstrip("/") + self.prefix}
        if self.state is not None:
            inner["state"] = {**(scope.get("state") or {}), **self.state}
        if scope["type"] == "http" and path_below_root(scope) == self.prefix:
            await _redirect_to_slash(host, inner, receive, send)
            return
        if self.interface == "wsgi" and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})  # The server responds 403 (ASGI).
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
        # Read at each call, because middleware may be put around `asgi_app` later.
        app = self.app.asgi_app if hasattr(self.app, "wsgi_app") else self.app
        previous = context_var.get()
        context_var.set(None)
        try:
            await app(scope, receive, send)
        finally:
            context_var.set(previous)

    def _show_route(self, inner: Scope, outer: Scope) -> None:
        """Set the route in the outer scope, for tracing tools around the outer app."""
        route = inner.get("route")
        if route is not None and "route" not in outer and isinstance(route, Route):
            outer["route"] = MountedRoute(self.prefix, route)
            outer["endpoint"] = inner.get("endpoint")


async def _redirect_to_slash(host: Host, scope: Scope, receive: Receive, send: Send) -> None:
    """Redirect to the root path with a slash, with 308, which keeps the method.

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


def make_mount(
    prefix: str, app: object, interface: Interface | None, lifespan: bool = False
) -> Mount:
    """Check the arguments of :meth:`asyncflask.Flask.mount`.

    Args:
        prefix: The prefix.
        app: The application.
        interface: The interface; ``None`` if it is to be found out.
        lifespan: Whether the lifespan of a foreign ASGI application is run.

    Returns:
        The mount.

    Raises:
        ValueError: The prefix is not valid, or ``lifespan`` was given for a WSGI application.
        TypeError: ``interface`` was not given, and it cannot be found out.
    """
    stripped = prefix.rstrip("/")
    if not stripped.startswith("/") or "//" in stripped:
        raise ValueError(
            f"mount({prefix!r}): the prefix must begin with a slash and have more characters. Write"
            " '/old'; put an application for all other paths around the app:"
            " `app.asgi_app = Middleware(app.asgi_app)`."
        )
    found = interface or _interface_of(app)
    if found not in ("asgi", "wsgi"):
        raise TypeError(
            f"mount({prefix!r}, {app!r}): it is not clear whether this is an ASGI application"
            " (scope, receive, send) or a WSGI application (environ, start_response). Write"
            " interface='asgi' or 'wsgi'."
        )
    if lifespan and found == "wsgi":
        raise ValueError(
            f"mount({prefix!r}, {app!r}, lifespan=True): a WSGI application has no lifespan. Omit"
            " the argument, and start its resources in a before_serving function."
        )
    return Mount(stripped, app, found, lifespan)


def _interface_of(app: object) -> Interface | None:
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
    """Return the mount whose prefix is that of a connection's path, by whole segments.

    Args:
        mounts: The mounts, the longest prefix first.
        scope: The connection's scope.

    Returns:
        The mount; ``None`` if there is none.
    """
    path = path_below_root(scope)
    for mount in mounts:
        if path.startswith(mount.prefix) and path[len(mount.prefix) :][:1] in ("/", ""):
            return mount
    return None


# -- startup and shutdown --------------------------------------------------------------------------


class OuterApp(Protocol):
    """The attributes of an app that starting its mounts needs."""

    @property
    def logger(self) -> Logger: ...
    @property
    def stopping(self) -> Stopping: ...


Stop = Callable[[], Awaitable[None]]


class StartedApp(Protocol):
    """An app of asyncflask, which is started and shut down by itself."""

    async def startup(self) -> None: ...
    async def shutdown(self) -> None: ...


#: The ids of the applications that are being started; one may be mounted several times.
_started: ContextVar[set[int] | None] = ContextVar("asyncflask.started_mounts", default=None)


async def start_mounted(app: OuterApp, mounts: Iterable[Mount]) -> list[Stop]:
    """Start the mounted apps of asyncflask, and foreign ones with ``lifespan=True``, each once.

    Args:
        app: The outer app.
        mounts: Its mounts.

    Returns:
        Functions that shut the applications down, for :func:`stop_mounted`.

    Raises:
        RuntimeError: A foreign application failed to start, or has no lifespan.
        Exception: A startup function's error. The applications that were started before have been
            shut down.
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
            start = _starter(mount, mounts, app.stopping)
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
    """Shut down the applications that were started, the last one first.

    Args:
        stops: The functions that :func:`start_mounted` returned.
        logger: For errors after the first one.

    Raises:
        Exception: The first error, after all were shut down.
    """
    first: Exception | None = None
    for stop in reversed(stops):
        try:
            await stop()
        except Exception as error:
            if first is not None:
                logger.error("The shutdown of a mounted application failed.", exc_info=error)
            first = first or error
    if first is not None:
        raise first


def _starter(
    mount: Mount, mounts: Iterable[Mount], stopping: Stopping
) -> Callable[[], Awaitable[Stop]] | None:
    app = mount.owner
    if all(is_async(getattr(app, step, None) or len) for step in ("startup", "shutdown")):
        return lambda: _start_ours(cast(StartedApp, app), stopping)
    if any(other.lifespan for other in mounts if other.owner is app):
        same = [m for m in mounts if m.owner is app]
        return lambda: _start_lifespan(mount, same, stopping)
    return None


async def _start_ours(app: StartedApp, stopping: Stopping) -> Stop:
    await app.startup()
    own = getattr(app, "stopping", None)
    if isinstance(own, Stopping):  # Quart's apps are started in this way too, and have none.
        stopping.call(own.set)
    return app.shutdown


async def _start_lifespan(mount: Mount, same: Sequence[Mount], stopping: Stopping) -> Stop:
    """Start an ASGI application through its lifespan. (ASGI: lifespan.)"""
    from ..server.lifespan import Lifespan, LifespanFailed  # Most apps do not need it.

    async def alone(scope: Scope, receive: Receive, send: Send) -> None:
        context_var.set(None)  # Otherwise the outer app's context would be current in its task.
        await mount.app(scope, receive, send)

    lifespan = Lifespan(alone, stopping.wait)
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
            f"{where} with lifespan=True has no lifespan, or failed before it reported its"
            f" startup ({lifespan.error!r}). If it has none, omit lifespan=True."
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
