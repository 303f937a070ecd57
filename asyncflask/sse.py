"""Server-sent events: the encoding of one event, and a streamed response of them.

The stream is an asynchronous generator; ``wrappers/response/asgi.py`` closes it when the client
leaves, and it ends by itself when the server begins to stop. The events are made in a task beside
it, so that it may send a heartbeat, or end, while it waits for the next one.
"""

from __future__ import annotations

import asyncio
import random
import re
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Any

from ._contextvars import current
from .concurrency.stopping import Stopping
from .wrappers.response.bodies import to_bytes
from .wrappers.response.response import Response

# WHATWG HTML §9.2.5: a line ends with CR LF, LF or CR, and with nothing else.
_LINE_END = re.compile(r"\r\n|\n|\r")
#: Milliseconds after which browsers connect again at a restart: not all at the same moment.
RETRY = (1000, 3000)
HEARTBEAT = b":\n\n"


@dataclass(frozen=True)
class ServerSentEvent:
    """One event of a ``text/event-stream``.

    Args:
        data: The text; may have several lines. ``None`` sends none, so that the browser keeps
            ``id`` and ``retry`` but fires no event.
        event: The event's type; ``None`` is ``"message"`` in browsers.
        id: The browser sends it as ``Last-Event-ID`` when it connects again.
        retry: Milliseconds after which the browser connects again.
        comment: Text that browsers ignore; an event of a comment alone keeps proxies awake.

    Raises:
        TypeError: ``data``, ``event``, ``id`` or ``comment`` is no text.
        ValueError: ``event`` or ``id`` has a line break or NUL, or ``retry`` is negative.

    Source: WHATWG HTML §9.2 Server-sent events.
    """

    data: str | None = None
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        for name in ("data", "event", "id", "comment"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise TypeError(_no_text(f"ServerSentEvent({name}={value!r})", value))
        # SECURITY: a line break in these fields would start another event.
        for name in ("event", "id"):
            value = getattr(self, name)
            if value is not None and (_LINE_END.search(value) or "\0" in value):
                raise ValueError(
                    f"ServerSentEvent({name}={value!r}) has a line break or NUL, which would end"
                    f" the field. Put it into data, or remove it from {name}."
                )
        if self.retry is not None and self.retry < 0:
            raise ValueError(
                f"ServerSentEvent(retry={self.retry!r}) is negative. Give milliseconds, 0 or more."
            )

    def encode(self) -> bytes:
        """Return the event as the bytes that go over the wire."""
        lines = []
        if self.comment is not None:
            lines += [f": {line}" for line in _LINE_END.split(self.comment)]
        if self.event is not None:
            lines.append(f"event: {self.event}")
        if self.id is not None:
            lines.append(f"id: {self.id}")
        if self.retry is not None:
            lines.append(f"retry: {self.retry}")
        if self.data is not None:
            lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return "\n".join([*lines, "", ""]).encode()


def event_stream(
    events: AsyncIterable[ServerSentEvent | str],
    response_class: type[Response] | None = None,
    *,
    heartbeat: float | None = None,
) -> Response:
    """Make the response that sends ``events`` to a browser's ``EventSource`` as they come.

    The generator is closed, and its ``finally`` runs, when the browser leaves. When the server
    begins to stop (``app.stopping``), the generator is cancelled, and the stream ends with a
    ``retry``: the last one of the stream, or 1 to 3 s.

    >>> async def ticks():
    ...     yield "one"
    >>> event_stream(ticks()).content_type
    'text/event-stream; charset=utf-8'

    Args:
        events: An asynchronous iterable; text is sent as an event's data.
        response_class: The class of the result; by default, the app's.
        heartbeat: Seconds without an event after which an empty comment is sent, so that proxies
            keep the connection open; ``None``: never.

    Returns:
        The response.

    Raises:
        TypeError: ``events`` is not asynchronous.
        ValueError: ``heartbeat`` is not more than 0.
    """
    if not hasattr(events, "__aiter__"):
        raise TypeError(
            f"event_stream() was given {events!r}, which is no asynchronous iterable."
            " Write the events as `async def events(): yield ...` and pass `events()`."
        )
    if heartbeat is not None and not heartbeat > 0:
        raise ValueError(
            f"event_stream(heartbeat={heartbeat!r}) would send comments all the time. Give seconds,"
            " more than 0, or leave it out."
        )
    ctx = current()
    if response_class is None:
        response_class = Response if ctx is None else ctx.app.response_class
    return response_class(
        _encode_events(events, heartbeat, Stopping() if ctx is None else ctx.app.stopping),
        mimetype="text/event-stream",
        # nginx buffers a proxied response without this header.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _encode_events(
    events: AsyncIterable[ServerSentEvent | str], heartbeat: float | None, stopping: Stopping
) -> AsyncGenerator[bytes, None]:
    retry = random.randint(*RETRY)
    source = _Source(events)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        while not stopping.is_set():
            coming = source.ask()
            awaited = {coming, source.task, stop}
            while not any(future.done() for future in awaited):
                waiting = asyncio.wait(awaited, timeout=heartbeat, return_when=FIRST_COMPLETED)
                if not (await waiting)[0]:
                    yield HEARTBEAT
            if coming.done():
                event = coming.result()
                if not isinstance(event, ServerSentEvent):
                    event = ServerSentEvent(_event_text(event))
                retry = retry if event.retry is None else event.retry
                yield event.encode()
            elif source.task.done():
                return
        yield ServerSentEvent(retry=retry).encode()
    finally:
        stop.cancel()
        await source.close()


def _event_text(event: object) -> str:
    if isinstance(event, (str, bytes, bytearray, memoryview)):
        return to_bytes(event).decode()
    raise TypeError(_no_text(f"The event {event!r} of an event_stream()", event))


def _no_text(what: str, value: object) -> str:
    text = "json.dumps(...)" if isinstance(value, (dict, list, tuple)) else "str(...)"
    kind = type(value).__name__
    return f"{what} has a value of type {kind!r}, and an event is text. Write `{text}` around it."


class _Source:
    """Makes events in a task, each when it is asked for.

    Args:
        events: The events.
    """

    def __init__(self, events: AsyncIterable[ServerSentEvent | str]) -> None:
        self._events = events
        self._wanted = asyncio.Event()
        self._coming: asyncio.Future[Any] | None = None
        #: returns the error of the events; a SystemExit that it raised would end the loop
        self.task: asyncio.Future[Any] = asyncio.ensure_future(self._make())

    def ask(self) -> asyncio.Future[Any]:
        """Return the future of the next event."""
        self._coming = asyncio.get_running_loop().create_future()
        self._wanted.set()
        return self._coming

    async def _make(self) -> BaseException | None:
        try:
            try:
                async for event in self._events:
                    if self._coming is None:
                        break  # It has taken no notice of its cancellation.
                    self._wanted.clear()
                    self._coming.set_result(event)
                    await self._wanted.wait()
            finally:
                await self._close_events()
        except BaseException as error:
            return error
        return None

    async def _close_events(self) -> None:
        # SECURITY: closed at once, not when the garbage collector runs.
        if hasattr(self._events, "aclose"):
            await self._events.aclose()

    async def close(self) -> None:
        """End the task, close the events, and raise their error if there is one."""
        self._coming = None
        is_cancelled = self.task.cancel()
        await asyncio.wait({self.task})
        if self.task.cancelled():  # before it began
            await self._close_events()
            return
        error = self.task.result()
        if error is not None and not (is_cancelled and isinstance(error, asyncio.CancelledError)):
            try:
                raise error
            finally:
                del error  # Its traceback refers to this frame: a cycle.
