"""Quart's contexts: the async API's context, which is pushed and popped with ``await``.

A served connection has one context, of the class :class:`RequestContext` or
:class:`WebsocketContext`, which is its app context as well, unless a test has pushed one before.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self, TypeVar

from .. import ctx as async_api
from .._contextvars import current
from ..context import NO_ERROR, Context
from ..context.protocols import ScopeTypeRow
from ..ctx import _AppCtxGlobals as _AppCtxGlobals
from ..ctx import has_app_context as has_app_context
from ..ctx import has_request_context as has_request_context
from ..ctx import has_websocket_context as has_websocket_context
from ..dispatch.scope_types import HTTP, WEBSOCKET
from ..exceptions import OutOfContext
from ..sessions import SessionMixin
from ..wsgi import PARENT

F = TypeVar("F", bound=Callable[..., Any])


class AwaitedContext(Context):
    """A context that is pushed with ``await ctx.push()`` or ``async with``.

    The command line, which has no loop of its own at first, enters it by a plain ``with``.
    """

    @classmethod
    def of_connection(
        cls,
        app: Any,
        scope_type: ScopeTypeRow | None = None,
        scope: Any = None,
        receive: Any = None,
        send: Any = None,
    ) -> Self:
        """Make the context of a connection.

        Args:
            app: The app.
            scope_type: The row of ``dispatch/scope_types.py``.
            scope: The ASGI scope.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.
        """
        self = cls.__new__(cls)
        Context.__init__(self, app, scope_type, scope, receive, send)
        return self

    async def push(self) -> None:  # type: ignore[override]  # as Quart's
        """Make this the current context. Each push needs a :meth:`pop`."""
        await self.push_async()

    async def pop(self, exc: BaseException | None = NO_ERROR) -> None:  # type: ignore[override]  # as Quart's
        """Undo one :meth:`push`; the last one runs the teardown functions.

        Args:
            exc: The error that ended the work; by default the exception being handled.
        """
        await self.pop_async(exc)

    def __enter__(self) -> Self:
        Context.push(self)
        return self

    def __exit__(self, exc_type: Any, exc_value: BaseException | None, tb: Any) -> None:
        Context.pop(self, exc_value)


class AppContext(AwaitedContext):
    """The context for using an app outside of a request.

    Args:
        app: The app.

    Source: ``Quart: ctx.AppContext``.
    """

    def __init__(self, app: Any) -> None:
        Context.__init__(self, app)

    def copy(self) -> Self:
        """Return a second context of the same app, with the same ``g``.

        Source: ``Quart: ctx.AppContext.copy``.
        """
        other = type(self)(self.app)
        other.shares_g_with = self
        return other


class ServedContext(AwaitedContext):
    """The context of a request or websocket.

    Args:
        app: The app.
        request: The request or websocket.
        session: The session, instead of one that the session interface opens.
    """

    #: the row of the kind of connection
    row: ClassVar[ScopeTypeRow]
    #: whether a test client keeps the context, which is another object's business here
    preserved = False

    def __init__(self, app: Any, request: Any, session: SessionMixin | None = None) -> None:
        source = request.connection_context
        Context.__init__(self, app, self.row, source.scope, source.receive, source.send)
        request.move_to(self)
        self.made_connection = request
        if session is not None:
            self.session = session
        self.match_request()

    @classmethod
    def of_served(cls, app: Any, scope_type: Any, scope: Any, receive: Any, send: Any) -> Self:
        """Make the context of a connection that is served.

        A test that has pushed a context of the app shares its ``g`` with what its client asks for.

        Args:
            app: The app.
            scope_type: The row of ``dispatch/scope_types.py``.
            scope: The ASGI scope.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.
        """
        self = cls.of_connection(app, scope_type, scope, receive, send)
        parent = scope.get(PARENT)
        if parent is not None and parent.app is app:
            self.shares_g_with = parent
        return self

    @property
    def request_websocket(self) -> Any:
        """The request or websocket."""
        return self.request_or_websocket

    async def auto_pop(self, exc: BaseException | None) -> None:
        """Pop the context.

        Args:
            exc: The error that ended the work, or ``None``.
        """
        await self.pop(exc)


class RequestContext(ServedContext):
    """The context of a request.

    Args:
        app: The app.
        request: The request.
        session: The session, instead of one that the session interface opens.

    Source: ``Quart: ctx.RequestContext``.
    """

    row = HTTP

    @property
    def _after_request_functions(self) -> list[Any]:
        return self.after_functions or []


class WebsocketContext(ServedContext):
    """The context of a websocket.

    Args:
        app: The app.
        request: The websocket.
        session: The session, instead of one that the session interface opens.

    Source: ``Quart: ctx.WebsocketContext``.
    """

    row = WEBSOCKET

    @property
    def _after_websocket_functions(self) -> list[Any]:
        return self.after_functions or []


# -- functions on the current context --------------------------------------------------------------


def after_this_request(func: F) -> F:
    """Run a function on the response of this request only.

    Args:
        func: Takes the response and returns it or another one.

    Returns:
        The function.

    Raises:
        RuntimeError: No request context is active.

    Source: ``Quart: after_this_request``.
    """
    return async_api.after_this_request(func)


def after_this_websocket(func: F) -> F:
    """Run a function when this websocket ends.

    Args:
        func: Takes the response or ``None`` and returns the same.

    Returns:
        The function.

    Raises:
        RuntimeError: No websocket context is active.

    Source: ``Quart: after_this_websocket``.
    """
    return async_api.after_this_websocket(func)


def copy_current_app_context(func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Make a function run, later and elsewhere, in an app context of the current app.

    It has the current ``g``, whose end runs the teardown functions.

    Args:
        func: ``def`` or ``async def``.

    Returns:
        An ``async def`` function.

    Raises:
        RuntimeError: No context is active.

    Source: ``Quart: copy_current_app_context``.
    """
    ctx: Context | None = current()
    if ctx is None:
        raise OutOfContext(
            "`copy_current_app_context` was called where no app context is active. Call it in a"
            " view, in a hook, or inside `async with app.app_context()`."
        )
    return _copied(ctx, AppContext(ctx.app), func)


def copy_current_request_context(func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Make a function run, later and elsewhere, in a copy of the current request's context.

    It has the current ``g``, whose end runs the app context's teardown functions.

    Args:
        func: ``def`` or ``async def``.

    Returns:
        An ``async def`` function.

    Raises:
        RuntimeError: No request context is active.

    Source: ``Quart: copy_current_request_context``.
    """
    template = async_api.require_connection("http", "copy_current_request_context")
    return _copied(current() or template, template, func)


def copy_current_websocket_context(func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Make a function run, later and elsewhere, in a copy of the current websocket's context.

    It has the current ``g``, whose end runs the app context's teardown functions.

    Args:
        func: ``def`` or ``async def``.

    Returns:
        An ``async def`` function.

    Raises:
        RuntimeError: No websocket context is active.

    Source: ``Quart: copy_current_websocket_context``.
    """
    template = async_api.require_connection("websocket", "copy_current_websocket_context")
    return _copied(current() or template, template, func)


def _copied(
    owner: Context, template: Context, func: Callable[..., Any]
) -> Callable[..., Awaitable[Any]]:
    # The request may be over when the function runs: what it is to see is copied now.
    kept = template.copy()
    call = owner.app.ensure_async(func)

    @functools.wraps(func)
    async def in_copy(*args: Any, **kwargs: Any) -> Any:
        ctx = kept.copy()
        ctx.shares_g_with = owner
        async with ctx:
            return await call(*args, **kwargs)

    return in_copy
