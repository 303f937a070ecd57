"""The ASGI side of an app, as objects that are made for each connection.

A connection is served by the async API. The methods besides ``__call__`` do one step each, for
tests and subclasses that call them; the serving does not.
"""

from __future__ import annotations

import asyncio
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from ..serving.asgi import serve_connection
from ..typing import AnyReceive, AnySend, Message, Scope
from ..wrappers.http_connection import path_below_root
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

    async def __call__(self, receive: AnyReceive, send: AnySend) -> None:
        """Serve it.

        Args:
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        app: Any = self.app
        await serve_connection(app, self.scope, receive, send, wrapped=False)

    def _headers(self) -> Headers:
        """Return the scope's headers, and the client's address as one of them."""
        headers = Headers({"Remote-Addr": (self.scope.get("client") or ["<local>"])[0]})
        for name, value in self.scope["headers"]:
            headers.add(name.decode("latin-1").title(), value.decode("latin-1"))
        return headers

    def _path(self) -> str:
        """Return the path below ``root_path``; of a target that is a whole URL, its path."""
        path = self.scope["path"]
        return path_below_root(self.scope if path[:1] == "/" else {"path": urlsplit(path).path})


class ASGIHTTPConnection(ServedConnection):
    """Serves one request.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: asgi.ASGIHTTPConnection``.
    """

    # COMPAT: tests and subclasses call it to get the request of a scope.
    def _create_request_from_scope(self, send: AnySend) -> Request:
        scope, config = self.scope, self.app.config
        headers = self._headers()
        if scope["http_version"] < "1.1":
            headers.setdefault("Host", config["SERVER_NAME"] or "")
        return self.app.request_class(
            scope["method"],
            scope["scheme"],
            self._path(),
            scope["query_string"],
            headers,
            scope.get("root_path", ""),
            scope["http_version"],
            scope,
            max_content_length=config["MAX_CONTENT_LENGTH"],
            body_timeout=config["BODY_TIMEOUT"],
            send_push_promise=partial(self._send_push_promise, send),
        )

    async def _send_push_promise(self, send: AnySend, path: str, headers: Headers) -> None:
        if "http.response.push" in (self.scope.get("extensions") or {}):
            encoded = encode_headers(headers)
            await send({"type": "http.response.push", "path": path, "headers": encoded})

    async def handle_messages(self, request: Request, receive: AnyReceive) -> None:
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

    async def handle_request(self, request: Request, send: AnySend) -> None:
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
        self._closed = False

    # COMPAT: tests and subclasses call it to get the websocket of a scope.
    def _create_websocket_from_scope(self, send: AnySend) -> Websocket:
        scope = self.scope
        return self.app.websocket_class(
            self._path(),
            scope["query_string"],
            scope["scheme"],
            self._headers(),
            scope.get("root_path", ""),
            scope.get("http_version", "1.1"),
            list(scope.get("subprotocols") or ()),
            self.queue.get,
            partial(self.send_data, send),
            partial(self.accept_connection, send),
            partial(self.close_connection, send),
            scope,
        )

    async def handle_messages(self, receive: AnyReceive) -> None:
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

    async def handle_websocket(self, websocket: Websocket, send: AnySend) -> None:
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
        if not self._closed:
            self._closed = True
            await send({"type": "websocket.close", "code": 1000})

    async def send_data(self, send: AnySend, data: str | bytes) -> None:
        """Send a message.

        Args:
            send: Sends a message to the client.
            data: Text or bytes.
        """
        is_text = isinstance(data, str)
        message = {"bytes": None if is_text else data, "text": data if is_text else None}
        await send({"type": "websocket.send", **message})

    async def accept_connection(
        self, send: AnySend, headers: Headers | None, subprotocol: str | None
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
        version = self._version()
        if headers and version < (2, 1):
            shown = ".".join(map(str, version))
            warnings.warn(
                f"accept() was given headers, and the server's ASGI version {shown} has none"
                " there: they are not sent. Use a server with ASGI 2.1 or newer.",
                stacklevel=2,
            )
            headers = None
        encoded = encode_headers(headers) if headers else []
        message = {"subprotocol": subprotocol, "headers": encoded}
        await send({"type": "websocket.accept", **message})

    def _version(self) -> tuple[int, ...]:
        version = (self.scope.get("asgi") or {}).get("spec_version", "2.0")
        return tuple(map(int, version.split(".")))

    async def close_connection(self, send: AnySend, code: int, reason: str) -> None:
        """Close the websocket.

        Args:
            send: Sends a message to the client.
            code: The close code.
            reason: For the client; servers before ASGI 2.3 have none.

        Raises:
            RuntimeError: It was closed before.
        """
        if self._closed:
            raise RuntimeError(
                f"close_connection(code={code!r}) was called for a websocket that is closed"
                " already. Close it once."
            )
        self._closed = True
        further = {"reason": reason} if self._version() >= (2, 3) else {}
        await send({"type": "websocket.close", "code": code, **further})


class ASGILifespan(ServedConnection):
    """Starts the app up, and shuts it down.

    Args:
        app: The app.
        scope: The ASGI scope.

    Source: ``Quart: asgi.ASGILifespan``.
    """

    async def __call__(self, receive: AnyReceive, send: AnySend) -> None:
        """Serve it. A step that fails is reported to the server, and is no error here.

        Args:
            receive: Returns the next message of the server.
            send: Sends a message to the server.
        """
        failures: list[Message] = []

        async def noting(message: Message) -> None:
            if message["type"].endswith(".failed"):
                failures.append(message)
            await send(message)

        try:
            await super().__call__(receive, noting)
        except Exception:
            if not failures:
                raise
