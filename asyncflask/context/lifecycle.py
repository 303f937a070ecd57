"""How a context becomes the current one, and how it ends: after its last pop, or after a stream.

Popping never uses ``ContextVar.reset(token)``: a context may be pushed in one
:class:`contextvars.Context` and popped in another (a preserved context of the test client, a
streamed response). The push record has the previous value instead.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from .._contextvars import context_var
from ..concurrency.bridge import drive
from ..concurrency.execution_mode import THREAD
from ..exceptions import popped_wrongly
from ..signals import appcontext_pushed
from ..wrappers.response.stream_with_context import HeldEnd, keep
from .base import NO_ERROR
from .session import ContextSession

T = TypeVar("T")


class ContextLifecycle(ContextSession):
    """The part of a context that is pushed and popped, and that runs what is due at its end."""

    #: the error of the view or of the server, for the teardown functions
    serving_error: BaseException | None = None
    #: its end, where streamed bodies hold it or have held it
    held_end: HeldEnd | None = None
    #: whether its teardown functions have run
    is_over = False
    #: whether it is kept after its connection, by the test client or the debugger
    is_preserved = False

    def push(self) -> None:
        """Make this the current context. Each push needs a :meth:`pop`."""
        self.become_current()
        try:
            self._enter()
        except BaseException:
            self._withdraw()
            raise

    def _enter(self) -> None:
        if appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        self.match_at_push()

    def _withdraw(self) -> None:
        """Undo a push that failed, because its caller does not pop it."""
        if self.pushes:
            context_var.set(self.pushes.pop())

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop; receivers may be ``async def``."""
        self.become_current()
        try:
            if appcontext_pushed.receivers:
                await appcontext_pushed.send_async(self.app, _sync_wrapper=self.app.ensure_async)
            if self.scope_type is not None:
                await self._open_session_async()
        except BaseException:
            self._withdraw()
            raise
        self.match_at_push()

    def preserve(self) -> None:
        """Keep the connection of something served, because this will be pushed after its end."""
        self.pushes = []
        self.needs_cleanup = self.is_preserved = True

    def become_current(self) -> None:
        """Make this the current context, and note which one was current before."""
        previous = context_var.get()
        if self.pushes is None:
            self.needs_cleanup = True
            self.pushes = []
            self._share_with(previous)
        elif self.is_over:
            self.is_over = False  # It is used a second time.
        self.pushes.append(previous)
        context_var.set(self)

    def _share_with(self, previous: Self | None) -> None:
        """Take over from the context around this one what Flask shares between the two.

        An app context inside a request still shows the request; a request context inside a
        context of the same app shares its ``g``, unless that has ended and a task still sees it.
        (A *served* request never comes here.)
        """
        if previous is self:
            return
        around = None if previous is None or previous.app is not self.app else previous
        if around is not None and self.request_context is None:
            self.parent = around.request_context
        elif around is not None and self.made_g is None and (self.is_copy or not around.is_over):
            self.shares_g_with = around
        else:
            self.take_app_context()

    def take_app_context(self) -> None:
        """Take over what an app's own ``app_context`` puts into a context: ``g``, attributes.

        COMPAT: Flask and Quart call it for each request, and apps set a tenant there.
        """
        is_own = self.scope_type is not None and self.shares_g_with is None
        if not is_own or "app_context" not in self.replaced:
            return
        for name, value in vars(self.app.app_context()).items():
            if name not in self.__dict__:
                setattr(self, name, value)

    def pop(self, exc: BaseException | None = NO_ERROR) -> None:
        """Undo one :meth:`push`; the last one runs the teardown functions.

        Args:
            exc: The error that ended the work, for the teardown functions; by default the
                exception being handled.

        Raises:
            WrongContextPopped: The context is not the current one, or a teardown function is
                ``async def`` and an event loop runs here (use ``async with``).
        """
        error = _current_exception() if exc is NO_ERROR else exc
        previous, last = self._unpush()
        try:
            if last:
                self.leave_in_place(error)
        finally:
            context_var.set(previous)

    def leave_in_place(self, error: BaseException | None) -> None:
        """Run what is due at the end of this context in the calling thread.

        Args:
            error: The error that ended the work, or ``None``.
        """
        before = self.switch_to(THREAD)
        try:
            drive(self.app.teardown_context(self, error))
        finally:
            self.switch_to(before)

    async def pop_async(self, exc: BaseException | None = NO_ERROR) -> None:
        """Like :meth:`pop`, for code on the event loop; functions may be ``async def``.

        Args:
            exc: As for :meth:`pop`.
        """
        error = _current_exception() if exc is NO_ERROR else exc
        previous, last = self._unpush()
        try:
            if last:
                await self.app.teardown_context(self, error)
        finally:
            context_var.set(previous)
            if last and self.lease is not None:
                self.give_back_worker()

    def _unpush(self) -> tuple[Any, bool]:
        """Take the last push back.

        Returns:
            What is to be current afterwards, and whether this was the last push.

        Raises:
            WrongContextPopped: The context is not the current one.
        """
        current = context_var.get()
        if not self.pushes or (current is not self and not self._may_leave(current)):
            raise popped_wrongly(self, current)
        previous = self.pushes.pop()
        # Entered once more while it was current (`with request_ctx:` in a view), it goes on.
        last = not self.pushes and previous is not self
        if current is self:
            return previous, last
        self._unlink(current, previous)
        context_var.set(self)  # for the teardown functions
        return current, last

    def _may_leave(self, current: Self | None) -> bool:
        """Return whether this may be popped while another context is current.

        A request that the test client keeps lies on an app context that was pushed before it, and
        is current in the test's task, not in that of the fixture that makes the client and ends
        it: pytest-asyncio runs each in a :class:`contextvars.Context` of its own.
        """
        above = current
        while above is not None and above is not self:
            if not above.is_preserved:
                return False
            above = _below(above)
        return above is self or self.is_preserved

    def _unlink(self, above: Self | None, previous: Self | None) -> None:
        """Put the context below this one in its place, in what was pushed on it."""
        while above is not None and _below(above) is not self:
            above = _below(above)
        if above is not None and above.pushes is not None:
            above.pushes = [previous if one is self else one for one in above.pushes]

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)

    async def __aenter__(self) -> Self:
        await self.push_async()
        return self

    async def __aexit__(
        self,
        exc_type: type | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.pop_async(exc_value)

    # -- streamed bodies -------------------------------------------------------------------------

    @overload
    def keep(self, body: AsyncIterable[T]) -> AsyncIterator[T]: ...
    @overload
    def keep(self, body: Iterable[T]) -> Iterator[T]: ...
    def keep(self, body: AsyncIterable[T] | Iterable[T]) -> AsyncIterator[T] | Iterator[T]:
        """Let a streamed body keep this context.

        Args:
            body: The body, a (sync or async) iterable.

        Returns:
            An iterator over the same.
        """
        return keep(self, body)

    def hold(self) -> None:
        """Let this context end only when a stream has ended (``stream_with_context.py``)."""
        self.needs_response = self.needs_cleanup = True
        held = self.held_end
        if held is None:
            held = self.held_end = HeldEnd()
        held.streams += 1
        if self.shares_g_with is not None and not held.holds_app_context:
            held.holds_app_context = True
            self.shares_g_with.hold()

    @property
    def is_end_left(self) -> bool:
        """Whether the last pop has left the end of this context to streamed bodies."""
        return self.held_end is not None and self.held_end.is_due


def _below(context: ContextLifecycle) -> Any:  # noqa: ANN401
    """Return what a context was pushed on; it may have been pushed on itself as well."""
    return next((one for one in reversed(context.pushes or ()) if one is not context), None)


def _current_exception() -> BaseException | None:
    return sys.exc_info()[1]
