"""The test client's ASGI transport: a request goes through ASGI, a loop and a worker thread.

With ``ASYNCFLASK_TEST_TRANSPORT=asgi``, :class:`~.testing.FlaskClient` calls an app as an ASGI
server does, so that one suite tests both transports. The environ becomes a scope, and messages
become a WSGI response; the environ's own keys are carried in the scope. The caller's thread waits
meanwhile, even if an event loop runs in it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Protocol

from .._contextvars import current
from ..concurrency.bridge import stop_iteration_of
from ..concurrency.errors import EscapedError
from ..typing import Message, Receive, Scope, Send
from ..wrappers.response.threaded_body import PIECES
from ..wsgi import EXTRA_KEYS, PARENT, SPELLING
from ..wsgi.scope import SCOPE_KEYS, build_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

VARIABLE = "ASYNCFLASK_TEST_TRANSPORT"
_TRANSPORTS = ("wsgi", "asgi")

_PIECE = 64 * 1024
#: Keys of an environ that the app makes from the scope; all others are carried in the scope.
_REMADE = (SCOPE_KEYS - {"REQUEST_URI", "RAW_URI"}) | {
    *("wsgi.version", "wsgi.input", "wsgi.input_terminated", "wsgi.multithread"),
    *("wsgi.multiprocess", "wsgi.run_once", "asgi.scope"),
}


def uses_asgi() -> bool:
    """Return whether the environment selects the ASGI transport.

    Returns:
        True for ``asgi``; False for ``wsgi``, and if the variable is not set.

    Raises:
        RuntimeError: The variable has another value.
    """
    transport = os.environ.get(VARIABLE) or _TRANSPORTS[0]
    if transport not in _TRANSPORTS:
        raise RuntimeError(
            f"{VARIABLE}={transport!r} is not a transport of the test client. Write"
            f" {' or '.join(_TRANSPORTS)}."
        )
    return transport == "asgi"


class ASGIApp(Protocol):
    """An app that has an ASGI interface."""

    async def asgi_app(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def through_asgi(app: ASGIApp) -> WSGIApplication:
    """Return a WSGI callable that calls an app through ASGI, on a loop in another thread.

    Args:
        app: The app.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _Request(environ)
        request.begin(app)
        try:
            start = request.started()
            headers = _respelled(start["headers"], request.spelling)
            start_response(_status(start["status"]), headers)
            return request.body()
        except RuntimeError as error:
            stopped = stop_iteration_of(error)
            if stopped is None:
                raise
        try:
            raise stopped  # A WSGI server's caller gets StopIteration itself.
        finally:
            del stopped  # Its traceback refers to this frame: a reference cycle.

    return call


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase.upper()}"
    except ValueError:
        return f"{code} UNKNOWN"


