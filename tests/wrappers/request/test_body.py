"""Promises of ``asyncflask.wrappers.request.body``."""

from __future__ import annotations

import asyncio
import threading

import pytest
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from asyncflask.wrappers.request.body import SLICE, Body
from asyncflask.wsgi.input import BodyReader, sync_input


@pytest.fixture
def body(client):
    return Body(client.receive)


async def turn():
    """Let every other task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


# -- reading ---------------------------------------------------------------------------------------


async def test_awaiting_gives_the_whole_body_again_and_again(client, body):
    client.send_body(b"one ", b"two ", b"three")

    assert await body == b"one two three"
    assert await body == b"one two three"
    assert body.complete


async def test_iterating_gives_the_pieces_as_they_come(client, body):
    client.send_body(b"one", b"", b"two", b"")

    assert [piece async for piece in body] == [b"one", b"two"]


async def test_iterating_asks_for_a_piece_only_when_it_is_wanted(client, body):
    """Backpressure: what is not read stays with the server."""
    client.send_body(b"one", b"two", b"three")

    async for _ in body:
        break
    assert client.asked == 1


async def test_a_body_that_is_not_read_is_never_received(client, body):
    """No id: a body is never buffered unless it is read."""
    client.send_body(b"x" * 1000)
    await turn()

    assert client.asked == 0


async def test_after_iterating_the_rest_is_empty(client, body):
    client.send_body(b"one", b"two")
    pieces = [piece async for piece in body]

    assert pieces == [b"one", b"two"]
    assert await body == b""


async def test_after_awaiting_an_iteration_starts_again(client, body):
    client.send_body(b"one", b"two")
    await body

    assert [piece async for piece in body] == [b"onetwo"]
    assert [piece async for piece in body] == [b"onetwo"]


async def test_only_a_body_that_has_arrived_in_one_piece_is_read_at_once(client, body):
    client.send_body(b"data")
    client.leave()

    assert body.read_at_once() == b"data"
    assert body.complete
    assert client.asked == 1
    assert body.read_at_once() is None
    assert await body.read_chunk() == b""


@pytest.mark.parametrize("pieces", [[b"one ", b"two"], [b"", b"one two"]])
async def test_a_body_in_pieces_is_not_read_at_once_and_loses_nothing(client, body, pieces):
    client.send_body(*pieces)

    assert body.read_at_once() is None
    assert await body == b"one two"


async def test_a_body_that_has_not_arrived_is_not_read_at_once_and_loses_nothing(client, body):
    assert body.read_at_once() is None
    assert body.read_at_once() is None
    client.send_body(b"late")
    assert await body == b"late"
    assert client.asked == 1


async def test_a_body_that_was_given_is_not_received(client, body):
    client.send_body(b"sent")
    body.cached = b"given"

    assert body.read_at_once() is None
    assert await body == b"given"
    assert client.asked == 0


@pytest.mark.parametrize(
    ("announced", "limit", "error"),
    [
        (None, 3, RequestEntityTooLarge),
        (4, 3, RequestEntityTooLarge),
        (5, None, ClientDisconnected),
        (None, None, ClientDisconnected),
    ],
)
async def test_a_malformed_body_is_an_error_of_the_next_read(client, announced, limit, error):
    body = Body(client.receive, announced, limit)
    if announced is limit is None:
        client.leave()
    else:
        client.send_body(b"data")

    assert body.read_at_once() is None
    with pytest.raises(error, match=r"4 bytes|4 of the 5|disconnected"):
        await body


async def test_bytes_beyond_the_announced_length_are_not_read_at_once_either(client):
    client.send_body(b"data and more")
    body = Body(client.receive, 4)

    assert body.read_at_once() is None
    assert await body == b"data"


async def test_nothing_is_read_at_once_while_another_task_reads_the_body(client, body):
    body.claimed = True
    client.send_body(b"data")
    reading = asyncio.ensure_future(body.read_all())
    await turn()

    assert client.asked == 0
    body.release()
    assert await reading == b"data"


async def test_reading_without_cache_keeps_nothing(client, body):
    client.send_body(b"data")

    assert await body.read_all(cache=False) == b"data"
    assert await body.read_all() == b""


async def test_thousands_of_tiny_pieces_are_gathered(client, body):
    """CVE-2025-69229: the pieces become few slices, not a list of thousands."""
    client.send_body(*[b"ab"] * SLICE)
    slices = []
    while data := await body.read_slice():
        slices.append(len(data))

    assert sum(slices) == 2 * SLICE
    assert len(slices) == 2


async def test_a_cancelled_read_loses_nothing(client, body):
    client.send_body(b"one ", b"two ", more=True)
    reading = asyncio.ensure_future(body.read_all())
    await turn()
    reading.cancel()
    await turn()
    client.send_body(b"three")

    assert reading.cancelled()
    assert await body == b"one two three"


async def test_two_tasks_that_read_get_the_same(client, body):
    client.send_body(b"one ", more=True)
    reading = asyncio.gather(body.read_all(), body.read_all(), body.read_all())
    await turn()
    client.send_body(b"two")

    assert await reading == [b"one two"] * 3


async def test_a_waiting_reader_takes_over_from_a_cancelled_one(client, body):
    client.send_body(b"one ", more=True)
    first, second = asyncio.ensure_future(body.read_all()), asyncio.ensure_future(body.read_all())
    await turn()
    first.cancel()
    client.send_body(b"two")

    assert await second == b"one two"


# -- limits ----------------------------------------------------------------------------------------


async def test_an_announced_length_over_the_limit_is_refused_before_receiving(client):
    body = Body(client.receive, 11, 10)

    with pytest.raises(RequestEntityTooLarge, match=r"11 bytes .* 10 are accepted"):
        await body
    assert client.asked == 0


@pytest.mark.parametrize("read", [Body.read_all, Body.read_chunk, Body.read_slice])
async def test_the_limit_counts_while_reading(client, read):
    """A chunked body announces nothing; it is refused with the piece that is too much."""
    body = Body(client.receive, None, 10)
    client.send_body(b"x" * 6, b"x" * 6, b"never asked for")

    with pytest.raises(RequestEntityTooLarge, match="12 bytes or more"):
        while await read(body):
            pass
    assert client.asked == 2


async def test_a_refused_body_stays_refused(client):
    body = Body(client.receive, None, 10)
    client.send_body(b"x" * 11)
    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge, match="MAX_CONTENT_LENGTH"):
            await body


async def test_a_body_of_exactly_the_limit_is_accepted(client):
    client.send_body(b"x" * 10)

    assert await Body(client.receive, 10, 10) == b"x" * 10


async def test_a_body_shorter_than_announced_is_an_error(client):
    body = Body(client.receive, 10)
    client.send_body(b"12345")

    with pytest.raises(ClientDisconnected, match="5 of the 10 bytes"):
        await body


async def test_bytes_beyond_the_announced_length_are_ignored(client):
    body = Body(client.receive, 5)
    client.send_body(b"123", b"456", b"789")

    assert await body == b"12345"


# -- disconnects -----------------------------------------------------------------------------------


async def test_a_client_that_disconnects_in_the_middle_is_an_error_each_time(client, body):
    client.send_body(b"half", more=True)
    client.leave()
    for _ in range(2):
        with pytest.raises(ClientDisconnected, match="before it had sent the whole body"):
            await body
    assert body.disconnected


async def test_asking_for_presence_loses_nothing_of_the_body(client, body):
    client.send_body(b"one ", b"two")

    assert not await body.is_disconnected()
    assert not await body.is_disconnected()
    assert await body == b"one two"


async def test_asking_looks_one_message_ahead_at_most(client, body):
    client.send_body(b"one", b"two", b"three")
    for _ in range(5):
        await body.is_disconnected()

    assert client.asked == 1


async def test_asking_while_nothing_comes_leaves_the_receive_for_the_reader(client, body):
    """Servers may lose a message whose receive was cancelled: it is resumed instead."""
    assert not await body.is_disconnected()
    client.send_body(b"data")
    assert not await body.is_disconnected()

    assert await body == b"data"
    assert client.asked == 1


async def test_a_disconnect_after_the_body_is_noticed(client, body):
    client.send_body(b"data")
    await body
    assert not await body.is_disconnected()
    client.leave()

    assert await body.is_disconnected()
    assert await body.is_disconnected()


async def test_a_busy_view_that_polls_notices_the_disconnect(client, body):
    """``while not await request.is_disconnected()`` lets the loop run."""
    client.send_body(b"")
    await body
    asyncio.get_running_loop().call_soon(client.leave)
    asked = 0
    while not await body.is_disconnected():
        asked += 1

    assert asked < 5


async def test_a_watcher_returns_when_the_client_disconnects(client, body):
    client.send_body(b"data")
    await body
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()
    assert not watcher.done()
    client.leave()

    await asyncio.wait_for(watcher, 5)
    assert body.disconnected


async def test_a_watcher_takes_nothing_from_the_reader(client, body):
    """Also when both wait for the same message, in either order."""
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()
    reading = asyncio.ensure_future(body.read_all())
    await turn()
    client.send_body(b"one ", b"two ", more=True)
    await turn()
    client.send_body(b"three")

    assert await asyncio.wait_for(reading, 5) == b"one two three"
    client.leave()
    await asyncio.wait_for(watcher, 5)


async def test_a_watcher_holds_one_message_at_most(client, body):
    client.send_body(b"one", b"two", b"three")
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()

    assert client.asked == 1
    assert await body == b"onetwothree"
    watcher.cancel()


async def test_a_cancelled_watcher_leaves_the_receive_to_the_reader(client, body):
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()
    reading = asyncio.ensure_future(body.read_all())
    await turn()
    watcher.cancel()
    await turn()
    client.send_body(b"data")

    assert await asyncio.wait_for(reading, 5) == b"data"


async def test_a_disconnect_that_a_watcher_received_reaches_the_reader(client, body):
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()
    reading = asyncio.ensure_future(body.read_all())
    await turn()
    client.leave()

    with pytest.raises(ClientDisconnected, match="before it had sent"):
        await asyncio.wait_for(reading, 5)
    await watcher


async def test_a_server_that_repeats_the_body_is_not_watched_in_a_loop():
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    body = Body(receive)
    await body
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()

    assert not watcher.done()
    assert not await body.is_disconnected()
    watcher.cancel()


# -- timeouts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [{"idle_timeout": 0.01}, {"timeout": 0.01}])
async def test_a_body_that_does_not_come_is_a_408(client, times):
    """Without an id: slow body."""
    body = Body(client.receive, 10, **times)
    client.send_body(b"12345", more=True)
    for _ in range(2):
        with pytest.raises(RequestTimeout, match="BODY_IDLE_TIMEOUT"):
            await body


async def test_the_total_timeout_ends_a_slow_body(client):
    body = Body(client.receive, timeout=0.05, idle_timeout=60)

    async def dribble():
        while True:
            client.send_body(b"x", more=True)
            await asyncio.sleep(0.001)

    dribbling = asyncio.ensure_future(dribble())
    with pytest.raises(RequestTimeout, match="did not come in time"):
        await body
    dribbling.cancel()


async def test_a_reader_behind_a_watcher_is_timed_too(client):
    body = Body(client.receive, idle_timeout=0.01)
    watcher = asyncio.ensure_future(body.wait_disconnect())
    await turn()

    with pytest.raises(RequestTimeout, match="did not come in time"):
        await body
    watcher.cancel()


async def test_a_cancellation_is_no_timeout(client, body):
    reading = asyncio.ensure_future(body.read_all())
    await turn()
    reading.cancel("by the user")

    with pytest.raises(asyncio.CancelledError, match="by the user"):
        await reading


async def test_a_message_that_is_ready_needs_no_loop():
    """The pipeline is also driven without a loop (design D5): a ready body never suspends."""

    async def receive():
        return {"type": "http.request", "body": b"data"}

    with pytest.raises(StopIteration) as stop:
        Body(receive).read_all().send(None)

    assert stop.value.value == b"data"


async def test_receive_may_be_any_awaitable():
    """Granian's is no coroutine."""
    loop = asyncio.get_running_loop()

    def receive():
        future = loop.create_future()
        loop.call_soon(future.set_result, {"type": "http.request", "body": b"data"})
        return future

    assert await Body(receive) == b"data"


