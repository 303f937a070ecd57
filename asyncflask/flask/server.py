"""How a facade app serves a request of an ASGI server.

One worker thread is leased for the request, and the app is entered there as a WSGI server would
enter it, through ``type(app).__call__``, so that everything that was replaced or wrapped on the way
is seen (``wsgi/adapter.py``). ``async def`` callables run on the loop while that thread waits.
Because they may use Flask's synchronous ``request``, the body is received before the first of them.
"""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException

from .._current import current
from ..typing import Receive, Scope, Send
from ..wrappers.request.base import body_of
from ..wrappers.request.target import take_apart
from ..wsgi.adapter import Served, serve_wsgi

#: Bytes that are received ahead, mostly to disk, where MAX_CONTENT_LENGTH sets no limit.
AHEAD = 256 * 1024 * 1024


async def serve_request(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one HTTP request of a facade app."""
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
    carrier = None if ctx is None else ctx.carrier
    request = None if carrier is None else carrier.request
    limit = None if request is None else request.max_content_length
    if limit is not None and (body.content_length or 0) > limit:
        return  # Who reads it is told so without reading.
    try:
        await body.receive_ahead(AHEAD if limit is None else limit)
    except HTTPException:
        pass  # Who reads it meets the same error.
