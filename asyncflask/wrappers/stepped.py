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
