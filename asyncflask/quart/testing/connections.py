"""The connections of the test client: an HTTP request, and a websocket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.datastructures import Headers

from ..._contextvars import current
from ...exceptions import WebsocketDisconnect
from ...testing.asgi_connection import ASGIConnection
from ...testing.client import PRESERVE_CONTEXT
from ...testing.connection import too_early
from ...testing.websocket import WebsocketDisconnectError as AsyncDisconnectError
from ...testing.websocket import WebsocketResponseError as WebsocketResponseError
from ...typing import Message, Scope
from ...wsgi import PARENT
from ..utils import decode_headers
from .utils import PRESERVED

if TYPE_CHECKING:
    from ..app import Quart
    from ..wrappers import Response

ExcType = type[BaseException] | None


class HTTPDisconnectError(Exception):
    """The app aborted the connection."""


class WebsocketDisconnectError(AsyncDisconnectError):
    """The app closed the websocket.

    Args:
        code: The close code, which is the one item of ``args``.
        reason: The reason.

    Source: ``Quart: testing.connections.WebsocketDisconnectError``.
    """

    def __init__(self, code: int = 1000, reason: str = "") -> None:
        super().__init__(code, reason)
        self.args = (code,)


class _Connection:
    """The client's end of a connection.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None:
        self.app = app
        self.scope = scope
        self.headers: Headers | None = None
        self.status_code: int | None = None
        self.response_data = bytearray()
        #: the contexts that are kept for the test
        self.kept: list[Any] = []
        if (pushed := current()) is not None:
            scope[PARENT] = pushed
        if scope.get(PRESERVED):
            scope[PRESERVE_CONTEXT] = self.kept.append
        self._connection = ASGIConnection(app, scope)

    async def _take(self) -> Message | None:
        """Wait for the app's next message; ``None`` if the app has ended."""
        task = asyncio.current_task()
        assert task is not None  # A test runs in a task.
        cancelling = task.cancelling()
        try:
            return await self._connection.take()
        except asyncio.CancelledError:
            # If nothing cancels the test, it is the app's: a server answers 500 then.
            if task.cancelling() > cancelling:
                raise
            self.status_code = self.status_code or 500
            return None

    async def as_response(self) -> Response:
        """Return what was received as a response.

        Raises:
            RuntimeError: Nothing was received yet. (Quart returns an empty response.)
        """
        while self._connection.has_message:
            self._note(await self._connection.take() or {})
        if self.status_code is None:
            raise RuntimeError(too_early(self.scope))
        headers = Headers() if self.headers is None else self.headers
        length = headers.get("Content-Length")
        response = self.app.response_class(bytes(self.response_data), self.status_code, headers)
        if length is not None and self.scope.get("method") == "HEAD":
            response.headers["Content-Length"] = length
        return response

    def _note(self, message: Message) -> None:
        raise NotImplementedError("Each kind of connection has its messages.")


class TestHTTPConnection(_Connection):
    """A request in steps.

    Args:
        app: The app.
        scope: The ASGI scope.
        _preserve_context: Whether the context is kept after the connection's end.

    Source: ``Quart: testing.connections.TestHTTPConnection``.
    """

    __test__ = False

    def __init__(self, app: Quart, scope: Scope, _preserve_context: bool = False) -> None:
        super().__init__(app, {**scope, PRESERVED: _preserve_context or scope.get(PRESERVED)})
        self.push_promises: list[tuple[str, Headers]] = []
        self._received_last = False

    async def send(self, data: bytes) -> None:
        """Send a piece of the request's body.

        Args:
            data: Its bytes.
        """
        self._connection.put({"type": "http.request", "body": data, "more_body": True})

    async def send_complete(self) -> None:
        """End the request's body."""
        self._connection.put({"type": "http.request", "body": b"", "more_body": False})

    async def receive(self) -> bytes:
        """Wait for the next piece of the response's body; the last one is empty.

        Raises:
            HTTPDisconnectError: Nothing more comes.
        """
        if self._received_last:
            self._received_last = False
            return b""
        while True:
            message = await self._take()
            if message is None:
                raise HTTPDisconnectError
            self._note(message)
            if message["type"] == "http.response.body":
                body = bytes(message.get("body") or b"")
                self._received_last = bool(body) and not message.get("more_body", False)
                # What the test receives itself is no part of the response that is left.
                del self.response_data[len(self.response_data) - len(body) :]
                return body

    async def disconnect(self) -> None:
        """Disconnect."""
        self._connection.disconnect()

    async def __aenter__(self) -> Self:
        self._connection.start()
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc_type is not None:
            await self.disconnect()
        while (message := await self._take()) is not None:
            self._note(message)

    def _note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.headers = decode_headers(message.get("headers") or ())
            self.status_code = message["status"]
        elif message["type"] == "http.response.body":
            self.response_data += message.get("body") or b""
        elif message["type"] == "http.response.push":
            headers = decode_headers(message.get("headers") or ())
            self.push_promises.append((message["path"], headers))


