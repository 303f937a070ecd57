"""From a pushed context to a response: hooks, view, error handlers, session, teardown.

The same functions serve requests and websockets (``scope_types.py`` has the differences), on the
loop and in a thread (``invoke.py``). Each function is the original of a method of the app, with the
context as an argument; :mod:`.overrides` finds the methods that a user has replaced.
``errors.py`` finds the handler of an error, ``finalize.py`` makes the response and processes it,
``session.py`` opens the session, and ``teardown.py`` runs at the end of a context.
Most requests are served by the shorter functions in ``runners.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import islice
from typing import Any

from ..concurrency.bridge import stop_iteration_of
from ..concurrency.execution_mode import LOOP
from ..concurrency.workers import finish
from ..ctx import Context
from ..routing.rule import answers_options
from ..signals import appcontext_pushed
from ..wrappers import Response
from . import errors, teardown
from .finalize import finalize, save_of_left_websocket
from .invoke import call, call_after_view, call_unconverted, emit, settled
from .make_response import make_messages, make_plain
from .overrides import in_place, run_step
from .plan import EndpointPlan, find_plan, first_registered_first
from .protocols import Answer, Result, ServedApp
from .session import has_session_to_save, open_session


async def run_steps(
    app: ServedApp,
    ctx: Context,
    rest: Awaitable[Any] | None = None,
    plan: EndpointPlan | None = None,
) -> Answer:
    """Serve the connection of ``ctx``, teardown included, and return what is to be answered.

    That is a response, or the messages of one that no other code had to read.

    Args:
        app: The app.
        ctx: The context.
        rest: Awaited for the answer, where the caller has begun; else everything is done here.
        plan: The plan of the endpoint, where the caller has it.
    """
    scope_type: Any = ctx.scope_type
    response: Answer
    try:
        if rest is None and appcontext_pushed.receivers:
            await _tell_of_push(app, ctx)
        try:
            if rest is not None:
                response = await rest
            elif ctx.replaced:
                response = await run_step(app, ctx, scope_type.full_dispatch, full_dispatch)
            else:
                # A request's answer is sent at once; a websocket's is not of two messages.
                response = await full_dispatch(app, ctx, scope_type.answer_required)
        except Exception as error:
            ctx.serving_error = error
            ctx.needs_cleanup = True
            response = await run_step(
                app, ctx, scope_type.handle_exception, handle_exception, error
            )
    except asyncio.CancelledError as error:
        # Teardown must not be cut off in the middle by a second cancellation.
        closing = teardown.leave_served(app, ctx, error)
        await (finish(closing) if ctx.execution_mode is LOOP else closing)
        raise
    except BaseException as error:
        # Flask: what failed first, not what its handler failed with.
        await teardown.leave_served(app, ctx, ctx.serving_error or error)
        answer = app.answer_failure(ctx, error)
        if answer is None:
            raise
        return answer
    if _has_end(app, ctx, plan):
        await teardown.leave_served(app, ctx, ctx.serving_error)
    return response


async def _tell_of_push(app: ServedApp, ctx: Context) -> None:
    if ctx.shares_g_with is None:  # A test has pushed the app context that it belongs to.
        await emit(ctx, appcontext_pushed, app)


def _has_end(app: ServedApp, ctx: Context, plan: EndpointPlan | None) -> bool:
    """Tell whether anything is due at the end of what was served."""
    if plan is None or plan.version is not app.plans.version:
        plan = find_plan(app, ctx)
    return bool(
        plan.has_teardown
        or ctx.made_body is not None  # It may hold uploads.
        or (ctx.needs_cleanup and (ctx.held_end or ctx.serving_error is not None))
        or ctx.replaced
        or teardown.PRESERVE in ctx.scope
    )


async def full_dispatch(app: ServedApp, ctx: Context, sent: bool = False) -> Answer:
    """Run the hooks, the view and what follows it. (Flask: full_dispatch_request.)

    Args:
        app: The app.
        ctx: The context.
        sent: Whether the answer goes straight to the server. It may then be the ASGI messages,
            without a response.

    Returns:
        The answer; ``None`` for a websocket without a response.
    """
    scope_type: Any = ctx.scope_type
    result = None
    try:
        plan = find_plan(app, ctx)
        if plan.opens_session_early:
            plan = await _open_early(app, ctx, plan)
        if scope_type.started.receivers:
            await emit(ctx, scope_type.started, app)
            plan = find_plan(app, ctx)
        if ctx.replaced:
            result = await run_step(app, ctx, scope_type.preprocess, preprocess)
            if result is None:
                result = await run_step(app, ctx, scope_type.dispatch, dispatch)
        elif plan.has_before:
            result = await preprocess_and_dispatch(app, ctx)
        else:
            result = await dispatch(app, ctx)
    except scope_type.endings:
        result = None
    except asyncio.CancelledError as error:
        if not scope_type.was_cancelled(ctx):
            raise
        if app.is_left_by_cancelling:
            ctx.serving_error = error  # for the teardown functions
            await save_of_left_websocket(app, ctx)
            return None
        result = None
    except Exception as error:
        scope_type.was_cancelled(ctx)
        result = await _handled(app, ctx, error)
    answer = _answered(app, ctx, result, sent)
    return await _finalized(app, ctx, result) if answer is None else answer


async def _open_early(app: ServedApp, ctx: Context, plan: EndpointPlan) -> EndpointPlan:
    """Open the session before everything else; return the plan of what is matched then."""
    if ctx.opened_session is not None:
        return plan
    await open_session(app, ctx)
    ctx.match_again()
    return find_plan(app, ctx)


async def answer_error(
    app: ServedApp, ctx: Context, error: BaseException, is_over: bool = False
) -> Answer:
    """Answer an error of the view or of a "before" function; the answer goes to the server.

    Args:
        app: The app.
        ctx: The context.
        error: The error.
        is_over: Whether the caller has left its ``except`` block. The handler finds the error in
            ``sys.exc_info()`` all the same; the "after" functions do not.

    Returns:
        The response of a handler, or the messages of one that no other code had to read.

    Raises:
        BaseException: ``error`` itself, if nothing handles it.
    """
    try:
        if not isinstance(error, Exception):
            raise error
        result = await (_raised_again if is_over else _handled)(app, ctx, error)
    finally:
        del error  # Raised, its traceback refers to this frame: a cycle.
    answer = _answered(app, ctx, result, sent=True)
    return await _finalized(app, ctx, result) if answer is None else answer


async def _raised_again(app: ServedApp, ctx: Context, error: Exception) -> Result | None:
    """Return what becomes of an error, which is the current one as long as it is handled."""
    traceback = error.__traceback__
    try:
        raise error
    except Exception:
        error.__traceback__ = traceback  # Without the frame of this function.
        return await _handled(app, ctx, error)
    finally:
        del error, traceback  # Raised, its traceback refers to this frame: a cycle.


def _answered(app: ServedApp, ctx: Context, result: object, sent: bool) -> Answer:
    """Return the answer that a plain result is, where nothing else has to see the response.

    Args:
        app: The app.
        ctx: The context.
        result: What the view or an error handler returned.
        sent: As for :func:`full_dispatch`.

    Returns:
        The messages or the response; ``None`` if :func:`finalize` has to make it.
    """
    scope_type: Any = ctx.scope_type
    if (
        result is None
        or (plan := find_plan(app, ctx)).has_after
        or ctx.needs_response
        or ctx.replaced
        or scope_type.finished.receivers
        or has_session_to_save(app, ctx)
    ):
        return None
    messages = None
    if sent and plan.sends_messages:
        messages = make_messages(app, result, ctx.method)
    return messages or make_plain(app, result)


def _finalized(app: ServedApp, ctx: Context, result: object) -> Awaitable[Any]:
    if not ctx.replaced:
        return finalize(app, ctx, result)
    scope_type: Any = ctx.scope_type
    return run_step(app, ctx, scope_type.finalize, finalize, result)


async def _handled(app: ServedApp, ctx: Context, error: Exception) -> Result | None:
    """Return what becomes of an error from a view or hook, or raise it again."""
    result = None
    scope_type: Any = ctx.scope_type
    if error.__class__ is RuntimeError:
        error = stop_iteration_of(error) or error
    try:
        if not _is_only(error, scope_type.endings):
            if ctx.replaced:
                result = await run_step(
                    app, ctx, "handle_user_exception", errors.handle_user, error
                )
            else:
                handler = errors.choose_handler(app, ctx, error)
                if handler is None:
                    result = error
                else:
                    result = await call_after_view(ctx, handler, error)
        refused = ctx.url_rule is None or ctx.needs_cleanup  # It may be for want of a thread.
        if result is error or (refused and error is ctx.routing_exception):
            # Kept by the callers or by the context, it would keep these frames: a cycle.
            error.__traceback__ = None
    except ExceptionGroup as group:
        if group is not error:
            raise
        result = await _handled_group(app, ctx, group)
    finally:
        del error  # Raised, its traceback refers to this frame: a cycle.
    return result


async def _handled_group(
    app: ServedApp, ctx: Context, group: ExceptionGroup[Exception]
) -> Result | None:
    """Return what becomes of the only error of a group; without a handler, raise the group.

    ``asyncio.TaskGroup`` makes a group of each error, also of the ``abort(404)`` of a task.
    """
    error = errors.error_of_group(group)
    try:
        if error is not None:
            try:
                return await _handled(app, ctx, error)
            except Exception as raised:
                if raised is not error:
                    raise
        raise group
    finally:
        del error, group  # Raised, their tracebacks refer to this frame: cycles.


def _is_only(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Tell whether a group, as a TaskGroup raises it, has nothing but exceptions of some kinds."""
    return isinstance(error, ExceptionGroup) and error.split(kinds)[1] is None


