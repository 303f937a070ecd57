"""How an app makes the functions that users write ``def`` or ``async def``, one from the other."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Callable

from .._contextvars import current
from ..concurrency.inspection import is_async
from ..concurrency.workers import run_sync
from ..ctx import Context
from ..dispatch.invoke import wait_in_place

P = t.ParamSpec("P")
T = t.TypeVar("T")


class EnsureSync:
    """The conversions that a subclass may override, as with Flask and Quart."""

    if t.TYPE_CHECKING:

        def app_context(self) -> Context: ...

    @t.overload
    def ensure_async(self, func: Callable[P, t.Awaitable[T]]) -> Callable[P, t.Awaitable[T]]: ...

    @t.overload
    def ensure_async(self, func: Callable[P, T]) -> Callable[P, t.Awaitable[T]]: ...

    def ensure_async(self, func: Callable[P, t.Any]) -> Callable[P, t.Awaitable[t.Any]]:
        """Return an awaitable version of a function.

        Args:
            func: A ``def`` or ``async def`` function.

        Returns:
            An ``async def`` function unchanged; for a ``def`` function one that calls it in the
            request's worker thread.

        Source: ``Quart: app.ensure_async``.
        """
        if is_async(func):
            return func
        return self.sync_to_async(func)

    def sync_to_async(self, func: Callable[P, T]) -> Callable[P, t.Awaitable[T]]:
        """Return an awaitable version of a ``def`` function.

        Args:
            func: The function.

        Returns:
            A function that calls it in the current context's worker thread, or without a context in
            any thread.
        """
        plain = run_sync(func)

        async def runner(*args: P.args, **kwargs: P.kwargs) -> T:
            ctx: Context | None = current()
            if ctx is None:
                return await plain(*args, **kwargs)
            if ctx.runs_own_loop:
                # No server: the loop is the caller's own, in the thread of the request.
                return func(*args, **kwargs)
            return await ctx.run_def(func, *args, **kwargs)

        return runner

    @t.overload
    def ensure_sync(self, func: Callable[P, t.Coroutine[t.Any, t.Any, T]]) -> Callable[P, T]: ...

    @t.overload
    def ensure_sync(self, func: Callable[P, T]) -> Callable[P, T]: ...

    def ensure_sync(self, func: Callable[P, t.Any]) -> Callable[P, t.Any]:
        """Return a synchronous version of a function.

        Args:
            func: A ``def`` or ``async def`` function.

        Returns:
            A ``def`` function unchanged; for an ``async def`` function one that runs it on the loop
            and waits.

        Source: ``Flask: app.ensure_sync``.
        """
        return self.async_to_sync(func) if is_async(func) else func

    def async_to_sync(self, func: Callable[P, t.Coroutine[t.Any, t.Any, T]]) -> Callable[P, T]:
        """Return a synchronous version of an ``async def`` function.

        Args:
            func: The function.

        Returns:
            A function that waits for the result. In a ``def`` view on an ASGI server it runs
            ``func`` on the server's loop, elsewhere on a new loop. On a running loop it raises a
            ``RuntimeError``; on the facade it waits there, too.
        """

        @functools.wraps(func)
        def blocking(*args: P.args, **kwargs: P.kwargs) -> T:
            ctx = current() or self.app_context()
            result: T = wait_in_place(ctx.request_context or ctx, func(*args, **kwargs), func)
            return result

        return blocking
