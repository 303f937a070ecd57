"""Promises of ``asyncflask.sse``."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace

import pytest

from asyncflask import Flask, _contextvars
from asyncflask.concurrency.stopping import Stopping
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


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    [
        ("data", {"price": 3}, "json.dumps"),
        ("data", b"tea", "str"),
        ("event", 3, "str"),
        ("id", 3, "str"),
        ("comment", 3, "str"),
    ],
)
def test_a_value_that_is_no_text_is_refused_where_the_event_is_made(field, value, remedy):
    text = rf"ServerSentEvent\({field}={re.escape(repr(value))}\) has a value of type"
    with pytest.raises(TypeError, match=rf"{text}.*Write `{remedy}\(\.\.\.\)` around it"):
        ServerSentEvent(**{field: value})


@pytest.mark.parametrize(
    ("value", "remedy"), [({"price": 3}, "json.dumps"), ([3], "json.dumps"), (3, "str")]
)
async def test_a_yielded_value_that_is_no_text_is_refused(value, remedy):
    app = Flask(__name__)
    app.testing = True

    @app.get("/")
    async def view():
        async def events():
            yield value

        return event_stream(events())

    with pytest.raises(TypeError, match=rf"event_stream\(\) has a value.*Write `{remedy}\("):
        await app.test_client().get("/")


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

    app = SimpleNamespace(response_class=Mine, stopping=Stopping())
    _contextvars.context_var.set(SimpleNamespace(app=app))

    assert type(event_stream(events())) is Mine
    assert type(event_stream(events(), Response)) is Response


# -- heartbeats, and the end at the server's stop --------------------------------------------------


@pytest.fixture
def stopping():
    """The event of the current context's app."""
    app = SimpleNamespace(response_class=Response, stopping=Stopping())
    token = _contextvars.context_var.set(SimpleNamespace(app=app))
    yield app.stopping
    _contextvars.context_var.reset(token)


async def test_a_silent_stream_sends_comments_with_heartbeat():
    go_on = asyncio.Event()

    async def events():
        yield "a"
        await go_on.wait()
        yield "b"

    chunks = event_stream(events(), heartbeat=0.001).iter_chunks()

    assert await anext(chunks) == b"data: a\n\n"
    assert [await anext(chunks), await anext(chunks)] == [b":\n\n", b":\n\n"]
    go_on.set()
    assert [chunk async for chunk in chunks if chunk != b":\n\n"] == [b"data: b\n\n"]


@pytest.mark.parametrize("heartbeat", [0, -1, float("nan"), "15"])
def test_a_heartbeat_that_is_no_time_is_refused(heartbeat):
    async def events():
        yield "a"

    with pytest.raises((ValueError, TypeError), match=r"heartbeat=.* Give seconds"):
        event_stream(events(), heartbeat=heartbeat)


@pytest.mark.parametrize(("first", "retry"), [("a", None), (ServerSentEvent("a", retry=7), b"7")])
async def test_a_stream_that_waits_ends_with_its_retry_when_the_server_stops(
    stopping, first, retry
):
    closed = []

    async def events():
        try:
            yield first
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)
    asyncio.get_running_loop().call_soon(stopping.set)
    [last] = [chunk async for chunk in chunks]

    name, _, milliseconds = last.strip().partition(b": ")
    assert name == b"retry"
    assert milliseconds == retry or 1000 <= int(milliseconds) <= 3000
    assert closed == [True]


async def test_a_stream_that_never_waits_ends_when_the_server_stops(stopping):
    async def events():
        while True:
            yield "a"

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)
    stopping.set()

    assert [chunk[:5] async for chunk in chunks] == [b"retry"]


async def test_a_source_that_goes_on_after_its_cancellation_is_closed(stopping):
    closed = []

    async def events():
        try:
            while True:
                try:
                    yield "a"
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass
        finally:
            closed.append(True)

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)
    asyncio.get_running_loop().call_soon(stopping.set)

    assert [chunk[:5] async for chunk in chunks] == [b"retry"]
    assert closed == [True]


@pytest.mark.parametrize("error", [LookupError, SystemExit, asyncio.CancelledError])
async def test_the_error_of_a_source_is_that_of_the_stream(error):
    async def events():
        yield "a"
        raise error

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)

    with pytest.raises(error):
        await anext(chunks)


async def test_a_source_makes_an_event_when_it_is_asked_for():
    made = []

    async def events():
        for number in range(3):
            made.append(number)
            yield str(number)

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)
    for _ in range(5):
        await asyncio.sleep(0)

    assert made == [0]
    await chunks.aclose()


async def test_a_source_runs_in_one_task():
    """So a timeout may be around its events."""
    tasks = set()

    async def events():
        for _ in range(3):
            tasks.add(asyncio.current_task())
            yield "a"

    await event_stream(events()).read()

    assert len(tasks) == 1


async def test_a_retry_of_0_is_kept_when_the_server_stops(stopping):
    async def events():
        yield ServerSentEvent("a", retry=0)
        await asyncio.Event().wait()

    chunks = event_stream(events()).iter_chunks()
    await anext(chunks)
    asyncio.get_running_loop().call_soon(stopping.set)

    assert [chunk async for chunk in chunks] == [b"retry: 0\n\n"]
