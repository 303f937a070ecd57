"""Promises of ``asyncflask.wrappers.stepped``."""

from __future__ import annotations

import asyncio
import types

import pytest

from asyncflask.wrappers.stepped import go_on


def begun(awaitable):
    """Take the first step; return what is to be awaited for the rest."""
    steps = awaitable.__await__()
    return go_on(steps, next(steps))


async def test_what_has_begun_goes_on_to_its_result():
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


def test_an_error_passes_an_iterator_that_takes_none():
    class Bare:
        def __await__(self):
            return iter([1, 2])

    rest = begun(Bare())
    rest.send(None)

    with pytest.raises(OSError, match="gone"):
        rest.throw(OSError("gone"))
