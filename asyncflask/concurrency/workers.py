"""Worker threads for ``def`` callables, and the lease by which a request holds one.

The rules (design D2): a ``def`` callable may block, so it never runs on the event loop. One worker
thread is leased for all of a request's ``def`` callables, and they run inside the request's own
:class:`contextvars.Context`, so that a ``sqlite3`` connection or a context variable set by a hook
is good in the view and in teardown. What runs, and in which order, is decided in ``dispatch/``.

Nothing here refers to an app; a worker forgets its job as soon as it is done.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from ..exceptions import WorkerQueueFull
from .bridge import resume, run_from_thread, step_in_thread, this_worker
from .errors import exit_in_worker

P = ParamSpec("P")
T = TypeVar("T")

# -- the request's Context -------------------------------------------------------------------------


def task_context() -> contextvars.Context:
    """Return the running task's own :class:`contextvars.Context` (not a copy).

    A worker thread may enter it while the task is suspended, because a suspended task has left it.
    Outside a task, or where the task does not show its context, a copy is returned; variables set
    by a ``def`` callable are then seen only by later ``def`` callables of the request.
    """
    task = asyncio.current_task()
    if task is None:
        return contextvars.copy_context()
    if sys.version_info >= (3, 12):
        return task.get_context()
    # COMPAT: a task of CPython 3.11 has no get_context(); the garbage collector sees the context.
    for referent in gc.get_referents(task):
        if type(referent) is contextvars.Context:
            return referent
    return contextvars.copy_context()


# -- workers ---------------------------------------------------------------------------------------


class _Outcome(asyncio.Future[Any]):
    """Result of a job in a worker, which cannot be cancelled while the thread runs.

    If the waiting task woke before the thread has left the task's context, the task could never be
    stepped again. asyncio keeps the cancellation and delivers it at the task's next step.
    """

    #: the task on the loop that the job waits for
    crossing: asyncio.Task[Any] | None = None

    def cancel(self, msg: object = None) -> bool:
        if self.crossing is not None:
            self.crossing.cancel()
        return False


class _Worker:
    """One thread with an inbox. It ends when it receives ``None``."""

    def __init__(self, name: str) -> None:
        self.inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.thread = threading.Thread(target=_work, args=(self.inbox,), name=name, daemon=True)
        self.thread.start()


def _work(inbox: SimpleQueue[Any]) -> None:
    this_worker.inbox = inbox
    while (job := inbox.get()) is not None:
        job()
        del job  # An idle worker keeps nothing of its last request alive.


def _run_job(
    context: contextvars.Context,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    handled: BaseException | None,
) -> tuple[Any, BaseException | None]:
    """Run ``func`` inside ``context``; return its result or what it raised, also no Exception.

    ``KeyboardInterrupt`` and ``SystemExit`` set on a future would end the event loop.
    """
    _await_exit(context)
    try:
        if handled is None:
            return context.run(func, *args, **kwargs), None
        return context.run(_run_handling, handled, func, args, kwargs), None
    except BaseException as error:
        return None, error
    finally:
        del handled, args


def _run_handling(
    error: BaseException,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Run ``func`` as if inside the `except` block that waits for it.

    Error handlers use the exception being handled: ``logger.exception()``, a bare ``raise``.
    """
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback  # Without the frame of this function.
        return func(*args, **kwargs)
    finally:
        del error, args, traceback  # They refer to this frame: a circle.


def _await_exit(context: contextvars.Context) -> None:
    """Wait until the loop's thread has left ``context``.

    The job is put into the inbox before the task that waits for it is suspended, so this thread may
    be too early by some microseconds. (PERF: putting it with ``call_soon`` costs 3 µs each time.)
    """
    while True:
        try:
            return context.run(_do_nothing)
        except RuntimeError:
            time.sleep(0)


def _do_nothing() -> None:
    pass


