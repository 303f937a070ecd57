"""Which app context and which request context are current: Flask has one of each.

The core knows one current context (``_contextvars.py``). Here it is the request context where its
app context is current as well, the app context where there is no request, and else an
:class:`_Unrelated` pair. :func:`current_of` says which.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Protocol, Self

from .._contextvars import current, make_current
from ..concurrency.execution_mode import THREAD
from ..context import NO_ERROR, Context, ContextApp
from ..exceptions import outside, popped_wrongly
from ..typing import RouteCallable
from .globals import _cv_app, _cv_request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class FlaskContextApp(ContextApp, Protocol):
    """What the facade's contexts use of their app."""

    @property
    def name(self) -> str: ...

    @property
    def view_functions(self) -> Mapping[str, RouteCallable]: ...

    @property
    def request_class(self) -> Callable[[WSGIEnvironment], Any]: ...

    def app_context(self) -> Any: ...


class FlaskContext(Context):
    """A context for ``with``; entered with ``async with``, it awaits ``async def`` hooks."""

    app: FlaskContextApp
    execution_mode = THREAD
    synchronous = True
    #: The context that was current before each push.
    pushes: list[Any]

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop."""
        raise NotImplementedError

    def _begin_pop(self, exc: BaseException | None, mine: Context | None) -> BaseException | None:
        """Check that this may be popped; return the error for the teardown functions."""
        if not self.pushes or mine is not self:
            raise popped_wrongly(self, mine)
        return sys.exc_info()[1] if exc is NO_ERROR else exc

    def __enter__(self) -> Self:
        try:
            self.push()
        except BaseException as error:
            if self.pushes and self._is_current():
                self.pop(error)  # As if the block had failed, because `with` will not pop it.
            raise
        return self

    async def __aenter__(self) -> Self:
        try:
            await self.push_async()
        except BaseException as error:
            if self.pushes and self._is_current():
                await self.pop_async(error)
            raise
        return self

    def _is_current(self) -> bool:
        return self in (current_app_context(), current_request_context())


class _Unrelated(FlaskContext):
    """The current context if the app context is not that of the request context.

    An app context was pushed inside a request, or has ended while a request is kept.

    Args:
        app_context: The app context, if there is one.
        request_context: The request context.
    """

    def __init__(self, app_context: Context | None, request_context: Context) -> None:
        super().__init__((app_context or request_context).app)
        self._app_context = app_context
        self.is_without_app = app_context is None
        self.parent = request_context  # type: ignore[assignment]  # of another class

    @property
    def app_context(self) -> Context | None:
        """The app context."""
        return self._app_context

    def connection_of(self, name: str) -> Any:
        """Return the request if it is of the scope type called ``name``, else ``None``."""
        return self.parent.connection_of(name)  # type: ignore[union-attr]  # it is given

    @property  # type: ignore[misc]  # users change the app context itself
    def g(self) -> Any:
        """The ``g`` of the app context."""
        return self.make_g()

    @property
    def made_g(self) -> Any:  # type: ignore[override]  # as above
        return None if self._app_context is None else self._app_context.made_g

    def make_g(self) -> Any:
        """Return the ``g`` of the app context."""
        if self._app_context is None:
            raise outside("g", "application")
        return self._app_context.g

    @property  # type: ignore[misc]  # as above
    def url_adapter(self) -> Any:
        """The URL adapter of the app context."""
        return None if self._app_context is None else self._app_context.url_adapter


def current_of(app_context: Context | None, request_context: Context | None) -> Context | None:
    """Return the one context that stands for these two in the core.

    Args:
        app_context: The current app context.
        request_context: The current request context.

    Returns:
        The request context if the app context belongs to it, otherwise a pair of both.
    """
    if request_context is None:
        return app_context
    if request_context.app_context is app_context and app_context is not None:
        return request_context
    return _Unrelated(app_context, request_context)


def current_app_context() -> Context | None:
    """Return the current app context."""
    ctx: Context | None = current()
    return None if ctx is None else ctx.app_context


def current_request_context() -> Context | None:
    """Return the current request context."""
    ctx: Context | None = current()
    return None if ctx is None else ctx.request_context


def _set_app_context(app_context: Context | None) -> Token[Any]:
    return make_current(current_of(app_context, current_request_context()))


def _set_request_context(request_context: Context | None) -> Token[Any]:
    return make_current(current_of(current_app_context(), request_context))


_cv_app.change = _set_app_context
_cv_request.change = _set_request_context
