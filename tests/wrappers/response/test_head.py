"""Promises of ``asyncflask.wrappers.response.head``; test_failures.py in wire/ has the servers."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncflask.wrappers.response import head
from asyncflask.wrappers.response.asgi import send_response
from asyncflask.wrappers.response.response import Response
from asyncflask.wrappers.response.threaded_body import PIECES

START, BODY = "http.response.start", "http.response.body"


class Wire:
    """The server's end, which may refuse a kind of message as if the client had left."""

    def __init__(self, refused=""):
        self.messages = []
        self.refused = refused

    async def send(self, message):
        await asyncio.sleep(0)
        if message["type"] == self.refused:
            raise OSError("client disconnected")
        self.messages.append(message)

    @property
    def seen(self):
        return [m["type"] if "body" not in m else m["body"] for m in self.messages]


async def never():
    await asyncio.Event().wait()


def make_body(kind, *pieces, then=None):
    """A body of a kind: yields pieces, and raises an error at the end."""

    def plain():
        yield from pieces
        if then is not None:
            raise then

    async def asynchronous():
        for piece in plain():
            yield piece

    return {"def": plain, "async": asynchronous}[kind]()


@pytest.fixture(params=["def", "async"])
def kind(request):
    return request.param


@pytest.fixture(params=[never, None], ids=["watched", "unwatched"])
def watch(request):
    return request.param


async def test_nothing_is_sent_of_a_body_that_fails_before_its_first_piece(kind, watch):
    wire = Wire()
    body = make_body(kind, then=LookupError("early"))
    with pytest.raises(LookupError, match="early"):
        await send_response(Response(body), "GET", wire.send, watch)

    assert wire.seen == []


async def test_nothing_is_sent_if_the_first_piece_is_none(kind, watch):
    wire = Wire()
    with pytest.raises(TypeError, match="yielded the chunk None"):
        await send_response(Response(make_body(kind, None)), "GET", wire.send, watch)

    assert wire.seen == []


async def test_an_empty_first_piece_sends_the_head(kind, watch):
    """As with Werkzeug's server and gunicorn."""
    wire = Wire()
    body = make_body(kind, b"", then=LookupError("late"))
    with pytest.raises(LookupError, match="late"):
        await send_response(Response(body), "GET", wire.send, watch)

    assert wire.seen == [START, b""]


async def test_a_body_without_pieces_is_empty(kind, watch):
    wire = Wire()
    await send_response(Response(make_body(kind)), "GET", wire.send, watch)

    assert wire.seen == [START, b""]
    assert not wire.messages[-1].get("more_body")


async def test_the_head_comes_with_the_first_piece(kind, watch):
    wire = Wire()
    await send_response(Response(make_body(kind, "a", "")), "GET", wire.send, watch)

    assert wire.seen == [START, b"a", b""]


async def waiting(kind, wire, then=None):
    """Begin to send a body that waits until it is released; return the task and the release."""
    released = threading.Event()

    def plain():
        assert released.wait(5)
        yield "a"
        if then is not None:
            raise then

    async def asynchronous():
        while not released.is_set():
            await asyncio.sleep(0.001)
        yield "a"
        if then is not None:
            raise then

    body = {"def": plain, "async": asynchronous}[kind]()
    task = asyncio.create_task(send_response(Response(body), "GET", wire.send, never))
    return task, released


async def test_the_head_of_a_body_that_waits_is_sent_alone(kind, monkeypatch):
    monkeypatch.setattr(head, "PATIENCE", 0.01)
    wire = Wire()
    task, released = await waiting(kind, wire)
    async with asyncio.timeout(5):
        while len(wire.seen) < 2:
            await asyncio.sleep(0.001)

        assert wire.seen == [START, b""]
        released.set()
        await task

    assert wire.seen == [START, b"", b"a", b""]


@pytest.mark.parametrize("refused", [START, BODY])
async def test_a_client_that_has_left_before_the_head_is_no_error(kind, monkeypatch, refused):
    monkeypatch.setattr(head, "PATIENCE", 0)
    wire = Wire(refused)
    task, released = await waiting(kind, wire)
    await asyncio.sleep(0.05)
    released.set()
    await asyncio.wait_for(task, 5)

    assert b"a" not in wire.seen


async def test_a_request_that_is_cancelled_sends_no_head(kind, monkeypatch):
    monkeypatch.setattr(head, "PATIENCE", 0.05)
    wire = Wire()
    task, released = await waiting(kind, wire)
    await asyncio.sleep(0.01)
    task.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    seen = wire.seen
    await asyncio.sleep(0.1)

    assert wire.seen == seen


async def test_a_request_that_is_cancelled_stops_its_head(kind, monkeypatch):
    monkeypatch.setattr(head, "PATIENCE", 0)
    began = asyncio.Event()

    class Slow(Wire):
        async def send(self, message):
            began.set()
            await asyncio.Event().wait()

    task, released = await waiting(kind, Slow())
    await asyncio.wait_for(began.wait(), 5)
    task.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_the_head_is_first_where_a_caller_asks_for_each_piece(kind):
    wire = Wire()
    body = make_body(kind, then=LookupError("early"))
    with pytest.raises(LookupError, match="early"):
        await send_response(Response(body), "GET", wire.send, never, extensions=[PIECES])

    assert wire.seen == [START]
