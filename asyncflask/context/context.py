"""The context: what belongs to one request, one websocket, or one use of an app outside of both.

One class serves all three (design D4). ``current_app`` and ``g`` are found through every context,
``request``, ``session`` and ``websocket`` through one that carries a connection. Which hooks run
when a context is popped is ``dispatch/``'s business; the functions that users call on the current
context are in :mod:`asyncflask.ctx`, the proxies in :mod:`asyncflask.globals`.

The class is written in parts, each of which builds on the one before: ``base.py``,
``execution.py``, ``connection.py``, ``matching.py``, ``session.py``, ``lifecycle.py``.
"""

from __future__ import annotations

from typing import Any, Self

from ..wrappers.request.base import body_of
from .lifecycle import ContextLifecycle
from .protocols import ContextApp, ScopeTypeRow

#: what a copy has of its original, as far as it was made
_SHARED_BY_COPIES = (
    *("made_connection", "made_body", "opened_session", "url_rule", "view_args", "flashes"),
)


class Context(ContextLifecycle):
    """One request, websocket, or use of an app outside of both.

    Made by :meth:`app.app_context`, :meth:`app.request_context`, :meth:`app.websocket_context` and
    for everything served; used as ``with ctx:`` or ``async with ctx:``.

    Args:
        app: The app.
        scope_type: A row of ``dispatch/scope_types.py``; ``None``: there is no connection.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    def __init__(
        self,
        app: ContextApp,
        scope_type: ScopeTypeRow | None = None,
        scope: Any = None,
        receive: Any = None,
        send: Any = None,
    ) -> None:
        self.app = app
        self.scope_type = scope_type
        self.scope = scope
        self.receive = receive
        self.send = send
        self.replaced = app.replaced_steps
        self.needs_response = False
        self.needs_cleanup = False
        self.lease = None
        self.made_connection = None
        self.made_body = None

    @classmethod
    def of_connection(
        cls,
        app: ContextApp,
        scope_type: ScopeTypeRow | None = None,
        scope: Any = None,
        receive: Any = None,
        send: Any = None,
    ) -> Self:
        """Make a context, also of a subclass whose constructor takes other arguments.

        Args:
            app: The app.
            scope_type: As for the constructor.
            scope: As for the constructor.
            receive: As for the constructor.
            send: As for the constructor.
        """
        return cls(app, scope_type, scope, receive, send)

    @property
    def app_context(self) -> Context | None:
        """The app context that is current together with this one: that whose ``g`` it has."""
        shared = self.shares_g_with
        return self if shared is None else shared.app_context

    def copy(self) -> Context:
        """Return a second context of the same connection and session.

        For work that goes on beside the request. Entered where a context of the app is current, as
        in a task of the view, it shares that one's ``g``, whose end runs the app context's teardown
        functions; elsewhere, as in a thread, it has a ``g`` and a teardown of its own.

        Source: ``Quart: RequestContext.copy``, ``AppContext.copy``.
        """
        other = self.of_connection(self.app, self.scope_type, self.scope, self.receive, self.send)
        if self.scope_type is not None:
            # Made now, for both: neither would see what the other changes in a session of its own,
            # and two bodies would take each other's messages.
            self.connect()
            self.open_session()
            if not self.scope_type.websocket:
                body_of(self)
        other.is_copy = True
        for name in _SHARED_BY_COPIES:
            if name in self.__dict__:
                setattr(other, name, self.__dict__[name])
        other.routing_exception = self.routing_exception
        other.matched = True
        if self.scope_type is None:
            other.parent, other.shares_g_with = self.request_context, self.shares_g_with
        return other

    def __repr__(self) -> str:
        what = "no connection"
        if self.scope is not None:
            what = f"{self.scope.get('method', 'websocket')} {self.scope['path']!r}"
        return f"<{type(self).__name__} of {getattr(self.app, 'name', self.app)!r}: {what}>"
