"""Flask 3.1's two contexts, both the one :class:`~asyncflask.ctx.Context` underneath.

A request context is made of a WSGI environ. As in Flask, pushing one inside an app context of the
same app shares its ``g``; the session is opened and the URL matched when it is pushed.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

from werkzeug.exceptions import HTTPException as HTTPException

from .. import ctx as async_face
from .._current import current
from ..concurrency import run_sync, running_loop
from ..context import NO_ERROR, Context, Place
from ..ctx import (
    F,
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from ..dispatch.lanes import HTTP
from ..wrappers.environ import CONTEXT_KEY
from ..wrappers.target import take_environ_apart
from .faces import AwaitableRequest
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .signals import appcontext_popped as appcontext_popped
from .signals import appcontext_pushed as appcontext_pushed

T = TypeVar("T")

__all__ = [
    "AppContext",
    "F",
    "RequestContext",
    "_AppCtxGlobals",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]


class _AppCtxGlobals(async_face._AppCtxGlobals):
    """The plain object behind ``g``, called as in Flask."""

    def __repr__(self) -> str:
        ctx = current()
        return object.__repr__(self) if ctx is None else f"<flask.g of {ctx.app.name!r}>"


class _SyncContext(Context):
    """A context in which ``def`` is the rule; with ``async with`` its hooks of both colours run."""

    place: Place = "thread"
    synchronous = True

    def _lend_from(self, previous: Context | None) -> None:
        """Take over what Flask 3.1's two separate stacks would show here.

        No app context hides a request, be it another app's; a request shares the ``g`` of whatever
        context of its app is around it, a request's too.
        """
        if previous is None:
            return
        if self.lane is None:
            self._around = previous.carrier
        elif self._g is None and previous.app is self.app:
            self.lender = previous

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop."""
        self.place = "loop"
        await super().push_async()

    async def pop_async(self, exc: BaseException | None = NO_ERROR) -> None:
        """Like :meth:`pop`, for code on the event loop."""
        try:
            await super().pop_async(exc)
        finally:
            self.place = "thread"


class AppContext(_SyncContext):
    """What ``app.app_context()`` returns. Source: ``Flask: ctx.AppContext``."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)


class RequestContext(_SyncContext):
    """What ``app.request_context(environ)`` returns.

    Args:
        app: The app.
        environ: The WSGI environ.
        request: Instead of one made from the environ.
        session: Instead of one that the session interface opens.

    Source: ``Flask: ctx.RequestContext``.
    """

    _awaitable: Any = None

    def __init__(
        self, app: Any, environ: dict[str, Any], request: Any = None, session: Any = None
    ) -> None:
        super().__init__(app, HTTP, scope_of(environ))
        self.wsgi_environ = environ
        self._sync_connection = request
        if session is not None:
            self.session = session
        served = environ.get(CONTEXT_KEY)
        if served is not None:
            self.lease = served.lease

    @property
    def connection(self) -> Any:
        """The request; the same on every thread, since it is synchronous."""
        request = self._sync_connection
        if request is None:
            request = self._sync_connection = self.app.request_class(self.wsgi_environ)  # type: ignore[attr-defined]  # a facade app
            self._tell(request)
        return request

    request = sync_connection = connection

    def connection_of(self, name: str) -> Any:
        """Return what ``asyncflask.request`` is: in an ``async def`` callable the awaitable one."""
        if self._carrier_of(name) is None:
            return None
        lease = self.lease
        if self.place != "loop" or (lease is not None and lease.ident == get_ident()):
            return self.connection
        if self._awaitable is None:
            self._awaitable = AwaitableRequest(self)
        return self._awaitable

    async def run_def(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a ``def`` callable on the request's worker; off the server's loop, beside it."""
        lease = self.lease
        if lease is None or lease.loop is not running_loop():
            return await run_sync(func)(*args, **kwargs)
        return await super().run_def(func, *args, **kwargs)

    def leave_in_place(self, error: BaseException | None) -> None:
        """Run what is due at the end of this context in the calling thread."""
        try:
            super().leave_in_place(error)
        finally:
            self._awaitable = None  # It refers to this context: a circle.

    def close_connection(self) -> None:
        """Close the request's uploads, at the end of the context that they came with."""
        request = self._sync_connection
        if request is not None and not self.copied:
            # COMPAT: replaced requests may have no `close`.
            getattr(request, "close", _nothing)()
            self.wsgi_environ["werkzeug.request"] = None  # It refers to the environ: a circle.

    def match_request(self) -> None:
        """Find the rule for the request; tell the request, and what is around the app on ASGI."""
        super().match_request()
        rule, scope = self.url_rule, self.wsgi_environ.get("asgi.scope")
        if rule is not None and scope is not None:
            scope["route"] = rule
            scope["endpoint"] = self.app.view_functions.get(rule.endpoint)  # type: ignore[attr-defined]  # a facade app
        if self._sync_connection is not None:
            self._tell(self._sync_connection)

    def _has_path(self) -> bool:
        # Werkzeug redirects from an empty path. An ASGI server's is refused, as on the async face.
        return "asgi.scope" not in self.wsgi_environ or super()._has_path()

    def _has_whole_url(self) -> bool:
        return False  # It was looked for before the environ was used (`scope_of`, `server.py`).

    def _tell(self, request: Any) -> None:
        if self.matched:
            request.url_rule, request.view_args = self.url_rule, self.view_args
        if self.routing_exception is not None:
            request.routing_exception = self.routing_exception

    def _enter(self) -> None:
        # Flask's order: the session is open when the URL is matched.
        if self._session is None:
            self.open_session()
        super()._enter()

    def __repr__(self) -> str:
        request = self.connection
        kind, name = type(self).__name__, self.app.name  # type: ignore[attr-defined]  # a facade app
        return f"<{kind} {request.url!r} [{request.method}] of {name}>"

    def environ(self) -> dict[str, Any]:
        """The WSGI environ itself."""
        return self.wsgi_environ

    def copy(self) -> Context:
        """Return a second context of the same request and session, with a ``g`` of its own."""
        other = type(self)(self.app, self.wsgi_environ, self.connection, self.session)
        other.url_rule, other.view_args = self.url_rule, self.view_args
        other.routing_exception, other.matched = self.routing_exception, True
        other.copied = True
        return other


def _nothing() -> None:
    """Stand for a method that is not there."""


def scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an ASGI scope that dispatching reads, from a WSGI environ.

    An environ whose path is a whole URL is changed: it has that URL's path and host then.
    """
    root = _text(environ.get("SCRIPT_NAME", "")).rstrip("/")
    path = _text(environ.get("PATH_INFO", ""))
    if (
        path[:1] not in ("/", "")
        and "asgi.scope" not in environ  # Of a scope it was tried, with more knowledge.
        and take_environ_apart(environ)
    ):
        path = _text(environ["PATH_INFO"])
    if path[:1] in ("/", ""):
        path = root + path
    elif "asgi.scope" not in environ:
        # Test clients and servers with a SCRIPT_NAME of "/app/" leave the slash away; Werkzeug puts
        # it there.
        path = f"{root}/{path}"
    cookie = environ.get("HTTP_COOKIE")
    return {
        "type": "http",
        "method": environ.get("REQUEST_METHOD", "GET"),
        "path": path,
        "root_path": root,
        "headers": [] if cookie is None else [(b"cookie", cookie.encode("latin-1"))],
    }


def _text(native: str) -> str:
    return native if native.isascii() else native.encode("latin-1").decode(errors="replace")
