"""The websocket of ``async def`` views: handshake and close.

``messages.py`` has its messages, ``connection.py`` the ASGI side, ``http_connection.py`` the
attributes of the handshake (headers, path, cookies). ``dispatch/`` runs the hooks around a view,
and decides on the response that refuses a websocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from werkzeug.datastructures import Headers as WerkzeugHeaders

from ...exceptions import explain_missing_attributes
from ...protocol.asgi_state import CLOSE_CODES, REASON_BYTES
from ...typing import Message
from ..http_connection import HTTPConnection
from ..response.asgi import send_response
from ..response.headers import Headers, encode_headers
from ..response.response import Response
from .connection import WebsocketConnection, WebsocketContext
from .messages import Messages

T = TypeVar("T")
HandshakeHeaders = Mapping[str, str] | Iterable[tuple[str, str]]

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


class Websocket(Messages, HTTPConnection):
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

    #: Cookies that the answer of the handshake has set, by name.
    handshake_cookies: Mapping[str, str] = {}
    #: the class of the ASGI side
    connection_class: type[WebsocketConnection] = WebsocketConnection

    def __init__(self, ctx: WebsocketContext) -> None:
        HTTPConnection.__init__(self, ctx)
        self._connection = self.connection_class(ctx)

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
        if code not in CLOSE_CODES:
            raise ValueError(
                f"close(code={code!r}): an endpoint may not send this code. Use 1000 (normal),"
                " 1001 (going away), 1008 (policy), 1011 (error), or your own from 4000 to 4999."
            )
        if len(reason.encode()) > REASON_BYTES:
            raise ValueError(
                f"close(reason={reason[:40]!r}…) has {len(reason.encode())} bytes; a close frame"
                f" has room for {REASON_BYTES}. Send the details as a message before closing."
            )
        await self._connection.close(code, reason)

    # -- for the dispatcher ------------------------------------------------------------------------

    def watch_handshake(self, view_task: asyncio.Task[Any] | None) -> None:
        """Notice a client that leaves while hooks or view wait for something before accepting.

        Called when the connection begins.

        Args:
            view_task: The task that an ``async def`` view runs in; ``None`` for one in a thread.
        """
        self._connection.watch_handshake(view_task)

    def in_view_task(self, coro: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Return a coroutine whose task is cancelled, as the view, when the client has gone.

        Called in the thread of a ``def`` callable that waits for an ``async def`` one.

        Args:
            coro: The coroutine of that one; it has not begun.
        """
        connection = self._connection
        return coro if connection.view_task is None else connection.as_view(coro)

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


explain_missing_attributes(
    Websocket,
    {name: f"{remedy} (In a `def` view without `await`.)" for name, remedy in _OTHER_NAMES.items()},
)


def _encode_headers(headers: HandshakeHeaders | None) -> list[tuple[bytes, bytes]]:
    if headers is None:
        return []
    if not isinstance(headers, WerkzeugHeaders):
        headers = Headers(headers)
    return encode_headers(headers)