async def preprocess(app: ServedApp, ctx: Context, done: int = 0) -> Result | None:
    """Run the URL value preprocessors and the "before" functions. (Flask: preprocess_request.)

    Args:
        app: The app.
        ctx: The context.
        done: How many of the "before" functions have been run; the preprocessors have been, too.

    Returns:
        What a function returned instead of the view, or ``None``.
    """
    scope_type: Any = ctx.scope_type
    endpoint = ctx.matched_endpoint
    if not done:
        for func in first_registered_first(app.url_value_preprocessors, endpoint):
            result = await call_unconverted(ctx, func, endpoint, ctx.view_args)
            if result is not None:
                # SECURITY: a `def` decorator around one that denies access hands it on.
                await settled(ctx, func, result)
    for func in islice(first_registered_first(scope_type.before(app), endpoint), done, None):
        answer: Result | None = await call(ctx, func)
        if answer is not None:
            return answer
    return None


async def preprocess_and_dispatch(app: ServedApp, ctx: Context, done: int = 0) -> Result | None:
    """Run what runs before the view, then the view. (For ``done`` see :func:`preprocess`.)

    Args:
        app: The app.
        ctx: The context.
        done: How many of the "before" functions have run.

    Returns:
        The result of the view, or of the function that answered instead of it.
    """
    result = await preprocess(app, ctx, done)
    return await dispatch(app, ctx) if result is None else result


