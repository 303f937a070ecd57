"""The body of a request as a synchronous stream: ``wsgi.input``, for worker threads.

What is received, and up to which limit, is ``wrappers/request/body.py``'s.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine, Mapping
from typing import IO, Any

from .._current import current
from ..concurrency.bridge import run_from_thread, running_loop, step
from ..wrappers.request.body import Body
from ..wrappers.request.drain import announces_body

#: Scope key: the whole body is there from the beginning, as in ``app.test_request_context()``.
WHOLE_BODY = "asyncflask.whole_body"


class BodyReader(io.RawIOBase):
    """The body as a synchronous stream, for a worker thread.

    What was read and kept elsewhere (``await request.get_data()`` in a hook) is read here once
    more, from its beginning to its end.

    Args:
        body: The request's body.
        loop: The loop that receives it; ``None`` where no loop is running.
        scope: The request's ASGI scope.
    """

    def __init__(
        self, body: Body, loop: asyncio.AbstractEventLoop | None, scope: Mapping[str, Any]
    ) -> None:
        self._body = body
        self._loop = loop
        self._scope = scope
        self._kept: io.BytesIO | None = None

    #: Werkzeug's request needs no stream of its own around this one
    enforces_limits = True

    def readable(self) -> bool:
        """Tell that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next piece and put it, or as much as fits, into ``buffer``.

        Raises:
            HTTPException: Reading failed, as for :meth:`Body.read_chunk`.
            RuntimeError: Called on the loop's own thread, and the body was not awaited before.
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
        loop = self._loop
        if loop is not None and running_loop() is loop:
            if self._body.content_length == 0 or not announces_body(self._scope):
                reading.close()
                return b""
            if not self._is_received(whole):
                reading.close()
                raise RuntimeError(_refusal(self._scope))
        elif loop is not None and not self._body.is_ready(whole):
            return run_from_thread(reading, loop)
        # PERF: what has come already is taken in place; a crossing to the loop costs 40 µs.
        ended, data = step(reading)
        if not ended or data is None:
            raise RuntimeError(
                "The body was read before it was there, in a thread that has no event loop."
                " Serve this app through a server, or pass the whole body at once."
            )
        return data

    def _is_received(self, whole: bool) -> bool:
        """Tell whether a read on the loop has its answer, however the network cuts the request.

        That a body happens to be here is not enough: the next one may come a moment later. It must
        have been awaited, or received before any ``async def`` function ran.
        """
        body = self._body
        if body.received_ahead:
            return body.is_ready(whole)
        return body.is_settled() or WHOLE_BODY in self._scope


def _refusal(scope: Mapping[str, Any]) -> str:
    ctx = current()
    endpoint = None if ctx is None or ctx.carrier is None else ctx.carrier.matched_endpoint
    return (
        f"The body of {scope.get('method')} {scope['path']!r} was read synchronously, through"
        f" `flask.request`, in `async def` code of endpoint {endpoint!r}, on the event loop that"
        " has to receive it. Whether it is all there already depends on the network.\n\n"
        "    form = NameForm()                 # wrong: it reads flask.request.form\n\n"
        "    await asyncflask.request.data     # right: receives the body, and parses a form\n"
        "    form = NameForm()\n\n"
        "Or declare the view with `def`. For all views of an app:\n\n"
        "    @app.before_request\n"
        "    async def receive_body():\n"
        "        await asyncflask.request.data"
    )


def sync_input(
    body: Body, loop: asyncio.AbstractEventLoop | None, scope: Mapping[str, Any]
) -> IO[bytes]:
    """Return ``wsgi.input`` for a body.

    Args:
        body: The request's body. If it was prefetched as a whole (:meth:`Body.prefetch`), no read
            has to cross from the worker thread to the loop.
        loop: The loop that receives it; ``None`` where no loop is running.
        scope: The request's ASGI scope.
    """
    if body.is_exhausted() and body.is_settled():
        return io.BytesIO(body.cached or b"")
    return io.BufferedReader(BodyReader(body, loop, scope))
