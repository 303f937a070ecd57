"""How the pipeline calls sync and async functions of users, on the loop or in a thread.

The pipeline is a coroutine that suspends only here. It is awaited on the event loop (the mode
``LOOP``), or stepped without a loop: in the request's worker thread (``WORKER``) or in a thread
that pushed a context with a plain ``with`` (``THREAD``). A command line has a loop of its own that
may be blocked (``COMMAND``): ``def`` callables run in place there, in the one thread that the whole
command has. So the pipeline uses no tasks, locks or timeouts, which need a loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from blinker import Signal

from ..concurrency.bridge import TO_LOOP, as_coroutine, run_alone, run_from_thread, running_loop
from ..concurrency.errors import exit_in_worker
from ..concurrency.execution_mode import COMMAND, LOOP, THREAD, WORKER
from ..concurrency.inspection import is_async
from ..concurrency.workers import leased_here
from ..ctx import Context

#: methods of the app that the facade runs every registered callable through, if one is overridden
_TO_SYNC = frozenset({"ensure_sync", "async_to_sync"})
#: the same of the async API
_TO_ASYNC = frozenset({"ensure_async", "sync_to_async"})


def call(ctx: Context, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
    """Call ``func`` where its kind belongs, ``async def`` on the loop and ``def`` off it.

    Args:
        ctx: The context that the call belongs to.
        func: What the user registered.
        args: Its arguments.
        kwargs: Its keyword arguments.

    Returns:
        What is to be awaited for the result.
    """
    if ctx.execution_mode is LOOP and not ctx.replaced and is_async(func):
        return func(*args, **kwargs)
    return _call(ctx, func, args, kwargs)


def call_after_view(
    ctx: Context, func: Callable[..., Any], *args: Any, **kwargs: Any
) -> Awaitable[Any]:
    """Call ``func`` as :func:`call` does; a ``def`` one gets a thread whatever the pool's size is.

    Requests that wait for a thread may wait for what the view has opened.

    Args:
        ctx: The context.
        func: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        What is to be awaited for its result.
    """
    if ctx.execution_mode is LOOP and not ctx.replaced and is_async(func):
        return func(*args, **kwargs)
    ctx.note_view_has_run()
    return _call(ctx, func, args, kwargs)


async def _call(
    ctx: Context, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    mode = ctx.execution_mode
    if ctx.replaced:
        if _is_converted_to_sync(ctx):
            return ctx.app.ensure_sync(func)(*args, **kwargs)
        if mode not in (THREAD, COMMAND) and not ctx.replaced.isdisjoint(_TO_ASYNC):
            if mode is WORKER:
                await to_loop(ctx)
            return await ctx.app.ensure_async(func)(*args, **kwargs)
    if is_async(func):
        if mode is WORKER:
            await to_loop(ctx)
        elif mode is THREAD:
            return wait_in_place(ctx, func(*args, **kwargs), func)
        return await func(*args, **kwargs)
    if mode is LOOP:
        return await ctx.run_def(func, *args, **kwargs)
    if mode is not WORKER:
        return func(*args, **kwargs)
    try:
        return func(*args, **kwargs)
    except (SystemExit, KeyboardInterrupt) as error:
        raise exit_in_worker(error, func) from error


def _is_converted_to_sync(ctx: Context) -> bool:
    """Tell whether the facade's app runs every callable through its own ``ensure_sync``."""
    in_thread = ctx.synchronous and ctx.execution_mode is THREAD
    return in_thread and not ctx.replaced.isdisjoint(_TO_SYNC)


def call_unconverted(
    ctx: Context, func: Callable[..., Any], *args: Any, **kwargs: Any
) -> Awaitable[Any]:
    """Call ``func``; the facade's ``ensure_sync`` sees it only if it is ``async def``, as in Flask.

    For receivers of signals, URL value preprocessors, and the methods of the app and its session
    interface.

    Args:
        ctx: The context.
        func: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        What is to be awaited for its result.
    """
    if ctx.replaced and ctx.execution_mode is THREAD and not is_async(func):
        return _called_in_place(func, args, kwargs)
    return call(ctx, func, *args, **kwargs)


