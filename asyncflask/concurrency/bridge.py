"""How a coroutine moves between a thread and an event loop.

A thread waits for a coroutine that runs on a loop (:func:`run_from_thread`, :func:`run_alone`), or
steps one itself until it needs the loop (:func:`step_in_thread`, :func:`drive`), where
:func:`resume` goes on with it. The worker threads are in ``workers.py``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import sys
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, ParamSpec, TypeVar

from .thread import here

P = ParamSpec("P")
T = TypeVar("T")


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, or ``None``."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def run_from_thread(coro: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Run ``coro`` on ``loop`` from a worker thread and wait for its result.

    While it waits, the worker runs the jobs that ``coro`` gives it, such as ``def`` functions.

    Args:
        coro: The coroutine; it has not begun.
        loop: A loop that runs in another thread.

    Returns:
        What ``coro`` returns. Context variables that it sets are set here too, and it finds the
        exception that is handled here in ``sys.exc_info()``.

    Raises:
        RuntimeError: Called on the loop's own thread, which would wait for itself forever.
        BaseException: What ``coro`` raises.
    """
    if running_loop() is loop:
        coro.close()
        raise RuntimeError(
            f"{coro!r} was waited for, synchronously, on the event loop that has to run it."
            " Await it in an `async def`, or call this from a `def` view."
        )
    context = contextvars.copy_context()
    handled = sys.exc_info()[1]
    boxed: concurrent.futures.Future[tuple[Any, BaseException | None]]
    boxed = concurrent.futures.Future()
    try:
        loop.call_soon_threadsafe(_begin, coro, loop, context, boxed, handled)
    except RuntimeError:
        coro.close()
        raise
    finally:
        del handled  # Its traceback may refer to this frame: a cycle.
    result: T
    result, error = _work_until(boxed)
    _take_over(context)
    if error is None:
        return result
    try:
        raise error
    finally:
        del error, boxed  # The error's traceback refers to this frame: a cycle.


def is_run_for_thread() -> bool:
    """Return whether a thread waits for the current task, so that it must not wait for the view."""
    task = asyncio.current_task()
    coro = None if task is None else task.get_coro()
    return getattr(coro, "cr_code", None) is _box.__code__


def _work_until(boxed: concurrent.futures.Future[T]) -> T:
    """Wait for a result. A worker does other jobs of its lease meanwhile, and counts as parked."""
    worker = here.worker
    if worker is None or worker.job is None:
        return boxed.result()
    inbox, job = worker.inbox, worker.job
    boxed.add_done_callback(lambda _: inbox.put(_wake))
    job.lease.park()
    try:
        while not boxed.done():
            run = inbox.get()
            assert run is not None  # A worker is ended when it is idle.
            run()
            del run
    finally:
        job.lease.occupy()
    return boxed.result()


def _begin(
    coro: Coroutine[Any, Any, Any],
    loop: asyncio.AbstractEventLoop,
    context: contextvars.Context,
    boxed: concurrent.futures.Future[tuple[Any, BaseException | None]],
    handled: BaseException | None,
) -> None:
    def end(task: asyncio.Task[Any]) -> None:
        if task.cancelled():  # before it began
            coro.close()
            boxed.set_result((None, asyncio.CancelledError()))
        else:
            boxed.set_result(task.result())

    loop.create_task(_box(coro, handled), context=context).add_done_callback(end)


async def _box(
    coro: Coroutine[Any, Any, Any], handled: BaseException | None
) -> tuple[Any, BaseException | None]:
    """Await ``coro``; return what it raises to the waiting thread instead of raising it here."""
    try:
        if handled is None:
            return await coro, None
        return await _await_handling(handled, coro), None
    except BaseException as error:
        return None, error
    finally:
        del handled  # Its traceback may refer to this frame: a cycle.


async def _await_handling(error: BaseException, coro: Coroutine[Any, Any, T]) -> T:
    """Await ``coro`` as if inside the `except` block of the thread that waits for it.

    Error handlers use the exception being handled: ``logger.exception()``, a bare ``raise``.
    """
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback  # Without the frame of this function.
        return await coro
    finally:
        del error, traceback  # They refer to this frame: a cycle.


def _take_over(context: contextvars.Context) -> None:
    """Set in this thread what was set in the copy of its Context that ran on the loop."""
    for var, value in context.items():
        if var.get(here) is not value:
            var.set(value)


def _wake() -> None:
    """Do nothing: this job wakes a worker that waits for one."""


def run_alone(coro: Coroutine[Any, Any, T]) -> T:
    """Run ``coro`` on a new loop and wait: in this thread or, if a loop runs here, in another one.

    Args:
        coro: The coroutine; it has not begun.

    Returns:
        What ``coro`` returns. Context variables that it sets are set here too.

    Raises:
        BaseException: What ``coro`` raises.
    """
    context = contextvars.copy_context()
    try:
        if running_loop() is None:
            return _run_on_new_loop(coro, context)
        result: T
        handled = sys.exc_info()[1]
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            result, error = thread.submit(_run_boxed, coro, context, handled).result()
        del handled  # Its traceback may refer to this frame: a cycle.
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # Its traceback refers to this frame: a cycle.
    finally:
        _take_over(context)


def _run_on_new_loop(coro: Coroutine[Any, Any, T], context: contextvars.Context | None = None) -> T:
    with asyncio.Runner() as runner:
        boxed = runner.run(_box_result(coro), context=context)
    result: T
    result, error = boxed
    if error is None:
        return result
    # Frames of the error's traceback refer to this frame and to the task: cycles.
    boxed.clear()
    try:
        raise error
    finally:
        del error


