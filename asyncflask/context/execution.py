"""Where a context's callables run: on the event loop, in the request's worker, or in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..concurrency.execution_mode import LOOP, ExecutionMode
from ..concurrency.workers import Lease, ThisThread
from ..exceptions import WorkerQueueFull
from .base import ContextBase

T = TypeVar("T")


class ContextExecution(ContextBase):
    """The part of a context that knows where its callables run."""

    #: whether it is the facade's: its ``async def`` functions are waited for even where a loop runs
    synchronous = False
    #: changed by :meth:`switch_to` alone
    execution_mode = LOOP
    #: whether a loop runs for one ``async def`` callable alone, in the thread of the request
    runs_own_loop = False
    #: the worker thread of a request, once it has one
    lease: Lease | ThisThread | None
    #: whether it gets a worker thread beyond the pool's size, because others may wait for what it
    #: holds: its view has run, or it had a thread and has given it back (WORKER_AFFINITY = False)
    has_begun = False
    #: whether it was refused a thread; its teardown functions then do not wait for one again
    is_refused = False
    #: whether the end has more to see to than the connection and its body: a lease, a synchronous
    #: request, a push, a stream that holds the context, an awaitable that was forgotten
    needs_cleanup: bool

    def switch_to(self, mode: ExecutionMode) -> ExecutionMode:
        """Step the context's coroutine elsewhere from here on.

        Args:
            mode: Where.

        Returns:
            Where it was stepped before.
        """
        before = self.execution_mode
        self.execution_mode = mode
        return before

    async def run_def(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a ``def`` callable on the worker thread that is leased for this context.

        Args:
            func: The callable.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Returns:
            Its result.
        """
        owner = self.request_context or self
        lease = owner.lease
        if lease is None:
            try:
                lease = await owner.app.workers.lease(owner.has_begun, not owner.is_refused)
            except WorkerQueueFull:
                owner.is_refused = True
                raise
            if owner.lease is None:
                owner.needs_cleanup = True
                owner.lease = lease
            else:  # Another task of this request had to wait for a worker, too.
                lease.release()
                lease = owner.lease
        if lease.is_kept:
            return await lease.run(func, *args, **kwargs)
        try:
            return await lease.run(func, *args, **kwargs)
        finally:
            owner.leave_worker()

    def note_view_has_run(self) -> None:
        """Let the ``def`` functions that follow the view get a thread at once (``has_begun``)."""
        owner = self.request_context or self
        if owner.lease is None:
            owner.has_begun = True

    def leave_worker(self) -> None:
        """Give the thread back between two ``def`` callables, where WORKER_AFFINITY is off."""
        lease = self.lease
        if lease is None or self.synchronous or lease.is_running:
            return
        self.has_begun = True
        self.lease = None
        lease.release()

    async def run_blocking(self, func: Callable[..., T], *args: Any) -> T:
        """Run something that may block: on the leased worker, or in place if this is its thread.

        Args:
            func: The callable.
            args: Its arguments.

        Returns:
            Its result.
        """
        if self.execution_mode is LOOP:
            return await self.run_def(func, *args)
        return func(*args)
