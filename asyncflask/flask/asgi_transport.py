"""The test client's ASGI transport: a request goes through ASGI, a loop and a worker thread.

``ASYNCFLASK_TEST_TRANSPORT=asgi`` lets :class:`~.testing.FlaskClient` call an app as an ASGI server
does, so that one suite measures both ways in. An environ becomes a scope here, and messages become
what a WSGI server is given; the environ's own keys travel along in the scope. The caller's thread
waits meanwhile, also where an event loop runs in it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from .._current import current
from ..concurrency.bridge import stop_iteration_of
from ..concurrency.errors import EscapedError
from ..typing import Scope
from ..wsgi import EXTRA_KEYS, PARENT, SPELLING
from ..wsgi.scope import SCOPE_KEYS, build_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

VARIABLE = "ASYNCFLASK_TEST_TRANSPORT"
_TRANSPORTS = ("wsgi", "asgi")

_PIECE = 64 * 1024
#: Keys of an environ that the other side makes from the scope; all others are carried along.
_REMADE = (SCOPE_KEYS - {"REQUEST_URI", "RAW_URI"}) | {
    *("wsgi.version", "wsgi.input", "wsgi.input_terminated", "wsgi.multithread"),
    *("wsgi.multiprocess", "wsgi.run_once", "asgi.scope"),
}


def uses_asgi() -> bool:
    """Tell whether the environment selects the ASGI transport.

    Returns:
        True for ``asgi``; False for ``wsgi``, and where the variable is not set.

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


