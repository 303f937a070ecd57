"""The client: calls an app, and records its response.

There is no server and no socket. An ASGI app gets a fresh scope, as uvicorn makes it, and a
``receive`` and ``send`` that do as little as a client can: send the body, then stay connected and
silent; take what comes. The time is measured by :mod:`.measure`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

from .workloads import HEADERS, MESSAGE, Answer, Pair, Workload

#: bytes that servers read at once
PIECE = 64 * 1024

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Call = tuple[dict[str, Any], Receive, Send]


class WrongAnswer(Exception):
    """An app's response is not the one that its workload expects."""


def scope_of(workload: Workload, cookie: bytes | None = None) -> dict[str, Any]:
    """Make the scope of one connection, as uvicorn does. (ASGI: http, websocket.)"""
    websocket = workload.messages > 0
    headers = [*HEADERS, *workload.headers]
    if cookie is not None:
        headers.append((b"cookie", cookie))
    scope: dict[str, Any] = {
        "type": "websocket" if websocket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4" if websocket else "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "ws" if websocket else "http",
        "root_path": "",
        "path": workload.path,
        "raw_path": workload.path.encode(),
        "query_string": workload.query,
        "headers": headers,
        "state": {},
    }
    if websocket:
        scope["subprotocols"] = []
    else:
        scope["method"] = workload.method
    return scope


async def ignore(message: Message) -> None:
    """Discard a message of the response."""


def pieces_of(body: bytes) -> tuple[bytes, ...]:
    """Cut a body as a socket's reads do; an empty one is one empty piece."""
    return tuple(body[at : at + PIECE] for at in range(0, len(body) or 1, PIECE))


class Body:
    """What a client sends: the body, and then nothing more.

    Its pieces are the same objects in all calls. If each call had copies, made before the
    measurement, the used ones would leave memory that is free and already mapped, which does not
    happen under a server. Starlette's upload of 1 MiB then has 17 page faults instead of the
    500 that it has under uvicorn (``python -m benchmarks servers`` counts those), and takes a third
    of the time.

    Args:
        pieces: The body, in the pieces of :func:`pieces_of`.
    """

    __slots__ = ("_at", "_pieces")

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._pieces = pieces
        self._at = 0

    async def receive(self) -> Message:
        """Return the next piece; after the last, wait for a disconnect, which never comes."""
        at = self._at
        if at == len(self._pieces):
            await asyncio.get_running_loop().create_future()
        self._at = at + 1
        more = at + 1 < len(self._pieces)
        return {"type": "http.request", "body": self._pieces[at], "more_body": more}


class Leaving(Body):
    """A client that disconnects at the end of the response, which the server tells the app."""

    __slots__ = ("_left",)

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        super().__init__(pieces)
        self._left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def receive(self) -> Message:
        """Return the body; then wait for the end of the response and return a disconnect."""
        if self._at < len(self._pieces):
            return await super().receive()
        await self._left
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Accept a message of the response; disconnect after the last."""
        ended = message["type"] == "http.response.body" and not message.get("more_body")
        if ended and not self._left.done():
            self._left.set_result(None)


class Lifespan:
    """The messages of a server before the first request and after the last. (ASGI: lifespan.)

    Args:
        app: The ASGI callable.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the app.

        Raises:
            WrongAnswer: The app cannot start.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        running = self._app(scope, self._to_app.get, self._from_app.put)
        self._task = asyncio.ensure_future(running)
        await self._tell("startup")

    async def end(self) -> None:
        """Stop the app."""
        await self._tell("shutdown")
        if self._task is not None:
            await self._task

    async def _tell(self, event: str) -> None:
        await self._to_app.put({"type": f"lifespan.{event}"})
        answer = await self._from_app.get()
        if answer["type"] != f"lifespan.{event}.complete":
            raise WrongAnswer(f"The app answered {event} with {answer!r}.")


