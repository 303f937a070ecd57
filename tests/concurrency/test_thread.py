"""The Context of a task, which a worker thread enters."""

from __future__ import annotations

import asyncio
import contextvars

from asyncflask.concurrency.thread import task_context

variable = contextvars.ContextVar("variable", default="unset")


async def test_task_context_is_the_tasks_own_and_no_copy():
    variable.set("before")
    context = task_context()

    variable.set("after")

    assert context[variable] == "after"


async def test_task_context_outside_of_a_task_is_a_copy():
    found: list[contextvars.Context] = []
    asyncio.get_running_loop().call_soon(lambda: found.append(task_context()))
    await asyncio.sleep(0)
    variable.set("after")

    assert found[0].get(variable) is None
