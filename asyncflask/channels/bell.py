"""What the reader of a subscription waits for: one callback of the loop wakes all readers.

PERF: with a future for each wait the loop has a callback for each reader, which is a third of what
a delivery to one of 1,000 subscribers costs (``docs/explanation/design.md``, "Channels").
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Generator, Iterable


class Bell:
    """An awaitable that one task waits for at a time, again and again; it has no result.

    It is a future for asyncio's tasks, which take each object that has these methods and the
    attribute ``_asyncio_future_blocking`` (see :func:`asyncio.isfuture`).

    Attributes:
        is_rung: Whether the task is about to be woken.
    """

    __slots__ = (
        *("_asyncio_future_blocking", "_callback", "_context", "_is_cancelled", "_loop", "is_rung"),
    )

    def __init__(self) -> None:
        self._asyncio_future_blocking = False
        self._callback: Callable[[Bell], object] | None = None
        self._context: contextvars.Context | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_cancelled = self.is_rung = False

    def __await__(self) -> Generator[Bell, None, None]:
        self._is_cancelled = self.is_rung = False
        self._loop = asyncio.get_running_loop()
        self._asyncio_future_blocking = True
        yield self

    # -- what a task calls -------------------------------------------------------------------------

    def get_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop of the task that waits."""
        return self._loop

    def add_done_callback(
        self, callback: Callable[[Bell], object], *, context: contextvars.Context
    ) -> None:
        """Keep what wakes the task.

        Args:
            callback: Wakes it.
            context: The task's.
        """
        self._callback, self._context = callback, context

    def result(self) -> None:
        """Return nothing, or raise the cancellation of the task."""
        if self._is_cancelled:
            raise asyncio.CancelledError

    def cancel(self, msg: object = None) -> bool:
        """Wake the task with its cancellation.

        Args:
            msg: Of the cancellation; ignored.

        Returns:
            Whether it is woken for this; a task that is about to be woken cancels itself then.
        """
        if self.is_rung:
            return False
        self._is_cancelled = True
        self.ring()
        return True

    # -- what wakes the task -----------------------------------------------------------------------

    def ring(self) -> None:
        """Wake the task in the next turn of its loop."""
        assert self._loop is not None  # A task waits.
        self.is_rung = True
        self._loop.call_soon(self.wake)

    def wake(self) -> None:
        """Let the task take its next step."""
        callback, context = self._callback, self._context
        assert callback is not None
        assert context is not None
        self._callback = self._context = None
        context.run(callback, self)


def ring_all(bells: Iterable[Bell]) -> None:
    """Wake the tasks that wait for bells; called by the loop.

    Args:
        bells: They are marked as rung.
    """
    waiting = iter(bells)
    try:
        for bell in waiting:
            bell.wake()
    except BaseException:  # A task has raised SystemExit; the others go on if the loop does.
        asyncio.get_running_loop().call_soon(ring_all, list(waiting))
        raise
