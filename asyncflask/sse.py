"""Server-sent events: the encoding of one event, and a streamed response of them.

The stream is an asynchronous generator; ``wrappers/response/asgi.py`` closes it when the client
leaves, and it ends by itself when the server begins to stop. It takes the events from a source
that can be woken, so that it may send a heartbeat, or end, while it waits for the next one: the
events of a user are made in a task beside it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

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
        TypeError: ``events`` is not asynchronous, or ``heartbeat`` no number.
        ValueError: ``heartbeat`` is not more than 0.
    """
    if not hasattr(events, "__aiter__"):
        raise TypeError(
            f"event_stream() was given {events!r}, which is no asynchronous iterable."
            " Write the events as `async def events(): yield ...` and pass `events()`."
        )
    return stream_of(partial(_Task, events), response_class, heartbeat)


def stream_of(
    make_source: Callable[[], EventSource],
    response_class: type[Response] | None = None,
    heartbeat: float | None = None,
) -> Response:
    """Make the response that sends the events of a source, see :func:`event_stream`.

    Args:
        make_source: Makes the source, in the task that sends its events.
        response_class: The class of the result; by default, the app's.
        heartbeat: Seconds without an event after which an empty comment is sent.

    Raises:
        TypeError: ``heartbeat`` is no number.
        ValueError: ``heartbeat`` is not more than 0.
    """
    if heartbeat is not None and not isinstance(heartbeat, (int, float)):
        raise TypeError(f"event_stream(heartbeat={heartbeat!r:.100}) is no number. Give seconds.")
    if heartbeat is not None and not heartbeat > 0:
        raise ValueError(
            f"event_stream(heartbeat={heartbeat!r}) would send comments all the time. Give seconds,"
            " more than 0, or leave it out."
        )
    ctx = current()
    if response_class is None:
        response_class = Response if ctx is None else ctx.app.response_class
    return response_class(
        _send_events(make_source, heartbeat, Stopping() if ctx is None else ctx.app.stopping),
        mimetype="text/event-stream",
        # nginx buffers a proxied response without this header.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


class EventSource(Protocol):
    """Where a stream takes its events from, in the task that sends them.

    Attributes:
        retry: The ``retry`` of the last event that had one.
    """

    retry: int | None

    async def take(self) -> bytes | None:
        """Wait for the next event, encoded; ``b""``: the end, ``None``: :meth:`wake` was called."""

    def wake(self) -> None:
        """Let the ``take()`` that waits, or else the next one, return."""

    async def close(self) -> None:
        """End the source, and raise its error if there is one."""


async def _send_events(
    make_source: Callable[[], EventSource], heartbeat: float | None, stopping: Stopping
) -> AsyncGenerator[bytes, None]:
    retry = random.randint(*RETRY)
    source = make_source()
    forget = stopping.call(source.wake)
    pulse = None if heartbeat is None else _Pulse(heartbeat, source.wake)
    try:
        while not stopping.is_set():
            event = await source.take()
            if event:
                yield event
            elif event is not None:
                return
            elif pulse is not None and pulse.is_due():
                yield HEARTBEAT
            if pulse is not None:
                pulse.begin()
        yield ServerSentEvent(retry=retry if source.retry is None else source.retry).encode()
    finally:
        forget()
        if pulse is not None:
            pulse.stop()
        await source.close()


def _event_text(event: object) -> str:
    if isinstance(event, (str, bytes, bytearray, memoryview)):
        return to_bytes(event).decode()
    raise TypeError(_no_text(f"The event {event!r} of an event_stream()", event))


def _no_text(what: str, value: object) -> str:
    text = "json.dumps(...)" if isinstance(value, (dict, list, tuple)) else "str(...)"
    kind = type(value).__name__
    return f"{what} has a value of type {kind!r}, and an event is text. Write `{text}` around it."


class _Pulse:
    """Calls a function when nothing was sent for some time.

    Args:
        seconds: The time.
        wake: The function.
    """

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        self._seconds = seconds
        self._wake = wake
        self._time = asyncio.get_running_loop().time
        self.begin()
        self._timer = asyncio.get_running_loop().call_at(self._until, self._end)

    def begin(self) -> None:
        """Begin the time again: something was sent. The timer notices it when it ends."""
        self._until = self._time() + self._seconds

    def is_due(self) -> bool:
        """Tell whether the time is over."""
        return self._time() >= self._until

    def stop(self) -> None:
        """Call nothing more."""
        self._timer.cancel()

    def _end(self) -> None:
        due = self._until
        if self.is_due():
            self._wake()
            due = self._time() + self._seconds
        self._timer = asyncio.get_running_loop().call_at(due, self._end)


class _Task:
    """Events that are made in a task of their own, each when it is asked for.

    Args:
        events: The events.
    """

    retry: int | None = None

    def __init__(self, events: AsyncIterable[ServerSentEvent | str]) -> None:
        self._events = events
        #: the event that was made and not taken
        self._made: list[ServerSentEvent | str] = []
        #: what the task waits for until the next event is asked for
        self._asked: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False
        self._closed = False
        #: returns the error of the events; a SystemExit that it raised would end the loop
        self._task: asyncio.Future[BaseException | None] = asyncio.ensure_future(self._make())
        self._task.add_done_callback(self._look)

    async def take(self) -> bytes | None:
        """See :meth:`EventSource.take`."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)
        while not (self._made or self._woken or self._task.done()):
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter
        if self._made:
            event = self._made.pop()
            if not isinstance(event, ServerSentEvent):
                event = ServerSentEvent(_event_text(event))
            self.retry = self.retry if event.retry is None else event.retry
            return event.encode()
        if self._woken:
            self._woken = False
            return None
        return b""

    def wake(self) -> None:
        """See :meth:`EventSource.wake`."""
        self._woken = True
        self._look()

    def _look(self, _: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _make(self) -> BaseException | None:
        try:
            try:
                async for event in self._events:
                    if self._closed:
                        break  # It has taken no notice of its cancellation.
                    self._made.append(event)
                    self._look()
                    self._asked = asyncio.get_running_loop().create_future()
                    await self._asked
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
        """See :meth:`EventSource.close`."""
        self._closed = True
        is_cancelled = self._task.cancel()
        await asyncio.wait({self._task})
        if self._task.cancelled():  # before it began
            await self._close_events()
            return
        error = self._task.result()
        if error is not None and not (is_cancelled and isinstance(error, asyncio.CancelledError)):
            try:
                raise error
            finally:
                del error, self._task  # Its traceback refers to this frame and object: cycles.
