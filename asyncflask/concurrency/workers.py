"""The lease by which a request holds a worker thread for its ``def`` callables.

The rules (design D2): a ``def`` callable may block, so it never runs on the event loop. One worker
thread is leased for all of a request's ``def`` callables, and they run inside the request's own
:class:`contextvars.Context`, so that a ``sqlite3`` connection or a context variable set by a hook
is good in the view and in teardown. What runs, and in which order, is decided in ``dispatch/``;
how many threads there are, in ``pool.py``.

Nothing here refers to an app; a worker forgets its job as soon as it is done.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

from .bridge import resume, run_from_thread, step_in_thread
from .errors import exit_in_worker
from .thread import (
    Job,
    Uncancelled,
    WorkerThread,
    context_of,
    current_job,
    run_in_context,
    task_context,
)

P = ParamSpec("P")
T = TypeVar("T")


class Pool(Protocol):
    """What a lease asks of the pool that its thread comes from."""

    @property
    def affinity(self) -> bool:
        """Whether a request keeps its thread to its end."""

    @property
    def watch(self) -> Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] | None:
        """Wraps a coroutine that a thread waits for."""

    def occupy(self, lease: Lease) -> None:
        """Count one more job that runs.

        Args:
            lease: The lease of the job's thread.
        """

    def park(self, lease: Lease, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Count one job less that runs.

        Args:
            lease: The lease of the job's thread.
            loop: The loop that runs in this thread, if the job has ended.
        """

    def put_back(self, worker: WorkerThread, unused: bool = False) -> None:
        """Take back the thread.

        Args:
            worker: The thread.
            unused: Whether no job has run on it.
        """