async def _called_in_place(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    return func(*args, **kwargs)


async def call_settled(ctx: Context, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call a function whose result is not used; a coroutine that a ``def`` one returned is awaited.

    Otherwise ``app.before_serving(lambda: db.connect())`` would do nothing.

    Args:
        ctx: The context that the call belongs to.
        func: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """
    result = await call(ctx, func, *args, **kwargs)
    if result is not None:
        await settled(ctx, func, result)


async def settled(ctx: Context, func: Callable[..., Any], result: object) -> Any:
    """Return what ``func`` returned, awaited if a ``def`` function returned a coroutine.

    Args:
        ctx: The context that the call belonged to.
        func: What was called.
        result: What it returned.
    """
    if not inspect.isawaitable(result):
        return result
    if ctx.execution_mode is WORKER:
        await to_loop(ctx)
    elif ctx.execution_mode is THREAD:
        return wait_in_place(ctx, as_coroutine(result), func)
    return await result


async def to_loop(ctx: Context) -> None:
    """Let the loop step the pipeline's coroutine from here on, instead of the worker.

    The thread stays leased for the request's next ``def`` callable.

    Args:
        ctx: The context, whose coroutine a worker steps now.
    """
    ctx.switch_to(LOOP)
    await TO_LOOP


def wait_in_place(ctx: Context, coro: Coroutine[Any, Any, Any], func: Callable[..., Any]) -> Any:
    """Run an ``async def`` callable from a thread that may block, and wait for it.

    In a request's worker, and in a thread that its ``def`` code has started, it runs on the
    server's loop, else on one of its own.

    Args:
        ctx: The context that it belongs to.
        coro: Its coroutine, which has not begun.
        func: The callable, for the message of the error.

    Returns:
        Its result.

    Raises:
        RuntimeError: A loop runs in this thread, which would wait for itself.
    """
    lease = ctx.lease
    if lease is None or lease.ident != get_ident():
        lease = leased_here()
    if lease is None and not ctx.synchronous:
        if running_loop() is not None:
            coro.close()
            raise RuntimeError(
                f"{func!r} is `async def` and was called synchronously on a running event loop."
                " Await it: `await current_app.ensure_async(func)(...)`. Write `async with` if it"
                " was reached through a plain `with`."
            )
        if ctx.execution_mode is not THREAD:
            return _wait_in_thread_of_its_own(ctx, coro)
    if ctx.scope_type is not None and ctx.scope_type.websocket:
        coro = ctx.own_connection.in_view_task(coro)
    before = ctx.switch_to(LOOP)
    try:
        return _run_alone(ctx, coro) if lease is None else lease.wait_for(coro)
    finally:
        ctx.switch_to(before)


def _wait_in_thread_of_its_own(ctx: Context, coro: Coroutine[Any, Any, Any]) -> Any:
    """Wait in a thread that is not the context's, which goes on elsewhere meanwhile."""
    if ctx.lease is not None:
        return run_from_thread(coro, ctx.lease.loop)
    with lease_of_its_own(ctx):
        return run_alone(coro)


def _run_alone(ctx: Context, coro: Coroutine[Any, Any, Any]) -> Any:
    ctx.runs_own_loop = True
    try:
        with lease_of_its_own(ctx):
            return run_alone(coro)
    finally:
        ctx.runs_own_loop = False


@contextmanager
def lease_of_its_own(ctx: Context) -> Iterator[None]:
    """Give back, at the end, a worker that was leased meanwhile for a loop that ends here.

    The next loop needs another one.

    Args:
        ctx: The context that may lease one.
    """
    before = ctx.lease
    try:
        yield
    finally:
        if ctx.lease is not None and ctx.lease is not before:
            ctx.lease.release()
            ctx.lease = None


async def emit(ctx: Context, signal: Signal, sender: object, **kwargs: Any) -> None:
    """Send a signal to sync and async receivers, in order; their errors propagate.

    Callers look at ``signal.receivers`` first: a signal without receivers costs nothing.

    Args:
        ctx: The context that the receivers are called in.
        signal: Such as ``request_started``.
        sender: The app.
        kwargs: What the receivers get as well.
    """
    if signal.is_muted:  # Inside `with signal.muted()`.
        return
    for receiver in list(signal.receivers_for(sender)):
        result = await call_unconverted(ctx, receiver, sender, **kwargs)
        if result is not None:
            await settled(ctx, receiver, result)


def emit_after_view(ctx: Context, signal: Signal, sender: object, **kwargs: Any) -> Awaitable[None]:
    """Send a signal as :func:`emit` does, after the view: see :func:`call_after_view`.

    Args:
        ctx: The context that the receivers are called in.
        signal: Such as ``request_started``.
        sender: The app.
        kwargs: What the receivers get as well.

    Returns:
        What is to be awaited.
    """
    ctx.note_view_has_run()
    return emit(ctx, signal, sender, **kwargs)
