"""One worker thread, and how a job runs in it inside the Context of the task that waits for it.

Which request gets a thread is decided in ``pool.py``; the lease by which it holds one is in
``workers.py``.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import sys
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Occupies(Protocol):
    """What a job asks of its lease."""

    def occupy(self) -> None:
        """Count one more job that runs in the thread."""

    def park(self) -> None:
        """Count one job less: it waits for the event loop."""


class Uncancelled(asyncio.Future[Any]):
    """A future that its task waits for to the end.

    asyncio keeps a cancellation of the task, and delivers it at the task's next step.
    """

    __slots__ = ()

    def cancel(self, msg: object = None) -> bool:
        """Refuse: the task waits to the end.

        Args:
            msg: Not used.

        Returns:
            ``False``: asyncio delivers the cancellation at the task's next step.
        """
        return False


class Job(Uncancelled):
    """A function that runs in a worker, as the future of its result.

    If the waiting task woke before the thread has left the task's context, the task could never be
    stepped again. So a job is not cancelled while it runs, but the task that it waits for is.

    Attributes:
        lease: Of the thread.
        crossing: The task on the loop that the job waits for.
    """

    __slots__ = ("crossing", "lease")
    lease: Occupies
    crossing: asyncio.Task[Any] | None

    def cancel(self, msg: object = None) -> bool:
        """Cancel the task that the job waits for, if there is one, and not the job.

        Args:
            msg: Not used.

        Returns:
            ``False``: asyncio delivers the cancellation at the waiting task's next step.
        """
        if self.crossing is not None:
            self.crossing.cancel()
        return False


class WorkerThread:
    """One thread with an inbox. It ends when it receives ``None``.

    Args:
        name: Of the thread.
        may_end: Called in the thread when it has waited as long as :meth:`linger` says; returns
            whether it ends.

    Raises:
        RuntimeError: The system starts no more threads.
    """

    def __init__(self, name: str, may_end: Callable[[WorkerThread], bool]) -> None:
        self.inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        #: the job that it runs
        self.job: Job | None = None
        self._may_end = may_end
        self._lingers = False
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        here.worker = self
        inbox = self.inbox
        while (run := inbox.get()) is not None:
            run()
            del run  # An idle worker keeps nothing of its last request alive.

    def linger(self, seconds: float) -> None:
        """Let the thread ask whether it may end, if it has nothing to do for some time.

        Args:
            seconds: The time.
        """
        if not self._lingers:
            self._lingers = True
            self.inbox.put(functools.partial(self._linger, seconds))

    def _linger(self, seconds: float) -> None:
        try:
            run = self.inbox.get(True, seconds)
        except Empty:
            self._lingers = False
            if self._may_end(self):
                self.inbox.put(None)
            return
        self._lingers = False
        if run is None:
            self.inbox.put(None)
        else:
            run()


class _Here(threading.local):
    """What is known of the calling thread.

    Attributes:
        worker: It, if it is a worker.
    """

    worker: WorkerThread | None = None


here = _Here()


def current_job() -> Job | None:
    """Return the job that runs in the calling thread, if it is a worker's."""
    worker = here.worker
    return None if worker is None else worker.job


# -- the request's Context -------------------------------------------------------------------------


def task_context() -> contextvars.Context:
    """Return the running task's own :class:`contextvars.Context` (see :func:`context_of`)."""
    return context_of(asyncio.current_task())


def context_of(task: asyncio.Task[Any] | None) -> contextvars.Context:
    """Return a task's own :class:`contextvars.Context` (not a copy).

    A worker thread may enter it while the task is suspended, because a suspended task has left it.
    Outside a task, or where the task does not show its context, a copy is returned; variables set
    by a ``def`` callable are then seen only by later ``def`` callables of the request.

    Args:
        task: The running task; ``None`` outside of one.
    """
    if task is None:
        return contextvars.copy_context()
    if sys.version_info >= (3, 12):
        return task.get_context()
    # COMPAT: a task of CPython 3.11 has no get_context(); the garbage collector sees the context.
    for referent in gc.get_referents(task):
        if type(referent) is contextvars.Context:
            return referent
    return contextvars.copy_context()


def run_in_context(
    context: contextvars.Context,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    handled: BaseException | None,
) -> Sequence[Any]:
    """Run ``func`` inside ``context``; return its result, or any error that it raised.

    ``KeyboardInterrupt`` and ``SystemExit`` set on a future would end the event loop.

    Args:
        context: Of the task that waits.
        func: The function.
        args: Its arguments.
        kwargs: Its keyword arguments.
        handled: The exception that the task handles, which ``func`` finds in ``sys.exc_info()``.

    Returns:
        The result and ``None``; or ``None`` and the exception, as a list that the caller empties.
    """
    _await_exit(context)
    try:
        if handled is None:
            return context.run(func, *args, **kwargs), None
        return context.run(_run_handling, handled, func, args, kwargs), None
    except BaseException as error:
        return [None, error]
    finally:
        del handled, args


def _run_handling(
    error: BaseException,
    func: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> T:
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
        del error, args, traceback  # They refer to this frame: a cycle.


def _await_exit(context: contextvars.Context) -> None:
    """Wait until the loop's thread has left ``context``.

    The job is put into the inbox before the task that waits for it is suspended, so this thread may
    be too early by some microseconds. (PERF: putting it with ``call_soon`` costs 3 µs each time.)
    """
    while True:
        try:
            context.run(bool)  # PERF: it does nothing, and needs no frame.
            return
        except RuntimeError:
            time.sleep(0)
