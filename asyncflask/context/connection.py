"""The request or websocket of a context: its scope, its body, and the objects that users see."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Self

from ..wrappers.request.base import body_of
from ..wrappers.request.body import Body
from ..wrappers.request.headers import HeaderIndex
from ..wrappers.response.headers import WirePair
from ..wsgi.environ import make_environ
from .execution import ContextExecution


class ContextConnection(ContextExecution):
    """The part of a context that carries a connection, if there is one."""

    #: the connection's ASGI scope, ``receive`` and ``send``
    scope: Any
    receive: Any
    send: Any
    #: the request or websocket of ``async def`` callables, once it is made
    made_connection: Any
    #: the one of ``def`` callables, once it is made
    made_sync_connection: Any = None
    #: the request's body, once it is made
    made_body: Body | None
    #: the request's headers by name, once `header_index()` has made them
    header_names: HeaderIndex | None = None
    #: the result of matching, which the request shows
    url_rule: Any = None
    view_args: dict[str, Any] | None = None
    routing_exception: Exception | None = None
    #: whether it is a copy; the body is closed by the original
    is_copy = False

    @property
    def has_request(self) -> bool:
        """Whether a request or websocket is carried, by this context or the one around it."""
        return self.request_context is not None

    @property
    def request_or_websocket(self) -> Any:
        """The request or websocket, created at the first access.

        On the request's own worker thread it is the synchronous form (design D2).
        """
        request_context = self.request_context
        if request_context is None or request_context.scope_type is None:
            return None
        if request_context is not self:
            return request_context.request_or_websocket
        lease = self.lease
        if lease is not None and lease.ident == get_ident():
            return self.sync_connection
        return self.connect()

    @property
    def sync_connection(self) -> Any:
        """The synchronous request or websocket, for any thread; of a context that carries one.

        On the event loop, reading what has not been received raises an error.
        """
        if self.made_sync_connection is None:
            self.needs_cleanup = True
            self.made_sync_connection = self.scope_type.connect_sync(self)  # type: ignore[union-attr]  # it carries one
        return self.made_sync_connection

    def connect(self) -> Any:
        """Return the request or websocket of ``async def`` code, created at the first call."""
        if self.made_connection is None:
            connect = self.scope_type.connect  # type: ignore[union-attr]  # it carries one
            self.made_connection = connect(self)
        return self.made_connection

    def connection_of(self, name: str) -> Any:
        """Return the connection if its scope type is called ``name``, else ``None``.

        Args:
            name: ``"http"`` or ``"websocket"``.
        """
        request_context = self._request_context_of(name)
        return None if request_context is None else request_context.request_or_websocket

    def sync_connection_of(self, name: str) -> Any:
        """Return :attr:`sync_connection` if its scope type is called ``name``, else ``None``.

        Args:
            name: ``"http"`` or ``"websocket"``.
        """
        request_context = self._request_context_of(name)
        return None if request_context is None else request_context.sync_connection

    def _request_context_of(self, name: str) -> Self | None:
        request_context = self.request_context
        if (
            request_context is None
            or request_context.scope_type is None
            or request_context.scope_type.name != name
        ):
            return None
        return request_context

    # -- request and websocket, as users see and set them ------------------------------------------

    @property
    def request(self) -> Any:
        """The request, or ``None`` where this context carries none. It may be set and deleted."""
        return self.connection_of("http")

    @request.setter
    def request(self, value: object) -> None:
        self._request_context_to_change("http", "request").replace_connection(value)

    @request.deleter
    def request(self) -> None:
        self._request_context_to_change("http", "request").restore_connection()

    @property
    def websocket(self) -> Any:
        """The websocket, or ``None`` where this context carries none. It may be set and deleted."""
        return self.connection_of("websocket")

    @websocket.setter
    def websocket(self, value: object) -> None:
        self._request_context_to_change("websocket", "websocket").replace_connection(value)

    @websocket.deleter
    def websocket(self) -> None:
        self._request_context_to_change("websocket", "websocket").restore_connection()

    def _request_context_to_change(self, scope_type: str, name: str) -> Self:
        request_context = self._request_context_of(scope_type)
        if request_context is None:
            raise AttributeError(
                f"{self!r} has no {name} to set or delete, because it is not the context of a"
                f" {name}. Push `app.test_{name}_context(...)` and set or delete it there."
            )
        return request_context

    def replace_connection(self, value: object) -> None:
        """Let ``async def`` and ``def`` callables see another request or websocket from now on.

        Args:
            value: The request or websocket.
        """
        self.needs_cleanup = True
        source = getattr(value, "_ctx", None)
        if (
            isinstance(source, ContextConnection)
            and source.scope_type is self.scope_type
            and source is not self
        ):
            # One that another context has made: each kind of callable sees its own form of it.
            self.set_attribute("made_connection", source.connect())
            self.set_attribute("made_sync_connection", source.sync_connection)
        else:
            self.set_attribute("made_connection", value)
            self.set_attribute("made_sync_connection", value)

    def restore_connection(self) -> None:
        """Undo :meth:`replace_connection`."""
        self.restore_attribute("made_connection")
        self.restore_attribute("made_sync_connection")

    @property
    def own_connection(self) -> Any:
        """The request or websocket that the server sent, also where a test has set another one."""
        before = self.values_before
        own = None if before is None else before.get("made_connection")
        return self.connect() if own is None else own

    # -- what serving asks for ---------------------------------------------------------------------

    def environ(self) -> dict[str, Any]:
        """Make a WSGI environ of the request, for a WSGI callable that a view returned."""
        return make_environ(self, None if self.lease is None else self.lease.loop)

    async def wait_disconnect(self) -> None:
        """Return when the client is gone; for a watcher beside a streamed response."""
        await body_of(self).wait_disconnect()

    async def handshake_headers(self) -> list[WirePair]:
        """Return what the answer of this websocket's handshake has besides the view's headers."""
        make: Any = self.scope_type and self.scope_type.handshake_headers
        headers: list[WirePair] = await make(self)
        return headers

    def close_connection(self) -> None:
        """Close the request's body and uploads, at the end of the context that they came with."""
        if self.made_body is not None and not self.is_copy:
            self.made_body.close()

    def give_back_worker(self) -> None:
        """Give the leased worker thread back to the pool, and forget what only it could see."""
        if self.lease is not None:
            self.lease.release()
            self.lease = None
        if self.made_sync_connection is not None:
            # Two cycles: its environ refers to it and to this context.
            environ = getattr(self.made_sync_connection, "environ", None)
            if isinstance(environ, dict):  # What was set instead may have any, or none.
                environ["werkzeug.request"] = None
            self.made_sync_connection = None
