"""The messages of a websocket: ``receive()``, ``send()``, and ``async for``.

PERF: what is called for each message is a local variable first, because CPython 3.11 calls an
attribute slowly (4 % of a message and its echo), and :class:`MessageIterator` saves a coroutine
(8 % on CPython 3.11, 7 % on 3.13).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

from blinker import Signal

from ...exceptions import UnawaitedAccess, WebsocketDisconnect
from ...json.provider import JSONProvider
from ...signals import websocket_received, websocket_sent
from ...typing import Message
from .connection import LOOK, SEND, WebsocketConnection, WebsocketContext

#: The receivers of the two signals; mostly there are none.
_ON_RECEIVED, _ON_SENT = websocket_received.receivers, websocket_sent.receivers


class MessageReceiver:
    """Receives the messages of a connection."""

    _ctx: WebsocketContext
    _connection: WebsocketConnection
    #: Whether the end of the websocket ends an iteration, instead of being an error.
    _ends_iteration = False

    async def accept(self) -> None:
        """Complete the handshake. On an accepted websocket it does nothing."""
        raise NotImplementedError

    async def receive(self) -> str | bytes:
        """Wait for the next message.

        Returns:
            ``str`` for a text message, ``bytes`` for a binary one (``b""`` for an empty one).

        Raises:
            WebsocketDisconnect: The client is gone, this side has closed, or nothing came within
                ``WEBSOCKET_IDLE_TIMEOUT`` seconds (then the websocket was closed with 1001).

        Source: ``Quart: Websocket.receive``, ``ASGI: websocket.receive``.
        """
        connection = self._connection
        try:
            if not connection.open and not connection.has_unread():
                await self.accept()
            connection.streak = 1
            try:
                pull = connection.pull
                message = await pull()
            finally:
                connection.streak = 0
            data: str | bytes | None = message.get("text")
            if data is None:
                # An empty text or binary message is one too: only None means "the other kind".
                if message["type"] != "websocket.receive":
                    raise connection.client_left(message.get("code"), message.get("reason"))
                data = message["bytes"]
            if _ON_RECEIVED:
                await self._notify(websocket_received, data)
            return data
        except WebsocketDisconnect:
            if self._ends_iteration:
                raise StopAsyncIteration from None
            raise

    async def _notify(self, signal: Signal, data: str | bytes) -> None:
        """Send a signal whose sender is the message, as Quart does."""
        for receiver in list(signal.receivers_for(data)):
            await self._ctx.app.ensure_async(receiver)(data)


class MessageIterator(MessageReceiver):
    """Iterates over the messages of a websocket whose ``receive()`` is asyncflask's own.

    Its ``__anext__()`` is ``receive()`` itself, not a second coroutine that awaits the first.

    Args:
        ctx: The context that carries the connection.
        connection: The connection.
        accept: The websocket's ``accept()``.
    """

    _ends_iteration = True

    def __init__(
        self,
        ctx: WebsocketContext,
        connection: WebsocketConnection,
        accept: Callable[[], Awaitable[None]],
    ) -> None:
        self._ctx = ctx
        self._connection = connection
        self._accept = accept

    async def accept(self) -> None:
        """Complete the handshake, as the websocket does."""
        await self._accept()

    def __aiter__(self) -> MessageIterator:
        return self

    __anext__ = MessageReceiver.receive


class Messages(MessageReceiver):
    """Sends and receives the messages of a connection; the base of the websocket."""

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Args:
            data: ``str`` becomes a text message, ``bytes`` a binary one.

        Raises:
            TypeError: ``data`` is something else.
            WebsocketDisconnect: The client is gone, or this side has closed.

        Source: ``Quart: Websocket.send``, ``ASGI: websocket.send``.
        """
        connection = self._connection
        if not connection.open:
            await self.accept()
        streak = connection.streak = connection.streak + SEND
        if streak >= LOOK:
            await connection.look()
        push = connection.push
        try:
            if not isinstance(data, str):
                await push(_binary_message(data))
            else:
                await push({"type": "websocket.send", "text": data})
        except OSError:
            # ASGI, "Disconnected Client - send exception" (hypercorn ignores such a message).
            raise connection.client_left(1006, None) from None
        if _ON_SENT:
            await self._notify(websocket_sent, data)

    async def receive_json(self) -> Any:
        """Receive a message and read it as JSON with the app's provider.

        Raises:
            ValueError: It is not JSON.
            WebsocketDisconnect: As :meth:`receive`.

        Source: ``Quart: Websocket.receive_json``.
        """
        message = await self.receive()
        return self._json.loads(message)

    async def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send data as a text message of JSON, written by the app's provider.

        Args:
            args: One value; or several, sent as a list.
            kwargs: Instead: the members of an object.

        Raises:
            TypeError: Both were given, or the data cannot be written.
            WebsocketDisconnect: As :meth:`send`.

        Source: ``Quart: Websocket.send_json``.
        """
        if args and kwargs:
            raise TypeError(
                f"send_json() was given the values {args!r} and the members {kwargs!r}. Give one"
                " value, or members by name."
            )
        data = kwargs or (args[0] if len(args) == 1 else args)
        await self.send(self._json.dumps(data))

    def __iter__(self) -> NoReturn:
        raise UnawaitedAccess(
            "`for message in websocket` was written in an `async def` view, where the messages have"
            " to be awaited.\n\n"
            "    wrong: for message in websocket:\n"
            "    right: async for message in websocket:\n\n"
            "In a `def` view the plain `for` is right."
        )

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages: ``async for message in websocket``."""
        is_replaced = (
            getattr(self.receive, "__func__", None) is not MessageIterator.__anext__
            or type(self).__anext__ is not Messages.__anext__
        )
        return self if is_replaced else MessageIterator(self._ctx, self._connection, self.accept)

    async def __anext__(self) -> str | bytes:
        """Return the next message; iteration ends quietly when the websocket does."""
        try:
            return await self.receive()
        except WebsocketDisconnect:
            raise StopAsyncIteration from None

    @property
    def _json(self) -> JSONProvider:
        return self._ctx.app.json


def _binary_message(data: object) -> Message:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return {"type": "websocket.send", "bytes": bytes(data)}
    raise TypeError(
        f"send() was given {data!r} of type {type(data).__name__!r}. Send str or bytes, or use"
        " send_json() for other data."
    )
