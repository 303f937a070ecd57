"""Coroutines that a thread waits for, and coroutines that move between a thread and the loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
import threading
import traceback
import types
import weakref

import pytest

from asyncflask.concurrency.bridge import (
    TO_LOOP,
    drive,
    resume,
    run_alone,
    run_from_thread,
    step_in_thread,
)
from asyncflask.concurrency.pool import WorkerPool

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


async def coroutine_function():
    pass


async def raising(error):
    raise error


# -- run_from_thread -------------------------------------------------------------------------------


async def test_context_variables_go_to_the_loop_and_come_back():
    def in_thread(loop):
        variable.set("thread")
        return run_from_thread(set_variable("loop"), loop), variable.get()

    seen = await asyncio.to_thread(in_thread, asyncio.get_running_loop())

    assert seen == ("thread", "loop")
    assert variable.get() == "unset"


def wait_on_loop_of_thread(coro, loop):
    return run_from_thread(coro, loop)


def wait_on_loop_of_its_own(coro, loop):
    return run_alone(coro)


async def wait_beside_a_loop(coro):
    return run_alone(coro)


def wait_in_thread_with_a_loop(coro, loop):
    return asyncio.run(wait_beside_a_loop(coro))


WAYS = [wait_on_loop_of_thread, wait_on_loop_of_its_own, wait_in_thread_with_a_loop]


class Handled(Exception):
    pass


@pytest.mark.parametrize("wait", WAYS)
async def test_a_coroutine_finds_the_exception_that_the_waiting_thread_handles(wait):
    """Its traceback has no frame of the bridge; outside of an `except` there is none."""

    async def look():
        await asyncio.sleep(0)
        return sys.exc_info()[1], traceback.format_exc()

    def in_thread(loop):
        try:
            raise Handled
        except Handled as error:
            found, text = wait(look(), loop)
            same = found is error
        return same, text, wait(look(), loop)[0]

    same, text, after = await asyncio.to_thread(in_thread, asyncio.get_running_loop())

    assert same
    assert text.count("File ") == 1
    assert after is None


async def raise_again():
    await asyncio.sleep(0)
    raise  # the thread handles it


@pytest.mark.parametrize("wait", WAYS)
async def test_a_coroutine_raises_again_what_the_waiting_thread_handles(wait):
    def in_thread(loop):
        error = Handled()
        try:
            try:
                raise error
            except Handled:
                wait(raise_again(), loop)
        except Handled as caught:
            return caught is error

    assert await asyncio.to_thread(in_thread, asyncio.get_running_loop())


@pytest.mark.parametrize("wait", [wait_on_loop_of_thread, wait_on_loop_of_its_own])
@pytest.mark.parametrize("function", [coroutine_function, raise_again])
async def test_an_exception_that_a_thread_handles_is_freed(function, wait):
    def in_thread(loop):
        try:
            raise Handled
        except Handled as error:
            with contextlib.suppress(Handled):
                wait(function(), loop)
            return weakref.ref(error)

    gc.disable()
    try:
        freed = await asyncio.to_thread(in_thread, asyncio.get_running_loop())
        await asyncio.sleep(0)  # The task's last callback holds its result.

        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
async def test_no_exception_reaches_the_loop(kind):
    error, loop = kind("of the coroutine"), asyncio.get_running_loop()

    def in_thread():
        with pytest.raises(kind, match="of the coroutine") as caught:
            run_from_thread(raising(error), loop)
        return caught.value is error

    assert await asyncio.to_thread(in_thread)


async def test_a_closed_loop_is_an_error_and_does_not_hang():
    loop = asyncio.new_event_loop()
    loop.close()

    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.to_thread(run_from_thread, set_variable("x"), loop)


async def test_run_from_thread_runs_on_the_loop_and_waits():
    async def ident():
        return threading.get_ident()

    loop = asyncio.get_running_loop()

    assert await asyncio.to_thread(run_from_thread, ident(), loop) == threading.get_ident()


async def test_run_from_thread_on_the_loops_own_thread_is_an_error_and_no_deadlock():
    with pytest.raises(RuntimeError, match="on the event loop that has to run it"):
        run_from_thread(coroutine_function(), asyncio.get_running_loop())


# -- a lease that waits ----------------------------------------------------------------------------


async def test_a_waiting_worker_runs_other_calls_of_its_request(lease):
    async def asking():
        return await lease.run(threading.get_ident)

    def in_worker():
        return lease.wait_for(asking()) == threading.get_ident()

    assert await lease.run(in_worker)


async def test_a_preparation_is_awaited_first(lease):
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


async def test_a_cancellation_ends_only_the_coroutine_that_the_worker_waits_for(lease):
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


async def test_inside_a_loop_it_runs_in_another_thread():
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


# -- a coroutine that moves ------------------------------------------------------------------------


async def places(seen):
    seen.append(threading.get_ident())
    await TO_LOOP
    seen.append(threading.get_ident())
    await asyncio.sleep(0)
    return "end"


def test_a_coroutine_that_never_waits_is_driven_without_a_loop():
    assert drive(coroutine_function()) is None


def test_drive_starts_a_loop_only_where_it_is_asked_for():
    seen: list[int] = []

    assert drive(places(seen)) == "end"
    assert len(seen) == 2


async def test_drive_on_a_running_loop_says_async_with():
    with pytest.raises(RuntimeError, match="Write `async with` instead of `with`"):
        drive(places([]))


async def test_step_refuses_a_coroutine_that_waits_for_a_loop():
    with pytest.raises(RuntimeError, match="in a thread that has no event loop"):
        step_in_thread(asyncio.sleep(0))


async def test_resume_goes_on_where_step_stopped():
    coro = places([])
    stepped = step_in_thread(coro)

    assert stepped == (False, None)
    assert await resume(coro) == "end"


def begun(awaitable):
    """Take the first step; return an awaitable for the rest."""
    steps = awaitable.__await__()
    return resume(steps, next(steps))


async def test_a_coroutine_that_has_begun_continues_to_its_result():
    async def work():
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return "done"

    assert await begun(work()) == "done"


async def test_a_cancellation_arrives_inside():
    log = []

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            return "late"

    async def rest():
        return await begun(work())

    task = asyncio.create_task(rest())
    await asyncio.sleep(0)
    task.cancel()

    assert await task == "late"
    assert log == ["cancelled"]


def test_what_is_sent_arrives_inside():
    """No event loop sends values; other drivers of coroutines may."""

    @types.coroutine
    def ask():
        return (yield 1), (yield 2)

    async def work():
        return await ask()

    rest = begun(work())

    assert rest.send(None) == 1
    assert rest.send("a") == 2
    with pytest.raises(StopIteration, match=r"\('a', 'b'\)"):
        rest.send("b")


def test_an_error_passes_through_an_iterator_without_throw():
    class Bare:
        def __await__(self):
            return iter([1, 2])

    rest = begun(Bare())
    rest.send(None)

    with pytest.raises(OSError, match="gone"):
        rest.throw(OSError("gone"))
