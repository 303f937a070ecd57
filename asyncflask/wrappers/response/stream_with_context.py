"""Streamed bodies that keep their context: the result of ``stream_with_context``.

The context is current while the body makes a chunk, and ends with the body: teardown functions run
then, not when the view returns. ``asgi.py`` sends bodies.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, overload

from ..._contextvars import context_var

T = TypeVar("T")


@dataclass
class HeldEnd:
    """The end of a context that streamed bodies hold: it comes when the last of them has ended."""

    #: How many bodies hold the context.
    streams: int = 0
    #: Whether everything else has ended, so that the last body runs what is due at the end.
    is_due: bool = False
    #: Whether the app context around a request context is held, too.
    holds_app_context: bool = False


class KeptContext(Protocol):
    """The context that a body keeps."""

    app: Any
    held_end: HeldEnd | None
    serving_error: BaseException | None

    def hold(self) -> None: ...

    def leave_in_place(self, error: BaseException | None) -> None: ...


@overload
def keep(ctx: KeptContext, body: AsyncIterable[T]) -> AsyncIterator[T]: ...
@overload
def keep(ctx: KeptContext, body: Iterable[T]) -> Iterator[T]: ...
def keep(ctx: KeptContext, body: AsyncIterable[T] | Iterable[T]) -> AsyncIterator[T] | Iterator[T]:
    """Wrap a body so that its context ends with it.

    Args:
        ctx: The context.
        body: A sync or async iterable.

    Returns:
        An iterator of the same kind.
    """
    if isinstance(body, AsyncIterable):
        return _AsyncStream(ctx, body)
    return _Stream(ctx, body)


class _Held:
    """A stream's hold on a context, which is current at each step and ends after the stream."""

    _ctx: KeptContext | None = None
    #: what is current inside of the body: the context, or what the body has entered since
    _inside: Any = None

    def __init__(self, ctx: KeptContext) -> None:
        ctx.hold()
        self._ctx = self._inside = ctx

    def _enter(self) -> Any:  # noqa: ANN401
        """Make current what was so at the end of the last step; return what is current outside."""
        previous = context_var.get()
        if self._ctx is not None:
            context_var.set(self._inside)
        return previous

    def _leave(self, previous: object) -> None:
        """Make that current again which :meth:`_enter` has returned."""
        if self._ctx is not None:
            self._inside = context_var.get()
        context_var.set(previous)

    def _let_go(self) -> KeptContext | None:
        """Release the context; return it if it has to end now."""
        ctx, self._ctx, self._inside = self._ctx, None, None
        if ctx is None or ctx.held_end is None:
            return None
        held = ctx.held_end
        held.streams = max(0, held.streams - 1)  # A stream that was not sent has none left.
        return ctx if held.is_due and not held.streams else None


class _Stream(_Held, Generic[T]):
    """A synchronous body under its context."""

    def __init__(self, ctx: KeptContext, body: Iterable[T]) -> None:
        self._body = iter(body)
        super().__init__(ctx)

    def __del__(self) -> None:
        # It was dropped before its end, as a generator may be: by an error, or unread by a test.
        if self._ctx is not None:
            self.close()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        previous = self._enter()
        try:
            return next(self._body)
        except BaseException as error:
            self._close(None if isinstance(error, StopIteration) else error)
            raise
        finally:
            self._leave(previous)

    def close(self) -> None:
        """Close the body and end the context, once."""
        previous = self._enter()
        try:
            self._close(None)
        finally:
            self._leave(previous)

    def _close(self, error: BaseException | None) -> None:
        body, self._body = self._body, iter(())
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        ctx = self._let_go()
        if ctx is not None:
            ctx.leave_in_place(error or ctx.serving_error)


class _AsyncStream(_Held, Generic[T]):
    """An asynchronous body under its context."""

    def __init__(self, ctx: KeptContext, body: AsyncIterable[T]) -> None:
        self._body = aiter(body)
        super().__init__(ctx)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        previous = self._enter()
        try:
            return await anext(self._body)
        except BaseException as error:
            await self._end(None if isinstance(error, StopAsyncIteration) else error)
            raise
        finally:
            self._leave(previous)

    async def aclose(self) -> None:
        """Close the body and end the context, once."""
        previous = self._enter()
        try:
            aclose: Callable[[], Any] | None = getattr(self._body, "aclose", None)
            if aclose is not None:
                await aclose()
        finally:
            await self._end(None)
            self._leave(previous)

    async def _end(self, error: BaseException | None) -> None:
        ctx = self._let_go()
        if ctx is not None:
            await ctx.app.teardown_context(ctx, error or ctx.serving_error)