async def test_closing_forgets_a_receive_that_is_under_way(client, body):
    await body.is_disconnected()
    body.close()
    client.send_body(b"data")

    assert client.messages


# -- for worker threads ----------------------------------------------------------------------------


POST = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [(b"transfer-encoding", b"chunked")],
}


async def in_thread(func, *args):
    return await asyncio.wait_for(asyncio.to_thread(func, *args), 5)


async def test_a_worker_reads_bytes_that_arrive_later(client, body):
    stream = sync_input(body, asyncio.get_running_loop(), POST)
    client.send_body(b"line one\nline", more=True)
    line = await in_thread(stream.readline)
    asyncio.get_running_loop().call_later(0.01, client.send_body, b" two\nrest")

    assert line == b"line one\n"
    assert await in_thread(stream.readline) == b"line two\n"
    assert await in_thread(stream.read) == b"rest"
    assert await in_thread(stream.read) == b""


async def test_pieces_larger_than_the_buffer_lose_nothing(client, body):
    client.send_body(bytes(range(256)) * 100, b"end")
    stream = sync_input(body, asyncio.get_running_loop(), POST)

    assert await in_thread(stream.read, 10) == bytes(range(10))
    assert await in_thread(stream.read) == (bytes(range(256)) * 100)[10:] + b"end"


