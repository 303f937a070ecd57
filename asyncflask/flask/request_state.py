"""What a request context of Flask's has: the request, its session, ``g``, the result of matching.

``ctx.py`` pushes and pops it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import attrgetter
from threading import get_ident
from typing import Any

from ..concurrency.bridge import drive
from ..concurrency.execution_mode import LOOP, THREAD
from ..context import Context
from ..dispatch.invoke import settled
from ..sessions import SessionMixin
from .async_request import AwaitableRequest
from .current_contexts import FlaskContext


def _of_request(name: str) -> property:
    """Make a property that reads and sets an attribute of the request."""

    def write(ctx: Any, value: Any) -> None:
        setattr(ctx.request, name, value)

    return property(attrgetter(f"request.{name}"), write)


class RequestState(FlaskContext):
    """The part of a request context that is looked at while it is current."""

    #: The request, the same for ``def`` and ``async def``. It may be set and deleted.
    request: Any = None
    #: The app context whose ``g`` this uses; ``None`` before it is pushed.
    shares_g_with: Context | None  # type: ignore[assignment]  # of another class
    wsgi_environ: dict[str, Any]
    _awaitable: Any = None

    @property
    def g(self) -> Any:
        """The ``g`` of this request's app context."""
        return self._app_context_of("g").g

    @g.setter
    def g(self, value: object) -> None:
        self._app_context_of("g").g = value

    @g.deleter
    def g(self) -> None:
        del self._app_context_of("g").g

    @property
    def made_g(self) -> Any:  # type: ignore[override]  # it is the app context's
        """The namespace of this request's app context, if it is made."""
        return self._app_context_of("g").made_g

    def make_g(self) -> Any:
        """Make the namespace of this request's app context."""
        shares_g_with: Any = self.shares_g_with
        return shares_g_with.make_g()

    def _app_context_of(self, name: str) -> Context:
        if self.shares_g_with is None:
            raise AttributeError(
                f"{self!r} has no {name!r} before it is pushed: it belongs to the app context that"
                " is current then. Write `with ctx:` around the use."
            )
        return self.shares_g_with

    # The result of matching is stored on the request, where it may be set before the view runs.
    url_rule: Any = _of_request("url_rule")
    view_args: Any = _of_request("view_args")
    routing_exception: Any = _of_request("routing_exception")

    @property
    def request_or_websocket(self) -> Any:
        """The request, which is synchronous in every thread."""
        return self.request

    @property
    def sync_connection(self) -> Any:
        """The request."""
        return self.request

    @property
    def own_connection(self) -> Any:
        """The request."""
        return self.request

    def connection_of(self, name: str) -> Any:
        """Return the object of ``asyncflask.request``: awaitable in ``async def`` callables.

        Args:
            name: ``"http"``; for ``"websocket"`` there is no object.

        Returns:
            The awaitable or, in ``def`` callables, the synchronous request; or ``None``.
        """
        if self._request_context_of(name) is None:
            return None
        lease = self.lease
        if self.execution_mode is not LOOP or (lease is not None and lease.ident == get_ident()):
            return self.request_or_websocket
        found = self._awaitable
        if found is None or not found.is_of(self.request):
            found = self._awaitable = AwaitableRequest(self)
        return found

    @property
    def _session(self) -> SessionMixin | None:
        """Flask's name for the opened session; looking at it is no access."""
        return self.opened_session

    @_session.setter
    def _session(self, session: SessionMixin | None) -> None:
        self.opened_session = session

    def open_session(self) -> Any:
        """Return the session, opened at the first call, also by an ``async def`` function."""
        if self.opened_session is None:
            func = self.app.session_interface.open_session
            session = func(self.app, self.request)
            # Most sessions are dictionaries, which are no awaitables.
            if not isinstance(session, dict) and inspect.isawaitable(session):
                session = self.settle(func, session)
            self.keep_session(session)
        return self.opened_session

    def settle(self, func: Callable[..., Any], result: object) -> Any:
        """Return the result of ``func``; if that is a coroutine, wait for it in this thread.

        Args:
            func: What was called, for the message of an error.
            result: What it returned.

        Returns:
            The result, awaited if that was necessary.
        """
        before = self.switch_to(THREAD)
        try:
            return drive(settled(self, func, result))
        finally:
            self.switch_to(before)

    def close_connection(self) -> None:
        """Close the request's uploads at the end of the context that it was made for."""
        if not self.is_copy:
            # COMPAT: a request that was set may have no `close`.
            getattr(self.request, "close", _missing_method)()
            # It refers to the environ: a reference cycle.
            self.wsgi_environ["werkzeug.request"] = None


def _missing_method() -> None:
    """Do nothing, in the place of a missing method."""
