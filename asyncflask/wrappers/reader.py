"""The body of a request as a synchronous stream: ``wsgi.input``, for worker threads.

What is received, and up to which limit, is :mod:`.body`'s.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from typing import IO, Any

from ..concurrency import bridge, running_loop, step
from .body import Body


class BodyReader(io.RawIOBase):
    """The body as a synchronous stream, for a worker thread.

    What was read and kept elsewhere (``await request.get_data()`` in a hook) is read here once
    more, from its beginning to its end.

    Args:
        body: The request's body.
        loop: The loop that receives it; ``None`` where the request is driven without a loop.
    """

    def __init__(self, body: Body, loop: asyncio.AbstractEventLoop | None) -> None:
        self._body = body
        self._loop = loop
        self._kept: io.BytesIO | None = None

    def readable(self) -> bool:
        """Tell that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next piece and put it, or as much as fits, into ``buffer``.

        Raises:
            HTTPException: Reading failed, as for :meth:`Body.read_chunk`.
            RuntimeError: Called on the loop's own thread, which would wait for itself for ever.
        """
        kept = self._kept_stream()
        if kept is not None:
            return kept.readinto(buffer)
        data = self._run(self._body.read_at_most(len(buffer)), whole=False)
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read the rest in one crossing to the loop."""
        kept = self._kept_stream()
        if kept is not None:
            return kept.read()
        return self._run(self._body.read_all(cache=False), whole=True)

    def _kept_stream(self) -> io.BytesIO | None:
        """Return a stream of what was read and kept, if it was; always the same."""
        if self._kept is None and self._body.cached is not None:
            self._kept = io.BytesIO(self._body.cached)
        return self._kept

    def _run(self, reading: Coroutine[Any, Any, bytes], whole: bool) -> bytes:
        if self._loop is not None and not self._body.is_ready(whole):
            if running_loop() is self._loop:
                reading.close()
                raise RuntimeError(
                    "The request's body was read, synchronously, on the event loop that has to"
                    " receive it, and it is not all there. Read it in a `def` function, or await"
                    " it: `await asyncflask.request.get_data()`."
                )
            return bridge(reading, self._loop)
        # PERF: what has come already is taken in place; a crossing to the loop costs 40 µs.
        ended, data = step(reading)
        if not ended or data is None:
            raise RuntimeError(
                "The body was read before it was there, in a thread that has no event loop."
                " Serve this app through a server, or pass the whole body at once."
            )
        return data


def sync_input(body: Body, loop: asyncio.AbstractEventLoop | None) -> IO[bytes]:
    """Return ``wsgi.input`` for a body.

    Args:
        body: The request's body. If it was prefetched as a whole (:meth:`Body.prefetch`), no read
            has to cross from the worker thread to the loop.
        loop: The loop that receives it; ``None`` where the request is driven without a loop.
    """
    if body.is_exhausted():
        return io.BytesIO(body.cached or b"")
    return io.BufferedReader(BodyReader(body, loop))