def through_asgi(app: Any) -> Callable[..., Any]:
    """Return a WSGI callable that calls ``app`` through ASGI, on a loop in another thread."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = _Request(environ)
        request.begin(app)
        try:
            start = request.started()
            headers = _headers(start["headers"], request.spelling)
            start_response(_status(start["status"]), headers)
            return request.body()
        except RuntimeError as error:
            stopped = stop_iteration_of(error)
            if stopped is None:
                raise
        try:
            raise stopped  # As on a WSGI server.
        finally:
            del stopped  # Its traceback refers to this frame: a circle.

    return call


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase.upper()}"
    except ValueError:
        return f"{code} UNKNOWN"


def _headers(pairs: Any, spelling: dict[str, str]) -> list[tuple[str, str]]:
    """Return headers as a WSGI server is given them, with the names as the app has spelled them.

    Args:
        pairs: Those of an ASGI message.
        spelling: The app's names by their lower case; one that ASGI middleware has added is not
            there.
    """
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    return [(spelling.get(name.lower()) or name.title(), value) for name, value in headers]


class _Request:
    """One request: what the caller's thread and the loop's say to each other.

    Args:
        environ: The test client's.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self._input = environ.get("wsgi.input")
        self._left: int | None = _length_of(environ)
        self._rewind = _rewinding(self._input)
        self._said: SimpleQueue[Any] = SimpleQueue()
        self._loop = _Loop.take()
        #: the names of the answer's headers as the app has spelled them
        self.spelling: dict[str, str] = {}
        self._asked: asyncio.Event | None = None
        self._gone: asyncio.Event | None = None
        self._ended = False

    # -- in the caller's thread --------------------------------------------------------------------

    def begin(self, app: Any) -> None:
        """Start the request on the loop."""
        context = contextvars.copy_context()
        self._loop.loop.call_soon_threadsafe(self._start, app, context)

    def started(self) -> Any:
        """Wait for the start of the response."""
        message = self._next()
        if message is None:
            raise RuntimeError("The app ended the request without starting a response.")
        return message

    def body(self) -> Any:
        """Return the body: whole if the next message ends it, else to be iterated."""
        message = self._next()
        if message is None:
            return []
        if message.get("more_body"):
            return _Body(self, message.get("body", b""))
        while self._next() is not None:
            pass
        return [message.get("body", b"")]

    def _next(self) -> Any:
        """Wait for the next message; ``None`` is the end. Raises what the app has raised."""
        if self._ended:
            return None
        said = self._said.get()
        if not isinstance(said, _End):
            return said
        self._ended = True
        self._loop.give_back()
        self._rewind()  # A redirect that keeps the method sends the body again.
        if said.error is not None:
            try:
                raise said.error
            finally:
                del said  # Its traceback refers to this frame: a circle.
        return None

    def ask(self) -> Any:
        """Let the app make the next piece, and wait for it; ``None`` at the end."""
        if not self._ended:
            self._loop.loop.call_soon_threadsafe(self._asked.set)  # type: ignore[union-attr]  # begun
        return self._next()

    def leave(self) -> None:
        """Go away as a client does, and wait until the app has noticed."""
        if not self._ended:
            self.vanish()
            while self._next() is not None:
                pass

    def vanish(self) -> None:
        """Go away without waiting."""
        if not self._ended:
            self._loop.loop.call_soon_threadsafe(self._vanish)

    # -- on the loop -------------------------------------------------------------------------------

    def _start(self, app: Any, context: contextvars.Context) -> None:
        self._asked, self._gone = asyncio.Event(), asyncio.Event()
        scope = context.run(_scope, self._environ)
        scope[SPELLING] = self.spelling
        serving = app.asgi_app(scope, self._receive, self._send)
        task = asyncio.get_running_loop().create_task(_boxed(serving), context=context)
        # The end is told when the task's frames are gone: they refer to the app.
        task.add_done_callback(partial(_tell_end, self._said))

    def _vanish(self) -> None:
        self._gone.set()  # type: ignore[union-attr]  # begun
        self._asked.set()  # type: ignore[union-attr]  # begun

    async def _receive(self) -> dict[str, Any]:
        if self._left is not None:
            size = _PIECE if self._left < 0 else min(_PIECE, self._left)
            data = self._input.read(size) if self._input is not None else b""
            if self._left > 0:
                self._left -= len(data)
            more = bool(data) and self._left != 0
            if not more:
                self._left = None
            return {"type": "http.request", "body": data, "more_body": more}
        await self._gone.wait()  # type: ignore[union-attr]  # begun
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._gone.is_set():  # type: ignore[union-attr]  # begun
            raise OSError("The test client has closed the response.")
        self._said.put(message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            # As in WSGI, the next piece is made when it is asked for.
            await self._asked.wait()  # type: ignore[union-attr]  # begun
            self._asked.clear()  # type: ignore[union-attr]  # begun


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
        message = self._request.ask()
        if message is None:
            raise StopIteration
        body: bytes = message.get("body", b"")
        return body

    def close(self) -> None:
        """End the response: what makes the body is closed before this returns."""
        self._request.leave()

    def __del__(self) -> None:
        self._request.vanish()


class _End:
    """The end of a request."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _tell_end(said: SimpleQueue[Any], task: asyncio.Task[BaseException | None]) -> None:
    said.put(_End(task.result()))


async def _boxed(serving: Any) -> BaseException | None:
    """Await it; what it raises is the caller's, never the loop's."""
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
        # A test may leave the slash away; an HTTP client puts it there (RFC 9112 §3.2.1).
        environ = {**environ, "PATH_INFO": f"/{path}"}
    scope = build_scope(environ)
    extra = {k: v for k, v in environ.items() if k not in _REMADE and k[:5] != "HTTP_"}
    scope[EXTRA_KEYS] = extra
    scope[PARENT] = current()
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" not in environ:
        scope["headers"].append((b"transfer-encoding", b"chunked"))
    return scope


def _length_of(environ: dict[str, Any]) -> int:
    """Return how many bytes of ``wsgi.input`` are the body's; -1 for all of them."""
    if environ.get("wsgi.input_terminated"):
        return -1
    length = str(environ.get("CONTENT_LENGTH") or "")
    return int(length) if length.isdigit() else 0


def _rewinding(stream: Any) -> Callable[[], object]:
    """Return a function that puts a stream back where it is now, if it can be."""
    try:
        position = stream.tell()
    except (AttributeError, OSError, ValueError):
        return lambda: None

    def rewind() -> None:
        if not stream.closed:
            stream.seek(position)

    return rewind


class _Loop:
    """An event loop in a thread. Each request has one for itself: a view may make requests too."""

    _idle: list[_Loop] = []

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="asyncflask-test-transport", daemon=True
        )
        self._thread.start()

    @classmethod
    def take(cls) -> _Loop:
        """Take an idle one, or make one."""
        try:
            return cls._idle.pop()
        except IndexError:
            return cls()

    def give_back(self) -> None:
        """Let the next request have it."""
        self._idle.append(self)

    @classmethod
    def end_idle(cls) -> None:
        """End the idle ones."""
        while cls._idle:
            ended = cls._idle.pop()
            ended.loop.call_soon_threadsafe(ended.loop.stop)
            ended._thread.join()
            ended.loop.close()


atexit.register(_Loop.end_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Loop._idle.clear)  # A child has none of these threads.
