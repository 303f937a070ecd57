"""The loop of ``run()``, which ends in time whatever runs on it.

A thread cannot be interrupted, and a coroutine may ignore its cancellation. asyncio's own runner
waits for both without limit; here both are waited for a moment only.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from types import FrameType
from typing import Any, ClassVar, ParamSpec, TypeVar

from .state import logger

P = ParamSpec("P")
T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOMENT = 0.5  # seconds for a cancelled task, or a thread, to end
SPARE = 3.0  # seconds more than a loop needs to end in order
STDERR = 2


class DaemonThreads(ThreadPoolExecutor):
    """Threads for blocking calls (``asyncio.to_thread``) that let the process end while they work.

    Args:
        size: Maximum number of threads.
    """

    def __init__(self, size: int | None = None) -> None:
        super().__init__(size)
        self._size = size or min(32, (os.cpu_count() or 1) + 4)
        self._jobs: SimpleQueue[tuple[Future[Any], partial[Any]] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._guard = threading.Lock()
        self._started: list[threading.Thread] = []
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn(*args, **kwargs)`` in one of the threads.

        Args:
            fn: The function.
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Returns:
            Its future.

        Raises:
            RuntimeError: The pool was shut down.
        """
        future: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise RuntimeError(
                    f"{fn!r} was to run in a thread after the server's loop had ended. Call it"
                    " before, or in a thread of your own."
                )
            self._jobs.put((future, partial(fn, *args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._started) < self._size:
                name = f"asyncflask-blocking-{len(self._started) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                thread.start()
                self._started.append(thread)
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except StopIteration as error:
                    # asyncio refuses it; before Python 3.12 its caller would wait forever.
                    refused = RuntimeError(f"{call.func!r} raised {error!r} in a thread.")
                    refused.__cause__ = error
                    future.set_exception(refused)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
            del job, future, call  # An idle thread holds no references.
            self._idle.release()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads; wait a moment for one that still works, and then ignore it.

        Args:
            wait: Whether to wait.
            cancel_futures: Not used: what was not begun ends with the process.
        """
        with self._guard:
            self._closed = True
            started, self._started = self._started, []
        for _ in started:
            self._jobs.put(None)
        until = time.monotonic() + MOMENT
        for thread in started if wait else ():
            thread.join(max(0.0, until - time.monotonic()))


class LastResort:
    """A timer outside of the loop and of Python, for a view that blocks both.

    If it is not reset in time, the process ends with status 1, and the traceback of each thread is
    written to standard error.
    """

    _runs = False

    def set(self, seconds: float) -> None:
        """End the process after so many seconds.

        Args:
            seconds: The time, in seconds.
        """
        self._runs = True
        faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)

    def stop(self) -> None:
        """Stop the timer, if it runs; the program may have one of its own."""
        if self._runs:
            faulthandler.cancel_dump_traceback_later()


class _Wakeup:
    """Wakes a loop at each signal.

    Python calls a handler when the main thread returns from C code. A signal that arrives just
    before the loop waits for its sockets would be noticed only after that wait, which has no end on
    an idle server.

    Args:
        loop: The running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._fd = self._writer.fileno()
        before = signal.set_wakeup_fd(self._fd, warn_on_full_buffer=False)
        self._watches = before == -1
        if self._watches:
            loop.add_reader(self._reader, self._reader.recv, 4096)
        else:
            signal.set_wakeup_fd(before)  # The loop has its own, as uvloop has.

    def close(self) -> None:
        """Restore the previous setting, unless the app has changed it meanwhile."""
        current = signal.set_wakeup_fd(-1)
        if current != self._fd:
            signal.set_wakeup_fd(current)
        if self._watches:
            self._loop.remove_reader(self._reader)
        self._reader.close()
        self._writer.close()


class Signals:
    """Handlers of SIGINT and SIGTERM: the first signal stops the server, a second one the process.

    Args:
        stop: Called on the loop at the first signal.
        last_resort: The timer for the end of the server.
        to_react: Seconds for the loop to call ``stop``.
        to_end: Seconds for the server to end after that.
    """

    #: What a second signal does. A worker process ignores it: a terminal and systemd send the first
    #: one to every process, and the first process sends one as well.
    again: ClassVar[signal.Handlers] = signal.SIG_DFL

    def __init__(
        self, stop: Callable[[], None], last_resort: LastResort, to_react: float, to_end: float
    ) -> None:
        self._stop = stop
        self._last_resort = last_resort
        self._to_react = to_react
        self._to_end = to_end
        self._loop = asyncio.get_running_loop()
        self._before: dict[int, Any] = {}
        self._wakeup: _Wakeup | None = None

    def __enter__(self) -> Signals:
        try:
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._end)
        except ValueError:
            return self  # Only the main thread gets signals.
        self._wakeup = _Wakeup(self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        if self._wakeup is not None:
            self._wakeup.close()
        for number, handler in self._before.items():
            if handler is not None:
                signal.signal(number, handler)
        self._before.clear()

    def _end(self, number: int, frame: FrameType | None) -> None:
        # Python's handlers, because the loop's would wait for a blocked loop.
        # Only the handler of this signal is replaced here: the other one may have come at the same
        # time (a worker gets SIGINT of Ctrl+C, and SIGTERM from the first process), and Python
        # prints an OSError for a signal whose handler is gone when it is to be called.
        signal.signal(number, self.again)
        self._last_resort.set(self._to_react)
        self._loop.call_soon_threadsafe(self._reacted)

    def _reacted(self) -> None:
        for number in self._before:
            signal.signal(number, self.again)
        self._last_resort.set(self._to_end)
        self._stop()


def run_loop(
    main: Coroutine[Any, Any, None],
    make_loop: Callable[[], asyncio.AbstractEventLoop] | None,
    patience: float,
    outlasts_exits: bool = False,
) -> None:
    """Run a coroutine on a loop of its own, and end the loop even if tasks remain.

    Args:
        main: The coroutine.
        make_loop: Returns a new loop; by default asyncio's.
        patience: Seconds for ``main`` to end after, for example, a ``SystemExit`` stopped the loop.
        outlasts_exits: Whether the loop goes on after a ``SystemExit`` of another task.
    """
    loop = (make_loop or asyncio.new_event_loop)()
    loop.set_default_executor(DaemonThreads())
    task = loop.create_task(main)
    try:
        asyncio.set_event_loop(loop)
        while not task.done():
            try:
                loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done() or not outlasts_exits or _is_of_a_signal(error):
                    raise
                _report_exit(error)
    finally:
        try:
            _end_tasks(loop, MOMENT if task.done() else patience)
            loop.run_until_complete(_within_a_moment(loop.shutdown_asyncgens()))
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            # Tasks that still run were logged when the server stopped waiting for them.
            loop.set_exception_handler(_ignore)
            asyncio.set_event_loop(None)
            loop.close()


def _is_of_a_signal(error: BaseException) -> bool:
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, KeyboardInterrupt) and is_default


def _report_exit(error: BaseException) -> None:
    logger.error(
        "A task of the app raised %r, which ends the task and not the server. Let it return, or"
        " raise an Exception; a signal stops the server.",
        error,
        exc_info=error,
    )


def _end_tasks(loop: asyncio.AbstractEventLoop, patience: float) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        _, left = loop.run_until_complete(asyncio.wait(tasks, timeout=patience))
        if left:
            # Kept forever: if it were destroyed at the process's end, a coroutine that also ignores
            # GeneratorExit would continue.
            keep = threading.Thread(target=_never_end, args=(left,), daemon=True)
            keep.start()


def _never_end(tasks: set[asyncio.Task[Any]]) -> None:
    threading.Event().wait()


async def _within_a_moment(awaitable: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(awaitable)
    await asyncio.wait({task}, timeout=MOMENT)


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report nothing."""
