"""What runs when a context ends: teardown functions of requests, websockets and apps.

All of them run, even when one raises; then the first error is raised and the others are logged.
Each gets the error that ended the work, or ``None``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from .._contextvars import make_current
from ..concurrency.bridge import stop_iteration_of
from ..concurrency.execution_mode import WORKER
from ..concurrency.inspection import is_async
from ..context import ContextApp
from ..ctx import Context
from ..debughelpers import explain_other_thread
from ..signals import appcontext_popped, appcontext_tearing_down
from .invoke import call_after_view, emit_after_view, settled, to_loop
from .overrides import through
from .plan import last_registered_first
from .protocols import ServedApp

T = TypeVar("T")

#: what the test client puts into a scope to be given the context before it ends
PRESERVE = "asyncflask.preserve_context"


def has_connection_end(app: ContextApp, ctx: Context) -> bool:
    """Tell whether more than closing it is due at the end of a request or websocket.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        Whether a teardown function, a receiver or a replaced step has to run.
    """
    scope_type: Any = ctx.scope_type
    return bool(
        scope_type.teardown(app)
        or scope_type.tearing_down.receivers
        or ctx.replaced
        or ctx.held_end
    )


def has_app_end(app: ContextApp, ctx: Context) -> bool:
    """Tell whether anything at all is due at the end of an app context.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        Whether a teardown function, a receiver or a replaced step has to run.
    """
    return bool(
        app.teardown_appcontext_funcs
        or appcontext_tearing_down.receivers
        or (ctx.replaced and "do_teardown_appcontext" in ctx.replaced)
    )


async def leave_served(app: ServedApp, ctx: Context, error: BaseException | None) -> None:
    """End the context of something served, or leave that to the test client, which keeps it.

    Args:
        app: The app.
        ctx: The context.
        error: The error that ended the work, if one did.
    """
    if error is not None and app.should_ignore_error(error):
        error = None
    if PRESERVE in ctx.scope:
        ctx.preserve()  # The context around the client's push is none of this one's business.
        ctx.scope[PRESERVE](ctx)
    else:
        await leave(app, ctx, error)


async def leave(app: ServedApp, ctx: Context, error: BaseException | None) -> None:
    """End a context, or leave that to the streamed body that holds it (``stream_with_context``).

    Args:
        app: The app.
        ctx: The context.
        error: The error that ended the work, if one did.
    """
    ctx.serving_error = error
    held = ctx.held_end
    if held is not None:
        held.is_due = held.streams > 0
        if held.is_due:
            return
    await end(app, ctx, error)


async def end_held(app: ServedApp, ctx: Context) -> None:
    """End a context that was left to streams which will not end it, for the answer is complete.

    Args:
        app: The app.
        ctx: The context, which streams hold.
    """
    held = ctx.held_end
    assert held is not None  # The caller asks for that.
    held.streams = 0
    if held.is_due:
        held.is_due = False
        await end(app, ctx, ctx.serving_error)


async def end(app: ServedApp, ctx: Context, error: BaseException | None) -> None:
    """Run everything that is due at the end of ``ctx``, in Flask's order.

    Args:
        app: The app.
        ctx: The context.
        error: The error that ended the work, which the teardown functions get.

    Raises:
        BaseException: The first error of a teardown function, after all of them have run.
    """
    failures: list[BaseException] = []
    replaced = ctx.replaced
    scope_type: Any = ctx.scope_type
    if scope_type is not None:
        if scope_type.do_teardown in replaced:
            await _attempt(failures, through, ctx, getattr(app, scope_type.do_teardown), error)
        else:
            await end_connection(app, ctx, error, failures)
    if ctx.shares_g_with is None:
        if "do_teardown_appcontext" in replaced:
            await _attempt(failures, through, ctx, app.do_teardown_appcontext, error)
        else:
            await end_app(app, ctx, error, failures)
        # The facade's app context sends it at each pop, as Flask does.
        if appcontext_popped.receivers and not ctx.synchronous:
            await _attempt(failures, emit_after_view, ctx, appcontext_popped, app)
        ctx.close_connection()  # The functions above may read the body for the first time.
    else:
        ctx.close_connection()
        if ctx.held_end is not None and ctx.held_end.holds_app_context:
            ctx.held_end.holds_app_context = False
            await _attempt(failures, _release_parent, app, ctx, error)
    ctx.is_over = True
    ctx.serving_error = None  # Its traceback leads back here: a cycle.
    raise_first(app, failures)


async def _release_parent(app: ServedApp, ctx: Context, error: BaseException | None) -> None:
    """End the app context that a stream has held for its request, if it was left meanwhile."""
    parent: Any = ctx.shares_g_with
    held = parent.held_end
    held.streams -= 1
    if held.streams or not held.is_due:
        return
    held.is_due = False
    before = parent.switch_to(ctx.execution_mode)
    make_current(parent)
    try:
        await end(app, parent, error)
    finally:
        parent.switch_to(before)
        make_current(ctx)
    if appcontext_popped.receivers and parent.synchronous:
        await emit_after_view(ctx, appcontext_popped, app)


async def end_connection(
    app: ServedApp, ctx: Context, error: BaseException | None, failures: list[BaseException]
) -> None:
    """Run the teardown functions of the request or websocket. (Flask: do_teardown_request.)

    Args:
        app: The app.
        ctx: The context.
        error: The error that ended the work, which the functions get.
        failures: Gets the errors of the functions.
    """
    scope_type: Any = ctx.scope_type
    funcs = last_registered_first(scope_type.teardown(app), ctx.matched_endpoint)
    await _call_all(ctx, funcs, error, failures)
    if scope_type.tearing_down.receivers:
        await _attempt(failures, emit_after_view, ctx, scope_type.tearing_down, app, exc=error)


async def end_app(
    app: ContextApp, ctx: Context, error: BaseException | None, failures: list[BaseException]
) -> None:
    """Run the teardown functions of the app context. (Flask: do_teardown_appcontext.)

    Args:
        app: The app.
        ctx: The context.
        error: The error that ended the work, which the functions get.
        failures: Gets the errors of the functions.
    """
    await _call_all(ctx, reversed(app.teardown_appcontext_funcs), error, failures)
    if appcontext_tearing_down.receivers:
        await _attempt(failures, emit_after_view, ctx, appcontext_tearing_down, app, exc=error)


async def run_part(
    app: ServedApp, part: Callable[..., Awaitable[None]], ctx: Context | None, error: Any
) -> None:
    """Run one part of the end, of a step that is called by itself; no context need be current.

    Args:
        app: The app.
        part: :func:`end_connection` or :func:`end_app`.
        ctx: The context; ``None``: the functions run outside of any, as in Flask.
        error: The error that ended the work, which the functions get.

    Raises:
        BaseException: The first error of a function, after all of them have run.
    """
    failures: list[BaseException] = []
    if ctx is None:
        ctx = app.app_context()
        try:
            await part(app, ctx, error, failures)
        finally:
            if ctx.lease is not None:
                ctx.give_back_worker()
    else:
        await part(app, ctx, error, failures)
    raise_first(app, failures)


async def _call_all(
    ctx: Context, funcs: Iterable[Any], error: BaseException | None, failures: list[BaseException]
) -> None:
    for func in funcs:
        if ctx.execution_mode is WORKER and is_async(func):
            await _attempt(failures, to_loop, ctx)  # A cancellation that waits there is met here.
        result = await _attempt(failures, call_after_view, ctx, func, error)
        if result is not None:
            await _attempt(failures, settled, ctx, func, result)


async def _attempt(
    failures: list[BaseException], func: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any
) -> T | None:
    try:
        return await func(*args, **kwargs)
    except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
        # It ends one function; the others run all the same.
        explain_other_thread(error)
        stopped = stop_iteration_of(error) if isinstance(error, Exception) else None
        failures.append(stopped or error)
        return None


def raise_first(app: ContextApp, failures: Sequence[BaseException]) -> None:
    """Raise the first of several errors, a cancellation before all, after logging the others.

    Args:
        app: The app.
        failures: The errors; nothing is raised if there are none.

    Raises:
        BaseException: The first of them, or a cancellation.
    """
    ranked = sorted(failures, key=lambda error: isinstance(error, Exception))
    for error in ranked[1:]:
        # A scope of anyio's cancels its task again at each `await`: that is one cancellation.
        if not isinstance(error, asyncio.CancelledError):
            app.logger.error("A further error at the end.", exc_info=error)
    if ranked:
        raise ranked[0]
