"""Leases, and coroutines that move from a worker to the loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
import time
import types
import weakref

import pytest

from asyncflask.concurrency.bridge import TO_LOOP, run_from_thread
from asyncflask.concurrency.pool import WorkerPool
from asyncflask.concurrency.workers import finish, on_worker, run_in_thread, run_sync

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def pool():
    pool = WorkerPool(size=2, queue_size=2)
    yield pool
    assert pool.busy == 0
    pool.trim()


def plain():
    return asyncio.sleep(0)


async def coroutine_function():
    pass


# -- leases ----------------------------------------------------------------------------------------


async def test_all_calls_of_a_lease_run_in_one_thread(pool):
    lease = await pool.lease()
    idents = {await lease.run(threading.get_ident) for _ in range(5)}
    lease.release()

    assert idents == {lease.ident}
    assert threading.get_ident() not in idents


async def test_context_variables_go_both_ways(pool):
    lease = await pool.lease()
    variable.set("by the loop")
    seen = await lease.run(variable.get)
    await lease.run(variable.set, "by the worker")
    lease.release()

    assert seen == "by the loop"
    assert variable.get() == "by the worker"


async def test_a_token_made_in_a_worker_is_reset_in_a_later_call(pool):
    lease = await pool.lease()
    token = await lease.run(variable.set, "set")
    await lease.run(variable.reset, token)
    lease.release()

    assert variable.get() == "unset"


async def test_a_worker_waits_until_the_loop_has_left_the_context(pool):
    """Else a quick thread would enter the context before the task has left it."""
    lease = await pool.lease()
    running = lease.run(variable.get)

    @types.coroutine
    def suspend_late():
        outcome = running.send(None)  # The job is in the inbox, and this task still runs.
        time.sleep(0.05)
        yield outcome

    await suspend_late()
    with pytest.raises(StopIteration) as stop:
        running.send(None)

    assert stop.value.value == "unset"
    lease.release()


async def test_an_error_is_raised_unchanged(pool):
    def fail():
        raise LookupError("as it is")

    lease = await pool.lease()
    with pytest.raises(LookupError, match="as it is"):
        await lease.run(fail)
    lease.release()


async def test_stop_iteration_of_a_job_does_not_hang(pool):
    lease = await pool.lease()
    with pytest.raises(RuntimeError, match="StopIteration"):
        await lease.run(next, iter(()))
    lease.release()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
async def test_an_exit_in_a_worker_becomes_an_error_that_says_so(pool, kind):
    def leave():
        raise kind(3)

    lease = await pool.lease()
    with pytest.raises(RuntimeError, match="cannot end the server") as raised:
        await lease.run(leave)
    lease.release()

    assert isinstance(raised.value.__cause__, kind)


async def test_a_released_lease_refuses_to_run(pool):
    lease = await pool.lease()
    lease.release()
    lease.release()

    with pytest.raises(RuntimeError, match="given back before"):
        await lease.run(len, "")


async def test_a_cancellation_is_delivered_when_the_thread_has_returned(pool):
    lease = await pool.lease()
    going, go_on = threading.Event(), threading.Event()

    def job():
        going.set()
        go_on.wait(5)
        done.append(1)

    done: list[int] = []
    task = asyncio.create_task(lease.run(job))
    await asyncio.to_thread(going.wait, 5)
    task.cancel()
    task.cancel()
    await asyncio.sleep(0)
    was_running = not task.done()
    go_on.set()
    await asyncio.wait([task])
    lease.release()

    assert was_running
    assert done
    assert task.cancelled()


async def test_a_child_task_runs_in_its_own_context_on_the_same_thread(pool):
    """Else the parent, waking up while the worker is in its context, could never be stepped."""
    lease = await pool.lease()
    going, go_on = threading.Event(), threading.Event()

    def job():
        variable.set("by the child")
        going.set()
        go_on.wait(5)
        return threading.get_ident()

    task = asyncio.create_task(lease.run(job))
    await asyncio.to_thread(going.wait, 5)
    awake = variable.get()
    go_on.set()
    ident = await task
    lease.release()

    assert awake == variable.get() == "unset"
    assert ident == lease.ident


async def test_a_thread_that_still_works_is_not_given_to_the_next_request(pool):
    """A task may outlive its request; the next request must not wait for it."""
    lease = await pool.lease()
    working, ended = threading.Event(), threading.Event()

    def work():
        working.set()
        ended.wait(5)
        return threading.get_ident()

    stray = asyncio.create_task(lease.run(work))
    await asyncio.to_thread(working.wait, 5)
    lease.release()
    assert pool.busy == 1

    next_lease = await pool.lease()
    assert await next_lease.run(threading.get_ident) != lease.ident
    next_lease.release()
    ended.set()
    assert await stray == lease.ident
    assert pool.busy == 0


async def test_a_forgotten_lease_gives_its_worker_back(pool):
    lease = await pool.lease()
    busy = pool.busy
    del lease

    assert busy == 1
    assert pool.busy == 0


async def test_a_worker_that_waits_for_the_loop_serves_it_meanwhile(pool):
    """Else an ``async def`` called from a ``def`` view could not call a ``def`` function."""
    lease = await pool.lease()
    loop = asyncio.get_running_loop()

    async def on_the_loop(depth):
        return await lease.run(deeper, depth)

    def deeper(depth):
        below = run_from_thread(on_the_loop(depth - 1), loop) if depth else []
        return [threading.get_ident(), *below]

    idents = await asyncio.wait_for(lease.run(deeper, 3), 5)
    after = await asyncio.wait_for(lease.run(len, "abc"), 5)
    lease.release()

    assert idents == [lease.ident] * 4
    assert after == 3


async def test_an_idle_worker_keeps_nothing_of_its_last_job(pool):
    class Kept:
        def __call__(self):
            return self

    job = Kept()
    lease = await pool.lease()
    await lease.run(job)
    lease.release()
    dead = weakref.ref(job)
    del job, lease
    # The worker lets go right after it has answered.
    for _ in range(200):
        if dead() is None:
            break
        await asyncio.sleep(0.005)

    assert dead() is None


# -- run_in_thread, run_sync -----------------------------------------------------------------------


async def test_run_in_thread_uses_another_thread():
    assert await run_in_thread(threading.get_ident) != threading.get_ident()


async def test_run_sync_carries_a_copy_of_the_context():
    variable.set("mine")

    @run_sync
    def change(value, *, more):
        seen = variable.get()
        variable.set(value + more)
        return seen

    assert await change("a", more="b") == "mine"
    assert variable.get() == "mine"


async def test_run_sync_keeps_the_name():
    assert run_sync(plain).__name__ == "plain"
    assert inspect.iscoroutinefunction(run_sync(plain))


# -- a coroutine that moves ------------------------------------------------------------------------


async def places(seen):
    seen.append(threading.get_ident())
    await TO_LOOP
    seen.append(threading.get_ident())
    await asyncio.sleep(0)
    return "end"


async def test_on_worker_moves_to_the_loop_once(pool):
    seen: list[int] = []
    moved: list[int] = []
    lease = await pool.lease()
    result = await on_worker(lease, places(seen), lambda: moved.append(1))
    lease.release()

    assert result == "end"
    assert seen == [lease.ident, threading.get_ident()]
    assert moved == [1]


async def test_a_coroutine_cancelled_before_it_began_is_closed(pool):
    lease = await pool.lease()
    coro = places([])
    task = asyncio.create_task(on_worker(lease, coro, lambda: None))
    task.cancel()
    await asyncio.wait([task])
    lease.release()
    state = inspect.getcoroutinestate(coro)
    coro.close()

    assert state in (inspect.CORO_CREATED, inspect.CORO_CLOSED)


async def test_finish_is_not_cut_off_and_delivers_the_cancellation_afterwards():
    done = []

    async def closing():
        for _ in range(3):
            await asyncio.sleep(0)
        done.append("closed")

    async def work():
        await finish(closing())
        done.append("after finish")
        await asyncio.sleep(0)
        done.append("never")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert done == ["closed"]


async def test_finish_shares_the_context_of_the_task():
    async def closing():
        variable.set("by the closing")

    await finish(closing())

    assert variable.get() == "by the closing"


async def test_finish_raises_what_its_coroutine_raises():
    async def closing():
        raise LookupError("while closing")

    with pytest.raises(LookupError, match="while closing"):
        await finish(closing())


async def test_a_job_finds_the_exception_that_its_caller_handles(pool):
    lease = await pool.lease()
    error = LookupError("first")
    try:
        raise error
    except LookupError:
        found = await lease.run(sys.exc_info)
        with pytest.raises(ZeroDivisionError) as raised:
            await lease.run(lambda: 1 / 0)
        with pytest.raises(LookupError, match="first"):
            await lease.run(_raise_again)
    outside = await lease.run(sys.exc_info)
    lease.release()

    assert (found[1], raised.value.__context__, outside[1]) == (error, error, None)


def _raise_again():
    raise  # what is being handled


def test_run_sync_of_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"run_sync\(\) was given 5, which is no function\. Write"):
        run_sync(5)
