"""The worker threads of an app: which request gets one, and how many there are.

A lease *occupies* its thread while a job runs there. It is *parked* between jobs, and while a job
waits for the event loop (an ``async def`` view, a message, a piece of a body): the request keeps
its thread, but the thread is not counted.

The rule that keeps this free of deadlock: ``size`` is compared once, when a request begins. What
has begun never waits for it again, since everything else may wait for what that request holds. If
it has no thread, it gets the next one that is given back, or a new one if none is given back for a
moment.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..exceptions import WorkerQueueFull
from .thread import WorkerThread
from .workers import Lease

logger = logging.getLogger("asyncflask.workers")

#: Seconds between two warnings that no thread is left.
WARN_EVERY = 60.0
#: Seconds in which no request that has begun gets a thread, until one is started for it.
MOMENT = 0.005


class _Turn(asyncio.Future[WorkerThread]):
    """The place of a request in the queue; its result is the thread.

    Attributes:
        begun: Whether the request had a thread before, so that ``size`` does not count for it.
    """

    begun = False


class WorkerPool:
    """The threads in which ``def`` callables run.

    Threads are started when they are needed. ``busy``, ``parked`` and ``waiting`` show the load.

    Args:
        size: Number of requests whose ``def`` callables run at once; a further one waits to begin.
        queue_size: Maximum number of requests that wait for a thread; the next one is answered with
            503. ``None``: no limit.
        threads: Maximum number of threads, including those of requests that wait for the event
            loop; at least ``size``, which is also the default.
        queue_timeout: Seconds that a request waits for a thread; then it is answered with 503.
            ``None``: no limit.
        affinity: Whether a request keeps its thread to its end. Otherwise each of its ``def``
            callables gets any thread.
    """

    #: in debug mode: wraps a coroutine that a thread waits for, and measures its time
    watch: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] | None = None
    #: seconds that an idle thread lives if there are more than ``size``
    linger = 10.0

    def __init__(
        self,
        size: int = 40,
        queue_size: int | None = 1000,
        threads: int | None = None,
        queue_timeout: float | None = None,
        affinity: bool = True,
    ) -> None:
        self.size = size
        self.queue_size = queue_size
        self.threads = size if threads is None else max(size, threads)
        self.queue_timeout = queue_timeout
        self.affinity = affinity
        self._idle: deque[WorkerThread] = deque()
        #: in order; those that have begun come first
        self._waiting: deque[_Turn] = deque()
        self._begun = 0  # number of these
        self._served = 0  # number of these that got a thread
        self._watching: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._started = 0
        self._numbers = itertools.count(1)
        self._busy = 0
        self._warned: float | None = None
        # Several loops (tests, threads) may share an app. Reentrant: the garbage collector may end
        # a lease while another one is made.
        self._lock = threading.RLock()
        weakref.finalize(self, _stop, self._idle)

    @property
    def busy(self) -> int:
        """Number of threads that run ``def`` callables now."""
        return self._busy

    @property
    def parked(self) -> int:
        """Number of threads that are kept for requests which wait for something else now."""
        return self._started - len(self._idle) - self._busy

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a thread now."""
        return len(self._waiting)

    # -- a request begins --------------------------------------------------------------------------

    async def lease(self, begun: bool = False, waits: bool = True) -> Lease:
        """Lease a thread for the running task.

        Args:
            begun: Whether ``size`` does not count, as others may wait for what the request holds.
            waits: Whether the task waits if no thread is free.

        Returns:
            The lease, to be given back with its ``release()``.

        Raises:
            WorkerQueueFull: No thread is free, and ``queue_size`` requests are waiting for one, or
                this one has waited for ``queue_timeout`` seconds or does not wait.
        """
        with self._lock:
            worker = self._take(begun, waits)
            if worker is not None:
                return Lease(self, worker)
            if not waits:
                raise WorkerQueueFull(f"All {self.size} worker threads are busy.")
            turn = self._queue(begun)
        timer = None
        if self.queue_timeout is not None and not begun:
            timer = turn.get_loop().call_later(self.queue_timeout, self._give_up, turn)
        try:
            return Lease(self, await turn)
        except BaseException:  # cancelled, closed, or too late
            self._leave_queue(turn)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _take(self, begun: bool, waits: bool) -> WorkerThread | None:
        """Return a thread that the task may have at once, or ``None``."""
        if self._waiting:
            self._admit()  # A loop that was to do it may have ended.
        is_free = self._busy < self.size and not self._waiting
        if not is_free and not (begun and (self._idle or not waits)):
            return None
        worker = self._idle.pop() if self._idle else self._start()
        if worker is not None:
            self._busy += 1
        return worker

    def _start(self) -> WorkerThread | None:
        """Start a thread; return ``None`` if there may be no more."""
        if self._started >= self.threads:
            if self.parked:
                self._warn("raise WORKER_THREADS")
            return None
        try:
            worker = WorkerThread(
                f"asyncflask-worker-{next(self._numbers)}", _when_alive(self._retire)
            )
        except RuntimeError:
            if not self._started:
                raise
            self._warn("raise the system's limit of threads (pids.max, ulimit -u), as it refuses")
            return None
        self._started += 1
        return worker

    def _warn(self, remedy: str) -> None:
        now = time.monotonic()
        if self._warned is not None and now - self._warned < WARN_EVERY:
            return
        self._warned = now
        logger.warning(
            "No worker thread is left, and further requests wait: of %d threads, %d run `def`"
            " functions and %d are kept by requests that wait (`def` hooks around an `async def`"
            " view, a stream or a websocket). Write those hooks with `async def`, set"
            " WORKER_AFFINITY = False, or %s.",
            self._started,
            self._busy,
            self.parked,
            remedy,
        )

    # -- the queue ---------------------------------------------------------------------------------

    def _queue(self, begun: bool) -> _Turn:
        loop = asyncio.get_running_loop()
        turn = _Turn(loop=loop)
        if begun:
            turn.begun = True
            self._waiting.insert(self._begun, turn)
            self._begun += 1
            if loop not in self._watching:
                self._watching.add(loop)
                loop.call_later(MOMENT, self._watch, loop, self._served)
            return turn
        if self.queue_size is not None and len(self._waiting) >= self.queue_size:
            raise WorkerQueueFull(
                f"All {self.size} worker threads are busy and {self.queue_size} requests wait."
            )
        self._waiting.append(turn)
        return turn

    def _give_up(self, turn: _Turn) -> None:
        if not turn.done():
            turn.set_exception(
                WorkerQueueFull(f"No worker thread was free for {self.queue_timeout} s.")
            )

    def _leave_queue(self, turn: _Turn) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                self._begun -= turn.begun
                return
        # The thread was given to this request just before its wait was cancelled.
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.put_back(turn.result(), unused=True)

    def _admit(self) -> None:
        """Give threads to the requests that wait, in order."""
        with self._lock:
            while self._waiting and (self._busy < self.size or (self._begun and self._idle)):
                worker = self._idle.pop() if self._idle else self._start()
                if worker is None:
                    return
                self._busy += 1
                self._hand_to_next(worker)

    def _watch(self, loop: asyncio.AbstractEventLoop, served: int) -> None:
        """Start a thread beyond the size if those that have begun got none since the last look.

        The threads may all wait for what one of them holds. Mostly they do not, and the next one
        that is given back comes sooner than a new one.
        """
        with self._lock:
            if not self._begun:
                self._watching.discard(loop)
                return
            loop.call_later(MOMENT, self._watch, loop, self._served)
            if self._served != served:
                return
            worker = self._idle.pop() if self._idle else self._start()
            if worker is not None:
                self._busy += 1
                self._hand_to_next(worker)

    def _hand_to_next(self, worker: WorkerThread) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            self._begun -= turn.begun
            self._served += turn.begun
            try:
                turn.get_loop().call_soon_threadsafe(self._hand_over, turn, worker)
                return
            except RuntimeError:
                continue  # That loop was closed.
        self.put_back(worker, unused=True)

    def _hand_over(self, turn: _Turn, worker: WorkerThread) -> None:
        if turn.done():
            self.put_back(worker, unused=True)
        else:
            turn.set_result(worker)

    # -- a request goes on, and ends ---------------------------------------------------------------

    def occupy(self, lease: Lease) -> None:
        """Count one more job of a lease that runs. It never waits: its request has begun.

        Args:
            lease: The lease.
        """
        with self._lock:
            lease.occupying += 1
            if lease.occupying == 1:
                self._busy += 1

    def park(self, lease: Lease, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Count one job less of a lease that runs.

        Args:
            lease: The lease.
            loop: The loop that runs in this thread, if the job has ended. A request that waits is
                admitted in the loop's next step: mostly the lease ends in this one, and then the
                next request gets its thread instead of a new one.
        """
        with self._lock:
            lease.occupying -= 1
            if not lease.occupying:
                self._busy -= 1
        if self._waiting:
            if loop is None or loop.is_closed():
                self._admit()
            else:
                loop.call_soon(self._admit)

    def put_back(self, worker: WorkerThread, unused: bool = False) -> None:
        """Take back the thread of a lease that has ended.

        Args:
            worker: The thread.
            unused: Whether no job was run, so that the thread is still counted as occupied.
        """
        idle = self._idle
        with self._lock:
            if unused:
                self._busy -= 1
            idle.append(worker)
            if self._waiting:
                self._admit()
            if self._started > self.size and len(idle) > self.size:
                idle[-1].linger(self.linger)

    def _retire(self, worker: WorkerThread) -> bool:
        """Forget a thread that has been idle for long, if there are enough others."""
        with self._lock:
            if len(self._idle) <= self.size or worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._started -= 1
            return True

    def trim(self) -> None:
        """End the idle threads; new ones are started when they are needed."""
        with self._lock:
            self._started -= len(self._idle)
            _stop(self._idle)


def _when_alive(method: Callable[[WorkerThread], bool]) -> Callable[[WorkerThread], bool]:
    """Return a pool's method for its threads, which do not keep the pool alive."""
    refer = weakref.WeakMethod(method)

    def call(worker: WorkerThread) -> bool:
        alive = refer()
        return alive is None or alive(worker)

    return call


def _stop(idle: deque[WorkerThread]) -> None:
    while idle:
        idle.pop().inbox.put(None)
