"""Promises of ``asyncflask.wrappers.response.asgi``; those of files are in test_bodies.py."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import flask
import pytest
from werkzeug.test import EnvironBuilder

from asyncflask.concurrency.pool import WorkerPool
from asyncflask.wrappers.response.asgi import send_chunks, send_response
from asyncflask.wrappers.response.bodies import in_thread
from asyncflask.wrappers.response.head import Head
from asyncflask.wrappers.response.response import Response


class Wire:
    """The server's end: keeps what is sent, and may go away after some messages."""

    def __init__(self, gone_after=None):
        self.messages = []
        self.gone_after = gone_after

    async def send(self, message):
        if len(self.messages) == self.gone_after:
            raise OSError("client disconnected")
        self.messages.append(message)

    @property
    def headers(self):
        return self.messages[0]["headers"]

    @property
    def body(self):
        return b"".join(m["body"] for m in self.messages[1:])

    @property
    def ended(self):
        return not self.messages[-1].get("more_body", False)


async def sent(response, method="GET", **kwargs):
    wire = Wire()
    await send_response(response, method, wire.send, **kwargs)
    return wire


async def never():
    await asyncio.Event().wait()


async def letters():
    yield "a"
    yield b"b"
    yield bytearray(b"c")


def other_tasks():
    return asyncio.all_tasks() - {asyncio.current_task()}


# -- buffered --------------------------------------------------------------------------------------


async def test_buffered_response_is_two_messages():
    wire = await sent(Response("text", 201))

    assert wire.messages == [
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-length", b"4"),
            ],
        },
        {"type": "http.response.body", "body": b"text"},
    ]


BUFFERED = [
    lambda cls: cls("text"),
    lambda cls: cls(["a", b"b"]),
    lambda cls: cls(("ü",)),
    lambda cls: cls([]),
    lambda cls: cls("", 204),
    lambda cls: cls("gone", 304, {"ETag": '"x"', "Content-Location": "/ü", "Expires": "x"}),
    lambda cls: cls("early", 103),
    lambda cls: cls("", 302, {"Location": "/sought/ü?q=ä b"}),
    lambda cls: cls("x", 206, {"Content-Range": "bytes 0-0/5", "Content-Length": "1"}),
]


