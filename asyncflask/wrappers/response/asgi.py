"""How a response becomes ASGI messages.

A buffered response is two messages. A streamed one is sent chunk by chunk, ends when the client
disconnects, and is always closed. ``dispatch/`` calls these functions, and handles the errors of a
body; contexts are not used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable
from time import monotonic
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from ...concurrency.bridge import ENDED, give_way, resume
from .bodies import FileBody, Run, chunks_of, in_thread, to_bytes
from .headers import WirePair, encode_headers
from .response import Response

Send = Callable[[dict[str, Any]], Awaitable[None]]
Watch = Callable[[], Awaitable[Any]]

# RFC 9110 §15.4.5 and Werkzeug's remove_entity_headers: what a 304 does not repeat.
_NOT_IN_304 = frozenset(
    {
        b"allow",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-md5",
        b"content-range",
        b"content-type",
        b"last-modified",
    }
)
_NOT_IN_204 = frozenset({b"content-length"})  # RFC 9110 §8.6, also for 1xx.
_BODILESS = frozenset([*range(100, 200), 204, 304])
_WITH_BODY = frozenset(range(200, 1000)) - _BODILESS
_LENGTHS = [(b"content-length", b"%d" % size) for size in range(1024)]
PATHSEND = "http.response.pathsend"
#: Seconds after which a body that never waits lets the loop do something else, ...
SLICE = 0.01
#: ... for which the clock is read after as many chunks, or after each if these are slow; ...
LOOK = 16
#: ... and how often it does so before it is watched whether the client is still there.
UNWATCHED = 4


async def send_response(
    response: Response,
    method: str,
    send: Send,
    watch: Watch | None = None,
    run: Run = in_thread,
    extensions: Container[str] = (),
) -> None:
    """Send ``response``, and close it whatever happens.

    Args:
        response: What to send; it can be sent once if it is streamed.
        method: The request's method; ``HEAD`` gets no body.
        send: ASGI's ``send``. An :exc:`OSError` from it means that the client is gone
            (ASGI spec version 2.4) and ends the sending quietly.
        watch: Awaited once beside a streamed body; returns when the client has gone. It may be
            cancelled.
        run: ``run(func, *args)`` calls blocking iterators and close functions off the loop, all
            on one thread if they depend on it.
        extensions: The scope's ``extensions``; ``http.response.pathsend`` is used for files.

    Raises:
        ValueError: The status or a header cannot be written; nothing has been sent.
        Exception: Whatever the body raises; the start has been sent, so that the server must
            break the connection off. A ``ClientDisconnected`` ends the sending quietly: a body
            that reads the request's raises it when the client leaves.

    Source: ASGI: ``http.response.start``, ``http.response.body``, ``http.response.pathsend``.
    """
    messages = whole_messages(response, method)
    if messages is not None:
        await send_whole(send, *messages)
        return
    body: Any = response.response
    try:
        start, bodiless = _start(response)
        if bodiless or method == "HEAD":
            await send_whole(send, start, whole_body(b""))
        elif isinstance(body, (list, tuple)):
            await send_whole(send, start, whole_body(_joined(body)))
        elif isinstance(body, FileBody):
            await _send_file(body, start, send, watch, extensions)
        else:
            chunks = chunks_of(body, run)
            # An asynchronous iterator is its own iterator: response.aclose() closes it, once.
            await send_chunks(chunks, start, send, watch, closes=chunks is not body)
    except ClientDisconnected:
        pass  # The body reads the request's, whose client has left: nothing more can be sent.
    finally:
        await response.aclose(run)


def whole_messages(response: Response, method: str) -> tuple[Any, Any] | None:
    """Make the two messages of a response whose body is here, with nothing to close afterwards.

    PERF: most responses; the caller sends the two messages without a further coroutine.

    Args:
        response: The response.
        method: The request's method; ``HEAD`` gets no body.

    Returns:
        The messages, or ``None`` for what :func:`send_response` has to send.

    Raises:
        ValueError: The status or a header cannot be written.
    """
    chunks = response.buffered_chunks()
    if chunks is None:
        return None
    start, bodiless = _start(response)
    if bodiless or method == "HEAD":
        body = b""
    elif len(chunks) == 1 and isinstance(chunks[0], bytes):
        body = chunks[0]
    else:
        body = _joined(chunks)
    return start, {"type": "http.response.body", "body": body}


def may_have_body(status: int) -> bool:
    """Tell whether a final status allows a body."""
    return status in _WITH_BODY


def messages_of(
    body: bytes, content_type: WirePair, status: int, method: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the two messages of a body with nothing but its type and length.

    Args:
        body: The whole body.
        content_type: Its header.
        status: One that does not forbid a body.
        method: The request's method; ``HEAD`` gets no body.
    """
    size = len(body)
    length = _LENGTHS[size] if size < 1024 else (b"content-length", b"%d" % size)
    return (
        {"type": "http.response.start", "status": status, "headers": [content_type, length]},
        {"type": "http.response.body", "body": b"" if method == "HEAD" else body},
    )


def _joined(chunks: Iterable[object]) -> bytes:
    return b"".join(map(to_bytes, chunks))


def whole_body(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body}


