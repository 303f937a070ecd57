"""How a response becomes ASGI messages.

A buffered response is two messages. A streamed one is sent chunk by chunk, ends when the client
disconnects, and is always closed. ``dispatch/`` calls these functions, and handles the errors of a
body; contexts are not used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Iterable
from time import monotonic
from typing import Any

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import ClientDisconnected

from ...concurrency.bridge import ENDED, give_way, resume
from .bodies import FileBody, Run, chunks_of, in_thread, may_block, to_bytes
from .disconnect_guard import Guard, Watch
from .head import Head
from .headers import WirePair, encode_headers
from .response import Response
from .threaded_body import PIECES, pump_ahead

Send = Callable[[dict[str, Any]], Awaitable[None]]

# RFC 9110 §15.4.5 and Werkzeug's remove_entity_headers: headers that a 304 does not repeat.
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
#: Seconds after which a body that never waits lets other tasks of the loop run.
SLICE = 0.01
#: Chunks after which the clock is read for that, at most. The first ones are timed one by one,
#: and after quick ones the clock is read again after eight times as many.
LOOK = 64
#: How often such a body lets other tasks run before a task watches for the client's end.
UNWATCHED = 4


async def send_response(
    response: Response,
    method: str,
    send: Send,
    watch: Watch | None = None,
    run: Run = in_thread,
    extensions: Container[str] = (),
) -> None:
    """Send ``response``, and close it in any case.

    Args:
        response: The response; a streamed one can be sent once.
        method: The request's method; ``HEAD`` gets no body.
        send: ASGI's ``send``. An :exc:`OSError` from it means that the client has left
            (ASGI spec version 2.4) and ends the sending without an error.
        watch: Awaited once beside a streamed body; returns when the client has left. It may be
            cancelled.
        run: ``run(func, *args)`` calls blocking iterators and close functions off the loop, all
            on one thread if they depend on it.
        extensions: The scope's ``extensions``; ``http.response.pathsend`` is used for files.

    Raises:
        ValueError: The status or a header cannot be written; nothing has been sent.
        Exception: The body's error. Before the body's first piece nothing has been sent, so that
            the server answers with 500; later it must abort the connection. A
            ``ClientDisconnected`` ends the sending without an error: a body that reads the
            request's body raises it when the client leaves.

    Source: ASGI: ``http.response.start``, ``http.response.body``, ``http.response.pathsend``.
    """
    body: Any = response.body_to_send()
    try:
        start, bodiless = _start(response)
        if bodiless or method == "HEAD":
            await send_whole(send, start, whole_body(b""))
        elif isinstance(body, (list, tuple)):
            await send_whole(send, start, whole_body(_join_chunks(body)))
        elif isinstance(body, FileBody):
            await _send_file(body, start, send, watch, extensions)
        else:
            await send_stream(body, start, send, watch, run, extensions)
    except ClientDisconnected:
        pass  # The body reads the request's body, and the client has left.
    finally:
        await response.aclose(run)


def whole_messages(response: Response, method: str) -> tuple[Any, Any] | None:
    """Make the two messages of a response whose body is buffered and needs no closing.

    PERF: most responses; the caller sends the two messages without a further coroutine.

    Args:
        response: The response.
        method: The request's method; ``HEAD`` gets no body.

    Returns:
        The messages, or ``None`` if :func:`send_response` has to send it.

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
        body = _join_chunks(chunks)
    return start, {"type": "http.response.body", "body": body}


def may_have_body(status: int) -> bool:
    """Tell whether a final status allows a body.

    Args:
        status: The code.

    Returns:
        Whether it does.
    """
    return status in _WITH_BODY


