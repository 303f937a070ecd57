"""The proxies of Flask: ``current_app``, ``g``, ``request``, ``session``, and the contexts."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from typing import TYPE_CHECKING, Any, cast

from werkzeug.local import LocalProxy as LocalProxy

from .._contextvars import current, make_current, restore
from ..exceptions import outside as _outside
from ..globals import app_ctx, g, session
from ..globals import current_app as _current_app
from ..globals import make_proxy as _make_proxy
from ..globals import request_ctx as _request_ctx

if TYPE_CHECKING:
    from .app import Flask
    from .ctx import RequestContext
    from .wrappers import Request

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]


def _find_sync_request() -> Any:
    ctx = current()
    found = None if ctx is None else ctx.sync_connection_of("http")
    if found is None:
        raise _outside("request", "request")
    return found


#: the synchronous request, in `def` and `async def` functions of the facade and of the async API
request: Request = _make_proxy(_find_sync_request)


# The objects of the async API; on a facade app they have the facade's classes.
current_app = cast("Flask", _current_app)
request_ctx = cast("RequestContext", _request_ctx)


class _ContextVar:
    """A substitute for Flask's two context variables. COMPAT: extensions call their ``get``."""

    #: Makes one context of an app context and a request context; ``ctx.py`` sets it.
    combine: Callable[[Any, Any], Any]

    def __init__(self, name: str, request: bool) -> None:
        self.name = name
        self._request = request

    def get(self, *default: Any) -> Any:
        """Return the current context.

        Args:
            default: Returned if there is none.

        Raises:
            LookupError: There is none, and no default was given.
        """
        ctx = current()
        if ctx is not None:
            ctx = ctx.request_context if self._request else ctx.app_context
        if ctx is not None:
            return ctx
        if default:
            return default[0]
        raise LookupError(self)

    def set(self, context: object) -> Token[Any]:
        """Make a context current without sending signals.

        Args:
            context: The context.

        Returns:
            A token for :meth:`reset`.
        """
        now = current()
        app_context = None if now is None else now.app_context
        request_context = None if now is None else now.request_context
        if self._request:
            request_context = context
        else:
            app_context = context
        return make_current(self.combine(app_context, request_context))

    def reset(self, token: Token[Any]) -> None:
        """Undo a call of :meth:`set`.

        Args:
            token: The token that the call returned.
        """
        restore(token)

    def __repr__(self) -> str:
        return f"<ContextVar name={self.name!r} of asyncflask>"


_cv_app = _ContextVar("flask.app_ctx", request=False)
_cv_request = _ContextVar("flask.request_ctx", request=True)
