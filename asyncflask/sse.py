"""Server-sent events: the encoding of one event, and a streamed response of them.

The stream is an ordinary asynchronous generator; ``wrappers/response/asgi.py`` closes it when the
client leaves.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

from ._contextvars import current
from .wrappers.response.bodies import to_bytes
from .wrappers.response.response import Response

# WHATWG HTML §9.2.5: a line ends with CR LF, LF or CR, and with nothing else.
_LINE_END = re.compile(r"\r\n|\n|\r")


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
        ValueError: ``event`` or ``id`` has a line break or NUL, or ``retry`` is negative.

    Source: WHATWG HTML §9.2 Server-sent events.
    """

    data: str | None = None
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
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
    events: AsyncIterable[ServerSentEvent | str], response_class: type[Response] | None = None
) -> Response:
    """Make the response that sends ``events`` to a browser's ``EventSource`` as they come.

    The generator is closed, and its ``finally`` runs, when the browser leaves.

    >>> async def ticks():
    ...     yield "one"
    >>> event_stream(ticks()).content_type
    'text/event-stream; charset=utf-8'

    Args:
        events: An asynchronous iterable; text is sent as an event's data.
        response_class: The class of the result; by default, the app's.

    Returns:
        The response.

    Raises:
        TypeError: ``events`` is not asynchronous.
    """
    if not hasattr(events, "__aiter__"):
        raise TypeError(
            f"event_stream() was given {events!r}, which is no asynchronous iterable."
            " Write the events as `async def events(): yield ...` and pass `events()`."
        )
    if response_class is None:
        ctx = current()
        response_class = Response if ctx is None else ctx.app.response_class
    return response_class(
        _encode_events(events),
        mimetype="text/event-stream",
        # nginx buffers a proxied response without this header.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _encode_events(
    events: AsyncIterable[ServerSentEvent | str],
) -> AsyncGenerator[bytes, None]:
    try:
        async for event in events:
            if isinstance(event, ServerSentEvent):
                yield event.encode()
            else:
                yield ServerSentEvent(to_bytes(event).decode()).encode()
    finally:
        # SECURITY: closed at once, not when the garbage collector runs.
        if hasattr(events, "aclose"):
            await events.aclose()
