"""The ASGI side of an app, as objects that are made for each connection.

A connection is served by the async API. The methods besides ``__call__`` do one step each, for
tests and subclasses that call them; the serving does not.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers

from ..serving.asgi import serve_connection
from ..typing import Receive, Scope, Send
from ..wrappers.response.asgi import send_response
from .utils import encode_headers
from .wrappers import Request, Response, Websocket

if TYPE_CHECKING:
    from .app import Quart


class ServedConnection:
    """Serves one connection as the app does.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None:
        self.app = app
        self.scope = scope

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Serve it.

        Args:
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        app: Any = self.app
        await serve_connection(app, self.scope, receive, send, wrapped=False)


class ASGIHTTPConnection(ServedConnection):
    """Serves one request.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: asgi.ASGIHTTPConnection``.
    """

    async def handle_messages(self, request: Request, receive: Receive) -> None:
        """Put the messages of the client into a request's body, until the client disconnects.

        Args:
            request: A request that was made by hand.
            receive: Returns the next message.
        """
        body: Any = request.body
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body.append(message.get("body", b""))
            if not message.get("more_body", False):
                body.set_complete()

    async def handle_request(self, request: Request, send: Send) -> None:
        """Let the app answer a request, and send the response.

        Args:
            request: The request.
            send: Sends a message to the client.
        """
        response: Any = await self.app.handle_request(request)
        await send_response(response, request.method, send)


class ASGIWebsocketConnection(ServedConnection):
    """Serves one websocket.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: asgi.ASGIWebsocketConnection``.
    """

    def __init__(self, app: Quart, scope: Scope) -> None:
        super().__init__(app, scope)
        #: the messages that :meth:`handle_messages` has received
        self.queue: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._accepted = False

    async def handle_messages(self, receive: Receive) -> None:
        """Put the messages of the client into the queue, until the client disconnects.

        Args:
            receive: Returns the next message.
        """
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if message["type"] == "websocket.receive":
                data = message.get("bytes")
                await self.queue.put(message["text"] if data is None else data)

    async def handle_websocket(self, websocket: Websocket, send: Send) -> None:
        """Let the app serve a websocket, and end it.

        Args:
            websocket: The websocket.
            send: Sends a message to the client.
        """
        response: Response | None = await self.app.handle_websocket(websocket)
        if response is not None and not self._accepted:
            extensions = self.scope.get("extensions") or {}
            if "websocket.http.response" in extensions:
                prefix = "websocket."
                await send_response(
                    response,
                    "GET",
                    lambda m: send({**m, "type": prefix + m["type"]}),
                )
                return
        await send({"type": "websocket.close", "code": 1000})

    async def send_data(self, send: Send, data: str | bytes) -> None:
        """Send a message.

        Args:
            send: Sends a message to the client.
            data: Text or bytes.
        """
        kind = "text" if isinstance(data, str) else "bytes"
        await send({"type": "websocket.send", kind: data})

    async def accept_connection(
        self, send: Send, headers: Headers | None, subprotocol: str | None
    ) -> None:
        """Complete the handshake, once.

        Args:
            send: Sends a message to the client.
            headers: Added to the answer.
            subprotocol: The one that was chosen.
        """
        if self._accepted:
            return
        self._accepted = True
        version = (self.scope.get("asgi") or {}).get("spec_version", "2.0")
        if headers and tuple(map(int, version.split("."))) < (2, 1):
            warnings.warn(
                f"accept() was given headers, and the server's ASGI version {version} has none"
                " there: they are not sent. Use a server with ASGI 2.1 or newer.",
                stacklevel=2,
            )
            headers = None
        encoded = encode_headers(headers) if headers else []
        message = {"subprotocol": subprotocol, "headers": encoded}
        await send({"type": "websocket.accept", **message})

    async def close_connection(self, send: Send, code: int, reason: str) -> None:
        """Close the websocket.

        Args:
            send: Sends a message to the client.
            code: The close code.
            reason: For the client.
        """
        await send({"type": "websocket.close", "code": code, "reason": reason})


class ASGILifespan(ServedConnection):
    """Starts the app up, and shuts it down.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: asgi.ASGILifespan``.
    """
