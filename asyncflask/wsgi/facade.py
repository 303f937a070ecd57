"""A facade app behind an ASGI server.

One worker thread is leased for each request, and the app is called in it as a WSGI server would
call it, through ``type(app).__call__``, so that everything that replaces or wraps it takes effect.
``async def`` callables run on the loop while that thread waits. They may read Flask's synchronous
``request``, so the body is received before the first of them is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from werkzeug.exceptions import HTTPException

from .._contextvars import current
from ..typing import Receive, Scope, Send
from ..wrappers.request.base import body_of
from ..wrappers.request.target import take_apart
from .adapter import Host, Served, serve_wsgi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Bytes of a body that are received ahead, mostly to disk, if MAX_CONTENT_LENGTH sets no limit.
AHEAD = 256 * 1024 * 1024


class FacadeApp(Host, Protocol):
    """An app whose requests are served through its WSGI interface."""

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse, /
    ) -> Iterable[bytes]: ...


async def serve_request(app: FacadeApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one HTTP request of a facade app.

    Args:
        app: The app.
        scope: The connection's ASGI scope. If its path is a whole URL, it is changed: it gets that
            URL's path and host.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.

    Raises:
        Exception: What the app raises and does not handle.
    """
    if scope["path"][:1] != "/":
        take_apart(scope)
    await serve_wsgi(app, app, scope, receive, send, _receive_ahead)


async def _receive_ahead(served: Served) -> None:
    """Receive the body, up to the request's limit, before an ``async def`` callable runs."""
    body = body_of(served)
    body.received_ahead = True
    if body.complete or not served.announced:
        return
    ctx = current()
    request_context = None if ctx is None else ctx.request_context
    request = None if request_context is None else request_context.request
    limit = None if request is None else request.max_content_length
    if limit is not None and (body.content_length or 0) > limit:
        return  # The first read raises the error without receiving anything.
    try:
        await body.receive_ahead(AHEAD if limit is None else limit)
    except HTTPException:
        pass  # The first read raises the same error.
