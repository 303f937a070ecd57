"""A synchronous body is iterated ahead in its worker, and nothing that is made is kept back."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from asyncflask.concurrency.errors import ExitInWorker
from asyncflask.concurrency.pool import WorkerPool
from asyncflask.wrappers.response.asgi import send_response
from asyncflask.wrappers.response.response import Response
from asyncflask.wrappers.response.threaded_body import COUNT, PIECES, SIZE

PATIENCE = 20.0  # seconds
variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
async def run():
    """``run`` of a leased worker."""
    pool = WorkerPool(1)
    lease = await pool.lease()
    yield lease.run
    lease.release()
    pool.trim()


class Client:
    """Collects the pieces of the body; ``open`` lets the app send more than ``takes`` of them."""

    def __init__(self, takes=None, leaves_after=None):
        self.pieces = []
        self.complete = False
        self.takes = takes
        self.leaves_after = leaves_after
        self.open = asyncio.Event()

    async def send(self, message):
        if message["type"] != "http.response.body":
            return
        if len(self.pieces) == self.leaves_after:
            raise OSError("gone")
        if message.get("more_body"):
            self.pieces.append(message["body"])
        else:
            self.complete = True
        if len(self.pieces) == self.takes:
            await self.open.wait()

    @property
    def body(self):
        return b"".join(self.pieces)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.001)


async def sent(body, run, client=None, **options):
    client = client or Client()
    async with asyncio.timeout(PATIENCE):
        await send_response(Response(body), "GET", client.send, run=run, **options)
    return client


async def test_the_first_chunk_is_sent_alone_and_quick_ones_together(run):
    client = await sent((b"%d " % n for n in range(1000)), run)

    assert client.pieces[0] == b"0 "
    assert client.body == b"".join(b"%d " % n for n in range(1000))
    assert len(client.pieces) < 500
    assert client.complete


async def test_a_chunk_does_not_wait_for_a_later_one(run):
    """The generator goes on only when the client has everything before."""
    told = threading.Event()

    def body():
        for number in range(10):
            yield str(number)
            if number % 3 == 2:
                told.wait(PATIENCE)
                told.clear()

    client = Client()
    task = asyncio.create_task(sent(body(), run, client))
    for expected in (b"012", b"012345", b"012345678"):
        await client.until(lambda expected=expected: client.body == expected)
        told.set()
    await task

    assert client.body == b"0123456789"


async def test_a_chunk_is_sent_although_the_worker_began_late(run):
    told = threading.Event()

    def body():
        yield "0"
        yield "1"
        told.wait(PATIENCE)
        yield "2"

    async def run_late(func, *args):
        await asyncio.sleep(0.02)
        return await run(func, *args)

    client = Client()
    task = asyncio.create_task(sent(body(), run_late, client))
    await client.until(lambda: client.body == b"01")
    told.set()
    await task


async def test_a_client_that_takes_nothing_stops_the_body(run):
    made = []

    def body():
        while True:
            made.append(1)
            yield b"x" * 1024

    client = Client(takes=2)
    task = asyncio.create_task(sent(body(), run, client))
    await client.until(lambda: len(client.pieces) == 2)
    await asyncio.sleep(0.02)
    ahead = len(made) * 1024 - len(client.pieces[0])
    client.leaves_after = 2
    client.open.set()
    await task

    assert ahead <= SIZE


async def test_a_chunk_larger_than_what_is_made_ahead_is_sent_whole(run):
    client = await sent(iter([b"a", b"b" * 3 * SIZE, b"c"]), run)

    assert client.body == b"a" + b"b" * 3 * SIZE + b"c"


async def test_empty_chunks_are_no_messages_and_do_not_go_on_for_ever(run):
    """An empty first one sends the head: see ``test_head.py``."""
    client = await sent(iter([b"a", *[b""] * (2 * COUNT), b"b"]), run)

    assert client.pieces == [b"a", b"b"]


async def test_each_chunk_is_a_message_where_the_scope_asks_for_it(run):
    client = await sent(iter("abc"), run, extensions={PIECES: {}})

    assert client.pieces == [b"a", b"b", b"c"]


async def test_what_was_made_is_sent_before_the_error_of_the_body(run):
    def body():
        yield from "abc"
        raise LookupError("in the body")

    client = Client()
    with pytest.raises(LookupError, match="in the body"):
        await sent(body(), run, client)

    assert client.body == b"abc"
    assert not client.complete


async def test_an_exit_in_the_body_does_not_end_the_loop(run):
    def body():
        yield "a"
        raise SystemExit(3)

    client = Client()
    with pytest.raises(ExitInWorker, match="cannot end the server"):
        await sent(body(), run, client)

    assert client.body == b"a"


async def test_a_chunk_of_another_type_is_an_error(run):
    with pytest.raises(TypeError, match="Yield str or bytes"):
        await sent(iter([b"a", 1]), run)


async def test_a_body_that_has_items_only_is_iterated(run):
    class Items:
        def __getitem__(self, index):
            return "abc"[index]

    client = await sent(Items(), run)

    assert client.body == b"abc"


async def test_the_body_runs_in_one_thread_and_in_the_requests_context(run):
    seen = []

    def body():
        token = variable.set("of the body")
        for _ in range(3):
            seen.append((threading.get_ident(), variable.get()))
            yield "x" * SIZE
        variable.reset(token)

    await sent(body(), run)

    assert len(set(seen)) == 1
    assert seen[0][0] != threading.get_ident()
    assert variable.get() == "unset"


async def test_a_body_whose_client_leaves_ends_and_is_closed(run):
    closed = []

    def body():
        try:
            while True:
                yield b"x"
        finally:
            closed.append(threading.get_ident())

    client = await sent(body(), run, Client(leaves_after=3))

    assert len(client.pieces) == 3
    assert closed == [await run(threading.get_ident)]


async def test_a_cancelled_stream_closes_its_body_and_leaves_no_task(run):
    closed, before = [], asyncio.all_tasks()

    def body():
        try:
            while True:
                yield b"x" * SIZE
        finally:
            closed.append(1)

    client = Client(takes=2)
    task = asyncio.create_task(sent(body(), run, client))
    await client.until(lambda: len(client.pieces) == 2)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert closed == [1]
    assert asyncio.all_tasks() == before
