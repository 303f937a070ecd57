"""The body of a request as a synchronous stream: ``wsgi.input``, for worker threads.

What is received, and up to which limit, is ``wrappers/request/body.py``'s.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from typing import Any

from .._contextvars import current
from ..concurrency.bridge import run_from_thread, running_loop, step_in_thread
from ..typing import Scope
from ..wrappers.request.body import Body
from ..wrappers.request.body_bytes import SLICE
from ..wrappers.request.drain import announces_body

#: Scope key: the whole body is there from the beginning, as in ``app.test_request_context()``.
WHOLE_BODY = "asyncflask.whole_body"


class BodyReader(io.BufferedIOBase):
    """The body as a synchronous stream, for a worker thread.

    If the body was read and cached elsewhere (``await request.get_data()`` in a hook), it is read
    again from its beginning. What it has received and not returned is the body's, for all readers:
    an :class:`io.BufferedReader` would keep bytes for itself that an ``async def`` view reads next.

    Args:
        body: The request's body.
        loop: The loop that receives it; ``None`` where no loop is running.
        scope: The request's ASGI scope.
    """

    def __init__(self, body: Body, loop: asyncio.AbstractEventLoop | None, scope: Scope) -> None:
        self._body = body
        self._loop = loop
        self._scope = scope
        self._kept: io.BytesIO | None = None

    #: Tells the request to read this stream itself, without Werkzeug's limits around it.
    enforces_limits = True

    def readable(self) -> bool:
        """Return True: this stream can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Wait for a number of bytes, or for the rest of the body with one call on the loop.

        Args:
            size: The number; negative or ``None`` for the rest.

        Returns:
            The bytes, fewer than ``size`` at the end of the body.

        Raises:
            HTTPException: Reading failed, as for :meth:`Body.read_chunk`.
            RuntimeError: It was called on the loop's thread before the body was awaited.
        """
        kept = self._kept_stream()
        if kept is not None:
            return kept.read(size)
        if size is None or size < 0:
            return self._run(self._body.read_all(cache=False), whole=True)
        data = self.read1(size)
        if not data or len(data) == size:
            return data
        gathered = bytearray(data)
        while len(gathered) < size and (data := self.read1(size - len(gathered))):
            gathered += data
        return bytes(gathered)

    def read1(self, size: int = -1, /) -> bytes:
        """Wait for the next piece, or its first bytes.

        Args:
            size: Most bytes to return; negative for a piece as it comes.

        Returns:
            The bytes; ``b""`` at the end of the body.

        Raises:
            HTTPException: Reading failed, as for :meth:`Body.read_chunk`.
            RuntimeError: It was called on the loop's thread before the body was awaited.
        """
        kept = self._kept_stream()
        if kept is not None:
            return kept.read1(size)
        if not size:
            return b""
        return self._run(self._body.read_at_most(SLICE if size < 0 else size), whole=False)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Wait for the end of the line.

        Args:
            size: Most bytes to return; negative or ``None`` for no limit.

        Returns:
            The line with its line feed, or its first bytes; ``b""`` at the end of the body.

        Raises:
            HTTPException: Reading failed, as for :meth:`Body.read_chunk`.
            RuntimeError: It was called on the loop's thread before the body was awaited.
        """
        kept = self._kept_stream()
        if kept is not None:
            return kept.readline(size)
        if size is None:
            size = -1
        # PERF: a line that is here takes 0.6 µs, and 3 by way of a coroutine.
        line = self._body.take_line(size)
        if line.endswith(b"\n") or len(line) == size:
            return line
        missing = size if size < 0 else size - len(line)
        return line + self._run(self._body.read_line(missing), whole=True)

    def _kept_stream(self) -> io.BytesIO | None:
        """Return the stream of the cached body, always the same; ``None`` if it is not cached."""
        if self._kept is None and self._body.cached is not None:
            self._kept = io.BytesIO(self._body.cached)
        return self._kept

    def _run(self, reading: Coroutine[Any, Any, bytes], whole: bool) -> bytes:
        loop = self._loop
        if loop is not None and running_loop() is loop:
            if self._body.content_length == 0 or not announces_body(self._scope):
                reading.close()
                return b""
            if not self._is_received(whole):
                reading.close()
                raise RuntimeError(_explain_read_on_loop(self._scope))
        elif loop is not None and not self._body.is_ready(whole):
            return run_from_thread(reading, loop)
        # PERF: bytes that have arrived are taken here; a call on the loop costs 40 µs.
        ended, data = step_in_thread(reading)
        if not ended or data is None:
            raise RuntimeError(
                "The body was read before it had arrived, and no event loop receives it. Serve"
                " this app with a server, or pass the whole body at once."
            )
        return data

    def _is_received(self, whole: bool) -> bool:
        """Return whether a read on the loop succeeds however the network splits the request.

        That the body has arrived is not enough, since the next one may arrive later. It must have
        been awaited, or received before any ``async def`` function ran.
        """
        body = self._body
        if body.received_ahead:
            return body.is_ready(whole)
        return body.is_settled() or WHOLE_BODY in self._scope


def _explain_read_on_loop(scope: Scope) -> str:
    ctx = current()
    endpoint = (
        None if ctx is None or ctx.request_context is None else ctx.request_context.matched_endpoint
    )
    return (
        f"The body of {scope.get('method')} {scope['path']!r} was read synchronously, through"
        f" `flask.request`, in `async def` code of endpoint {endpoint!r}, on the event loop that"
        " has to receive it. Whether it has arrived depends on the network.\n\n"
        "    form = NameForm()                 # wrong: it reads flask.request.form\n\n"
        "    await asyncflask.request.data     # right: receives the body, and parses a form\n"
        "    form = NameForm()\n\n"
        "Or declare the view with `def`. For all views of an app:\n\n"
        "    @app.before_request\n"
        "    async def receive_body():\n"
        "        await asyncflask.request.data"
    )


def sync_input(
    body: Body, loop: asyncio.AbstractEventLoop | None, scope: Scope
) -> io.BytesIO | BodyReader:
    """Return ``wsgi.input`` for a body.

    Args:
        body: The request's body. If it was prefetched as a whole (:meth:`Body.prefetch`), no read
            has to wait for the loop.
        loop: The loop that receives it; ``None`` where no loop is running.
        scope: The request's ASGI scope.
    """
    if body.is_exhausted() and body.is_settled():
        return io.BytesIO(body.cached or b"")
    return BodyReader(body, loop, scope)