def _start(response: Response) -> tuple[dict[str, Any], bool]:
    """Make the start message, and tell whether the status forbids a body.

    Content-Length and bodiless statuses are treated as ``get_wsgi_headers`` does. The Location is
    never joined with anything: a path could become ``//host`` (CVE-2020-28724).
    """
    status = response.status_code
    headers = encode_headers(response.headers)
    bodiless = status in _BODILESS
    if bodiless:
        dropped = _NOT_IN_304 if status == 304 else _NOT_IN_204
        headers = [pair for pair in headers if pair[0] not in dropped]
    else:
        for name, _ in headers:
            if name == b"content-length":
                break
        else:
            _add_content_length(response, headers)
        if not 200 <= status <= 999:
            raise ValueError(
                f"The response's status {response.status!r} has no code from 100 to 999."
                " Write Response(status=404) or Response(status='404 Not Found')."
            )
    return {"type": "http.response.start", "status": status, "headers": headers}, bodiless


def _add_content_length(response: Response, headers: list[WirePair]) -> None:
    body: Any = response.response
    if isinstance(body, FileBody):
        length = body.length
    elif response.is_sequence:
        length = sum(len(to_bytes(chunk)) for chunk in body)
    else:
        return
    if length is not None and response.automatically_set_content_length:
        headers.append((b"content-length", b"%d" % length))


async def send_whole(send: Send, start: dict[str, Any], last: dict[str, Any]) -> None:
    """Send start and body; a client that is gone ends it quietly."""
    try:
        await send(start)
        await send(last)
    except OSError:
        pass  # The client is gone.


async def _send_file(
    body: FileBody,
    start: dict[str, Any],
    send: Send,
    watch: Watch | None,
    extensions: Container[str],
) -> None:
    if PATHSEND in extensions and body.whole and body.has_its_name():
        try:
            await send(start)
            await send({"type": PATHSEND, "path": body.path})
        except OSError:
            pass  # The client is gone.
        return
    # Read before the start is sent: a file that cannot be read is an error the client can be told.
    first = await body.next_chunk()
    if body.remaining == 0:
        await send_whole(send, start, whole_body(first))
    else:
        await send_chunks(body.chunks(), start, send, watch, first)


async def send_chunks(
    chunks: AsyncIterator[Any],
    start: dict[str, Any],
    send: Send,
    watch: Watch | None,
    first: bytes = b"",
    closes: bool = True,
) -> None:
    """Send start and chunks; it ends when ``watch`` finds the client gone, and closes ``chunks``.

    Args:
        chunks: The body.
        start: The start message.
        send: ASGI's ``send``.
        watch: As for :func:`send_response`.
        first: Sent before the chunks.
        closes: Whether ``chunks`` is closed here; otherwise the caller does it.
    """
    pumping = _pump(chunks, start, send, first)
    try:
        if watch is None:
            await pumping
        else:
            # PERF: a stream that never waits needs no guard: 2.7 → 1.2 µs of a short one.
            steps = pumping.__await__()
            try:
                waiting_for = next(steps)
            except StopIteration:
                return
            if waiting_for is None:
                waiting_for = await give_way(steps, UNWATCHED)
            if waiting_for is not ENDED:
                await _guarded(resume(steps, waiting_for), watch)
    finally:
        if closes and hasattr(chunks, "aclose"):
            await chunks.aclose()


async def _guarded(pumping: Awaitable[None], watch: Watch) -> None:
    guard = _Guard(watch)
    try:
        await pumping
    except asyncio.CancelledError:
        if not guard.cancelled_us():
            raise
    finally:
        await guard.stop()


async def _pump(
    chunks: AsyncIterator[Any], start: dict[str, Any], send: Send, first: bytes
) -> None:
    """Send all chunks; return early when ``send`` finds the client gone."""
    try:
        await send(start)
        if first:
            await send({"type": "http.response.body", "body": first, "more_body": True})
    except OSError:
        return
    # SECURITY: a body that never waits would hold the loop up to its end, also after the client has
    # reset the connection: nothing could notice that.
    began = looked = monotonic()
    every = left = 1
    # PERF: a dictionary is copied in half the time that it takes to fill one (6 % of a stream).
    part = {"type": "http.response.body", "body": b"", "more_body": True}
    # PERF: this loop is the cost of streaming; an OSError of the body itself is not caught.
    async for chunk in chunks:
        if chunk.__class__ is not bytes:
            chunk = to_bytes(chunk)
        if chunk:
            message = part.copy()
            message["body"] = chunk
            try:
                await send(message)
            except OSError:
                return
        left -= 1
        if not left:
            now = monotonic()
            left = every = LOOK if (now - looked) * LOOK < SLICE * every else 1
            looked = now
            if now - began > SLICE:
                await asyncio.sleep(0)
                began = looked = monotonic()
    try:
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass


class _Guard:
    """Interrupts the task that made it, by a cancellation, when the client goes."""

    def __init__(self, watch: Watch) -> None:
        task = asyncio.current_task()
        assert task is not None  # A coroutine that is awaited runs in a task.
        self._streaming = task
        self._already_cancelling = task.cancelling()
        self._stopped = False
        self._cancelled = False
        self._watching = asyncio.get_running_loop().create_task(self._wait(watch))

    async def _wait(self, watch: Watch) -> None:
        await watch()
        if not self._stopped:
            self._cancelled = True
            self._streaming.cancel()

    def cancelled_us(self) -> bool:
        """Tell whether the cancellation was ours alone, and take it back (see asyncio.timeout)."""
        if not self._cancelled:
            return False
        self._cancelled = False
        return self._streaming.uncancel() <= self._already_cancelling

    async def stop(self) -> None:
        """End the watching task; from here on nothing is interrupted."""
        self._stopped = True
        self.cancelled_us()  # A body may have swallowed the cancellation.
        if not self._watching.done():
            self._watching.cancel()
            await asyncio.wait([self._watching])