def dispatch(app: ServedApp, ctx: Context) -> Awaitable[Any]:
    """Call the view; return what is to be awaited for its result. (Flask: dispatch_request.)

    Args:
        app: The app.
        ctx: The context.

    Returns:
        What is to be awaited.

    Raises:
        Exception: The error that matching met, if it has to be handled.
    """
    if ctx.routing_exception is not None:
        return errors.answer_routing(app, ctx)
    rule = ctx.url_rule
    if ctx.method == "OPTIONS" and answers_options(rule):
        return in_place(ctx, app.make_default_options_response)
    args: dict[str, Any] = ctx.view_args  # type: ignore[assignment]  # set with the rule
    return call(ctx, app.view_functions[rule.endpoint], **args)


def dispatch_or_raise(app: ServedApp, ctx: Context) -> Awaitable[Any]:
    """Call the view for the app's own ``dispatch_request``, whose callers may catch a 404.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        What is to be awaited for its result.

    Raises:
        Exception: The error that matching met.
    """
    if ctx.routing_exception is not None:
        errors.raise_routing(app, ctx)
    return dispatch(app, ctx)


async def handle_exception(app: ServedApp, ctx: Context, error: Exception) -> Response | None:
    """Answer 500 for an error that nothing handled, or raise it again. (Flask: handle_exception.)

    Args:
        app: The app.
        ctx: The context.
        error: The error.

    Returns:
        The response; ``None`` for a websocket that was accepted.

    Raises:
        Exception: ``error`` itself, where ``PROPAGATE_EXCEPTIONS`` (or testing or debug) says so.
    """
    scope_type: Any = ctx.scope_type
    try:
        result = await errors.answer_unhandled(app, ctx, error)
    finally:
        del error  # Raised, its traceback refers to this frame: a cycle.
    final: Response | None
    final = await run_step(app, ctx, scope_type.finalize, finalize, result, from_error_handler=True)
    return final
