"""The session of a websocket: into the handshake's answer, and into its store at the end.

A websocket has one answer, the handshake's. What was changed before :meth:`Websocket.accept` is
saved there, with its cookie. What is changed later reaches a store, but no cookie can be set then.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, cast

from werkzeug.http import parse_cookie

from ..concurrency.inspection import is_async
from ..ctx import Context
from ..logging import one_line
from ..sessions import SecureCookieSessionInterface, SessionMixin
from ..wrappers import Response
from ..wrappers.response.headers import WirePair, encode_headers
from .invoke import call, settled
from .protocols import ServedApp


async def headers_with_session(ctx: Context) -> list[WirePair]:
    """Save a session that was changed before the handshake is answered; return its cookies.

    Args:
        ctx: The context of the websocket.

    Returns:
        The ``set-cookie`` headers, as pairs of bytes.
    """
    app = cast(ServedApp, ctx.app)
    session: Any = ctx.opened_session
    if session is None or not _is_modified(session):
        return []
    if app.session_interface.is_null_session(session):
        return []
    response = app.response_class()
    await _save_on_loop(app, session, response)
    if "modified" in getattr(session, "__dict__", ()):  # Other sessions always count as modified.
        session.modified = False  # What is changed from here on is not in the cookie.
    ctx.own_connection.handshake_cookies = _cookies_of(response)
    return [pair for pair in encode_headers(response.headers) if pair[0] == b"set-cookie"]


async def save_at_end(app: ServedApp, ctx: Context, response: Response) -> None:
    """Save the session after the view, and tell of a change that the client does not get.

    Args:
        app: The app.
        ctx: The context.
        response: What refuses the websocket; ``None`` if nothing is answered.
    """
    session: Any = ctx.opened_session
    interface = app.session_interface
    if session is None or interface.is_null_session(session):
        return
    if response is not None and not ctx.own_connection.accepted:
        await _save(app, ctx, session, response)
        return
    changed = _is_modified(session)
    if not changed and _is_cookie(interface):
        return
    unsent = app.response_class()
    await _save(app, ctx, session, unsent)
    if changed and _has_news(unsent, ctx):
        accepted = ctx.own_connection.accepted
        app.logger.error(
            "The websocket view %r of %s has changed the session "
            + ("after the handshake was answered," if accepted else "and has accepted nothing,")
            + " so that its cookie cannot be sent: the change is lost. Change the session before"
            " `await websocket.accept()` and the first receive() or send(), change it in a request,"
            " or keep sessions in a store on the server (see SessionInterface).",
            ctx.matched_endpoint,
            one_line(ctx.own_connection.path),
        )


def _is_modified(session: SessionMixin) -> bool:
    return bool(getattr(session, "modified", True))


#: as it is here: a test may replace it on the class
_SAVE_COOKIE = SecureCookieSessionInterface.save_session


def _is_cookie(interface: Any) -> bool:
    """Tell whether sessions are cookies and nothing else. (It may be set on the instance.)"""
    save = getattr(interface.save_session, "__func__", None)
    return save is _SAVE_COOKIE


def _has_news(response: Response, ctx: Context) -> bool:
    """Tell whether a response sets a cookie that the client does not have already."""
    known = {**ctx.own_connection.cookies, **ctx.own_connection.handshake_cookies}
    return any(known.get(name) != value for name, value in _cookies_of(response).items())


def _cookies_of(response: Any) -> dict[str, str]:
    lines: list[str] = response.headers.getlist("Set-Cookie")
    return {
        name: value
        for line in lines
        for name, value in parse_cookie(line.partition(";")[0]).items()
    }


async def _save(app: ServedApp, ctx: Context, session: SessionMixin, response: Response) -> None:
    """Save the session as a step of the pipeline, wherever that runs."""
    save = app.session_interface.save_session
    if _is_cookie(app.session_interface):
        save(app, session, response)  # It does not wait.
    else:
        await settled(ctx, save, await call(ctx, save, app, session, response))


async def _save_on_loop(app: ServedApp, session: SessionMixin, response: Response) -> None:
    """Save the session inside of ``accept()``, on the loop."""
    save = app.session_interface.save_session
    if _is_cookie(app.session_interface):
        save(app, session, response)
    elif is_async(save):
        await save(app, session, response)
    else:
        # Not on the request's worker: a `def` function may be waiting there for this accept().
        result = await asyncio.to_thread(save, app, session, response)
        if inspect.isawaitable(result):
            await result
