"""Flask 3.1's two contexts, both the one :class:`~asyncflask.ctx.Context` underneath.

A request context is made of a WSGI environ. As in Flask, pushing one inside an app context of the
same app shares its ``g``; the session is opened and the URL matched when it is pushed.
"""

from __future__ import annotations

from typing import Any

from .. import ctx as async_face
from .._current import current
from ..ctx import (
    Context,
    F,
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from ..dispatch.lanes import HTTP

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


class AppContext(Context):
    """What ``app.app_context()`` returns. Source: ``Flask: ctx.AppContext``."""

    place = "thread"

    def __init__(self, app: Any) -> None:
        super().__init__(app)


class RequestContext(Context):
    """What ``app.request_context(environ)`` returns.

    Args:
        app: The app.
        environ: The WSGI environ.
        request: Instead of one made from the environ.
        session: Instead of one that the session interface opens.

    Source: ``Flask: ctx.RequestContext``.
    """

    place = "thread"

    def __init__(
        self, app: Any, environ: dict[str, Any], request: Any = None, session: Any = None
    ) -> None:
        super().__init__(app, HTTP, scope_of(environ))
        self.wsgi_environ = environ
        self._connection = request
        self._session = session

    @property
    def connection(self) -> Any:
        """The request; the same on every thread, since it is synchronous."""
        request = self._connection
        if request is None:
            request = self._connection = self.app.request_class(self.wsgi_environ)  # type: ignore[attr-defined]  # a facade app
            self._tell(request)
        return request

    def match_request(self) -> None:
        """Find the rule for the request, and tell the request."""
        super().match_request()
        if self._connection is not None:
            self._tell(self._connection)

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

    def environ(self) -> dict[str, Any]:
        """The WSGI environ itself."""
        return self.wsgi_environ

    def copy(self) -> Context:
        """Return a second context of the same request and session, with a ``g`` of its own."""
        other = type(self)(self.app, self.wsgi_environ, self.connection, self.session)
        other.url_rule, other.view_args = self.url_rule, self.view_args
        other.routing_exception, other.matched = self.routing_exception, True
        return other


def scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an ASGI scope that dispatching reads, from a WSGI environ."""
    root = _text(environ.get("SCRIPT_NAME", ""))
    cookie = environ.get("HTTP_COOKIE")
    return {
        "type": "http",
        "method": environ.get("REQUEST_METHOD", "GET"),
        "path": root + (_text(environ.get("PATH_INFO", "")) or "/"),
        "root_path": root,
        "headers": [] if cookie is None else [(b"cookie", cookie.encode("latin-1"))],
    }


def _text(native: str) -> str:
    return native if native.isascii() else native.encode("latin-1").decode(errors="replace")