def _respelled(
    pairs: Iterable[tuple[bytes, bytes]], spelling: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return headers for a WSGI server, with the names as the app has spelled them.

    Args:
        pairs: The headers of an ASGI message.
        spelling: The app's names by their lower case. Names that ASGI middleware has added are
            missing; they are written in title case.
    """
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    return [(spelling.get(name.lower()) or name.title(), value) for name, value in headers]


class _Request:
    """One request, which connects the caller's thread with the loop's.

    Args:
        environ: The test client's environ.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ
        self._input = environ.get("wsgi.input")
        self._left: int | None = _length_of(environ)
        self._rewind = _rewinding(self._input)
        self._messages: SimpleQueue[Message | _End] = SimpleQueue()
        self._loop = _Loop.take()
        #: The names of the response's headers as the app has spelled them, by their lower case.
        self.spelling: dict[str, str] = {}
        self._wanted = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._ended = False

    # -- in the caller's thread --------------------------------------------------------------------

    def begin(self, app: ASGIApp) -> None:
        """Start the request on the loop."""
        context = contextvars.copy_context()
        self._loop.loop.call_soon_threadsafe(self._start, app, context)

    def started(self) -> Message:
        """Wait for the start of the response."""
        message = self._next()
        if message is None:
            raise RuntimeError(
                "The app ended the request without starting a response. An ASGI app or middleware"
                " sends 'http.response.start' and then 'http.response.body'."
            )
        return message

    def body(self) -> Iterable[bytes]:
        """Return the body: a list if the next message ends it, otherwise an iterator."""
        message = self._next()
        if message is None:
            return []
        if message.get("more_body"):
            return _Body(self, message.get("body", b""))
        while self._next() is not None:
            pass
        return [message.get("body", b"")]

    def _next(self) -> Message | None:
        """Wait for the next message, or raise the app's error; ``None`` at the end."""
        if self._ended:
            return None
        message = self._messages.get()
        if not isinstance(message, _End):
            return message
        self._ended = True
        self._loop.give_back()
        self._rewind()  # A redirect that keeps the method sends the body again.
        if message.error is not None:
            try:
                raise message.error
            finally:
                del message  # Its traceback refers to this frame: a reference cycle.
        return None

    def next_piece(self) -> Message | None:
        """Let the app make the next piece of the body, and wait for it; ``None`` at the end."""
        if not self._ended:
            self._loop.loop.call_soon_threadsafe(self._wanted.set)
        return self._next()

    def close(self) -> None:
        """Disconnect, and wait until the app has ended the request."""
        if not self._ended:
            self.disconnect()
            while self._next() is not None:
                pass

    def disconnect(self) -> None:
        """Disconnect without waiting."""
        if not self._ended:
            self._loop.loop.call_soon_threadsafe(self._set_disconnected)

    # -- on the loop -------------------------------------------------------------------------------

    def _start(self, app: ASGIApp, context: contextvars.Context) -> None:
        scope = context.run(_scope, self._environ)
        scope[SPELLING] = self.spelling
        scope["extensions"] = {PIECES: {}}  # The caller may count the pieces of a stream.
        serving = app.asgi_app(scope, self._receive, self._send)
        task = asyncio.get_running_loop().create_task(_error_of(serving), context=context)
        # Not before the task's frames, which refer to the app, are gone.
        task.add_done_callback(partial(_put_end, self._messages))

    def _set_disconnected(self) -> None:
        self._disconnected.set()
        self._wanted.set()

    async def _receive(self) -> Message:
        if self._left is not None:
            size = _PIECE if self._left < 0 else min(_PIECE, self._left)
            data = self._input.read(size) if self._input is not None else b""
            if self._left > 0:
                self._left -= len(data)
            more = bool(data) and self._left != 0
            if not more:
                self._left = None
            return {"type": "http.request", "body": data, "more_body": more}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._disconnected.is_set():
            raise OSError("The test client has closed the response.")
        self._messages.put(message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            # As in WSGI, the next piece is made when the caller wants it.
            await self._wanted.wait()
            self._wanted.clear()


class _Body:
    """A streamed body, in the caller's thread."""

    def __init__(self, request: _Request, first: bytes) -> None:
        self._request = request
        self._first: bytes | None = first

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            data, self._first = self._first, None
            return data
        message = self._request.next_piece()
        if message is None:
            raise StopIteration
        body: bytes = message.get("body", b"")
        return body

    def close(self) -> None:
        """End the response; the body's iterator is closed when this returns."""
        self._request.close()

    def __del__(self) -> None:
        self._request.disconnect()


class _End:
    """The end of a request, with the app's error, if there is one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _put_end(
    messages: SimpleQueue[Message | _End], task: asyncio.Task[BaseException | None]
) -> None:
    messages.put(_End(task.result()))


async def _error_of(serving: Awaitable[None]) -> BaseException | None:
    """Return the error that serving raises, so that the caller raises it and not the loop."""
    try:
        await serving
    except EscapedError as error:
        return error.error
    except BaseException as error:
        return error
    return None


def _scope(environ: WSGIEnvironment) -> Scope:
    path = environ.get("PATH_INFO", "")
    if path[:1] != "/" and (path or not environ.get("SCRIPT_NAME")):
        # A test may omit the slash; HTTP clients add it (RFC 9112 §3.2.1).
        environ = {**environ, "PATH_INFO": f"/{path}"}
    scope = build_scope(environ)
    extra = {k: v for k, v in environ.items() if k not in _REMADE and k[:5] != "HTTP_"}
    scope[EXTRA_KEYS] = extra
    scope[PARENT] = current()
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" not in environ:
        scope["headers"].append((b"transfer-encoding", b"chunked"))
    return scope


def _length_of(environ: WSGIEnvironment) -> int:
    """Return how many bytes of ``wsgi.input`` are the body; -1 for all of them."""
    if environ.get("wsgi.input_terminated"):
        return -1
    length = str(environ.get("CONTENT_LENGTH") or "")
    return int(length) if length.isdigit() else 0


def _rewinding(stream: IO[bytes] | None) -> Callable[[], object]:
    """Return a function that moves a stream back to its position of now, if it is seekable."""
    if stream is None:
        return lambda: None
    try:
        position = stream.tell()
    except (AttributeError, OSError, ValueError):
        return lambda: None

    def rewind() -> None:
        if not stream.closed:
            stream.seek(position)

    return rewind


class _Loop:
    """An event loop in a thread, for one request at a time: a view may make requests too."""

    idle: list[_Loop] = []

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="asyncflask-test-transport", daemon=True
        )
        self._thread.start()

    @classmethod
    def take(cls) -> _Loop:
        """Return an idle loop, or a new one."""
        try:
            return cls.idle.pop()
        except IndexError:
            return cls()

    def give_back(self) -> None:
        """Make it available to the next request."""
        self.idle.append(self)

    def join(self) -> None:
        """Wait until its thread has ended."""
        self._thread.join()

    @classmethod
    def end_idle(cls) -> None:
        """End the idle loops."""
        while cls.idle:
            ended = cls.idle.pop()
            ended.loop.call_soon_threadsafe(ended.loop.stop)
            ended.join()
            ended.loop.close()


atexit.register(_Loop.end_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Loop.idle.clear)  # A child has none of these threads.
