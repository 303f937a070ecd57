"""The test client's websocket. :mod:`.asgi_connection` carries its messages."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from ..exceptions import WebsocketDisconnect
from ..typing import Message, Scope
from ..wrappers.never_awaited import NotesForgotten
from ..wrappers.request.awaitable import refusing
from ..wrappers.request.headers import decode_headers
from .asgi_connection import ASGIConnection
from .connection import ConnectionClient, EnteredAsync

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class WebsocketDisconnectError(WebsocketDisconnect):
    """The websocket was closed, by the app or by the test itself.

    A :exc:`.WebsocketDisconnect`, with ``code`` and ``reason``.

    Source: ``Quart: testing.connections.WebsocketDisconnectError``.
    """


class WebsocketResponseError(Exception):
    """The app refused the websocket and answered with an HTTP response instead.

    Args:
        response: The response, with ``status_code``, ``headers`` and ``data``.

    Source: ``Quart: testing.WebsocketResponseError``, ``ASGI: Websocket Denial Response``.
    """

    def __init__(self, response: TestResponse) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"The websocket was refused with {self.response.status}"


class TestWebsocket(EnteredAsync, NotesForgotten):
    """The client's end of a websocket; :meth:`.TestClient.websocket` makes one.

    Entering ``async with`` waits until the app accepts. Leaving closes the websocket with code
    1000, waits until the app has ended and raises its error, if there is one.

    Args:
        client: The client.
        scope: The ASGI scope.
        environ: The environ that the scope was made from.

    Source: ``Quart: TestWebsocketConnection``.
    """

    __test__ = False  # Tells pytest that this is not a test.
    _made_by = "client.websocket(...)"

    #: Seconds that the app may take to accept or to refuse.
    accept_timeout = 10.0

    def __init__(self, client: ConnectionClient, scope: Scope, environ: WSGIEnvironment) -> None:
        self.client = client
        self.scope = scope
        self.accepted = False
        #: The subprotocol that the app has chosen with ``accept(subprotocol=…)``.
        self.accepted_subprotocol: str | None = None
        #: The headers of the app's ``accept()``.
        self.response_headers = Headers()
        self._environ = environ
        self._connection = ASGIConnection(client.application, scope)
        self._closed: WebsocketDisconnectError | None = None

    async def __aenter__(self) -> Self:
        """Connect, and wait until the app has answered.

        Raises:
            WebsocketResponseError: The app refused.
            TimeoutError: It did neither within :attr:`accept_timeout`.
            Exception: What the app raised.
        """
        self._connection.start()
        self._connection.put({"type": "websocket.connect"})
        try:
            message = await self._handshake()
            if message is None:
                raise RuntimeError(
                    f"{self.client.application!r} ended without answering the websocket"
                    f" {self.scope['path']!r}. Accept or close it."
                )
            if message["type"] != "websocket.accept":
                raise WebsocketResponseError(await self._denial(message))
        except BaseException as error:
            await self._leave(error)
            raise
        self.accepted = True
        self.accepted_subprotocol = message.get("subprotocol")
        self.response_headers = self._headers_of(message)
        return self

    async def _handshake(self) -> Message | None:
        """Wait for the app's first message."""
        try:
            async with asyncio.timeout(self.accept_timeout) as limit:
                return await self._connection.take()
        except TimeoutError:
            if not limit.expired():
                raise  # the app's own timeout
            raise TimeoutError(
                f"The view of {self.scope['path']!r} neither accepted nor refused the websocket"
                f" within {self.accept_timeout} s, and its client waits for that. Call `await"
                " websocket.accept()` first in the view; receive() and send() do so as well."
            ) from None

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._leave(exc_value)

    async def _leave(self, error: BaseException | None) -> None:
        self._connection.disconnect(code=1000, reason="")
        try:
            await self._connection.__aexit__(None if error is None else type(error), error, None)
        finally:
            await self.client.adopt_contexts()
        if error is None:
            self.raise_forgotten()
        if self._connection.overdue and error is None:
            raise TimeoutError(
                f"The view of {self.scope['path']!r} did not end within {self._connection.grace} s"
                " after the client had left, and was cancelled. The app cancels an `async def` view"
                " that waits. A view that catches its cancellation, and a `def` view, must"
                " notice the end by receive() or send()."
            )

    @refusing("connection")
    async def receive(self) -> str | bytes:
        """Wait for the app's next message.

        Raises:
            WebsocketDisconnectError: The app closed the websocket, or ended.
            Exception: What the app did not handle.
        """
        self.raise_forgotten()
        if not self.accepted:
            self._refuse("receive() before {}")
        if self._closed is not None:
            raise self._closed.with_traceback(None)
        message = await self._connection.take()
        if message is None:
            message = {"type": "websocket.close", "code": 1006, "reason": "The app ended"}
        if message["type"] == "websocket.close":
            code, reason = message.get("code", 1000), message.get("reason")
            self._closed = WebsocketDisconnectError(code, reason or "")
            if code == 1011:
                await self._raise_cause()
            raise self._closed
        text: str | None = message.get("text")
        return bytes(message["bytes"]) if text is None else text

    @refusing("connection")
    async def send(self, data: str | bytes) -> None:
        """Send a message to the app.

        Args:
            data: Text, or bytes for a binary message.

        Raises:
            WebsocketDisconnectError: The websocket was closed by either side.
        """
        self.raise_forgotten()
        if self._closed is not None:
            raise self._closed.with_traceback(None)
        if not self.accepted:
            self._refuse("send() before {}")
        kind = "text" if isinstance(data, str) else "bytes"
        self._connection.put({"type": "websocket.receive", kind: data})

    @refusing("connection")
    async def receive_json(self) -> Any:
        """Receive a message and read it with the app's JSON provider."""
        return self.client.application.json.loads(await self.receive())

    @refusing("connection")
    async def send_json(self, data: object) -> None:
        """Send a value as text, written by the app's JSON provider.

        Args:
            data: The value.
        """
        await self.send(self.client.application.json.dumps(data))

    @refusing("connection")
    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket; the app receives a disconnect with this code and reason.

        Args:
            code: The close code (:rfc:`6455` §7.4).
            reason: Text for the app.
        """
        self._closed = self._closed or WebsocketDisconnectError(code, reason)
        self._connection.disconnect(code=code, reason=reason)

    @refusing("connection")
    async def disconnect(self) -> None:
        """Disconnect without closing (code 1006), as when a network fails."""
        await self.close(1006)

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "`for message in connection` was written, but the messages have to be awaited.\n\n"
            "    wrong: for message in connection:\n"
            "    right: async for message in connection:"
        )

    def __aiter__(self) -> TestWebsocket:
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next message; iteration ends when the app closes."""
        try:
            return await self.receive()
        except WebsocketDisconnect:
            raise StopAsyncIteration from None

    async def _raise_cause(self) -> None:
        """Raise the app's error, if it is the reason why the app closed or refused."""
        await self._connection.finish(self._connection.grace)
        if self._connection.ended:
            self._connection.raise_error()

    async def _denial(self, message: Message) -> TestResponse:
        """Read a denial response; for a plain close it is the 403 that a server sends."""
        if message["type"] == "websocket.close":
            await self._raise_cause()
            return self.client.make_response(self._environ, 403, Headers(), b"")
        headers = self._headers_of(message)
        body = bytearray()
        more: Message | None = {"more_body": True}
        while more is not None and more.get("more_body", False):
            more = await self._connection.take()
            body += (more or {}).get("body") or b""
        if message["status"] >= 500:
            await self._raise_cause()
        return self.client.make_response(self._environ, message["status"], headers, bytes(body))

    def _headers_of(self, message: Message) -> Headers:
        headers = decode_headers(message.get("headers") or ())
        self.client.store_cookies(self._environ, headers)
        return headers
