"""The websocket of ``async def`` views: messages, handshake and close.

``connection.py`` has the ASGI side, ``http_connection.py`` the attributes of the handshake
(headers, path, cookies). ``dispatch/`` runs the hooks around a view, and decides on the response
that refuses a websocket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NoReturn

from blinker import Signal
from werkzeug.datastructures import Headers as WerkzeugHeaders

from ...exceptions import UnawaitedAccess, WebsocketDisconnect, explain_missing_attributes
from ...json.provider import JSONProvider
from ...signals import websocket_received, websocket_sent
from ...typing import Message
from ..http_connection import HTTPConnection
from ..response.asgi import send_response
from ..response.headers import Headers, encode_headers
from ..response.response import Response
from .connection import LOOK, SEND, WebsocketConnection, WebsocketContext

HandshakeHeaders = Mapping[str, str] | Iterable[tuple[str, str]]

# RFC 6455 §7.4.1 and IANA's "WebSocket Close Code Number Registry": what an endpoint may send.
# 1004, 1005, 1006 and 1015 are reserved and never sent in a frame.
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
# RFC 6455 §5.5: a control frame carries at most 125 bytes, two of which are the code.
_REASON_BYTES = 123


_BY_RECEIVE = "Read messages with `await websocket.receive()` or `async for message in websocket`."
_BY_RECEIVE_JSON = "Read messages that are JSON with `await websocket.receive_json()`."
_BY_SEND = "Send text and bytes with `await websocket.send(message)`."
#: Names of requests, and of the websockets of other frameworks, and what to write instead.
_OTHER_NAMES = {
    **dict.fromkeys(("json", "get_json"), _BY_RECEIVE_JSON),
    **dict.fromkeys(("data", "get_data", "form", "files", "values", "body", "stream"), _BY_RECEIVE),
    **dict.fromkeys(
        ("recv", "receive_text", "receive_bytes", "iter_text", "iter_bytes"), _BY_RECEIVE
    ),
    **dict.fromkeys(("send_text", "send_bytes", "send_str", "write_message"), _BY_SEND),
}


class Websocket(HTTPConnection):
    """A websocket connection, in ``async def`` views.

    The first :meth:`receive` or :meth:`send` accepts the connection; call :meth:`accept` to choose
    headers or a subprotocol. When the client has left, or after :meth:`close`, each further call of
    both raises :exc:`~asyncflask.exceptions.WebsocketDisconnect`; a view need not catch it. Several
    tasks may use the same websocket.

    A view that waits for something else when its client leaves, a queue for example, is cancelled,
    also before it has accepted, unless ``WEBSOCKET_CANCEL_ON_DISCONNECT`` is ``False``. A view that
    receives or sends is not cancelled: these calls raise the error.

    Args:
        ctx: The context that carries this connection.

    Source: ``Quart: Websocket``, ``ASGI: WebSocket``.
    """

    _ctx: WebsocketContext

    def __init__(self, ctx: WebsocketContext) -> None:
        super().__init__(ctx)
        self._connection = WebsocketConnection(ctx)

    # -- messages ----------------------------------------------------------------------------------

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
        if not connection.open and not connection.has_unread():
            await self.accept()
        connection.streak = 1
        try:
            pull = connection.pull  # PERF: as in send().
            message = await pull()
        finally:
            connection.streak = 0
        data: str | bytes | None = message.get("text")
        if data is None:
            # An empty text or binary message is a message: only None means "the other kind".
            if message["type"] != "websocket.receive":
                raise connection.client_left(message.get("code"), message.get("reason"))
            data = message["bytes"]
        if websocket_received.receivers:
            await self._notify(websocket_received, data)
        return data

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
        push = connection.push  # PERF: 4 %; CPython 3.11 calls an attribute slowly.
        try:
            if isinstance(data, str):
                await push({"type": "websocket.send", "text": data})
            else:
                await push({"type": "websocket.send", "bytes": _binary(data)})
        except OSError:
            # ASGI, "Disconnected Client - send exception" (hypercorn ignores such a message).
            raise connection.client_left(1006, None) from None
        if websocket_sent.receivers:
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
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next message; iteration ends quietly when the websocket does."""
        try:
            return await self.receive()
        except WebsocketDisconnect:
            raise StopAsyncIteration from None

    # -- handshake and close -----------------------------------------------------------------------

    @property
    def requested_subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        offered: list[str] | None = self._ctx.scope.get("subprotocols")
        return list(offered or ())

    @property
    def accepted(self) -> bool:
        """Whether the handshake was completed."""
        return self._connection.accepted

    @property
    def closed(self) -> bool:
        """Whether the connection has ended, as far as this side knows."""
        return self._connection.end is not None

    @property
    def close_code(self) -> int | None:
        """The code with which it ended, or ``None`` while it has not."""
        end = self._connection.end
        return None if end is None else end.code

    @property
    def close_reason(self) -> str | None:
        """The reason with which it ended, possibly empty, or ``None`` while it has not."""
        end = self._connection.end
        return None if end is None else end.reason

    async def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> None:
        """Complete the handshake. On an accepted websocket it does nothing.

        A session that was changed before is saved, with its cookie in the server's answer.

        Args:
            headers: Added to the server's answer.
            subprotocol: One of :attr:`requested_subprotocols`.

        Raises:
            RuntimeError: Headers or a subprotocol are given, but it was accepted already.
            ValueError: The client does not offer ``subprotocol``, or a header is malformed.
            WebsocketDisconnect: It has ended.

        Source: ``Quart: Websocket.accept``, ``ASGI: websocket.accept``.
        """
        connection = self._connection
        if connection.failure is not None:
            raise connection.failure
        message: dict[str, Any] = {
            "type": "websocket.accept",
            "subprotocol": self._checked(subprotocol),
            "headers": _encode_headers(headers),
        }
        async with connection.handshake():
            if connection.end is not None:
                raise connection.disconnect()
            if connection.accepted:
                if headers is not None or subprotocol is not None:
                    raise RuntimeError(
                        f"accept(headers={headers!r}, subprotocol={subprotocol!r}) was called on"
                        f" {self!r}, which is accepted already. Call it before the first receive()"
                        " or send(): these accept by themselves."
                    )
                return
            if not await connection.connected():
                raise connection.disconnect()
            message["headers"] += await self._ctx.handshake_headers()
            await connection.accept(message)

    def _checked(self, subprotocol: str | None) -> str | None:
        # RFC 6455 §4.2.2: one of the client's values; a browser drops the connection otherwise.
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"accept(subprotocol={subprotocol!r}), but the client offers"
                f" {self.requested_subprotocols!r}. Choose one of these, or none."
            )
        return subprotocol

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the websocket. On one that has ended it does nothing.

        Before :meth:`accept` this refuses the handshake with 403.

        Args:
            code: The close code, :rfc:`6455` §7.4.
            reason: For the client, at most 123 bytes of UTF-8.

        Raises:
            ValueError: The code may not be sent, or the reason is too long.

        Source: ``Quart: Websocket.close``, ``ASGI: websocket.close``.
        """
        reason = reason or ""
        if code not in _CLOSE_CODES:
            raise ValueError(
                f"close(code={code!r}): an endpoint may not send this code. Use 1000 (normal),"
                " 1001 (going away), 1008 (policy), 1011 (error), or your own from 4000 to 4999."
            )
        if len(reason.encode()) > _REASON_BYTES:
            raise ValueError(
                f"close(reason={reason[:40]!r}…) has {len(reason.encode())} bytes; a close frame"
                f" has room for {_REASON_BYTES}. Send the details as a message before closing."
            )
        await self._connection.close(code, reason)

    # -- for the dispatcher ------------------------------------------------------------------------

    def watch_handshake(self) -> None:
        """Notice a client that leaves while hooks or view wait for something before accepting.

        Called when the connection begins.
        """
        self._connection.watch_handshake()

    def fail(self, error: Exception) -> None:
        """Let the next :meth:`accept`, :meth:`receive` or :meth:`send` raise an error.

        Called when a coroutine that was not awaited is destroyed while the view continues.

        Args:
            error: The error to raise.
        """
        self._connection.failure = error
        self._connection.open = False  # Both test this first, and call accept() then.

    async def reject(self, response: Response) -> None:
        """Refuse the handshake with ``response``, or with a bare 403 if the server cannot.

        A view or ``before_websocket`` function returns the response instead.

        Args:
            response: The response that the client gets instead of a websocket.

        Raises:
            RuntimeError: The websocket is accepted already.

        Source: ``ASGI: Websocket Denial Response``.
        """
        connection = self._connection
        if connection.accepted:
            raise RuntimeError(
                f"{response!r} was to refuse {self!r}, which is accepted already. Refuse before"
                " the first receive() or send(), or call close(code, reason)."
            )
        if "websocket.http.response" not in (self._ctx.scope.get("extensions") or ()):
            await response.aclose()
            await self.close(1008)
            return
        async with connection.handshake():
            if connection.end is not None or not await connection.connected():
                await response.aclose()
                return
            connection.ended(1008, "")
            await send_response(response, "GET", self._deny)

    async def _deny(self, message: Message) -> None:
        message["type"] = "websocket." + message["type"]
        await self._connection.control(message)

    async def end(self, response: Response | None = None, code: int = 1000) -> None:
        """End a websocket that the view has left open.

        It has to be called after the last hook in any case: it stops the timers and tasks.

        Args:
            response: The response of hooks, view or error handlers. It refuses a websocket that was
                not accepted; an accepted one is closed, with 1011 for a server error.
            code: The close code otherwise.
        """
        try:
            if response is not None and not self.accepted:
                await self.reject(response)
            elif response is not None and response.status_code >= 500:
                await self.close(1011)
            else:
                await self.close(code)
        finally:
            await self._connection.stop()

    def view_was_cancelled(self) -> bool:
        """Undo the cancellation of a view whose client has left, when the view has ended.

        Returns:
            Whether it was cancelled for that.
        """
        return self._connection.view_was_cancelled()

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _json(self) -> JSONProvider:
        return self._ctx.app.json

    async def _notify(self, signal: Signal, data: str | bytes) -> None:
        """Send a signal whose sender is the message, as Quart does."""
        for receiver in list(signal.receivers_for(data)):
            await self._ctx.app.ensure_async(receiver)(data)


explain_missing_attributes(
    Websocket,
    {name: f"{remedy} (In a `def` view without `await`.)" for name, remedy in _OTHER_NAMES.items()},
)


def _binary(data: Any) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise TypeError(
        f"send() was given {data!r} of type {type(data).__name__!r}. Send str or bytes, or use"
        " send_json() for other data."
    )


def _encode_headers(headers: HandshakeHeaders | None) -> list[tuple[bytes, bytes]]:
    if headers is None:
        return []
    if not isinstance(headers, WerkzeugHeaders):
        headers = Headers(headers)
    return encode_headers(headers)