async def test_a_prefetched_body_is_read_without_the_loop(client, body, still_loop):
    client.send_body(b"one ", b"two", b"")
    body.prefetch()
    stream = sync_input(body, still_loop, POST)

    assert stream.read(5) == b"one t"
    assert stream.read() == b"wo"


async def test_prefetching_takes_a_slice_at_most(client, body):
    client.send_body(*[b"x" * SLICE] * 3)
    body.prefetch()

    assert client.asked == 1
    assert len(await body) == 3 * SLICE


async def test_prefetching_leaves_an_error_to_the_reader(client):
    body = Body(client.receive, None, 10)
    client.send_body(b"x" * 11)
    body.prefetch()

    with pytest.raises(RequestEntityTooLarge, match="MAX_CONTENT_LENGTH"):
        await in_thread(sync_input(body, asyncio.get_running_loop(), POST).read)


async def test_a_limit_raised_or_lowered_after_prefetching_counts(client):
    raised, lowered = Body(client.receive, 11, 10), Body(client.receive, 11)
    client.send_body(b"x" * 11)
    raised.prefetch()
    raised.max_content_length = 11
    assert await raised == b"x" * 11
    client.send_body(b"x" * 11)
    lowered.prefetch()
    lowered.max_content_length = 10

    with pytest.raises(RequestEntityTooLarge, match="10 are accepted"):
        await lowered


