"""Notices that the server begins to stop, whichever server it is.

asyncflask's own commands say it by an extension of the lifespan scope. Other servers get SIGTERM or
SIGINT, and have installed their handlers before they start the app; a handler of ours is put before
theirs. The worker processes of hypercorn's command get no signal: its first process sets an event.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from ..typing import Scope
from .stopping import Stopping

#: the extension of the lifespan scope; its ``"wait"`` is awaited until the server stops
EXTENSION = "asyncflask.stopping"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: seconds between two looks at an event of the parent process, as hypercorn's own
INTERVAL = 0.1

Wait = Callable[[], Awaitable[object]]
Handler = Callable[[int, FrameType | None], object]


def extended(scope: Scope, wait: Wait) -> Scope:
    """Return a lifespan scope that tells the app when the server stops.

    Args:
        scope: The lifespan scope.
        wait: Returns what is awaited until the server begins to stop.
    """
    extensions = {**(scope.get("extensions") or {}), EXTENSION: {"wait": wait}}
    return {**scope, "extensions": extensions}


@contextmanager
def told_to_stop(stopping: Stopping, scope: Scope) -> Iterator[None]:
    """Set ``stopping`` when the server of a lifespan begins to stop.

    Args:
        stopping: The event.
        scope: The lifespan scope.
    """
    wait = (scope.get("extensions") or {}).get(EXTENSION, {}).get("wait")
    restore: Callable[[], None] | None = None
    if wait is None:
        restore = _chain_handlers(stopping)
        wait = _wait_for_parent()
    following = wait and asyncio.get_running_loop().create_task(_follow(wait, stopping))
    try:
        yield
    finally:
        if following is not None:
            following.cancel()
        if restore is not None:
            restore()


async def _follow(wait: Wait, stopping: Stopping) -> None:
    await wait()
    stopping.set()


def _chain_handlers(stopping: Stopping) -> Callable[[], None]:
    """Put a handler before those of the server; return what takes it away again."""
    loop = asyncio.get_running_loop()
    chained: dict[int, tuple[Any, Any]] = {}
    for number in SIGNALS:
        before = signal.getsignal(number)
        if not callable(before) or before is signal.default_int_handler:
            continue  # No server waits for it: it ends the process, or is ignored.
        handler = partial(_tell, loop, stopping, before)
        with suppress(ValueError):  # Only the main thread may set a handler.
            signal.signal(number, handler)
            chained[number] = handler, before
    return partial(_restore, chained)


def _tell(
    loop: asyncio.AbstractEventLoop,
    stopping: Stopping,
    before: Handler,
    number: int,
    frame: FrameType | None,
) -> None:
    # Not set here: a handler must not wait for a lock that the code it interrupts may hold.
    with suppress(RuntimeError):  # The loop has been closed.
        loop.call_soon_threadsafe(stopping.set)
    before(number, frame)


def _restore(chained: dict[int, tuple[Any, Any]]) -> None:
    for number, (handler, before) in chained.items():
        if signal.getsignal(number) is handler:  # The server may have set another one.
            with suppress(ValueError):
                signal.signal(number, before)


def _wait_for_parent() -> Wait | None:
    """Return what waits for the event of hypercorn's first process; ``None`` elsewhere."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is None or multiprocessing.parent_process() is None:
        return None
    # A process object keeps what its target is called with: here hypercorn's worker function.
    options = getattr(multiprocessing.current_process(), "_kwargs", {})
    event = options.get("shutdown_event")
    return None if event is None else partial(_poll, event)


async def _poll(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(INTERVAL)
