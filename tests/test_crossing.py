"""Coroutines that a thread waits for; the ones that move are in ``test_concurrency.py``."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from asyncflask.concurrency import WorkerPool
from asyncflask.crossing import bridge, run_alone

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
async def lease():
    lease = await WorkerPool(1).lease()
    yield lease
    lease.release()


async def set_variable(value):
    await asyncio.sleep(0)
    before = variable.get()
    variable.set(value)
    return before


async def raising(error):
    raise error


# -- bridge ----------------------------------------------------------------------------------------


async def test_context_variables_go_to_the_loop_and_come_back():
    def in_thread(loop):
        variable.set("thread")
        return bridge(set_variable("loop"), loop), variable.get()

    seen = await asyncio.to_thread(in_thread, asyncio.get_running_loop())

    assert seen == ("thread", "loop")
    assert variable.get() == "unset"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
async def test_no_exception_goes_into_the_loop(kind):
    error, loop = kind("of the coroutine"), asyncio.get_running_loop()

    def in_thread():
        with pytest.raises(kind, match="of the coroutine") as caught:
            bridge(raising(error), loop)
        return caught.value is error

    assert await asyncio.to_thread(in_thread)


async def test_a_closed_loop_is_an_error_and_no_hang():
    loop = asyncio.new_event_loop()
    loop.close()

    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.to_thread(bridge, set_variable("x"), loop)


# -- a lease that waits ----------------------------------------------------------------------------


async def test_the_waiting_worker_does_what_it_is_asked(lease):
    async def asking():
        return await lease.run(threading.get_ident)

    def in_worker():
        return lease.wait_for(asking()) == threading.get_ident()

    assert await lease.run(in_worker)


async def test_what_was_prepared_is_awaited_first(lease):
    order = []

    async def note(name):
        order.append(name)

    lease.prepare = lambda: note("prepared")
    await lease.run(lambda: lease.wait_for(note("called")))

    assert order == ["prepared", "called"]


async def test_a_failed_preparation_is_raised_instead(lease):
    lease.prepare = lambda: raising(ValueError("not ready"))

    with pytest.raises(ValueError, match="not ready"):
        await lease.run(lambda: lease.wait_for(set_variable("x")))


async def test_a_cancellation_ends_what_the_worker_waits_for_and_only_that(lease):
    started, order = asyncio.Event(), []

    async def sleeping():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            order.append("slept")

    async def after():
        await asyncio.sleep(0)
        order.append("after")

    def in_worker():
        try:
            lease.wait_for(sleeping())
        finally:
            lease.wait_for(after())

    running = asyncio.ensure_future(_owned(lease, in_worker))
    await started.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert order == ["slept", "after"]


async def _owned(lease, func):
    return await lease.run(func)


# -- run_alone -------------------------------------------------------------------------------------


def test_without_a_loop_it_runs_here():
    async def ident():
        return threading.get_ident()

    assert run_alone(ident()) == threading.get_ident()


async def test_inside_a_loop_it_runs_beside():
    async def ident():
        return threading.get_ident()

    assert run_alone(ident()) != threading.get_ident()


def _both_ways(function):
    async def inside():
        return function()

    return [function(), asyncio.run(inside())]


def test_the_caller_sees_its_context_variables_both_ways():
    def once():
        variable.set("caller")
        return run_alone(set_variable("coroutine")), variable.get()

    assert contextvars.copy_context().run(_both_ways, once) == [("caller", "coroutine")] * 2


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_exceptions_reach_the_caller_both_ways(kind):
    def once():
        with pytest.raises(kind, match="of it"):
            run_alone(raising(kind("of it")))
        return True

    assert _both_ways(once) == [True, True]
