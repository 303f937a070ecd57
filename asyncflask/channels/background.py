"""An event loop in a thread of its own, for code that has none: jobs, commands, WSGI servers.

A loop for each message would connect to the engine for each message, which takes milliseconds. The
process has one such loop, from the first use to its end.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading

#: Seconds that the engines may take to close their connections when the process ends.
LAST = 2.0


class BackgroundLoop:
    """A loop that is started when it is needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin again: a forked process has no threads of its parent's."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs."""
        with self._lock:
            if self._loop is None:
                started: concurrent.futures.Future[asyncio.AbstractEventLoop]
                started = concurrent.futures.Future()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._run(started)),
                    name="asyncflask-channels",
                    daemon=True,
                )
                self._thread.start()
                self._loop = started.result()
            return self._loop

    async def _run(self, started: concurrent.futures.Future[asyncio.AbstractEventLoop]) -> None:
        self._stop = asyncio.Event()
        started.set_result(asyncio.get_running_loop())
        await self._stop.wait()  # asyncio.run() cancels the hubs, which close their connections.

    def end(self) -> None:
        """Stop the loop, and wait a moment for its end."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is not None and self._stop is not None and self._thread is not None:
                loop.call_soon_threadsafe(self._stop.set)
                self._thread.join(LAST)


#: The process's loop.
background = BackgroundLoop()
atexit.register(background.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=background.forget)