class TestWebsocketConnection(_Connection):
    """A websocket.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: testing.connections.TestWebsocketConnection``.
    """

    __test__ = False

    def __init__(self, app: Quart, scope: Scope) -> None:
        super().__init__(app, scope)
        self.accepted = False
        self._refused = False

    async def __aenter__(self) -> Self:
        self._connection.start()
        self._connection.put({"type": "websocket.connect"})
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        refusal: WebsocketResponseError | None = None
        try:
            if exc_type is None:
                await self.disconnect()
                refusal = await self._take_rest()
        finally:
            self._connection.disconnect(**_left(1005))
            await self._connection.finish()
        if exc_type is None:
            with suppress(asyncio.CancelledError):  # It is the app's, because nothing waits here.
                self._connection.raise_error()
        if refusal is not None:
            raise refusal

    async def _take_rest(self) -> WebsocketResponseError | None:
        """Take the messages up to the end; return the error of one that was not received."""
        try:
            while (message := await self._take()) is not None:
                await self._next(message)
        except WebsocketDisconnect:
            pass
        except WebsocketResponseError as error:
            return error
        return None

    async def receive(self) -> str | bytes:
        """Wait for the app's next message.

        Raises:
            WebsocketDisconnectError: The app closed the websocket, also before it accepted it.
            WebsocketResponseError: The app answered the handshake with a response.
        """
        while True:
            message = await self._take()
            if message is None:
                raise WebsocketDisconnectError(1006, "The app ended")
            data = await self._next(message)
            if data is not None:
                return data

    async def _next(self, message: Message) -> str | bytes | None:
        kind = message["type"]
        if kind == "websocket.send":
            text: str | None = message.get("text")
            return bytes(message["bytes"]) if text is None else text
        if kind == "websocket.close":
            raise WebsocketDisconnectError(message.get("code", 1000), message.get("reason") or "")
        self._note(message)
        if kind == "websocket.http.response.body" and not message.get("more_body", False):
            raise WebsocketResponseError(await self.as_response())  # type: ignore[arg-type]
        return None

    def _note(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self.accepted = True
            self.headers = decode_headers(message.get("headers") or ())
        elif kind == "websocket.http.response.start":
            self.headers = decode_headers(message.get("headers") or ())
            self.status_code = message["status"]
        elif kind == "websocket.http.response.body":
            self.response_data += message.get("body") or b""

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Args:
            data: Text, or bytes for a binary message.
        """
        kind = "text" if isinstance(data, str) else "bytes"
        self._connection.put({"type": "websocket.receive", kind: data})

    async def receive_json(self) -> Any:
        """Wait for the app's next message, and read it as JSON."""
        return self.app.json.loads(await self.receive())

    async def send_json(self, data: Any) -> None:
        """Send a value as JSON.

        Args:
            data: The value.
        """
        await self.send(self.app.json.dumps(data))

    async def close(self, code: int) -> None:
        """Close the websocket, behind the messages that were sent before.

        Args:
            code: The close code.
        """
        self._connection.put({"type": "websocket.disconnect", **_left(code)})

    async def disconnect(self) -> None:
        """Disconnect, behind the messages that were sent before."""
        await self.close(1005)


def _left(code: int) -> dict[str, Any]:
    return {"code": code, "reason": ""}
