"""``app.stopping``: an event for all loops and threads, set when the server begins to stop.

ASGI's ``lifespan.shutdown`` comes too late for whatever would go on forever: a server sends it
after the last request has ended. ``stop_signals.py`` notices the stop earlier.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Literal, NoReturn

Callback = Callable[[], object]


class Stopping:
    """Whether the server has begun to stop. Requests that it has accepted are still answered.

    >>> stopping = Stopping()
    >>> stopping.is_set()
    False
    """

    def __init__(self) -> None:
        self._is_set = False
        self._guard = threading.Lock()
        self._callbacks: dict[object, tuple[asyncio.AbstractEventLoop, Callback]] = {}

    def is_set(self) -> bool:
        """Tell whether the server has begun to stop. It may be called in any thread."""
        return self._is_set

    def __bool__(self) -> NoReturn:
        # Like any event it would be true, so that `while not app.stopping` never ran.
        raise TypeError("app.stopping was used as a condition. Write `app.stopping.is_set()`.")

    async def wait(self) -> Literal[True]:
        """Wait on any loop until the server begins to stop."""
        if not self._is_set:
            event = asyncio.Event()
            forget = self.call(event.set)
            try:
                await event.wait()
            finally:
                forget()
        return True

    def call(self, callback: Callback) -> Callable[[], None]:
        """Call a function on the running loop when the server begins to stop.

        Args:
            callback: Called without arguments, once; soon, if the server stops already.

        Returns:
            A function that forgets the callback.
        """
        loop, key = asyncio.get_running_loop(), object()
        with self._guard:
            if not self._is_set:
                self._callbacks[key] = loop, callback
                return lambda: self._forget(key)
        return loop.call_soon(callback).cancel

    def _forget(self, key: object) -> None:
        with self._guard:
            self._callbacks.pop(key, None)

    def set(self) -> None:
        """Tell all that wait that the server stops. It may be called in any thread."""
        with self._guard:
            self._is_set = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for loop, callback in callbacks:
            try:
                loop.call_soon_threadsafe(callback)
            except RuntimeError:
                pass  # That loop has been closed.

    def clear(self) -> None:
        """Begin again: an app may be served a second time."""
        with self._guard:
            self._is_set = False