@pytest.mark.parametrize("make", BUFFERED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_headers_and_body_are_those_of_flasks_wsgi_response(make, method):
    wire = await sent(make(Response), method)
    environ = EnvironBuilder(method=method).get_environ()
    chunks, _, headers = make(flask.Response).get_wsgi_response(environ)

    assert wire.headers == [(k.lower().encode(), v.encode("latin-1")) for k, v in headers]
    assert wire.body == b"".join(chunks)
    assert wire.ended


#: what Werkzeug makes headers of when a response is sent
ASSIGNED = [
    {"X-Tea": "Assam"},
    {"TE": "trailers", "DNT": "1"},  # "TE" could be taken for a pair
    {"T": "1", "TE": "2"},
    {"X-Tea": ["Assam", "Ceylon"]},
    {"X-Count": 3},
    [("X-Tea", "Assam"), ("X-Tea", "Ceylon")],
    [["X-Count", 3]],
    {},
]


@pytest.mark.parametrize("headers", ASSIGNED)
@pytest.mark.parametrize("body", ["text", iter([b"text"])], ids=["buffered", "streamed"])
@pytest.mark.parametrize("status", [200, 204, 304])
async def test_headers_may_be_replaced_by_a_plain_dict_or_pairs(headers, body, status):
    response, there = Response(body, status), flask.Response(body, status)
    response.headers = there.headers = headers
    wire = await sent(response)

    expected = there.get_wsgi_headers(EnvironBuilder().get_environ())
    assert wire.headers == [(k.lower().encode(), v.encode()) for k, v in expected]


@pytest.mark.parametrize("headers", [{"X-Tea": "Assam\n"}, {"X Tea": "1"}, [("TE",)]])
async def test_replaced_headers_are_checked_too(headers):
    response = Response("text")
    response.headers = headers

    with pytest.raises(ValueError, match=r"[Hh]eader|unpack"):
        await sent(response)


async def test_missing_content_length_is_added_unless_it_is_switched_off():
    class Unmeasured(Response):
        automatically_set_content_length = False

    assert (b"content-length", b"2") in (await sent(Response(["a", "b"]))).headers
    assert b"content-length" not in dict((await sent(Unmeasured(["a", "b"]))).headers)


@pytest.mark.parametrize("location", ["/a//b", "b", "?q", "//evil.test/x"])
async def test_location_is_sent_as_given_and_never_joined_cve_2020_28724(location):
    """CVE-2021-21330, CVE-2023-28370: joining paths can make a ``//host`` of them."""
    wire = await sent(Response("", 302, {"Location": location}))

    assert dict(wire.headers)[b"location"] == location.encode()


async def test_a_bad_header_that_was_not_checked_is_refused_before_anything_is_sent():
    """CVE-2026-34519 and similar ones: refused when set, and again when written."""
    response = Response("x")
    response.headers._list.append(("X-A", "a\r\nSet-Cookie: b"))
    wire = Wire()
    with pytest.raises(ValueError, match="X-A"):
        await send_response(response, "GET", wire.send)

    assert wire.messages == []


@pytest.mark.parametrize("status", ["nonsense", 42, 1000])
async def test_status_that_cannot_be_written_is_an_error(status):
    with pytest.raises(ValueError, match="no code from 100 to 999"):
        await sent(Response("x", status))


async def test_chunk_of_another_type_is_an_error_that_names_it():
    with pytest.raises(TypeError, match="yielded the chunk 5 of type 'int'"):
        await sent(Response(["a", 5]))


@pytest.mark.parametrize("gone_after", [0, 1])
async def test_oserror_of_send_ends_a_buffered_response_quietly(gone_after):
    closed = []
    response = Response("x")
    response.call_on_close(lambda: closed.append(True))
    await send_response(response, "GET", Wire(gone_after).send)

    assert closed == [True]


# -- streamed --------------------------------------------------------------------------------------


async def test_chunks_are_sent_as_they_come_and_empty_ones_left_out():
    async def body():
        yield "a"
        yield ""
        yield memoryview(b"b")

    wire = await sent(Response(body()))

    assert wire.messages[1:] == [
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b", "more_body": True},
        {"type": "http.response.body", "body": b""},
    ]
    assert b"content-length" not in dict(wire.headers)


async def test_chunk_reaches_the_client_before_the_next_is_made():
    wire = Wire()
    seen = []

    async def body():
        yield "a"
        seen.append(wire.body)
        yield "b"

    await send_response(Response(body()), "GET", wire.send)

    assert seen == [b"a"]


async def test_async_iterable_that_is_no_generator_is_streamed():
    class Letters:
        def __aiter__(self):
            return letters()

    assert (await sent(Response(Letters()))).body == b"abc"


async def test_sync_generator_is_iterated_on_one_thread_that_is_not_the_loops():
    threads = set()

    async def run(func, *args):
        return await in_thread(record, func, *args)

    def record(func, *args):
        threads.add(threading.get_ident())
        return func(*args)

    def body():
        threads.add(threading.get_ident())
        yield "a"
        yield "b"

    wire = await sent(Response(body()), run=run)

    assert wire.body == b"ab"
    assert threading.get_ident() not in threads


async def test_sync_generator_on_a_leased_worker_keeps_one_context():
    """A token of a context variable can be reset in the generator, and the loop sees the change."""
    variable = contextvars.ContextVar("variable", default="unset")
    pool = WorkerPool(size=1)
    lease = await pool.lease()

    def body():
        token = variable.set("set")
        yield "a"
        yield variable.get()
        variable.reset(token)
        yield variable.get()

    wire = await sent(Response(body()), run=lease.run, watch=never)
    lease.release()

    assert wire.body == b"asetunset"


async def test_other_sync_iterables_are_streamed():
    class Old:
        def __getitem__(self, index):
            return ("a", "b")[index]

    assert (await sent(Response(iter(["a", "b"])))).body == b"ab"
    assert (await sent(Response(Old()))).body == b"ab"
    assert (await sent(Response({"a": 1}.keys()))).body == b"a"


async def test_body_that_cannot_be_iterated_is_an_error_that_says_what_can():
    with pytest.raises(TypeError, match="5 of type 'int' is not iterable"):
        await sent(Response(5))


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_head_and_bodiless_statuses_do_not_start_a_stream(method):
    started = []

    async def body():
        started.append(True)
        yield "x"

    wire = await sent(Response(body(), 200 if method == "HEAD" else 204), method)

    assert started == []
    assert (wire.body, wire.ended) == (b"", True)


async def test_error_of_a_body_is_raised_and_callbacks_run():
    closed = []

    async def body():
        yield "a"
        raise OSError("disk, not client")

    response = Response(body())
    response.call_on_close(lambda: closed.append(True))
    wire = Wire()
    with pytest.raises(OSError, match="disk"):
        await send_response(response, "GET", wire.send, never)

    assert not wire.ended
    assert closed == [True]
    assert other_tasks() == set()


async def test_stream_without_a_suspension_starts_no_task():
    calls = []

    async def watch():
        calls.append(True)

    await sent(Response(letters()), watch=watch)
    await asyncio.sleep(0)

    assert calls == []
    assert other_tasks() == set()


async def test_streams_that_wait_leave_no_task_behind():
    async def body():
        await asyncio.sleep(0)
        yield "a"
        await asyncio.sleep(0)

    assert (await sent(Response(body()), watch=never)).body == b"a"
    assert other_tasks() == set()


# -- disconnects -----------------------------------------------------------------------------------


async def test_a_disconnect_interrupts_the_pending_chunk_and_finally_runs():
    log = []
    gone = asyncio.Event()

    async def body():
        try:
            yield "a"
            gone.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("finally")

    response = Response(body())
    response.call_on_close(lambda: log.append("closed"))
    wire = await sent(response, watch=gone.wait)

    assert log == ["finally", "closed"]
    assert not wire.ended
    assert asyncio.current_task().cancelling() == 0
    assert other_tasks() == set()


async def test_a_disconnect_interrupts_a_send_that_waits():
    closed = []
    gone = asyncio.Event()

    async def body():
        try:
            while True:
                yield "a"
        finally:
            closed.append(True)

    async def send(message):
        if message["type"] == "http.response.body":
            gone.set()
            await asyncio.Event().wait()

    await send_response(Response(body()), "GET", send, gone.wait)

    assert closed == [True]


async def test_a_disconnect_ends_a_sync_generator_after_its_chunk():
    closed = []
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    def body():
        try:
            while True:
                yield "a"
                loop.call_soon_threadsafe(gone.set)
        finally:
            closed.append(threading.get_ident())

    await asyncio.wait_for(sent(Response(body()), watch=gone.wait), 5)

    assert len(closed) == 1
    assert closed[0] != threading.get_ident()


async def test_a_cancellation_from_outside_is_not_taken_for_a_disconnect():
    log = []

    async def body():
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            log.append("finally")

    response = Response(body())
    response.call_on_close(lambda: log.append("closed"))
    task = asyncio.create_task(sent(response, watch=never))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["finally", "closed"]
    assert other_tasks() == set()


async def test_a_cancellation_from_outside_wins_over_a_disconnect():
    gone = asyncio.Event()

    async def body():
        yield "a"
        await asyncio.Event().wait()

    task = asyncio.create_task(sent(Response(body()), watch=gone.wait))
    await asyncio.sleep(0.01)
    gone.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_body_that_swallows_the_interruption_leaves_the_task_uncancelled():
    gone = asyncio.Event()

    async def body():
        yield "a"
        gone.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
        yield "b"

    await sent(Response(body()), watch=gone.wait)

    assert asyncio.current_task().cancelling() == 0


@pytest.mark.parametrize("gone_after", [0, 1, 2, 4])
async def test_oserror_of_send_ends_a_stream_quietly(gone_after):
    closed = []
    response = Response(letters())
    response.call_on_close(lambda: closed.append(True))
    await send_response(response, "GET", Wire(gone_after).send, never)

    assert closed == [True]


async def test_a_disconnect_at_the_end_of_a_stream_cancels_nothing():
    async def body():
        await asyncio.sleep(0)
        yield "a"

    async def watch():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass  # The disconnect arrives when the watcher is being ended.

    wire = await sent(Response(body()), watch=watch)

    assert (wire.body, wire.ended) == (b"a", True)
    assert asyncio.current_task().cancelling() == 0


async def test_close_of_an_async_iterable_is_awaited():
    class Cursor:
        closed = False

        def __aiter__(self):
            return letters()

        async def close(self):
            self.closed = True

    cursor = Cursor()
    await sent(Response(cursor))

    assert cursor.closed


async def test_async_close_callback_is_awaited():
    closed = []
    response = Response(letters())

    @response.call_on_close
    async def close():
        closed.append(True)

    await sent(response)

    assert closed == [True]


# -- bodies that never wait ------------------------------------------------------------------------


async def held(send, watch=None, pause=0.0):
    """Send an endless body until something else stops it; tell how it ended."""
    closed = []

    async def pieces():
        try:
            while True:
                time.sleep(pause)
                yield b"x"
        finally:
            closed.append(True)

    body = pieces()
    task = asyncio.create_task(
        send_chunks(
            body,
            Head({"type": "http.response.start", "status": 200, "headers": []}, send),
            send,
            watch,
        )
    )
    return task, closed


@pytest.mark.parametrize("pause", [0, 0.002, 0.03], ids=["quick", "slow", "slower"])
async def test_a_body_that_never_waits_lets_others_run(pause):
    async def send(message):
        pass

    task, closed = await held(send, pause=pause)
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closed == [True]


async def test_a_body_that_never_waits_keeps_a_timer_waiting_for_less_than_50_ms():
    """The loop takes three rounds from a timer that is due to the task that waits for it.

    The time is that of this thread alone: other processes may be busy.
    """

    async def send(message):
        pass

    late = []
    task, _ = await held(send)
    for _ in range(9):
        before = time.thread_time()
        await asyncio.sleep(0.001)
        late.append(time.thread_time() - before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(late)[4] < 0.05


async def test_slow_chunks_after_quick_ones_let_others_run_after_at_most_eight():
    """The rows of a header are quick; the rows after it may take long."""
    rounds, seen = [0], []

    async def rows():
        yield b"header"
        yield b"units"
        for _ in range(30):
            time.sleep(0.005)
            seen.append(rounds[0])
            yield b"row"

    async def send(message):
        pass

    async def count():
        while True:
            rounds[0] += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    start = {"type": "http.response.start", "status": 200, "headers": []}
    await send_chunks(rows(), Head(start, send), send, None)
    counting.cancel()

    assert max(map(seen.count, seen)) <= 8


async def test_a_body_that_never_waits_ends_with_its_client():
    async def send(message):
        pass

    gone = asyncio.Event()
    task, closed = await held(send, gone.wait)
    await asyncio.sleep(0.05)
    gone.set()
    await asyncio.wait_for(task, 5)

    assert closed == [True]


async def test_a_body_that_gives_way_by_itself_is_cancelled_inside():
    seen = []

    async def pieces():
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x"
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def send(message):
        pass

    start = {"type": "http.response.start", "status": 200, "headers": []}
    task = asyncio.create_task(send_chunks(pieces(), Head(start, send), send, asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert seen == ["cancelled"]


# -- a body is closed once -------------------------------------------------------------------------


class Letters:
    """An asynchronous iterator that counts how often it is closed."""

    def __init__(self, broken=False):
        self.left = ["b", "a"]
        self.broken = broken
        self.closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        if self.broken and len(self.left) == 1:
            raise ZeroDivisionError("the second")
        return self.left.pop()

    async def aclose(self):
        self.closed += 1


class LettersOf:
    """An asynchronous iterable whose iterator is another object; both can be closed."""

    def __init__(self):
        self.letters = Letters()
        self.closed = 0

    def __aiter__(self):
        return self.letters

    async def aclose(self):
        self.closed += 1


@pytest.mark.parametrize("watch", [None, never], ids=["unwatched", "watched"])
@pytest.mark.parametrize("gone_after", [None, 0, 1, 2])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_asynchronous_iterator_is_closed_once(method, gone_after, watch):
    body = Letters()
    await send_response(Response(body), method, Wire(gone_after).send, watch)

    assert body.closed == 1


async def test_an_asynchronous_iterator_that_raises_is_closed_once():
    body = Letters(broken=True)
    with pytest.raises(ZeroDivisionError, match="the second"):
        await sent(Response(body))

    assert body.closed == 1


async def test_an_iterable_and_its_iterator_are_closed_once_each():
    body = LettersOf()
    wire = await sent(Response(body))

    assert wire.body == b"ab"
    assert (body.closed, body.letters.closed) == (1, 1)


async def test_a_body_that_is_read_is_closed_once():
    read, iterated, both = Letters(), Letters(), LettersOf()
    response = Response(iterated)

    assert await Response(read).read() == b"ab"
    assert await Response(both).read() == b"ab"
    assert [chunk async for chunk in response.iter_chunks()] == [b"a", b"b"]
    await response.aclose()

    assert (read.closed, iterated.closed, both.closed, both.letters.closed) == (1, 1, 1, 1)
