"""The proxies of Flask: ``current_app``, ``g``, ``request``, ``session``, and the contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from werkzeug.local import LocalProxy as LocalProxy

from .._contextvars import FoundVariable as _FoundVariable
from .._contextvars import current
from ..exceptions import OutOfContext as _OutOfContext
from ..exceptions import of_the_other_kind as _of_the_other_kind
from ..exceptions import outside as _outside
from ..globals import app_ctx, g, session
from ..globals import current_app as _current_app
from ..globals import make_proxy as _make_proxy
from ..globals import request_ctx as _request_ctx

if TYPE_CHECKING:
    from ..context import Context
    from .app import Flask
    from .ctx import RequestContext
    from .wrappers import Request

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]


def _find_sync_request() -> Any:
    ctx = current()
    found = None if ctx is None else ctx.sync_connection_of("http")
    if found is None:
        raise _missing_request(ctx)
    return found


def _missing_request(ctx: Context | None) -> _OutOfContext:
    websocket = None if ctx is None else ctx.connection_of("websocket")
    if websocket is None:
        return _outside("request", "request")
    error = _of_the_other_kind("request", "websocket")
    rule = websocket.url_rule
    if rule is None or rule.methods is None:
        return error
    return _OutOfContext(
        f"{error}\n    The rule {rule.rule!r} was added with route(..., websocket=True). Its view"
        " finds the socket of a WSGI server in `request.environ`, and this is an ASGI server. Serve"
        " the app with a WSGI server, such as gunicorn, or add the view with app.websocket(...)."
    )


#: the synchronous request, in `def` and `async def` functions of the facade and of the async API
request: Request = _make_proxy(_find_sync_request)


# The objects of the async API; on a facade app they have the facade's classes.
current_app = cast("Flask", _current_app)
request_ctx = cast("RequestContext", _request_ctx)


def _find_app_context() -> Any:
    ctx = current()
    return None if ctx is None else ctx.app_context


def _find_request_context() -> Any:
    ctx = current()
    return None if ctx is None else ctx.request_context


# ``current_contexts.py`` says what setting them means.
_cv_app = _FoundVariable("flask.app_ctx", _find_app_context)
_cv_request = _FoundVariable("flask.request_ctx", _find_request_context)
