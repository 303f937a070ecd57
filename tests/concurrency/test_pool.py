"""The pool of worker threads: which request gets one, and how many there are."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading

import pytest

from asyncflask.concurrency import pool as pool_module
from asyncflask.concurrency.bridge import run_from_thread
from asyncflask.concurrency.pool import WorkerPool
from asyncflask.exceptions import WorkerQueueFull


@pytest.fixture
def pool():
    pool = WorkerPool(size=2, queue_size=2)
    yield pool
    assert (pool.busy, pool.parked, pool.waiting) == (0, 0, 0)
    pool.trim()


@pytest.fixture
def roomy():
    """A pool with more threads than may be busy."""
    pool = WorkerPool(size=1, threads=3, queue_timeout=30)
    yield pool
    assert (pool.busy, pool.parked, pool.waiting) == (0, 0, 0)
    pool.trim()


def nothing():
    pass


async def parked(pool):
    """Return a lease that is kept for a request which waits."""
    lease = await pool.lease()
    await lease.run(nothing)
    return lease


async def test_threads_are_reused(pool):
    first = await pool.lease()
    first.release()
    second = await pool.lease()
    second.release()

    assert first.ident == second.ident


async def test_waiting_requests_get_a_worker_in_order(pool):
    leases = [await pool.lease(), await pool.lease()]
    order = []

    async def wait(name):
        lease = await pool.lease()
        order.append(name)
        lease.release()

    tasks = [asyncio.create_task(wait(name)) for name in "ab"]
    await asyncio.sleep(0)
    waiting = pool.waiting
    for lease in leases:
        lease.release()
    await asyncio.gather(*tasks)

    assert waiting == 2
    assert order == ["a", "b"]


async def test_a_full_queue_is_503(pool):
    leases = [await pool.lease(), await pool.lease()]
    tasks = [asyncio.create_task(pool.lease()) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(WorkerQueueFull, match="2 worker threads are busy and 2 requests wait") as e:
        await pool.lease()

    assert e.value.code == 503
    for lease in leases:
        lease.release()
    for task in tasks:
        (await task).release()


async def test_a_cancelled_waiter_leaves_the_queue(pool):
    leases = [await pool.lease(), await pool.lease()]
    task = asyncio.create_task(pool.lease())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert pool.waiting == 0
    for lease in leases:
        lease.release()


async def test_a_thread_that_cannot_be_started_is_not_counted(pool, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(pool.size):
            with pytest.raises(RuntimeError, match="can't start"):
                await pool.lease()

    assert pool.busy == 0


async def test_a_waiter_that_is_closed_leaves_the_queue(pool):
    leases = [await pool.lease() for _ in range(pool.size)]
    waiter = pool.lease()
    waiter.send(None)
    waiter.close()

    assert pool.waiting == 0
    for lease in leases:
        lease.release()


async def test_a_worker_handed_to_a_cancelled_waiter_goes_to_the_next(pool):
    leases = [await pool.lease(), await pool.lease()]
    first, second = (asyncio.create_task(pool.lease()) for _ in range(2))
    await asyncio.sleep(0)
    leases[0].release()
    await asyncio.sleep(0)  # The hand-over has set the result; the task has not run yet.
    first.cancel()
    await asyncio.wait([first])
    lease = await asyncio.wait_for(second, 5)

    assert lease.ident
    lease.release()
    leases[1].release()
    if not first.cancelled():
        first.result().release()


def test_a_pool_serves_one_loop_after_the_other():
    pool = WorkerPool(size=1)

    async def use():
        lease = await pool.lease()
        try:
            return await lease.run(threading.get_ident)
        finally:
            lease.release()

    idents = {asyncio.run(use()), asyncio.run(use())}
    pool.trim()

    assert len(idents) == 1


def test_a_loop_that_was_closed_while_it_waited_does_not_get_the_worker():
    pool = WorkerPool(size=1)
    holding, waiting = asyncio.new_event_loop(), asyncio.new_event_loop()
    lease = holding.run_until_complete(pool.lease())
    task = waiting.create_task(pool.lease())
    waiting.run_until_complete(asyncio.sleep(0))
    coro = task.get_coro()
    waiting.close()
    lease.release()
    again = holding.run_until_complete(pool.lease())

    assert again.ident == lease.ident
    again.release()
    holding.close()
    coro.close()
    task._log_destroy_pending = False
    pool.trim()


async def test_trimming_ends_the_idle_threads(pool):
    lease = await pool.lease()
    thread = next(t for t in threading.enumerate() if t.ident == lease.ident)
    lease.release()
    pool.trim()
    await asyncio.to_thread(thread.join, 5)

    assert not thread.is_alive()


def test_the_threads_of_a_dropped_pool_end():
    pool = WorkerPool(size=1)

    async def use():
        lease = await pool.lease()
        lease.release()
        return next(t for t in threading.enumerate() if t.ident == lease.ident)

    thread = asyncio.run(use())
    pool = None
    gc.collect()
    thread.join(5)

    assert not thread.is_alive()


# -- parked threads --------------------------------------------------------------------------------


async def test_a_lease_counts_as_busy_from_its_beginning_and_while_a_job_runs(roomy):
    began, end = threading.Event(), threading.Event()

    def job():
        began.set()
        end.wait(5)

    lease = await roomy.lease()
    seen = [(roomy.busy, roomy.parked)]
    await lease.run(nothing)
    seen.append((roomy.busy, roomy.parked))
    task = asyncio.create_task(lease.run(job))
    await asyncio.to_thread(began.wait, 5)
    seen.append((roomy.busy, roomy.parked))
    end.set()
    await task
    lease.release()

    assert seen == [(1, 0), (0, 1), (1, 0)]


async def test_a_lease_that_has_run_nothing_is_not_busy_when_it_is_released(roomy):
    lease = await roomy.lease()
    lease.release()

    assert (roomy.busy, roomy.parked) == (0, 0)


async def test_two_jobs_of_one_lease_count_once(roomy):
    end = threading.Event()
    lease = await roomy.lease()
    tasks = [asyncio.create_task(lease.run(end.wait, 5)) for _ in range(2)]
    await asyncio.sleep(0)
    busy = roomy.busy
    end.set()
    await asyncio.gather(*tasks)
    lease.release()

    assert busy == 1


async def test_a_job_that_waits_for_the_loop_is_parked(roomy):
    loop, go, seen = asyncio.get_running_loop(), asyncio.Event(), []

    def job():
        run_from_thread(go.wait(), loop)
        seen.append((roomy.busy, roomy.parked))

    lease = await roomy.lease()
    task = asyncio.create_task(lease.run(job))
    while not roomy.parked:
        await asyncio.sleep(0.001)
    seen.append((roomy.busy, roomy.parked))
    other = await roomy.lease()
    other.release()
    go.set()
    await task
    lease.release()

    assert seen == [(0, 1), (1, 0)]


async def test_a_job_that_begins_to_wait_lets_the_next_request_in(roomy):
    loop, go = asyncio.get_running_loop(), asyncio.Event()
    lease = await roomy.lease()
    job = asyncio.create_task(lease.run(lambda: run_from_thread(go.wait(), loop)))
    other = await asyncio.wait_for(roomy.lease(), 5)
    go.set()
    await job
    lease.release()
    other.release()

    assert other.ident != lease.ident


async def test_a_request_that_has_begun_does_not_wait_for_the_pools_size(roomy):
    first = await parked(roomy)
    second = await roomy.lease()
    await asyncio.wait_for(first.run(nothing), 5)
    again = await asyncio.wait_for(roomy.lease(begun=True), 5)
    for lease in (first, second, again):
        lease.release()

    assert len({first.ident, second.ident, again.ident}) == 3


async def test_a_request_that_ends_hands_its_thread_to_the_next_one(roomy):
    """Its last job and its release follow each other, and no thread is started between them."""
    lease = await roomy.lease()
    task = asyncio.create_task(roomy.lease())
    await asyncio.sleep(0)
    await lease.run(nothing)
    lease.release()
    other = await asyncio.wait_for(task, 5)
    other.release()

    assert other.ident == lease.ident


async def test_all_threads_have_a_bound_and_a_warning_says_so_once(roomy, caplog):
    leases = [await parked(roomy) for _ in range(3)]
    with caplog.at_level(logging.WARNING, "asyncflask.workers"):
        tasks = [asyncio.create_task(roomy.lease()) for _ in range(2)]
        await asyncio.sleep(0)
    waiting = roomy.waiting
    for lease in leases:
        lease.release()
    for task in tasks:
        (await asyncio.wait_for(task, 5)).release()

    assert waiting == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "3 are kept by requests that wait" in caplog.text
    assert "WORKER_AFFINITY" in caplog.text


async def test_the_warning_comes_again_after_a_minute(roomy, caplog, monkeypatch):
    leases = [await parked(roomy) for _ in range(3)]
    counts, tasks = [], []
    assert pool_module.WARN_EVERY == 60
    with caplog.at_level(logging.WARNING, "asyncflask.workers"):
        for seconds in (60.0, 60.0, 0.0):
            monkeypatch.setattr(pool_module, "WARN_EVERY", seconds)
            tasks.append(asyncio.create_task(roomy.lease()))
            await asyncio.sleep(0)
            counts.append(len(caplog.records))
    for lease in leases:
        lease.release()
    for task in tasks:
        (await asyncio.wait_for(task, 5)).release()

    assert counts == [1, 1, 2]


async def test_a_request_that_has_begun_goes_before_those_that_wait(roomy):
    leases = [await parked(roomy) for _ in range(3)]
    order = []

    async def wait(name, begun):
        lease = await roomy.lease(begun)
        order.append(name)
        lease.release()

    tasks = [asyncio.create_task(wait(*each)) for each in (("new", False), ("begun", True))]
    await asyncio.sleep(0)
    leases[0].release()
    await asyncio.gather(*tasks)
    for lease in leases[1:]:
        lease.release()

    assert order == ["begun", "new"]


async def test_requests_that_have_begun_share_the_threads_of_others_that_end():
    pool = WorkerPool(size=2, threads=100)
    idents, order = set(), []

    async def use(number):
        lease = await pool.lease(begun=True)
        order.append(number)
        idents.add(await lease.run(threading.get_ident))
        lease.release()

    await asyncio.gather(*(use(number) for number in range(100)))
    pool.trim()

    assert order == list(range(100))
    assert len(idents) < 20


async def test_requests_that_have_begun_get_a_thread_each_if_they_wait_for_each_other():
    pool = WorkerPool(size=1, threads=5)
    barrier = threading.Barrier(5)

    async def use():
        lease = await pool.lease(begun=True)
        try:
            return await lease.run(barrier.wait, 10)
        finally:
            lease.release()

    tasks = [use() for _ in range(5)]
    numbers = await asyncio.wait_for(asyncio.gather(*tasks), 20)
    pool.trim()

    assert set(numbers) == set(range(5))


def test_a_request_that_has_begun_gets_a_thread_while_another_loop_stands():
    pool = WorkerPool(size=1, threads=3)
    standing, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    holding = standing.run_until_complete(pool.lease())
    waits = standing.create_task(pool.lease(begun=True))
    standing.run_until_complete(asyncio.sleep(0))
    lease = other.run_until_complete(asyncio.wait_for(pool.lease(begun=True), 5))
    handed = standing.run_until_complete(asyncio.wait_for(waits, 5))
    idents = {each.ident for each in (holding, lease, handed)}
    for each in (holding, lease, handed):
        each.release()
    standing.close()
    other.close()
    pool.trim()

    assert len(idents) == 3


async def test_a_request_that_has_begun_gets_a_thread_that_is_left_beyond_the_size():
    pool = WorkerPool(size=1, threads=2)
    waits, runs = await parked(pool), await pool.lease()
    task = asyncio.create_task(pool.lease(begun=True))
    await asyncio.sleep(0)
    waits.release()
    lease = await asyncio.wait_for(task, 5)
    lease.release()
    runs.release()
    pool.trim()

    assert lease.ident == waits.ident


async def test_threads_that_the_system_refuses_are_waited_for(roomy, monkeypatch, caplog):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    lease = await parked(roomy)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        task = asyncio.create_task(roomy.lease())
        await asyncio.sleep(0)
        lease.release()
        other = await asyncio.wait_for(task, 5)
    other.release()

    assert other.ident == lease.ident
    assert "limit of threads" in caplog.text


async def test_a_request_that_has_waited_too_long_is_503():
    pool = WorkerPool(size=1, queue_timeout=0.01)
    lease = await pool.lease()
    with pytest.raises(WorkerQueueFull, match=r"was free for 0\.01 s") as caught:
        await asyncio.wait_for(pool.lease(), 5)
    lease.release()
    pool.trim()

    assert caught.value.code == 503
    assert (pool.busy, pool.waiting) == (0, 0)


async def test_a_request_that_does_not_wait_is_503_at_once(roomy):
    lease = await roomy.lease()
    with pytest.raises(WorkerQueueFull, match="are busy"):
        await roomy.lease(waits=False)
    lease.release()


def alive(idents):
    return len(idents & {thread.ident for thread in threading.enumerate()})


async def test_threads_beyond_the_size_end_when_they_have_been_idle():
    pool = WorkerPool(size=1, threads=3)
    pool.linger = 0.01
    leases = [await parked(pool) for _ in range(3)]
    idents = {lease.ident for lease in leases}
    for lease in leases:
        lease.release()
    async with asyncio.timeout(5):
        while alive(idents) > 1:
            await asyncio.sleep(0.005)
    again = await pool.lease()
    result = await again.run(len, "abc")

    assert again.ident in idents
    assert result == 3
    async with asyncio.timeout(5):  # Those that have ended make room for others.
        more = [await parked(pool) for _ in range(2)]
    for lease in (again, *more):
        lease.release()
    pool.trim()


async def test_idle_threads_beyond_the_size_live_for_ten_seconds():
    pool = WorkerPool(size=1, threads=3)
    leases = [await parked(pool) for _ in range(3)]
    idents = {lease.ident for lease in leases}
    for lease in leases:
        lease.release()
    await asyncio.sleep(0.1)

    assert alive(idents) == 3
    assert pool.linger == 10
    pool.trim()


async def test_a_thread_that_is_used_again_meanwhile_lives_on():
    pool = WorkerPool(size=1, threads=2)
    leases = [await parked(pool) for _ in range(2)]
    for lease in leases:
        lease.release()
    lease = await parked(pool)
    again = await lease.run(threading.get_ident)
    lease.release()
    pool.trim()

    assert again == leases[1].ident