@pytest.mark.parametrize("leave", [True, False])
async def test_prefetching_half_a_body_does_not_complete_it(client, leave):
    body = Body(client.receive, 10)
    client.send_body(b"12345", more=leave)
    if leave:
        client.leave()
    body.prefetch()

    with pytest.raises(ClientDisconnected, match=r"10 bytes|before it had sent"):
        await body


async def test_the_loop_and_a_worker_share_one_position(client, body):
    client.send_body(b"one", b"two")
    first = await body.read_chunk()

    assert first == b"one"
    assert await in_thread(sync_input(body, asyncio.get_running_loop(), POST).read) == b"two"
    assert await body.read_all() == b""


async def test_an_error_reaches_the_worker(client):
    body = Body(client.receive, None, 10)
    client.send_body(b"x" * 6, b"x" * 6)

    with pytest.raises(RequestEntityTooLarge, match="MAX_CONTENT_LENGTH"):
        await in_thread(sync_input(body, asyncio.get_running_loop(), POST).read)


async def test_reading_on_the_loops_own_thread_raises_instead_of_hanging(client, body):
    stream = sync_input(body, asyncio.get_running_loop(), POST)

    with pytest.raises(RuntimeError, match="on the event loop"):
        stream.read()


async def test_a_body_that_was_consumed_is_an_empty_stream(client, body):
    client.send_body(b"data")
    await body.read_all(cache=False)

    assert sync_input(body, asyncio.get_running_loop(), POST).read() == b""


@pytest.mark.parametrize("made", ["before", "after"])
async def test_a_body_that_was_kept_is_a_stream_of_it_once(client, body, made):
    client.send_body(b"data")
    before = sync_input(body, asyncio.get_running_loop(), POST)
    await body
    stream = before if made == "before" else sync_input(body, asyncio.get_running_loop(), POST)

    assert stream.read(3) == b"dat"
    assert stream.read() == b"a"
    assert stream.read() == b""


def test_without_a_loop_a_ready_body_is_read_in_place():
    async def receive():
        return {"type": "http.request", "body": b"data"}

    assert sync_input(Body(receive), None, POST).read() == b"data"


def test_without_a_loop_a_body_that_is_not_there_is_an_error():
    async def receive():
        await asyncio.sleep(0)
        return {"type": "http.request"}

    body = Body(receive, idle_timeout=None)
    with pytest.raises(RuntimeError, match="no event loop"):
        BodyReader(body, None, POST).read(1)


# -- received ahead --------------------------------------------------------------------------------


async def ahead(client, body, *pieces, limit=10**9):
    client.send_body(*pieces)
    await body.receive_ahead(limit)


@pytest.mark.parametrize("spool_at", [10**9, 4])
async def test_bytes_received_ahead_are_read_in_place(client, body, monkeypatch, spool_at):
    monkeypatch.setattr("asyncflask.wrappers.request.body_bytes.SPOOL_AT", spool_at)
    await ahead(client, body, b"one ", b"two ", b"three", b"")
    stream = sync_input(body, asyncio.get_running_loop(), POST)

    assert stream.read(5) == b"one t"
    assert stream.read() == b"wo three"
    assert stream.read() == b""


async def test_bytes_received_ahead_may_be_awaited_as_well(client, body, monkeypatch):
    monkeypatch.setattr("asyncflask.wrappers.request.body_bytes.SPOOL_AT", 4)
    await ahead(client, body, b"one ", b"two ", b"three", b"")

    assert await body == b"one two three"


async def test_receiving_ahead_stops_after_the_limit(client, body):
    await ahead(client, body, b"1234", b"5678", b"90", limit=6)

    assert client.asked == 2
    assert await body == b"1234567890"


async def test_the_temporary_file_is_closed_with_the_body(client, body, monkeypatch):
    monkeypatch.setattr("asyncflask.wrappers.request.body_bytes.SPOOL_AT", 0)
    await ahead(client, body, b"one", b"")
    file = body._spooled
    body.close()

    assert file.closed


async def test_reading_in_place_before_the_body_has_arrived_is_an_error(client, body):
    await ahead(client, body, b"1234", b"5678", limit=2)
    stream = sync_input(body, asyncio.get_running_loop(), POST)

    assert stream.read(4) == b"1234"
    with pytest.raises(RuntimeError, match="on the event loop that has to receive it"):
        stream.read()


async def test_a_small_body_that_has_arrived_is_taken_at_once(client, body):
    client.send_body(b"one", b"")
    before = body.take_whole()
    body.prefetch()

    assert (before, body.take_whole(), body.take_whole()) == (None, b"one", None)


async def test_the_disk_is_written_off_the_loop(client, monkeypatch):
    """CVE-2025-54121: a large upload that rolls over to disk must not stop the loop."""
    monkeypatch.setattr("asyncflask.wrappers.request.body_bytes.SPOOL_AT", 2)
    threads = []

    class Noting(Body):
        def _to_disk(self, data):
            threads.append(threading.get_ident())
            super()._to_disk(data)

    body = Noting(client.receive)
    await ahead(client, body, b"one", b"two", b"")
    body.close()

    assert threads
    assert threading.get_ident() not in threads