class Conversation:
    """A websocket client: sends each message after the previous echo, then disconnects."""

    __slots__ = ("_connected", "_left", "_owed", "_waiter")

    def __init__(self, messages: int) -> None:
        self._left = messages
        self._connected = False
        self._owed = False
        self._waiter: asyncio.Future[None] | None = None

    async def receive(self) -> Message:
        """Return the next message, after the echo of the previous one."""
        if not self._connected:
            self._connected = self._owed = True
            return {"type": "websocket.connect"}
        if self._owed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._left == 0:
            return {"type": "websocket.disconnect", "code": 1000}
        self._left -= 1
        self._owed = True
        return {"type": "websocket.receive", "text": MESSAGE}

    async def send(self, message: Message) -> None:
        """Accept the acceptance or an echo; the next message may follow."""
        self._owed = False
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)


class Client:
    """Calls one app with one workload.

    Args:
        app: An ASGI or, with ``wsgi``, a WSGI callable.
        workload: What to send.
        wsgi: Whether ``app`` is a WSGI callable.
        leaves: Whether the client disconnects at the end of the response, or stays connected.
    """

    def __init__(
        self, app: Any, workload: Workload, wsgi: bool = False, leaves: bool = False
    ) -> None:
        self.app = app
        self.workload = workload
        self.wsgi = wsgi
        self.leaves = leaves
        self.cookie: bytes | None = None
        self._pieces = pieces_of(workload.body)

    @property
    def units(self) -> int:
        """How many units a call is: 1, or the number of a websocket's messages."""
        return self.workload.messages or 1

    async def check(self) -> None:
        """Request the response once and check it.

        Raises:
            WrongAnswer: It is not the workload's; the message says why.
        """
        workload = self.workload
        if workload.returning and self.cookie is None:
            self.cookie = _cookie_of(await self.ask())
        if faults := workload.faults(await self.ask()):
            raise WrongAnswer(f"{workload.name!r}: {' '.join(faults)}")

    async def ask(self) -> Answer:
        """Call the app once and return its response."""
        if self.wsgi:
            return self._ask_wsgi()
        scope, receive, send = self.call()
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self.app(scope, receive, keep)
        return _answer(messages)

    def call(self) -> Call:
        """Make the arguments of one call of an ASGI app."""
        scope = scope_of(self.workload, self.cookie)
        if self.workload.messages:
            conversation = Conversation(self.workload.messages)
            return scope, conversation.receive, conversation.send
        if self.leaves:
            leaving = Leaving(self._pieces)
            return scope, leaving.receive, leaving.send
        return scope, Body(self._pieces).receive, ignore

    # -- WSGI --------------------------------------------------------------------------------------

    def environ(self) -> dict[str, Any]:
        """Make the environ of one call of a WSGI app, as Werkzeug's server does."""
        workload = self.workload
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(workload.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": workload.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": workload.path,
            "QUERY_STRING": workload.query.decode(),
        }
        for name, value in scope_of(workload, self.cookie)["headers"]:
            key = name.decode().upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = value.decode("latin-1")
        return environ

    def _ask_wsgi(self) -> Answer:
        began: list[Any] = []
        body = consume(self.app, self.environ(), lambda *args: began.append(args))
        status, headers = began[0][:2]
        pairs = tuple((name.encode(), value.encode("latin-1")) for name, value in headers)
        return Answer(int(status.split()[0]), pairs, body)


def consume(app: Any, environ: dict[str, Any], start_response: Any) -> bytes:
    """Call a WSGI app and read its response to the end, as a server does."""
    body = app(environ, start_response)
    try:
        return b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def _answer(messages: list[Message]) -> Answer:
    first: Message = messages[0] if messages else {"type": None}
    if first["type"] == "http.response.start":
        body = b"".join(message.get("body", b"") for message in messages[1:])
        pairs = tuple((bytes(name), bytes(value)) for name, value in first["headers"])
        return Answer(first["status"], pairs, body)
    if first["type"] == "websocket.accept":
        texts = [message["text"] for message in messages if message["type"] == "websocket.send"]
        return Answer(101, (), "".join(texts).encode())
    raise WrongAnswer(f"The first message of the answer is {first!r}.")


def _cookie_of(answer: Answer) -> bytes:
    pairs: list[Pair] = [pair for pair in answer.headers if pair[0].lower() == b"set-cookie"]
    if not pairs:
        raise WrongAnswer("The first answer sets no cookie.")
    return pairs[0][1].partition(b";")[0]
