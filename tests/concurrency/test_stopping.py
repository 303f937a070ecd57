"""``app.stopping``: an event for all loops and threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncflask.concurrency.stopping import Stopping


async def test_what_waits_goes_on_when_it_is_set_in_another_thread():
    stopping = Stopping()
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.sleep(0)

    assert not stopping.is_set()
    threading.Thread(target=stopping.set).start()
    assert await waiting
    assert stopping.is_set()
    assert await stopping.wait()


def test_one_event_is_waited_for_on_several_loops():
    stopping = Stopping()
    begun = threading.Barrier(3)
    ended = []

    async def wait(name):
        asyncio.get_running_loop().call_soon(begun.wait, 10)
        await stopping.wait()
        ended.append(name)

    threads = [threading.Thread(target=asyncio.run, args=[wait(name)]) for name in "ab"]
    for thread in threads:
        thread.start()
    begun.wait(10)
    stopping.set()
    for thread in threads:
        thread.join(10)

    assert sorted(ended) == ["a", "b"]


async def test_a_callback_is_called_once_unless_it_is_forgotten():
    stopping, called = Stopping(), []
    stopping.call(lambda: called.append("before"))
    stopping.call(lambda: called.append("forgotten"))()
    stopping.set()
    stopping.set()
    stopping.call(lambda: called.append("after"))
    stopping.call(lambda: called.append("forgotten"))()
    await asyncio.sleep(0)

    assert called == ["before", "after"]


def test_a_loop_that_was_closed_is_no_error():
    stopping, called = Stopping(), []

    async def register():
        stopping.call(lambda: called.append("closed"))

    asyncio.run(register())
    stopping.set()

    assert called == []


async def test_it_may_be_used_a_second_time():
    stopping = Stopping()
    stopping.set()
    stopping.clear()
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.sleep(0)

    assert not waiting.done()
    stopping.set()
    assert await waiting


def test_it_is_no_condition():
    with pytest.raises(TypeError, match=r"Write `app\.stopping\.is_set\(\)`"):
        bool(Stopping())
