"""What becomes of a websocket view whose client has gone while it waits for something else.

The usual chat view waits for a queue, and receives in a task beside it. It would wait for ever, and
tasks that it waits for with it, so it is cancelled. One that nobody has told yet, for it neither
receives nor sends, gets a moment to do so. A view that cannot be cancelled is named in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

#: Seconds in which a view that has other work to do may go on by itself, and notice the end.
PATIENCE = 0.5
#: Checks after which a view that does other work, and has not noticed the end, is cancelled.
LOOKS = 4
#: Seconds after which a view that still runs is named in the log.
OVERDUE = 10.0


class ViewWatch:
    """Watches a view from the moment when its client has gone.

    Args:
        task: The task that the view runs in; ``None`` for a view that runs in a worker thread.
        cancels: Whether to cancel a view that waits.
        at_once: Whether a task beside the view has heard of the end, so that it is cancelled now:
            an error that goes through ``asyncio.gather()`` would leave the other tasks behind.
        warn: Called if the view still runs after :data:`OVERDUE` seconds.
    """

    def __init__(
        self,
        task: asyncio.Task[Any] | None,
        cancels: bool,
        at_once: bool,
        warn: Callable[[], object],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._task = task
        self._cancelled = False
        self._already_cancelling = 0 if task is None else task.cancelling()
        self._told = False
        self._looking: asyncio.TimerHandle | None = None
        self._warning: asyncio.TimerHandle | None = None
        if task is not None and cancels:
            if at_once:
                self._cancel(task)
            else:
                self._look_later(task, LOOKS)
        if task is None or cancels:
            self._warning = loop.call_later(OVERDUE, warn)

    def tell(self) -> None:
        """Note that a task beside the view has got the error meanwhile."""
        self._told = True

    def _look_later(self, task: asyncio.Task[Any], looks: int) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(PATIENCE, self._look, task, _awaited_by(task), looks - 1)

    def _look(self, task: asyncio.Task[Any], awaited: object, looks: int) -> None:
        # A view that has gone on since then may have noticed, or will at its next call; but not one
        # that looks every 100 ms whether there is something to send.
        if _awaited_by(task) is awaited or (not self._told and not looks):
            self._cancel(task)
        elif not self._told:
            self._look_later(task, looks)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._cancelled = True
        task.cancel()

    def take_back(self) -> bool:
        """Take a cancellation back once the view has ended (as :func:`asyncio.timeout` does).

        Returns:
            Whether it was ours, and the task was not cancelled otherwise as well.
        """
        self.stop()
        if not self._cancelled or self._task is None:
            return False
        self._cancelled = False
        return self._task.uncancel() <= self._already_cancelling

    def stop(self) -> None:
        """Leave the view alone from here on."""
        for timer in (self._looking, self._warning):
            if timer is not None:
                timer.cancel()


def _awaited_by(task: asyncio.Task[Any]) -> object:
    """Return the innermost object that a task waits for."""
    awaited: Any = task.get_coro()
    while True:
        for name in ("cr_await", "ag_await", "gi_yieldfrom"):
            inner = getattr(awaited, name, None)
            if inner is not None:
                awaited = inner
                break
        else:
            return awaited