def messages_of(
    body: bytes, content_type: WirePair, status: int, method: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the two messages of a response that has only a type and a length as headers.

    Args:
        body: The whole body.
        content_type: The ``Content-Type`` header.
        status: A code that allows a body.
        method: The request's method; ``HEAD`` gets no body.

    Returns:
        The start message and the body message.
    """
    size = len(body)
    length = _LENGTHS[size] if size < 1024 else (b"content-length", b"%d" % size)
    return (
        {"type": "http.response.start", "status": status, "headers": [content_type, length]},
        {"type": "http.response.body", "body": b"" if method == "HEAD" else body},
    )


def _join_chunks(chunks: Iterable[object]) -> bytes:
    return b"".join(map(to_bytes, chunks))


def whole_body(body: bytes) -> dict[str, Any]:
    """Make the only body message of a response.

    Args:
        body: The whole body.

    Returns:
        The message.
    """
    return {"type": "http.response.body", "body": body}


def _start(response: Response) -> tuple[dict[str, Any], bool]:
    """Make the start message, and tell whether the status forbids a body.

    Content-Length and statuses without a body are treated as in ``get_wsgi_headers``. The Location
    is never joined with a URL: a path could become ``//host`` (CVE-2020-28724).
    """
    status = response.status_code
    try:
        headers = encode_headers(response.headers)
    except (TypeError, ValueError):
        if isinstance(response.headers, WerkzeugHeaders):
            raise
        # COMPAT: httpbin assigns a plain dict; Werkzeug makes headers of it when it sends them.
        headers = encode_headers(WerkzeugHeaders(response.headers))
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
    length = response.known_length()
    if length is not None and response.automatically_set_content_length:
        headers.append((b"content-length", b"%d" % length))


async def send_whole(send: Send, start: dict[str, Any], last: dict[str, Any]) -> None:
    """Send the messages of a whole response; a client that has left is no error.

    Args:
        send: ASGI's ``send``.
        start: The start message.
        last: The body message.
    """
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
    # The file is read before the start is sent, so that a read error can become a 500.
    first = await body.next_chunk()
    if body.remaining == 0:
        await send_whole(send, start, whole_body(first))
    else:
        await send_chunks(body.chunks(), Head(start, send), send, watch, first)


async def send_stream(
    body: Any,
    start: dict[str, Any],
    send: Send,
    watch: Watch | None,
    run: Run,
    extensions: Container[str] = (),
) -> None:
    """Send start and a body that is not buffered. The caller closes the body.

    Args:
        body: As for :func:`.chunks_of`.
        start: The start message.
        send: ASGI's ``send``.
        watch: As for :func:`send_response`.
        run: As for :func:`send_response`.
        extensions: The scope's ``extensions``; with ``asyncflask.pieces`` each chunk is a message.
    """
    head = Head(start, send)
    if PIECES in extensions:
        head.is_sent = True  # A WSGI server's caller gets the head before it asks for a piece.
        await send(start)
    elif may_block(body):
        await _watched(pump_ahead(body, head, send, run), watch, head)
        return
    chunks = chunks_of(body, run)
    # An asynchronous iterator is its own iterator, which the caller closes.
    await send_chunks(chunks, head, send, watch, closes=chunks is not body)


async def send_chunks(
    chunks: AsyncIterator[Any],
    head: Head,
    send: Send,
    watch: Watch | None,
    first: bytes | None = None,
    closes: bool = True,
) -> None:
    """Send head and chunks; stop when ``watch`` returns, and close ``chunks``.

    Args:
        chunks: The body.
        head: The start message.
        send: ASGI's ``send``.
        watch: As for :func:`send_response`.
        first: Sent before the chunks.
        closes: Whether ``chunks`` is closed here; otherwise the caller closes it.
    """
    try:
        await _watched(_pump(chunks, head, send, first), watch, head)
    finally:
        if closes and hasattr(chunks, "aclose"):
            await chunks.aclose()


async def _watched(pumping: Coroutine[Any, Any, None], watch: Watch | None, head: Head) -> None:
    """Send; stop when ``watch`` returns."""
    if watch is None:
        await pumping
        return
    # PERF: a stream that never waits needs no guard, which takes 13 to 26 % of a short stream.
    steps = pumping.__await__()
    try:
        waiting_for = next(steps)
    except StopIteration:
        return
    if waiting_for is None:
        waiting_for = await give_way(steps, UNWATCHED)
    if waiting_for is not ENDED:
        await _guarded(resume(steps, waiting_for), watch, head)


async def _guarded(pumping: Awaitable[None], watch: Watch, head: Head) -> None:
    guard = Guard(watch)
    head.send_soon()
    try:
        await pumping
    except asyncio.CancelledError:
        if not guard.cancelled_us():
            raise
    finally:
        await head.stop()
        await guard.stop()


async def _send_first(
    chunks: AsyncIterator[Any], head: Head, send: Send, first: bytes | None
) -> bool:
    """Send the head and the first chunk; return whether the client is still there."""
    if first is None:
        # If the body fails here, the server answers.
        async for chunk in chunks:
            first = chunk if type(chunk) is bytes else to_bytes(chunk)
            break
    try:
        if head.is_sent:
            await head.send(first)
        else:
            # PERF: as Head.send() does, without another coroutine: 1 % of a stream.
            head.is_sent = True
            await send(head.start)
            if first is not None:
                await send({"type": "http.response.body", "body": first, "more_body": True})
    except OSError:
        return False
    return True


async def _pump(chunks: AsyncIterator[Any], head: Head, send: Send, first: bytes | None) -> None:
    """Send all chunks; return early when ``send`` raises because the client has left."""
    if not await _send_first(chunks, head, send, first):
        return
    # SECURITY: a body that never waits would block the loop to its end, also after the client has
    # reset the connection, which no task could notice.
    began = monotonic()
    every = left = 1
    # PERF: a dictionary is copied in half the time that it takes to fill one: 4 % of a stream on
    # CPython 3.11, 1 % on 3.13.
    part = {"type": "http.response.body", "body": b"", "more_body": True}
    # An OSError of the body itself is not caught.
    async for chunk in chunks:
        if type(chunk) is not bytes:
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
            passed = monotonic() - began
            if passed > SLICE:
                await asyncio.sleep(0)
                began, every = monotonic(), 1
            elif passed * 8 < SLICE and every < LOOK:
                every *= 8
            left = every
    try:
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass
