"""The process of one peer: its turns, and its interface to the measuring process."""

from __future__ import annotations

import os
import time
from multiprocessing import Pipe

import pytest

from benchmarks.apps import PEERS
from benchmarks.client import WrongAnswer
from benchmarks.turns import Entry, Taker, entry_of, take_turns
from benchmarks.workloads import WORKLOADS

PLAINTEXT = WORKLOADS["plaintext"]
TURN = 0.0001


async def answers_to(entry, *turns):
    """The answers of a process to seconds and to the ``None`` that ends it."""
    here, there = Pipe()
    with here, there:
        for each in turns:
            here.send(each)
        await take_turns(entry, there)
        return [here.recv() for _ in range(1 + len(turns))]


async def hello(send, body=b"Hello, World!"):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def test_a_turn_is_answered_with_microseconds_and_the_end_with_none():
    ready, first, second, last = await answers_to(
        entry_of(PEERS["raw"], PLAINTEXT), TURN, TURN, None
    )

    assert (ready, last) == (None, None)
    assert first > 0
    assert second > 0


async def test_a_wsgi_app_takes_turns_too():
    _, micros, _ = await answers_to(entry_of(PEERS["flask"], PLAINTEXT), TURN, None)

    assert micros > 0


async def test_an_app_that_answers_wrongly_has_no_turn():
    entry = Entry(PEERS["raw"].apps()["json"], PLAINTEXT)

    with pytest.raises(WrongAnswer, match="plaintext"):
        await answers_to(entry, TURN, None)


async def test_an_app_that_breaks_down_while_it_is_measured_is_found():
    calls = 0

    async def app(scope, receive, send):
        nonlocal calls
        calls += 1
        await hello(send, b"Hello, World!" if calls == 1 else b"")

    with pytest.raises(WrongAnswer, match="The body is b''"):
        await answers_to(Entry(lambda: app, PLAINTEXT), TURN, None)


async def test_an_app_that_wants_it_is_started_before_and_ended_after():
    events = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                events.append((await receive())["type"])
                await send({"type": f"lifespan.{event}.complete"})
            return
        assert events == ["lifespan.startup"]
        await hello(send)

    await answers_to(Entry(lambda: app, PLAINTEXT, lifespan=True), TURN, None)

    assert events == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_app_that_waits_for_it_has_a_client_that_leaves():
    async def app(scope, receive, send):
        await receive()
        await hello(send, WORKLOADS["stream"].answer)
        assert (await receive())["type"] == "http.disconnect"

    _, micros, _ = await answers_to(
        Entry(lambda: app, WORKLOADS["stream"], leaves=True), TURN, None
    )

    assert micros > 0


def test_a_peer_without_an_app_for_a_workload_has_no_entry():
    assert entry_of(PEERS["flask"], WORKLOADS["websocket"]) is None


# -- from outside ----------------------------------------------------------------------------------


def own_process():
    """An app whose body is the process that it runs in."""

    async def app(scope, receive, send):
        await hello(send, b"%d" % os.getpid())

    return app


def leaving_process():
    os._exit(7)


def test_an_app_does_not_run_in_this_process():
    taker = Taker(Entry(own_process, PLAINTEXT))
    try:
        with pytest.raises(WrongAnswer, match=r"The body is b'\d+'") as caught:
            taker.wait_until_ready()
    finally:
        taker.end()

    assert str(os.getpid()) not in str(caught.value)


def test_a_process_that_ends_by_itself_is_named_with_its_status():
    taker = Taker(Entry(leaving_process, PLAINTEXT))
    try:
        with pytest.raises(RuntimeError, match="'plaintext' ended by itself, with 7;"):
            taker.wait_until_ready()
    finally:
        taker.end()


def test_a_process_that_is_in_the_middle_of_something_is_ended():
    taker = Taker(entry_of(PEERS["raw"], PLAINTEXT))
    taker.wait_until_ready()
    taker._line.send(3600.0)

    began = time.monotonic()
    taker.end()

    assert time.monotonic() - began < 60
    assert taker._process.exitcode is not None
