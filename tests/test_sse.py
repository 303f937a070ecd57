"""Promises of ``asyncflask.sse``."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from asyncflask import _contextvars
from asyncflask.sse import ServerSentEvent, event_stream
from asyncflask.wrappers.response.asgi import send_response
from asyncflask.wrappers.response.response import Response

ENCODED = [
    (ServerSentEvent("hi"), b"data: hi\n\n"),
    (ServerSentEvent(""), b"data: \n\n"),
    (ServerSentEvent("a\nb\r\nc\rd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
    (ServerSentEvent("ü\u2028\x0b"), "data: ü\u2028\x0b\n\n".encode()),
    (
        ServerSentEvent("x", event="tick", id="7", retry=500),
        b"event: tick\nid: 7\nretry: 500\ndata: x\n\n",
    ),
    (ServerSentEvent(comment="still\nhere"), b": still\n: here\n\n"),
    (ServerSentEvent(id=""), b"id: \n\n"),
]


@pytest.mark.parametrize(("event", "wire"), ENCODED)
def test_event_is_encoded_as_html_says(event, wire):
    assert event.encode() == wire


@pytest.mark.parametrize("bad", ["a\nb", "a\rdata: x", "a\r\n\r\n", "a\0"])
@pytest.mark.parametrize("field", ["event", "id"])
def test_line_break_in_a_field_is_refused(field, bad):
    with pytest.raises(ValueError, match=f"{field}="):
        ServerSentEvent("x", **{field: bad})


def test_line_break_in_a_comment_begins_a_comment_again():
    assert ServerSentEvent(comment="a\rdata: x").encode() == b": a\n: data: x\n\n"


def test_negative_retry_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        ServerSentEvent(retry=-1)


async def test_stream_sends_text_and_events_as_they_come():
    async def events():
        yield "a\nb"
        yield ServerSentEvent("c", id="1")

    response = event_stream(events())

    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert [c async for c in response.iter_chunks()] == [
        b"data: a\ndata: b\n\n",
        b"id: 1\ndata: c\n\n",
    ]


async def test_any_async_iterable_is_a_source():
    class Source:
        def __init__(self):
            self.left = ["b", "a"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert await event_stream(Source()).read() == b"data: a\n\ndata: b\n\n"


async def test_a_client_that_disconnects_ends_the_generator():
    closed = []
    gone = asyncio.Event()

    async def events():
        try:
            yield "a"
            gone.set()
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def send(message):
        pass

    await send_response(event_stream(events()), "GET", send, gone.wait)

    assert closed == [True]


def test_a_source_that_is_not_asynchronous_is_refused():
    with pytest.raises(TypeError, match="no asynchronous iterable"):
        event_stream(["a"])


async def test_the_response_class_is_the_apps_unless_given():
    class Mine(Response):
        pass

    async def events():
        yield "a"

    _contextvars.context_var.set(SimpleNamespace(app=SimpleNamespace(response_class=Mine)))

    assert type(event_stream(events())) is Mine
    assert type(event_stream(events(), Response)) is Response
