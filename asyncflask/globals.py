"""The proxies: ``current_app``, ``g``, ``request``, ``session``, ``websocket``, and the contexts.

They stand at the top of the house; code below takes the context as an argument instead. Each is a
Werkzeug ``LocalProxy``, so ``_get_current_object()`` works as in Flask.
"""

from __future__ import annotations

import typing as t

from werkzeug.local import LocalProxy

from ._current import slot
from .exceptions import OutOfContext

if t.TYPE_CHECKING:
    from .app import Flask
    from .ctx import Context, _AppCtxGlobals
    from .sessions import SessionMixin
    from .wrappers import Request, Websocket

_HINT = {
    "app": "`async with app.app_context():`",
    "request": "`async with app.test_request_context(...):`",
    "websocket": "`async with app.test_websocket_context(...):`",
}


def _outside(name: str, kind: str) -> OutOfContext:
    inside = "an app" if kind == "app" else f"a {kind}"
    return OutOfContext(
        f"Working outside of {kind} context: `{name}` was used where no {inside.split()[1]} is"
        f" active. It is there in views, hooks and what they call; elsewhere write {_HINT[kind]}"
        " around the use."
    )


def _context(name: str) -> t.Any:
    ctx = slot.get()
    if ctx is None:
        raise _outside(name, "app")
    return ctx


def _connection(name: str, lane: str) -> t.Any:
    ctx = slot.get()
    found = None if ctx is None else ctx.connection_of(lane)
    if found is None:
        raise _outside(name, "request" if lane == "http" else lane)
    return found


def _find_app() -> t.Any:
    return _context("current_app").app


def _find_g() -> t.Any:
    return _context("g").g


def _find_app_ctx() -> t.Any:
    return _context("app_ctx")


def _find_carrier() -> t.Any:
    ctx = slot.get()
    if ctx is None or ctx.carrier is None:
        raise _outside("request_ctx", "request")
    return ctx.carrier


def _find_request() -> t.Any:
    return _connection("request", "http")


def _find_websocket() -> t.Any:
    return _connection("websocket", "websocket")


def _find_session() -> t.Any:
    ctx = slot.get()
    if ctx is None or ctx.carrier is None:
        raise _outside("session", "request")
    return ctx.session


current_app: Flask = LocalProxy(_find_app)  # type: ignore[assignment]  # stands for the app
g: _AppCtxGlobals = LocalProxy(_find_g)  # type: ignore[assignment]  # stands for the namespace
app_ctx: Context = LocalProxy(_find_app_ctx)  # type: ignore[assignment]  # stands for the context
request_ctx: Context = LocalProxy(_find_carrier)  # type: ignore[assignment]  # as above
request: Request = LocalProxy(_find_request)  # type: ignore[assignment]  # stands for the request
websocket: Websocket = LocalProxy(_find_websocket)  # type: ignore[assignment]  # as above
session: SessionMixin = LocalProxy(_find_session)  # type: ignore[assignment]  # as above
