"""The proxies: ``current_app``, ``g``, ``request``, ``session``, ``websocket``, the contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .._contextvars import FoundVariable, current
from ..context import Context
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


def _app_context() -> Context | None:
    ctx: Context | None = current()
    return None if ctx is None else ctx.app_context


def _context_of(scope_type: str) -> Context | None:
    ctx = current()
    found: Context | None = None if ctx is None else ctx.request_context
    return None if found is None or found.connection_of(scope_type) is None else found


def _find_context(name: str, kind: str, scope_type: str) -> Any:
    found = _context_of(scope_type)
    if found is None:
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


_cv_app = FoundVariable("quart.app_ctx", _app_context)
_cv_request = FoundVariable("quart.request_ctx", lambda: _context_of("http"))
_cv_websocket = FoundVariable("quart.websocket_ctx", lambda: _context_of("websocket"))
