"""Opens the session and saves it, in the pipeline of a request or websocket.

Most sessions are opened when a callable first looks at them (:mod:`..context.session`); what the
cookie holds is the session interface's business (:mod:`..sessions`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..ctx import Context
from ..wrappers import Response
from ..wrappers.request.headers import header_index
from .invoke import call_unconverted, settled
from .plan import find_plan
from .protocols import ServedApp


async def open_session(app: ServedApp, ctx: Context) -> None:
    """Open the session first of all, for an interface that may block or is ``async def``.

    Args:
        app: The app.
        ctx: The context, which keeps the session.
    """
    func = app.session_interface.open_session
    session = await call_unconverted(ctx, func, app, ctx.request_or_websocket)
    session = await settled(ctx, func, session)
    if session is None:
        func = app.session_interface.make_null_session  # Quart's is `async def`.
        session = await settled(ctx, func, await call_unconverted(ctx, func, app))
    ctx.keep_session(session)


def refreshes(app: ServedApp, ctx: Context) -> bool:
    """Return whether a session that was not accessed may have to be sent again.

    A permanent session is refreshed with each response; whether it is one, its cookie says.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        Whether it may.
    """
    cookies = header_index(ctx).get(b"cookie")
    if cookies is None or not app.plans.settings["SESSION_REFRESH_EACH_REQUEST"]:
        return False
    key = app.session_interface.get_cookie_name(app)
    # PERF: nothing is parsed for other cookies; our own requests find one without parsing all
    # (`sessions.py`).
    if key.encode() not in cookies:
        return False
    connection = ctx.request_or_websocket
    find = getattr(connection, "find_cookie", None) or connection.cookies.get
    return find(key) is not None


def has_session_to_save(app: ServedApp, ctx: Context) -> bool:
    """Tell whether there is a session that the response may have to carry.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        Whether there is one.
    """
    if ctx.needs_response and ctx.opened_session is not None:
        return True
    # The request object is not made for this question.
    names = ctx.header_names
    return (names is None or b"cookie" in names) and refreshes(app, ctx)


def save_session(app: ServedApp, ctx: Context, response: Response | None) -> Awaitable[None] | None:
    """Let the session interface write the session into the response.

    Args:
        app: The app.
        ctx: The context, whose session is saved.
        response: The response, which gets the cookie; ``None`` for a websocket without one.

    Returns:
        What is to be awaited before the session is saved, if anything is.
    """
    interface = app.session_interface
    session = ctx.open_session()
    if interface.is_null_session(session):
        return None
    if find_plan(app, ctx).opens_session_early:
        return _save_with_io(ctx, interface.save_session, app, session, response)
    # A cookie is set at once, unless the method is `async def`, as Quart's is.
    saving: Awaitable[None] | None = interface.save_session(app, session, response)
    return saving


async def _save_with_io(ctx: Context, func: Callable[..., Any], *args: object) -> None:
    ctx.note_view_has_run()
    await settled(ctx, func, await call_unconverted(ctx, func, *args))
