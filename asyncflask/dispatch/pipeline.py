"""From a pushed context to an answer, and back: hooks, view, error handlers, session, teardown.

Written once, for requests and websockets (``lanes.py`` has the differences) and for both ways of
driving it (``calls.py``). Each function is the untouched form of a method of the app, with the
context as an argument; :mod:`.steps` says which of them a user has replaced. What a view's result
becomes is in ``result.py``, which handler an error finds in ``errors.py``, what runs at the end of
a context in ``teardown.py``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..concurrency import finish, is_async
from ..ctx import Context
from ..sessions import SecureCookieSessionInterface
from . import errors, teardown
from .calls import call, emit
from .result import is_wsgi, make_response, run_wsgi
from .steps import through


async def run(app: Any, ctx: Context) -> Any:
    """Serve the connection of ``ctx``, teardown included, and return what is to be answered."""
    try:
        response = await respond(app, ctx)
    except asyncio.CancelledError as error:
        # Teardown must not be cut off in the middle by a second cancellation.
        closing = teardown.leave_served(app, ctx, error)
        await (finish(closing) if ctx.place == "loop" else closing)
        raise
    except BaseException as error:
        await teardown.leave_served(app, ctx, error)
        raise
    if teardown.is_needed(app, ctx):
        await teardown.leave_served(app, ctx, ctx.error)
    return response


async def respond(app: Any, ctx: Context) -> Any:
    """Answer the connection of ``ctx``; an error that nothing handled becomes a 500, or goes on."""
    steps = app.steps
    lane: Any = ctx.lane
    try:
        if not ctx.matched:
            ctx.match_request()
        if lane.full_dispatch in steps.replaced:
            return await through(ctx, getattr(app, lane.full_dispatch))
        return await full_dispatch(app, ctx)
    except Exception as error:
        ctx.error = error
        if lane.handle_exception in steps.replaced:
            return await through(ctx, getattr(app, lane.handle_exception), error)
        return await errors.handle_exception(app, ctx, error)


async def full_dispatch(app: Any, ctx: Context) -> Any:
    """Run the hooks, the view and what follows it. (Flask: full_dispatch_request.)"""
    replaced = app.steps.replaced
    lane: Any = ctx.lane
    result = None
    try:
        if lane.started.receivers:
            await emit(ctx, lane.started, app)
        if opens_early(app.session_interface):
            await open_session(app, ctx)
        if lane.preprocess in replaced:
            result = await through(ctx, getattr(app, lane.preprocess))
        elif lane.before(app) or app.url_value_preprocessors:
            result = await preprocess(app, ctx)
        if result is None:
            if lane.dispatch in replaced:
                result = await through(ctx, getattr(app, lane.dispatch))
            else:
                result = await dispatch(app, ctx)
    except lane.endings:
        result = None
    except Exception as error:
        if "handle_user_exception" in replaced:
            result = await through(ctx, app.handle_user_exception, error)
        else:
            result = await errors.handle_user(app, ctx, error)
    if lane.finalize in replaced:
        return await through(ctx, getattr(app, lane.finalize), result)
    return await finalize(app, ctx, result)


async def preprocess(app: Any, ctx: Context) -> Any:
    """Run the URL value preprocessors and the "before" functions. (Flask: preprocess_request.)"""
    lane: Any = ctx.lane
    names = (None, *reversed(ctx.blueprints))
    registry = app.url_value_preprocessors
    if registry:
        for name in names:
            for func in registry.get(name, ()):
                await call(ctx, func, ctx.endpoint, ctx.view_args)
    registry = lane.before(app)
    for name in names:
        for func in registry.get(name, ()):
            if ctx.place == "loop" and is_async(func):
                result = await func()
            else:
                result = await call(ctx, func)
            if result is not None:
                return result
    return None


async def dispatch(app: Any, ctx: Context) -> Any:
    """Call the view. (Flask: dispatch_request.)"""
    if ctx.routing_exception is not None:
        errors.raise_routing(app, ctx)
    rule = ctx.url_rule
    if rule.provide_automatic_options and ctx.scope["method"] == "OPTIONS":
        return app.make_default_options_response()
    view = app.view_functions[rule.endpoint]
    if ctx.place == "loop" and is_async(view):
        return await view(**ctx.view_args)  # type: ignore[arg-type]  # set, as a rule was matched
    return await call(ctx, view, **ctx.view_args)  # type: ignore[arg-type]  # as above


async def finalize(app: Any, ctx: Context, result: Any, from_error_handler: bool = False) -> Any:
    """Make a view's result a response and process it. (Flask: finalize_request.)"""
    lane: Any = ctx.lane
    replaced = app.steps.replaced
    if is_wsgi(result):
        result = await run_wsgi(app, ctx, result)
    if result is None and not lane.answer_required:
        response = None
    elif "make_response" in replaced:
        response = await through(ctx, app.make_response, result)
    else:
        response = make_response(app, result)
    try:
        if lane.process in replaced:
            response = await through(ctx, getattr(app, lane.process), response)
        else:
            response = await process(app, ctx, response)
        if lane.finished.receivers:
            await emit(ctx, lane.finished, app, response=response)
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("The response of an error handler could not be processed.")
    return response


async def process(app: Any, ctx: Context, response: Any) -> Any:
    """Run the "after" functions and save the session. (Flask: process_response.)"""
    lane: Any = ctx.lane
    if ctx.after_functions:
        for func in ctx.after_functions:
            response = await call(ctx, func, response)
    registry = lane.after(app)
    if registry:
        for name in (*ctx.blueprints, None):
            for func in reversed(registry.get(name, ())):
                if ctx.place == "loop" and is_async(func):
                    response = await func(response)
                else:
                    response = await call(ctx, func, response)
    if response is not None and (ctx.has_session or refreshes(app, ctx)):
        await save_session(app, ctx, response)
    return response


# -- session ---------------------------------------------------------------------------------------


def opens_early(interface: Any) -> bool:
    """Tell whether an interface has to be called at once, and by its colour.

    The cookie session needs no I/O: it is opened when somebody looks, in place.
    """
    cls = type(interface)
    return cls is not SecureCookieSessionInterface and (
        cls.open_session is not SecureCookieSessionInterface.open_session
        or cls.save_session is not SecureCookieSessionInterface.save_session
    )


async def open_session(app: Any, ctx: Context) -> None:
    """Open the session first of all, for an interface that may block or is ``async def``."""
    session = await call(ctx, app.session_interface.open_session, app, ctx.connection)
    if session is None:
        session = app.session_interface.make_null_session(app)
    ctx.session = session


def refreshes(app: Any, ctx: Context) -> bool:
    """Tell whether a session that nobody looked at may have to be sent again.

    A permanent session is refreshed with each response; whether it is one, its cookie says.
    """
    if not app.config["SESSION_REFRESH_EACH_REQUEST"]:
        return False
    # PERF: most requests have no cookie at all; the request object is not made for this question.
    for name, value in ctx.scope["headers"]:
        if name == b"cookie" and app.config["SESSION_COOKIE_NAME"].encode() in value:
            return True
    return False


async def save_session(app: Any, ctx: Context, response: Any) -> None:
    """Let the session interface write the session into the response."""
    interface = app.session_interface
    session = ctx.session
    if interface.is_null_session(session):
        return
    if opens_early(interface):
        await call(ctx, interface.save_session, app, session, response)
    else:
        interface.save_session(app, session, response)
