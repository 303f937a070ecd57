"""From the result of a view or error handler to a processed response: "after" functions, session.

``make_response.py`` makes the response, ``session.py`` saves the session. :func:`finalize` and
:func:`process` are whole steps; :func:`finalize_plain` and :func:`finish_processing` are for plans
that need less (``runners.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Any

from werkzeug.wrappers import Response as WerkzeugResponse

from ..concurrency.bridge import stop_iteration_of
from ..ctx import Context
from ..wrappers import Response
from ..wrappers.never_awaited import raise_forgotten
from .invoke import call_after_view, emit_after_view
from .make_response import PLAIN, as_response, is_wsgi, make_plain, run_wsgi
from .overrides import in_place, run_step
from .plan import last_registered_first
from .protocols import ServedApp
from .session import has_session_to_save, save_session


async def finalize(
    app: ServedApp, ctx: Context, result: object, from_error_handler: bool = False
) -> Response | None:
    """Make a view's result a response and process it. (Flask: finalize_request.)

    Args:
        app: The app.
        ctx: The context.
        result: What the view or an error handler returned.
        from_error_handler: Whether an error of the processing is only logged: raised, it would be
            handled in its turn, without an end.

    Returns:
        The response; ``None`` for a websocket whose view returned nothing.
    """
    scope_type: Any = ctx.scope_type
    if result.__class__ not in PLAIN and is_wsgi(result):
        result = await run_wsgi(app, ctx, result)
    if result is None and not scope_type.answer_required:
        response = None
    elif "make_response" in ctx.replaced:
        response = await in_place(ctx, app.make_response, result)
    else:
        response = as_response(app, result)
    try:
        if ctx.replaced:
            response = await run_step(app, ctx, scope_type.process, process, response)
        else:
            response = await process(app, ctx, response)
        if scope_type.finished.receivers:
            await emit_after_view(ctx, scope_type.finished, app, response=response)
    except Exception as error:
        if not from_error_handler:
            raise
        app.logger.exception(
            "The response of an error handler could not be processed.",
            exc_info=stop_iteration_of(error) or error,
        )
    return response


async def process(app: ServedApp, ctx: Context, response: Response | None) -> Response | None:
    """Run the "after" functions and save the session. (Flask: process_response.)

    Args:
        app: The app.
        ctx: The context.
        response: The response; ``None`` for a websocket without one.

    Returns:
        What the last of the functions returned.

    Raises:
        TypeError: An "after" function returned something else than a response.
    """
    scope_type: Any = ctx.scope_type
    after = last_registered_first(scope_type.after(app), ctx.matched_endpoint)
    for func in chain(ctx.after_functions or (), after):
        response = await call_after_view(ctx, func, response)
        if not isinstance(response, WerkzeugResponse) and (
            response is not None or scope_type.answer_required
        ):
            raise refused_response(func, response)
    if ctx.forgotten:
        raise_forgotten(ctx)
    if (response is not None or not scope_type.answer_required) and has_session_to_save(app, ctx):
        save: Any = scope_type.save_session or save_session
        if (saving := save(app, ctx, response)) is not None:
            await saving
    return response


async def save_of_left_websocket(app: ServedApp, ctx: Context) -> None:
    """Save the session of a websocket that ends without "after" functions.

    Args:
        app: The app.
        ctx: The context.
    """
    scope_type: Any = ctx.scope_type
    if has_session_to_save(app, ctx):
        await scope_type.save_session(app, ctx, None)


def finalize_plain(app: ServedApp, ctx: Context, result: object) -> Awaitable[Any]:
    """Do what follows a view without "after" functions, with quick ways for a plain result.

    Args:
        app: The app.
        ctx: The context.
        result: What the view returned.

    Returns:
        What is to be awaited for the answer.
    """
    answer = None if ctx.after_functions else make_plain(app, result)
    if answer is None:
        return finalize(app, ctx, result)
    return finish_processing(app, ctx, answer)


async def finish_processing(app: ServedApp, ctx: Context, response: Response) -> Response:
    """Do what follows the "after" functions, for a response that went through them.

    Args:
        app: The app.
        ctx: The context.
        response: What the last "after" function returned, or the response of the view's result.

    Returns:
        The response, in which the session is saved.
    """
    scope_type: Any = ctx.scope_type
    if ctx.forgotten:
        raise_forgotten(ctx)
    if has_session_to_save(app, ctx):
        saving = save_session(app, ctx, response)
        if saving is not None:
            await saving
    if scope_type.finished.receivers:
        await emit_after_view(ctx, scope_type.finished, app, response=response)
    return response


def refused_response(func: Callable[..., Any], response: object) -> TypeError:
    """Return the error for an "after" function that returned something else than a response.

    Args:
        func: The "after" function.
        response: What it returned.

    Returns:
        The error, to be raised.
    """
    return TypeError(
        f"The function {func!r}, registered to run after the view, returned {response!r} instead of"
        " a response. End it with `return response`."
    )
