"""Coroutines whose first step was taken by hand, to see whether they wait at all.

What does not wait needs no task, timer or watcher; that is all that is won by it. Why somebody
takes the first step is theirs to say.
"""

from __future__ import annotations

import types
from collections.abc import Generator, Iterator
from typing import Any


@types.coroutine
def go_on(steps: Iterator[Any], waiting_for: Any) -> Generator[Any, Any, Any]:
    """Go on, as an awaitable, with something awaited that has begun.

    Args:
        steps: What its ``__await__`` gave.
        waiting_for: What its last step yielded.

    Returns:
        Its result.
    """
    # That of an object may be a bare iterator.
    throw = getattr(steps, "throw", None)
    try:
        while True:
            try:
                value = yield waiting_for
            except BaseException as error:
                if throw is None:
                    raise
                waiting_for = throw(error)
            else:
                waiting_for = next(steps) if value is None else steps.send(value)  # type: ignore[attr-defined]  # who is sent a value has it
    except StopIteration as stop:
        return stop.value
