"""Protection against requests that another site makes in a visitor's name.

There are two protections, and neither needs a token in each form:

1. The session cookie is ``SameSite=Lax``: a browser does not send it along with a POST that comes
   from another site.
2. A browser names the site that a POST or a websocket comes from in the ``Origin`` header, and a
   page cannot forge it. A request that changes data must come from a page of this app.

A client that sends no ``Origin`` (curl, scripts) is not a browser, and has only its own cookies.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from asyncflask import Flask, abort, request, websocket

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Refuse requests from a page of another site."""

    @app.before_request
    async def check_request() -> None:
        if request.method not in SAFE_METHODS:
            _check(request.headers.get("Origin"), request.host)

    @app.before_websocket
    async def check_websocket() -> None:
        _check(websocket.headers.get("Origin"), websocket.host)


def _check(origin: str | None, host: str) -> None:
    if origin is not None and urlsplit(origin).netloc != host:
        abort(403, f"This comes from a page of {origin}, not from one of ours.")
