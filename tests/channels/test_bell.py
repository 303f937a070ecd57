"""A bell wakes the task that waits for it, also if it is cancelled or another one ends the loop."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.channels.bell import Bell, ring_all


async def test_one_callback_wakes_all_tasks():
    bells, woken = [Bell() for _ in range(3)], []

    async def wait(number):
        await bells[number]
        woken.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(wait(number))
        await asyncio.sleep(0)
        assert woken == []
        asyncio.get_running_loop().call_soon(ring_all, bells)

    assert woken == [0, 1, 2]


async def test_a_bell_is_waited_for_again_and_again():
    bell, waited = Bell(), 0
    for _ in range(3):
        asyncio.get_running_loop().call_soon(bell.ring)
        await bell
        waited += 1

    assert waited == 3


async def test_a_task_that_waits_is_cancelled():
    bell = Bell()

    async def wait():
        await bell

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_a_task_that_ends_the_program_leaves_the_others_awake():
    bells, woken = [Bell() for _ in range(3)], []

    async def wait(number):
        await bells[number]
        woken.append(number)
        if number == 0:
            raise SystemExit

    async def begin():
        tasks = [asyncio.create_task(wait(number)) for number in range(3)]
        await asyncio.sleep(0)
        return tasks

    async def ring():
        asyncio.get_running_loop().call_soon(ring_all, bells)
        await asyncio.sleep(10)

    async def end(tasks):
        await asyncio.wait(tasks)

    with asyncio.Runner() as runner:
        tasks = runner.run(begin())
        with pytest.raises(SystemExit):
            runner.run(ring())
        assert woken == [0]
        runner.run(end(tasks))
        assert isinstance(tasks[0].exception(), SystemExit)

    assert woken == [0, 1, 2]
