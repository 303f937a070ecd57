"""The functions that run a plan: one for each kind of what may be registered for an endpoint.

Each does what its plan says and no more. As soon as there is more to do (an error, a session, a
result that is not plain, something that was registered meanwhile), it goes on with the general
pipeline (``pipeline.py``), which looks at everything again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from werkzeug.wrappers import Response as WerkzeugResponse

from ..concurrency.execution_mode import LOOP, WORKER
from ..concurrency.inspection import is_async
from ..concurrency.workers import on_worker
from ..ctx import Context
from ..exceptions import WorkerQueueFull
from ..wrappers.request.sync import prefetch
from . import errors, pipeline
from .finalize import finalize, finalize_plain, finish_processing, refused_response
from .make_response import make_messages, make_plain
from .pipeline import run_steps
from .plan import EndpointPlan, Run, Runner
from .protocols import Answer, ServedApp
from .session import has_session_to_save, refreshes
from .teardown import PRESERVE, leave_served


async def run_view(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
    """Run an ``async def`` view that has nothing around it.

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of the endpoint.

    Returns:
        The two messages of the answer, or a response.
    """
    view: Any = plan.view
    try:
        args = ctx.view_args
        result = await (view(**args) if args else view())
    except BaseException as error:
        if not ctx.needs_response:  # Nothing follows that could find the error.
            return await run_steps(app, ctx, pipeline.answer_error(app, ctx, error), plan)
        failed = pipeline.answer_error(app, ctx, error, is_over=True)
    else:
        names: Any = ctx.header_names
        if app.plans.version is not plan.version or PRESERVE in ctx.scope:
            return await run_steps(app, ctx, finalize(app, ctx, result), plan)
        if ctx.needs_response or (b"cookie" in names and refreshes(app, ctx)):
            return await run_steps(app, ctx, finalize_plain(app, ctx, result), plan)
        answer = make_messages(app, result, ctx.method) or make_plain(app, result)
        if answer is None:
            return await run_steps(app, ctx, finalize(app, ctx, result), plan)
        if ctx.made_body is not None:
            ctx.close_connection()
        return answer
    return await run_steps(app, ctx, failed, plan)


async def run_unmatched(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
    """Answer a request that no rule was found for, where nothing but a handler might look at it.

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of requests without a rule.

    Returns:
        The two messages of the answer, or a response.
    """
    error = errors.unhandled_routing_error(app, ctx)
    if error is not None and PRESERVE not in ctx.scope and not has_session_to_save(app, ctx):
        answer = make_messages(app, error, ctx.method) or make_plain(app, error)
        if answer is not None:
            if ctx.made_body is not None:
                ctx.close_connection()
            return answer
    return await run_steps(app, ctx)


async def run_on_loop(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
    """Run an ``async def`` view whose hooks are ``async def`` as well.

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of the endpoint.

    Returns:
        The two messages of the answer, or a response.
    """
    rule = ctx.url_rule
    try:
        for hook in plan.before:
            result = await hook()
            if result is not None:
                break
        else:
            result = await _call_view(app, ctx, plan, rule)
    except BaseException as error:
        failed = pipeline.answer_error(app, ctx, error, is_over=True)
    else:
        answer = _answer_of(app, ctx, plan, result)
        if answer is None:
            return await run_steps(app, ctx, finalize(app, ctx, result), plan)
        try:
            for hook in plan.after:
                answer = await hook(answer)
                if not isinstance(answer, WerkzeugResponse):
                    raise refused_response(hook, answer)
        except BaseException as error:
            return await run_steps(app, ctx, _raise(error), plan)
        # Messages are made only if nothing processes them.
        if not isinstance(answer, tuple) and _is_processed(app, ctx, plan):
            return await run_steps(app, ctx, finish_processing(app, ctx, answer), plan)
        if plan.has_teardown:
            await leave_served(app, ctx, None)
        elif ctx.made_body is not None:
            ctx.close_connection()
        return answer
    return await run_steps(app, ctx, failed, plan)


async def _raise(error: BaseException) -> None:
    """Raise an error, for :func:`run_steps` to end the request with."""
    try:
        raise error
    finally:
        del error  # Its traceback refers to this frame: a cycle.


def _answer_of(app: ServedApp, ctx: Context, plan: EndpointPlan, result: object) -> Answer:
    """Return the answer that a plain result is; ``None`` if the pipeline has to make it."""
    if app.plans.version is not plan.version or PRESERVE in ctx.scope:
        return None
    if ctx.needs_response and ctx.after_functions:
        return None
    if plan.sends_messages and not plan.after and not _is_processed(app, ctx, plan):
        return make_messages(app, result, ctx.method) or make_plain(app, result)
    return make_plain(app, result)


def _is_processed(app: ServedApp, ctx: Context, plan: EndpointPlan) -> bool:
    """Tell whether more than the plan's "after" functions has to see the response."""
    if app.plans.version is not plan.version or ctx.needs_response:
        return True
    return has_session_to_save(app, ctx)


def _call_view(app: ServedApp, ctx: Context, plan: EndpointPlan, rule: object) -> Awaitable[Any]:
    """Call the view after the "before" functions, which may have changed what is called."""
    if app.plans.version is not plan.version:
        return pipeline.preprocess_and_dispatch(app, ctx, done=len(plan.before))
    if ctx.url_rule is not rule or ctx.routing_exception is not None:
        return pipeline.dispatch(app, ctx)
    view: Any = plan.view
    args = ctx.view_args
    return view(**args) if args else view()  # type: ignore[no-any-return]  # a coroutine


async def run_in_worker(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
    """Run everything in the worker thread that is leased for the request (design D2).

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of the endpoint.

    Returns:
        The two messages of the answer, or a response.
    """
    scope_type: Any = ctx.scope_type
    if scope_type.begin is not None:
        scope_type.begin(ctx, None)
    try:
        ctx.needs_cleanup = True
        lease = ctx.lease = await app.workers.lease()
    except WorkerQueueFull as error:
        ctx.is_refused = True
        # Kept by the context, its traceback would keep this frame: a cycle.
        ctx.routing_exception = error.with_traceback(None)
        return await run_steps(app, ctx)
    prefetch(ctx)
    ctx.switch_to(WORKER)

    def moved() -> None:
        ctx.switch_to(LOOP)
        if not lease.is_kept:
            ctx.leave_worker()

    return await on_worker(lease, run_steps(app, ctx), moved)


def run_pipeline(app: ServedApp, ctx: Context, plan: EndpointPlan | None = None) -> Awaitable[Any]:
    """Run the pipeline, which serves what the other runners cannot.

    Args:
        app: The app.
        ctx: The context.
        plan: Not used: the pipeline reads the registries.

    Returns:
        What is to be awaited for the answer.
    """
    scope_type: Any = ctx.scope_type
    if scope_type.begin is not None:
        scope_type.begin(ctx, asyncio.current_task())
    return run_steps(app, ctx)


def run_unknown(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Awaitable[Any]:
    """Run a view whose kind may change, or which is in a registry whose changes go unnoticed.

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of the endpoint.

    Returns:
        What is to be awaited for the answer.
    """
    endpoint: Any = ctx.matched_endpoint
    view = app.view_functions.get(endpoint)
    ctx.scope["endpoint"] = view
    if view is None or is_async(view):
        return run_pipeline(app, ctx)
    return run_in_worker(app, ctx, plan)


RUNNERS: dict[Runner, Run] = {
    "view": run_view,
    "unmatched": run_unmatched,
    "loop": run_on_loop,
    "worker": run_in_worker,
    "pipeline": run_pipeline,
    "unknown": run_unknown,
}
