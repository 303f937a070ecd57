"""Background tasks: work that goes on after the response, named, supervised, and ended in order.

A task runs in an app context of its own. Its error goes to ``app.handle_background_exception``; at
shutdown the tasks have ``BACKGROUND_TASK_SHUTDOWN_TIMEOUT`` seconds to end, then they are
cancelled. Nothing is kept: a task is lost if the process dies.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from .._contextvars import context_var, current
from ..concurrency.bridge import running_loop
from ..concurrency.errors import as_exception
from ..ctx import Context
from ..debughelpers import explain_closed_upload
from .invoke import call_settled

if TYPE_CHECKING:
    from ..debug.debugger import Debugger

MOMENT = 1.0  # Seconds that cancelled tasks have at least, for their `finally` blocks.


class Supervisor(Protocol):
    """What background tasks ask of an app."""

    background_tasks: set[asyncio.Task[None]]
    use_debugger: bool

    @property
    def logger(self) -> logging.Logger: ...

    @property
    def debugger(self) -> Debugger: ...

    def app_context(self) -> Context: ...
    def background_context(self) -> Context | None: ...

    async def handle_background_exception(self, error: Exception) -> None: ...


def start(
    app: Supervisor, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Start ``func(*args, **kwargs)`` as a background task, from the loop or from a ``def`` view.

    Args:
        app: The app, which waits for the task at shutdown.
        func: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Raises:
        TypeError: ``func`` is no function.
        RuntimeError: There is no event loop here that would go on with it.
    """
    if not callable(func) or inspect.isawaitable(func):
        if isinstance(func, Coroutine):  # also `request.get_data()`
            func.close()
        raise TypeError(
            f"add_background_task() was given {func!r}, which cannot be called. Give the function"
            " and its arguments: add_background_task(send_mail, address)."
        )
    ctx: Context | None = current()
    served = None if ctx is None else ctx.request_context or ctx
    loop = running_loop()
    if loop is not None:
        if served is not None and served.runs_own_loop:
            raise _without_a_loop(func, "the event loop ends with the request")
        _create(app, loop, func, args, kwargs)
        return
    lease = None if served is None else served.lease
    if lease is None:
        raise _without_a_loop(func, "no event loop runs")
    lease.loop.call_soon_threadsafe(_create, app, lease.loop, func, args, kwargs)


def _without_a_loop(func: Callable[..., Any], where: str) -> RuntimeError:
    return RuntimeError(
        f"add_background_task({func!r}) was called where {where}. Call it in a view, a hook, or a"
        " `before_serving` function, of an app that an ASGI server serves: a WSGI server has no"
        " loop that goes on after the request. Tests of the facade set"
        " ASYNCFLASK_TEST_TRANSPORT=asgi (docs/reference/flask-facade.md)."
    )


def _create(
    app: Supervisor,
    loop: asyncio.AbstractEventLoop,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    context = contextvars.copy_context()
    context.run(context_var.set, app.background_context())
    name = getattr(func, "__qualname__", None) or repr(func)
    task = loop.create_task(_run(app, func, args, kwargs), name=name, context=context)
    app.background_tasks.add(task)
    task.add_done_callback(app.background_tasks.discard)


async def _run(
    app: Supervisor, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    ctx = app.app_context()
    try:
        async with ctx:
            await call_settled(ctx, func, *args, **kwargs)
    except BaseException as error:
        failure = as_exception(error, f"the background task {func!r}")
        if not isinstance(failure, Exception):
            raise
        if failure is not error:
            failure.__cause__ = error
        explain_closed_upload(failure)
        await app.handle_background_exception(failure)
        if app.use_debugger:
            app.debugger.note_failed_task(failure, ctx)


async def drain(app: Supervisor, grace: float | None) -> None:
    """Wait for the tasks to end; cancel those that need longer than ``grace`` seconds.

    Args:
        app: The app.
        grace: Seconds; ``None`` waits without limit.
    """
    clock = asyncio.get_running_loop().time
    end = None if grace is None else clock() + grace
    while tasks := set(app.background_tasks):  # A task may start another one.
        _, late = await asyncio.wait(tasks, timeout=None if end is None else max(0, end - clock()))
        if late:
            await _cancel(app, late, grace or 0)
            return


async def _cancel(app: Supervisor, late: set[asyncio.Task[None]], grace: float) -> None:
    for task in late:
        app.logger.warning(
            "Background task %r did not end within %s s of the shutdown and is cancelled."
            " BACKGROUND_TASK_SHUTDOWN_TIMEOUT allows for more.",
            task.get_name(),
            grace,
        )
        task.cancel()
    # A thread cannot be interrupted: one that goes on does not keep the server from its end.
    await asyncio.wait(late, timeout=max(grace, MOMENT))
