"""The proxies: ``current_app``, ``g``, ``request``, ``session``, ``websocket``, the contexts."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from typing import TYPE_CHECKING, Any, cast

from .._contextvars import current, make_current, restore
from ..exceptions import outside
from ..globals import app_ctx as _app_ctx
from ..globals import current_app as _current_app
from ..globals import g as g
from ..globals import make_proxy
from ..globals import request as _request
from ..globals import session as session
from ..globals import websocket as _websocket

if TYPE_CHECKING:
    from .app import Quart
    from .ctx import AppContext, RequestContext, WebsocketContext
    from .wrappers import Request, Websocket


def _find_context(name: str, kind: str, scope_type: str) -> Any:
    ctx = current()
    found = None if ctx is None else ctx.request_context
    if found is None or found.connection_of(scope_type) is None:
        raise outside(name, kind)
    return found


def _find_http_ctx() -> Any:
    return _find_context("request_ctx", "request", "http")


def _find_websocket_ctx() -> Any:
    return _find_context("websocket_ctx", "websocket", "websocket")


# The objects of the async API; on a Quart app they have Quart's classes.
current_app = cast("Quart", _current_app)
app_ctx = cast("AppContext", _app_ctx)
request = cast("Request", _request)
websocket = cast("Websocket", _websocket)
request_ctx: RequestContext = make_proxy(_find_http_ctx)
websocket_ctx: WebsocketContext = make_proxy(_find_websocket_ctx)


class _CurrentContext:
    """A substitute for one of Quart's context variables. COMPAT: extensions call its ``get``.

    Args:
        name: The name of Quart's variable.
        find: Returns the context.
    """

    def __init__(self, name: str, find: Callable[[], Any]) -> None:
        self.name = name
        self._find = find

    def get(self, *default: Any) -> Any:
        """Return the current context.

        Args:
            default: Returned if there is none.

        Raises:
            LookupError: There is none, and no default was given.
        """
        ctx = current()
        try:
            found = None if ctx is None else self._find()
        except RuntimeError:
            found = None
        if found is not None:
            return found
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
        return make_current(context)

    def reset(self, token: Token[Any]) -> None:
        """Undo a call of :meth:`set`.

        Args:
            token: The token that the call returned.
        """
        restore(token)

    def __repr__(self) -> str:
        return f"<ContextVar name={self.name!r} of asyncflask>"


_cv_app = _CurrentContext("quart.app_ctx", current)
_cv_request = _CurrentContext("quart.request_ctx", _find_http_ctx)
_cv_websocket = _CurrentContext("quart.websocket_ctx", _find_websocket_ctx)
