"""Coroutines whose first step was taken by hand, to see whether they wait at all.

What does not wait needs no task, timer or watcher; that is all that is won by it. Why somebody
takes the first step is theirs to say.
"""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Any


@types.coroutine
def go_on(steps: Any, waiting_for: Any) -> Generator[Any, Any, Any]:
    """Go on, as an awaitable, with something awaited that has begun.

    Args:
        steps: What its ``__await__`` gave, or itself if it is a coroutine.
        waiting_for: What its last step yielded.

    Returns:
        Its result.
    """
    # What an object's `__await__` gives may be a bare iterator.
    throw, send = getattr(steps, "throw", None), getattr(steps, "send", None)
    try:
        while True:
            try:
                value = yield waiting_for
            except BaseException as error:
                if throw is None:
                    raise
                waiting_for = throw(error)
            else:
                waiting_for = next(steps) if send is None else send(value)
    except StopIteration as stop:
        return stop.value


#: what :func:`give_way` returns where there is nothing to go on with
ENDED: Any = object()


@types.coroutine
def give_way(steps: Any, rounds: int) -> Generator[Any, Any, Any]:
    """Go on, as an awaitable, with something that let others run: its last step yielded ``None``.

    Args:
        steps: A coroutine, or what its ``__await__`` gave.
        rounds: How often it may do so.

    Returns:
        What it waits for, ``None`` if that is nothing still; :data:`ENDED` if it has ended.
    """
    waiting_for = None
    try:
        while waiting_for is None and rounds:
            rounds -= 1
            try:
                yield
            except BaseException as error:
                waiting_for = steps.throw(error)
            else:
                waiting_for = next(steps)
    except StopIteration:
        return ENDED
    return waiting_for
