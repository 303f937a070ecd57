"""One HTTP request of the test client, in steps. :mod:`.asgi_connection` carries its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, Self

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from ..json.provider import JSONProvider
from ..typing import Message, Receive, Scope, Send
from ..wrappers.never_awaited import NotesForgotten
from ..wrappers.request.awaitable import refusing
from ..wrappers.request.headers import decode_headers
from .asgi_connection import ASGIConnection
from .builder import body_messages, take_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class ConnectedApp(Protocol):
    """The app that a connection leads to."""

    @property
    def json(self) -> JSONProvider: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None: ...


class ConnectionClient(Protocol):
    """The attributes of a client that its connections use."""

    @property
    def application(self) -> ConnectedApp: ...

    def make_response(
        self, environ: WSGIEnvironment, status: int, headers: Headers, body: bytes
    ) -> TestResponse: ...

    def store_cookies(self, environ: WSGIEnvironment, headers: Headers) -> None: ...

    async def adopt_contexts(self) -> None: ...


class EnteredAsync:
    """An object for ``async with``; any other use raises an error that says so."""

    _made_by: ClassVar[str]

    def _refuse(self, wrong: str) -> NoReturn:
        raise TypeError(
            f"`{wrong.format(self._made_by)}` was written, but `async with` opens a connection.\n\n"
            f"    right: async with {self._made_by} as connection:"
        )

    def __enter__(self) -> NoReturn:
        self._refuse("with {}")

    def __exit__(self, *details: object) -> None:
        """Never called; Python looks it up before it calls ``__enter__``."""

    def __await__(self) -> NoReturn:
        self._refuse("await {}")


class TestConnection(EnteredAsync, NotesForgotten):
    """One request of a client, used with ``async with``; :meth:`.TestClient.request` makes one.

    Leaving the block completes the request body and reads the rest of the response. If
    :meth:`receive` was used, the client disconnects instead, so that an endless response ends.

    Args:
        client: The client.
        scope: The ASGI scope.
        environ: The environ that the scope was made from; its body is sent on entering.

    Source: ``Quart: TestHTTPConnection``.
    """

    __test__ = False
    _made_by = "client.request(...)"

    def __init__(self, client: ConnectionClient, scope: Scope, environ: WSGIEnvironment) -> None:
        self.client = client
        self.scope = scope
        #: The response's status code and headers; ``None`` until its start was received.
        self.status_code: int | None = None
        self.headers: Headers | None = None
        #: The part of the body that was received.
        self.response_data = bytearray()
        self.push_promises: list[tuple[str, Headers]] = []
        #: Links of the early hints, :rfc:`8297`.
        self.early_hints: list[str] = []
        self._environ = environ
        self._connection = ASGIConnection(client.application, scope)
        self._body_complete = False
        self._incremental = False
        self._complete = False

    async def __aenter__(self) -> Self:
        self._connection.start()
        body = take_body(self._environ)
        if body:
            self._body_complete = True
            for message in body_messages(body):
                self._connection.put(message)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        error = exc_value
        try:
            await self._read_rest(error is None)
        except BaseException as failure:
            error = failure
            raise
        finally:
            try:
                await self._connection.__aexit__(None if error is None else type(error), error, tb)
            finally:
                await self.client.adopt_contexts()
        if error is None:
            self.raise_forgotten()

    async def _read_rest(self, orderly: bool) -> None:
        """Read the rest: to the end, or what has arrived if the client disconnects."""
        if orderly and not self._incremental and not self._connection.gone:
            await self.send_complete()
            while await self._next():
                pass
        while not self._complete and self._connection.has_message:
            await self._next()
        if self._complete and not self._connection.gone:
            await self._connection.finish()

    @refusing("connection")
    async def send(self, data: bytes) -> None:
        """Send a piece of the request body.

        Args:
            data: The piece.

        Raises:
            RuntimeError: The body is already complete.
        """
        self.raise_forgotten()
        if self._body_complete:
            raise RuntimeError(
                f"{len(data)} bytes were sent after the request body was complete. Call send()"
                " before send_complete(), and do not give `data` or `json` to request()."
            )
        self._connection.put({"type": "http.request", "body": data, "more_body": True})

    @refusing("connection")
    async def send_complete(self) -> None:
        """End the request body; a second call does nothing."""
        if not self._body_complete:
            self._body_complete = True
            self._connection.put({"type": "http.request", "body": b"", "more_body": False})

    @refusing("connection")
    async def receive(self) -> bytes:
        """Wait for the next piece of the response body.

        Returns:
            The piece, or ``b""`` at the end.

        Raises:
            Exception: What the app did not handle.
        """
        self.raise_forgotten()
        self._incremental = True
        return await self._next()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.receive():
            yield chunk

    @refusing("connection")
    async def disconnect(self) -> None:
        """Disconnect, as a client whose network breaks."""
        self._connection.disconnect()

    @refusing("connection")
    async def as_response(self) -> TestResponse:
        """Return the part of the response that was received.

        Raises:
            RuntimeError: The app has not answered yet, or ended without starting a response.
        """
        if self.status_code is None or self.headers is None:
            if not self._connection.ended:
                raise RuntimeError(too_early(self.scope))
            raise RuntimeError(
                f"{self.client.application!r} answered {self._environ['REQUEST_METHOD']}"
                f" {self.scope['path']!r} with nothing. An ASGI app sends 'http.response.start'"
                " and 'http.response.body', or raises."
            )
        self._environ["wsgi.input"].seek(0)
        return self.client.make_response(
            self._environ, self.status_code, self.headers, bytes(self.response_data)
        )

    async def _next(self) -> bytes:
        """Receive up to the next piece that is not empty; ``b""`` at the end."""
        while not self._complete:
            message = await self._connection.take()
            if message is None:
                break
            chunk = self._note(message)
            if chunk:
                self.response_data += chunk
                return chunk
        return b""

    def _note(self, message: Message) -> bytes:
        kind = message["type"]
        if kind == "http.response.start":
            self.status_code = message["status"]
            self.headers = decode_headers(message.get("headers") or ())
            self.client.store_cookies(self._environ, self.headers)
        elif kind == "http.response.body":
            self._complete = not message.get("more_body", False)
            return bytes(message.get("body") or b"")
        elif kind == "http.response.push":
            headers = decode_headers(message.get("headers") or ())
            self.push_promises.append((message["path"], headers))
        elif kind == "http.response.early_hint":
            self.early_hints += [link.decode("latin-1") for link in message["links"]]
        return b""


def too_early(scope: Scope) -> str:
    """Return the message for a response that is asked for before a part of it was received.

    Args:
        scope: The scope of the connection.
    """
    return (
        f"as_response() of the connection for {scope['path']!r} was called before a part of the"
        " response was received. Write it after the `async with` block, or"
        " `await connection.receive()` before it."
    )