class Lease:
    """One worker thread, kept for one request (or websocket, or background task).

    It is made for the first ``def`` callable of the request; later ones run on the same thread.
    The thread is *occupied* while a job runs, and *parked* between jobs and while a job waits for
    the event loop. :meth:`release` returns the thread to the pool, and so does deleting the lease,
    for a task that outlives its request.

    Args:
        pool: The pool.
        worker: The thread.
    """

    #: awaited on the loop before an `async def` callable runs there for this thread
    prepare: Callable[[], Awaitable[None]] | None = None

    def __init__(self, pool: Pool, worker: WorkerThread) -> None:
        self._pool = pool
        self._worker: WorkerThread | None = worker
        #: number of jobs that have not ended
        self._running = 0
        #: number of them that do not wait (the pool's, under its lock); the first job is counted
        self.occupying = 1
        #: whether the request keeps the thread between two ``def`` callables (WORKER_AFFINITY)
        self.is_kept = pool.affinity
        self._task = asyncio.current_task()
        self._context = context_of(self._task)
        self.ident = worker.thread.ident
        self.loop = asyncio.get_running_loop()

    @property
    def is_running(self) -> bool:
        """Whether a job has not ended."""
        return self._running > 0

    async def run(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``func`` on the leased thread, in the waiting task's context, and wait for it.

        A cancellation of the waiting task is delivered when ``func`` has returned: a thread cannot
        be interrupted.

        Args:
            func: A ``def`` callable.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Returns:
            What ``func`` returns.

        Raises:
            RuntimeError: ``func`` raised ``SystemExit`` or ``KeyboardInterrupt``, which would end
                the event loop, or the lease was released before.
            BaseException: What ``func`` raises.
        """
        worker = self._worker
        if worker is None:
            raise RuntimeError(
                f"The worker thread of this request was given back before {func!r} was called."
                " Call it before the request ends, or use app.add_background_task()."
            )
        loop = self.loop
        job = Job(loop=loop)
        job.lease, job.crossing = self, None
        # A child task of the view has its own context: the view's may be in use on the loop.
        mine = asyncio.current_task() is self._task
        context = self._context if mine else task_context()
        handled = sys.exception()

        def run() -> None:
            outer, worker.job = worker.job, job
            try:
                # In no variable of this frame, which the traceback of an error refers to.
                loop.call_soon_threadsafe(
                    job.set_result, run_in_context(context, func, args, kwargs, handled)
                )
            except RuntimeError:
                pass  # The loop was closed, so no task waits any more.
            worker.job = outer

        if self._running or not self.occupying:
            self._pool.occupy(self)
        self._running += 1
        worker.inbox.put(run)
        result: T
        try:
            result, error = await job
        finally:
            self._running -= 1
            self._pool.park(self, loop)
            if self._worker is None and not self._running:
                self._pool.put_back(worker)  # It was released meanwhile.
        if error is None:
            return result
        try:
            raise _unboxed(error, func)
        finally:
            # Frames of the error's traceback refer to this frame and to the job: cycles.
            job.result().clear()
            del error
            handled = None

    def wait_for(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, from the leased thread, and wait for its result.

        A cancellation of the request is delivered to it; the thread waits until it has ended.

        Args:
            coro: Of an ``async def`` callable; it has not begun.

        Returns:
            What ``coro`` returns.

        Raises:
            BaseException: What ``coro`` raises.
        """
        job = current_job()
        assert job is not None  # The caller runs in the leased thread.
        return run_from_thread(self._prepared(coro, job), self.loop)

    async def _prepared(self, coro: Coroutine[Any, Any, T], job: Job) -> T:
        # Each job has its own: a task that waits for another job must not cancel itself.
        job.crossing = asyncio.current_task()
        try:
            if self.prepare is not None:
                try:
                    await self.prepare()
                except BaseException:
                    coro.close()
                    raise
            watch = self._pool.watch
            return await (coro if watch is None else watch(coro))
        finally:
            job.crossing = None

    def occupy(self) -> None:
        """Count one more job that runs in the thread."""
        self._pool.occupy(self)

    def park(self) -> None:
        """Count one job less: it waits for the event loop."""
        self._pool.park(self)

    def release(self) -> None:
        """Return the thread to the pool; a second call does nothing.

        A thread that still runs a job, for a task that outlives its request, is returned when the
        job has ended: the next request would wait for it although other threads are idle.
        """
        worker, self._worker = self._worker, None
        self._task = None
        if worker is not None and not self._running:
            self._pool.put_back(worker, self.occupying > 0)

    __del__ = release


def _unboxed(error: BaseException, func: Callable[..., Any]) -> BaseException:
    if not isinstance(error, (KeyboardInterrupt, SystemExit)):
        return error
    replaced = exit_in_worker(error, func)
    replaced.__cause__ = error
    return replaced


class ThisThread:
    """The calling thread used as if it were leased, for ``def`` code outside of a request.

    Args:
        loop: The server's loop, which ``async def`` callables run on.
    """

    is_kept = True
    is_running = True

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ident = threading.get_ident()
        self.loop = loop

    async def run(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``func`` in this thread; on the loop, which it must not block, in another thread.

        Args:
            func: A ``def`` callable.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Returns:
            The function's result.
        """
        if threading.get_ident() != self.ident:
            return await asyncio.to_thread(func, *args, **kwargs)
        return func(*args, **kwargs)

    def wait_for(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run ``coro`` on the loop and wait for its result.

        Args:
            coro: The coroutine; it has not begun.

        Returns:
            The coroutine's result.
        """
        return run_from_thread(coro, self.loop)

    def release(self) -> None:
        """Do nothing: the thread belongs to the caller."""


async def run_in_thread(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking file I/O of this package in the loop's default executor.

    Args:
        func: The function.
        args: Its arguments.
        kwargs: Its keyword arguments.

    Returns:
        The function's result.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, functools.partial(func, *args, **kwargs))


def leased_here() -> Lease | None:
    """Return the lease of the request whose worker thread this is, or ``None``."""
    job = current_job()
    return job.lease if job is not None and isinstance(job.lease, Lease) else None


# -- a coroutine that moves between thread and loop ------------------------------------------------


async def on_worker(lease: Lease, coro: Coroutine[Any, Any, T], moved: Callable[[], None]) -> T:
    """Step ``coro`` on the leased thread; where it needs the loop, continue it here.

    Args:
        lease: The thread.
        coro: The coroutine; it has not begun.
        moved: Called on the loop before the coroutine continues here.

    Returns:
        What ``coro`` returns.
    """
    try:
        done, result = await lease.run(step_in_thread, coro)
    except asyncio.CancelledError as error:
        moved()
        if inspect.getcoroutinestate(coro) == inspect.CORO_SUSPENDED:
            await finish(_ended(coro, error))
        elif inspect.getcoroutinestate(coro) == inspect.CORO_CREATED:
            coro.close()
        raise
    moved()
    if done:
        return result  # type: ignore[return-value]  # done, so it is the result
    return await resume(coro)


async def _ended(coro: Coroutine[Any, Any, Any], error: BaseException) -> None:
    try:
        await resume(coro, coro.throw(error))
    except StopIteration:
        pass  # It ended at once.
    except asyncio.CancelledError:
        pass  # The caller raises its own.


async def finish(coro: Coroutine[Any, Any, T]) -> T:
    """Run ``coro`` to its end even if the current task is cancelled (again) meanwhile.

    For teardown after a cancellation, which must run to its end. A cancellation that arrives
    meanwhile is delivered afterwards.

    Args:
        coro: The coroutine; it has not begun.

    Returns:
        What ``coro`` returns.
    """
    loop = asyncio.get_running_loop()
    ended = Uncancelled(loop=loop)
    task = loop.create_task(coro, context=task_context())
    task.add_done_callback(lambda _: ended.set_result(None))
    await ended
    return task.result()


# -- public helpers --------------------------------------------------------------------------------


def run_sync(func: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Make a blocking function awaitable: each call runs in a thread, in a copy of the context.

    For calls inside an ``async def`` view: ``rows = await run_sync(query)(42)``.

    Args:
        func: A ``def`` function.

    Returns:
        An ``async def`` function with the same arguments.

    Raises:
        TypeError: It is no function.

    Source: ``Quart: quart.utils.run_sync``.
    """
    if not callable(func):
        raise TypeError(
            f"run_sync() was given {func!r:.100}, which is no function. Write"
            " `await run_sync(function)(argument)`."
        )

    @functools.wraps(func)
    async def runner(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(func, *args, **kwargs)

    return runner
