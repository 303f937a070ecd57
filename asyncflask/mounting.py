"""Other applications behind this one, each below a prefix of the path: ``app.mount("/old", old)``.

For moving an app over step by step. The mounted application sees the prefix as its root path
(``SCRIPT_NAME``), so that the URLs it builds are right. An ASGI application is awaited on the loop,
a WSGI one runs in a worker thread (``wsgi.py``). Hooks of the outer app do not run for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal

from ._current import slot
from .concurrency import is_async
from .protocol.header_names import with_lower_names
from .typing import Message, Receive, Scope, Send
from .wrappers.connection import path_below_root
from .wsgi import Host, serve_wsgi

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
    """

    def __init__(self, prefix: str, app: Any, interface: Interface) -> None:
        self.prefix = prefix
        self.app = app
        self.interface: Interface = interface

    async def serve(self, host: Host, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection with the mounted application.

        Args:
            host: The outer app, whose workers a WSGI application runs in.
            scope: The outer app's scope.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.
        """
        inner = {**scope, "root_path": scope.get("root_path", "").rstrip("/") + self.prefix}
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


def make_mount(prefix: str, app: Any, interface: Interface | None) -> Mount:
    """Check what :meth:`asyncflask.Flask.mount` is given.

    Raises:
        ValueError: The prefix is none.
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
    return Mount(stripped, app, found)


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


async def start_mounted(mounts: Iterable[Mount], step: Literal["startup", "shutdown"]) -> None:
    """Start mounted apps of ours, or shut them down; others have a lifespan of their own."""
    for mount in mounts:
        app = getattr(mount.app, "__self__", mount.app)
        run: Callable[[], Awaitable[None]] | None = getattr(app, step, None)
        if run is not None and is_async(run):
            await run()
