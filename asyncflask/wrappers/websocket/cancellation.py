"""Cancels a websocket view that waits for something else when its client has disconnected.

The usual chat view waits for a queue, and receives in a task beside it. It would wait
forever, and so would tasks that it waits for; so it is cancelled. A view that was not told of the
disconnect gets a moment to receive or send. The log names a view that cannot be cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

#: Seconds in which a view that does other work may notice the end itself.
PATIENCE = 0.5
#: Checks after which a view that does other work and has not noticed the end is cancelled.
LOOKS = 4
#: Seconds after which a view that still runs is named in the log.
OVERDUE = 10.0


class ViewWatch:
    """Watches a view after its client has left.

    Args:
        task: The task of the view; ``None`` for a view that runs in a worker thread.
        cancels: Whether to cancel a view that waits.
        warn: Called if the view still runs after :data:`OVERDUE` seconds.
    """

    def __init__(
        self,
        task: asyncio.Task[Any] | None,
        cancels: bool,
        warn: Callable[[], object],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._task = task
        self._cancels = cancels
        self._cancelled = False
        self._already_cancelling = 0 if task is None else task.cancelling()
        self._told = False
        self._looking: asyncio.TimerHandle | None = None
        self._warning: asyncio.TimerHandle | None = None
        if task is not None and cancels:
            self._look_later(task, LOOKS)
        if task is None or cancels:
            self._warning = loop.call_later(OVERDUE, warn)

    def tell(self, receiving: bool) -> None:
        """Note that a task beside the view gets the error, and cancel the view, if it may be.

        If this error passed through ``asyncio.gather()``, the other tasks would go on.

        Args:
            receiving: Whether a receive is under way, by which the view may learn of the end.
        """
        self._told = True
        if receiving or self._task is None or self._cancelled or not self._cancels:
            return
        if _awaited_by(self._task) is not asyncio.current_task():  # Else it gets the error too.
            self._cancel(self._task)

    def cancel_now(self) -> None:
        """Cancel the view at once, wherever it waits, if it may be cancelled."""
        if self._task is not None and self._cancels and not self._cancelled:
            self._cancel(self._task)

    def _look_later(self, task: asyncio.Task[Any], looks: int) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(PATIENCE, self._look, task, _awaited_by(task), looks - 1)

    def _look(self, task: asyncio.Task[Any], awaited: object, looks: int) -> None:
        # A view that waits for another object by now may notice the end at its next call; but one
        # that polls every 100 ms for something to send may not.
        if _awaited_by(task) is awaited or (not self._told and not looks):
            self._cancel(task)
        elif not self._told:
            self._look_later(task, looks)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._cancelled = True
        task.cancel()

    def take_back(self) -> bool:
        """Undo a cancellation when the view has ended (as :func:`asyncio.timeout` does).

        Returns:
            Whether this object alone had cancelled the task.
        """
        self.stop()
        if not self._cancelled or self._task is None:
            return False
        self._cancelled = False
        return self._task.uncancel() <= self._already_cancelling

    def stop(self) -> None:
        """Stop watching the view."""
        self._cancels = False
        for timer in (self._looking, self._warning):
            if timer is not None:
                timer.cancel()


def _awaited_by(task: asyncio.Task[Any]) -> object:
    """Return the innermost object that a task waits for.

    Args:
        task: A task that is suspended.

    Returns:
        The coroutine, generator or future.
    """
    awaited: Any = task.get_coro()
    while True:
        for name in ("cr_await", "ag_await", "gi_yieldfrom"):
            inner = getattr(awaited, name, None)
            if inner is not None:
                awaited = inner
                break
        else:
            return awaited
