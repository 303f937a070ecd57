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
        self._timers = []
        if task is not None and cancels:
            awaited = _awaited_by(task)
            if at_once:
                self._cancel(awaited)
            else:
                self._timers.append(loop.call_later(PATIENCE, self._cancel, awaited))
        if task is None or cancels:
            self._timers.append(loop.call_later(OVERDUE, warn))

    def _cancel(self, awaited: object) -> None:
        task = self._task
        # A view that has gone on since then has noticed, or will at its next call.
        if task is not None and _awaited_by(task) is awaited:
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
        for timer in self._timers:
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