async def _box_result(coro: Coroutine[Any, Any, Any]) -> list[Any]:
    """Return the result and the error of ``coro``; a loop that is interrupted raises by itself."""
    try:
        return [await coro, None]
    except Exception as error:
        return [None, error]


def _run_boxed(
    coro: Coroutine[Any, Any, Any], context: contextvars.Context, handled: BaseException | None
) -> tuple[Any, BaseException | None]:
    with asyncio.Runner() as runner:
        return runner.run(_box(coro, handled), context=context)


# -- a coroutine that moves between thread and loop ------------------------------------------------


class _ToLoop:
    """What a coroutine awaits when it is stepped in a thread and needs the loop from here on."""

    def __await__(self) -> Generator[_ToLoop, None, None]:
        yield self


TO_LOOP = _ToLoop()


def step_in_thread(coro: Coroutine[Any, Any, T]) -> tuple[bool, T | None]:
    """Step ``coro`` in the calling thread, without a loop, until it ends or needs the loop.

    Args:
        coro: The coroutine; it has not begun.

    Returns:
        ``(True, result)``, or ``(False, None)`` when it yielded :data:`TO_LOOP`.

    Raises:
        RuntimeError: It awaited anything else, which only an event loop can serve.
    """
    try:
        yielded = coro.send(None)
    except StopIteration as stop:
        return True, stop.value
    if yielded is TO_LOOP:
        return False, None
    coro.close()
    raise RuntimeError(
        f"{coro!r} waited for {yielded!r} in a thread that has no event loop."
        " Only callables declared with `async def` may wait; declare it so."
    )


def stop_iteration_of(error: Exception) -> StopIteration | None:
    """Return the ``StopIteration`` of a view or hook that Python turned into a ``RuntimeError``.

    The pipeline is a coroutine, and a coroutine cannot raise a ``StopIteration`` (:pep:`479`).

    Args:
        error: What the pipeline raised.

    Returns:
        The ``StopIteration``; ``None`` for all other errors.
    """
    cause = error.__cause__
    if isinstance(cause, StopIteration) and str(error) == "coroutine raised StopIteration":
        return cause if isinstance(error, RuntimeError) else None
    return None


async def as_coroutine(awaitable: Awaitable[T]) -> T:
    """Await something, for what takes a coroutine and no other awaitable: a task, :func:`drive`.

    Args:
        awaitable: What is awaited.

    Returns:
        Its result.
    """
    return await awaitable


def drive(coro: Coroutine[Any, Any, T]) -> T:
    """Run ``coro`` in the calling thread; a loop is started only where it needs one.

    Args:
        coro: The coroutine; it has not begun.

    Returns:
        What ``coro`` returns.

    Raises:
        RuntimeError: It needs a loop, and one is running in this thread already.
        Exception: What it raises, also a ``StopIteration``.
    """
    try:
        done, result = step_in_thread(coro)
        return result if done else _on_a_loop(coro)  # type: ignore[return-value]  # done
    except RuntimeError as error:
        stopped = stop_iteration_of(error)
        if stopped is None:
            raise
    try:
        raise stopped
    finally:
        del stopped  # Its traceback refers to this frame: a cycle.


def _on_a_loop(coro: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_on_new_loop(_rest(coro))
    coro.close()
    raise RuntimeError(
        f"An `async def` callable has to run in {coro!r}, which was called"
        " synchronously on a running event loop. Write `async with` instead of `with`."
    )


async def _rest(coro: Coroutine[Any, Any, T]) -> T:
    return await resume(coro)


@types.coroutine
def resume(
    steps: Coroutine[Any, Any, T] | Generator[Any, Any, T], waiting_for: object = TO_LOOP
) -> Generator[Any, Any, T]:
    """Continue on the loop, as an awaitable, what was begun by taking its first steps by hand.

    Args:
        steps: A suspended coroutine, or the iterator that an object's ``__await__`` returned.
        waiting_for: What its last step yielded. :data:`TO_LOOP` is not passed on to the loop: the
            coroutine has reached the loop that it waited for.

    Returns:
        Its result.
    """
    # What an object's `__await__` returns may be a bare iterator.
    throw = getattr(steps, "throw", None)
    send: Callable[[Any], Any] = getattr(steps, "send", None) or (lambda _: next(steps))  # type: ignore[arg-type]  # a bare iterator
    try:
        if waiting_for is TO_LOOP:
            waiting_for = send(None)
        while True:
            try:
                value = yield waiting_for
            except BaseException as error:
                if throw is None:
                    raise
                waiting_for = throw(error)
            else:
                waiting_for = send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result


#: What :func:`give_way` returns when the coroutine has ended.
ENDED: Any = object()


@types.coroutine
def give_way(steps: Generator[Any, Any, Any], rounds: int) -> Generator[Any, Any, Any]:
    """Continue, as an awaitable, a coroutine that lets others run: its last step yielded ``None``.

    Args:
        steps: A coroutine, or what its ``__await__`` returned.
        rounds: How often it may yield ``None``.

    Returns:
        What it waits for, ``None`` if it is still nothing; :data:`ENDED` if it has ended.
    """
    waiting_for = None
    try:
        while waiting_for is None and rounds:
            rounds -= 1
            try:
                yield
            except BaseException as error:
                waiting_for = steps.throw(error)
            else:
                waiting_for = next(steps)
    except StopIteration:
        return ENDED
    return waiting_for