class Lease:
    """One worker thread, kept for one request (or websocket, or background task).

    It is made for the first ``def`` callable of the request; later ones run on the same thread.
    :meth:`release` returns the thread to the pool, and so does deleting the lease, for a task
    that outlives its request.

    Args:
        pool: The pool.
        worker: The thread.
    """

    #: awaited on the loop before an `async def` callable runs there for this thread
    prepare: Callable[[], Awaitable[None]] | None = None

    def __init__(self, pool: WorkerPool, worker: _Worker) -> None:
        self._pool = pool
        self._worker: _Worker | None = worker
        self._running = 0
        self._task = asyncio.current_task()
        self._context = task_context()
        self.ident = worker.thread.ident
        self.loop = asyncio.get_running_loop()

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
        outcome = _Outcome(loop=self.loop)
        loop = self.loop
        # A child task of the view has its own context: the view's may be in use on the loop.
        mine = asyncio.current_task() is self._task
        context = self._context if mine else task_context()
        handled = sys.exc_info()[1]

        def job() -> None:
            outer = getattr(this_worker, "lease", None), getattr(this_worker, "outcome", None)
            this_worker.lease, this_worker.outcome = self, outcome
            boxed = _run_job(context, func, args, kwargs, handled)
            this_worker.lease, this_worker.outcome = outer
            try:
                loop.call_soon_threadsafe(outcome.set_result, boxed)
            except RuntimeError:
                pass  # The loop was closed, so no task waits any more.

        self._running += 1
        worker.inbox.put(job)
        try:
            result, error = await outcome
        finally:
            self._running -= 1
            if self._worker is None and not self._running:
                self._pool.put_back(worker)  # It was released meanwhile.
        if error is None:
            return result  # type: ignore[no-any-return]  # boxed, see _run_job
        try:
            raise _unboxed(error, func)
        finally:
            del error  # Its traceback refers to this frame.
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
        return run_from_thread(self._prepared(coro, this_worker.outcome), self.loop)

    async def _prepared(self, coro: Coroutine[Any, Any, T], outcome: _Outcome) -> T:
        # Each job has its own: a task that waits for another job must not cancel itself.
        outcome.crossing = asyncio.current_task()
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
            outcome.crossing = None

    def release(self) -> None:
        """Return the thread to the pool; a second call does nothing.

        A thread that still runs a job, for a task that outlives its request, is returned when the
        job has ended: the next request would wait for it although other threads are idle.
        """
        worker, self._worker = self._worker, None
        self._task = None
        if worker is not None and not self._running:
            self._pool.put_back(worker)

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

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ident = threading.get_ident()
        self.loop = loop

    async def run(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``func`` in this thread; on the loop, which it must not block, in another thread.

        Args:
            func: A ``def`` callable.
            args: Its arguments.
            kwargs: Its keyword arguments.
        """
        if threading.get_ident() != self.ident:
            return await asyncio.to_thread(func, *args, **kwargs)
        return func(*args, **kwargs)

    def wait_for(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run ``coro`` on the loop and wait for its result.

        Args:
            coro: The coroutine; it has not begun.
        """
        return run_from_thread(coro, self.loop)

    def release(self) -> None:
        """Do nothing: the thread belongs to the caller."""


class WorkerPool:
    """The threads in which ``def`` callables run.

    Threads are started when they are needed, up to ``size``; further requests wait in order, up to
    ``queue_size`` of them. ``busy`` and ``waiting`` show the load.

    Args:
        size: Maximum number of threads.
        queue_size: Maximum number of requests that wait for a thread; the next one is answered with
            503.
    """

    #: in debug mode: wraps a coroutine that a thread waits for, and measures its time
    watch: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] | None = None

    def __init__(self, size: int = 40, queue_size: int = 1000) -> None:
        self.size = size
        self.queue_size = queue_size
        self._idle: deque[_Worker] = deque()
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._started = 0
        # Several loops (tests, threads) may share an app. Reentrant: the garbage collector may end
        # a lease while another one is made.
        self._lock = threading.RLock()
        weakref.finalize(self, _stop, self._idle)

    @property
    def busy(self) -> int:
        """Number of threads that are leased now."""
        return self._started - len(self._idle)

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a thread now."""
        return len(self._waiting)

    async def lease(self) -> Lease:
        """Lease a thread for the running task.

        Raises:
            WorkerQueueFull: ``queue_size`` requests are waiting for a thread.
        """
        with self._lock:
            if self._idle:
                return Lease(self, self._idle.pop())
            if self._started < self.size:
                worker = _Worker(f"asyncflask-worker-{self._started + 1}")
                self._started += 1  # After the start, which the system may refuse.
                return Lease(self, worker)
            if len(self._waiting) >= self.queue_size:
                raise WorkerQueueFull(
                    f"All {self.size} worker threads are busy and {self.queue_size} requests wait."
                )
            turn: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            return Lease(self, await turn)
        except BaseException:  # cancelled, or closed
            self._leave_queue(turn)
            raise

    def _leave_queue(self, turn: asyncio.Future[_Worker]) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        # The thread was given to this request just before its wait was cancelled.
        if turn.done() and not turn.cancelled():
            self.put_back(turn.result())

    def put_back(self, worker: _Worker) -> None:
        """Give a thread to the next request that waits for one, else keep it idle."""
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                try:
                    turn.get_loop().call_soon_threadsafe(self._hand_over, turn, worker)
                    return
                except RuntimeError:
                    continue  # That loop was closed.
            self._idle.append(worker)

    def _hand_over(self, turn: asyncio.Future[_Worker], worker: _Worker) -> None:
        if turn.done():
            self.put_back(worker)
        else:
            turn.set_result(worker)

    def trim(self) -> None:
        """End the idle threads; new ones are started when they are needed."""
        with self._lock:
            self._started -= len(self._idle)
            _stop(self._idle)


def _stop(idle: deque[_Worker]) -> None:
    while idle:
        idle.pop().inbox.put(None)


async def run_in_thread(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking file I/O of this package in the loop's default executor.

    Args:
        func: The function.
        args: Its arguments.
        kwargs: Its keyword arguments.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, functools.partial(func, *args, **kwargs))


def leased_here() -> Lease | None:
    """Return the lease of the request whose worker thread this is, or ``None``."""
    lease: Lease | None = getattr(this_worker, "lease", None)
    return lease


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
    return await resume(coro)  # type: ignore[no-any-return]  # as `coro` returns


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
    ended = _Outcome(loop=loop)
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

    Source: ``Quart: quart.utils.run_sync``.
    """

    @functools.wraps(func)
    async def runner(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(func, *args, **kwargs)

    return runner
