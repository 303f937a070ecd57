"""The websocket, whose view is cancelled when its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Self

from werkzeug.datastructures import Headers

from ...concurrency.bridge import is_run_for_thread
from ...exceptions import WebsocketDisconnect
from ...typing import Message
from ...wrappers import Websocket as AsyncWebsocket
from ...wrappers.request.headers import decode_headers
from ...wrappers.websocket.cancellation import ViewWatch
from ...wrappers.websocket.connection import WebsocketConnection
from ...wrappers.websocket.websocket import HandshakeHeaders
from .base import BaseRequestWebsocket


class Connection(WebsocketConnection):
    """The ASGI side of a websocket: when the client leaves, the view is cancelled at once."""

    #: what the tasks beside the view wait for, until the websocket has ended
    _departure: asyncio.Future[None] | None = None

    def _watch_view(self) -> None:
        self._watch = ViewWatch(self.view_task, True, self._warn_of_view)
        self._watch.cancel_now()

    def client_left(self, code: int | None, reason: str | None) -> WebsocketDisconnect:
        """Note that the client has left, and cancel the view.

        Args:
            code: The close code.
            reason: The reason.
        """
        if self._watch is None:
            self._watch_view()
        self.ended(code, reason)
        return self.disconnect()

    async def wait_for_cancellation(self, error: WebsocketDisconnect) -> NoReturn:
        """Wait in a task of the view, until it is cancelled or the websocket has ended.

        Args:
            error: For a `def` function, whose thread cannot be cancelled.

        Raises:
            CancelledError: The view is cancelled.
            WebsocketDisconnect: A thread waits for this.
        """
        if is_run_for_thread() and asyncio.current_task() is not self.view_task:
            raise error
        if self._watch is None:
            self._watch_view()  # The app has closed the websocket itself.
        if self._departure is None:
            self._departure = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._departure)
        raise asyncio.CancelledError

    async def stop(self) -> None:
        """Stop timers and tasks, when the last hook has run."""
        await super().stop()
        if self._departure is not None:
            self._departure.cancel()


class Websocket(BaseRequestWebsocket, AsyncWebsocket):
    """A websocket connection.

    A view whose client leaves gets :exc:`asyncio.CancelledError` where it waits.

    Args:
        path: The path, below ``root_path``.
        query_string: The part of the URL after the question mark.
        scheme: ``ws`` or ``wss``.
        headers: The headers of the handshake.
        root_path: The prefix that the app is mounted at.
        http_version: The version of HTTP.
        subprotocols: Those that the client offers.
        receive: Returns the next message of the client.
        send: Sends a message to the client.
        accept: Completes the handshake.
        close: Closes the websocket.
        scope: The ASGI scope.

    Source: ``Quart: wrappers.websocket.Websocket``.
    """

    connection_class = Connection

    def __init__(
        self,
        path: str,
        query_string: bytes,
        scheme: str,
        headers: Headers,
        root_path: str,
        http_version: str,
        subprotocols: list[str],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        accept: Callable[..., Awaitable[None]],
        close: Callable[..., Awaitable[None]],
        scope: Any,
    ) -> None:
        BaseRequestWebsocket.__init__(
            self, "GET", scheme, path, query_string, headers, root_path, http_version, scope
        )
        ctx = self._ctx
        ctx.scope.update(type="websocket", subprotocols=subprotocols)
        messages = _Messages(receive, send, accept, close)
        ctx.receive, ctx.send = messages.receive, messages.send
        self._connection = self.connection_class(ctx)

    @classmethod
    def of_context(cls, ctx: Any) -> Self:
        """Make the websocket of a context.

        Args:
            ctx: The context.
        """
        self = super().of_context(ctx)
        self._connection = self.connection_class(ctx)
        return self

    def move_to(self, ctx: Any) -> None:
        """Belong to another context from now on.

        Args:
            ctx: The context.
        """
        super().move_to(ctx)
        self._connection = self.connection_class(ctx)

    @property
    def connection(self) -> Connection:
        """The ASGI side."""
        connection = self._connection
        assert isinstance(connection, Connection)
        return connection

    async def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> None:
        """Complete the handshake.

        Args:
            headers: Added to the server's answer.
            subprotocol: The one that is chosen.

        Raises:
            CancelledError: The client has left.
        """
        try:
            await super().accept(headers, subprotocol)
        except WebsocketDisconnect as error:
            await self.connection.wait_for_cancellation(error)

    async def receive(self) -> str | bytes:
        """Wait for the next message: ``str`` or ``bytes``.

        Raises:
            CancelledError: The client has left.
        """
        try:
            return await super().receive()
        except WebsocketDisconnect as error:
            await self.connection.wait_for_cancellation(error)

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Args:
            data: Text, or bytes for a binary message.

        Raises:
            CancelledError: The client has left.
        """
        try:
            await super().send(data)
        except WebsocketDisconnect as error:
            await self.connection.wait_for_cancellation(error)

    def _checked(self, subprotocol: str | None) -> str | None:
        # Quart's test client tells the app no subprotocols, and tests choose one all the same.
        return subprotocol

    async def close(  # type: ignore[override]  # as Quart's
        self, code: int, reason: str | None = ""
    ) -> None:
        """Close the websocket.

        Args:
            code: The close code.
            reason: For the client.
        """
        await super().close(code, reason)


class _Messages:
    """The functions of a websocket that is made by hand, as ASGI's two."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        accept: Callable[..., Awaitable[None]],
        close: Callable[..., Awaitable[None]],
    ) -> None:
        self._receive = receive
        self._send = send
        self._accept = accept
        self._close = close
        self._connected = False

    async def receive(self) -> Message:
        """Return the next message of the client."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        data = await self._receive()
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    async def send(self, message: Message) -> None:
        """Call the function that a message stands for.

        Args:
            message: The message.
        """
        kind = message["type"]
        if kind == "websocket.accept":
            await self._accept(decode_headers(message["headers"]), message["subprotocol"])
        elif kind == "websocket.close":
            await self._close(message["code"], message["reason"])
        else:
            text = message.get("text")
            await self._send(message.get("bytes") if text is None else text)
