"""The app that is served while the program cannot be loaded: it answers every request with 500."""

from __future__ import annotations

import asyncio
import html
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterable

from ..server import Config
from ..server.serve import serve
from ..typing import ASGIApplication, Receive, Scope, Send

_IN_THE_TERMINAL = "The reason is in the terminal."


def broken_app(reason: str = _IN_THE_TERMINAL) -> ASGIApplication:
    """Make an app that answers every request with 500.

    Args:
        reason: Shown on the page. Only the developer should reach a server in debug mode.
    """
    text = (
        "<!doctype html>\n<html lang=en>\n<title>500 The app could not be loaded</title>\n"
        f"<h1>The app could not be loaded.</h1>\n<pre>{html.escape(reason)}</pre>\n"
    ).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1011})
        else:
            headers = [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-length", str(len(text)).encode()),
            ]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": text})

    return app


class BrokenServer:
    """Serves :func:`broken_app` on the reloader's socket, in a thread, while no child runs.

    Args:
        listener: The socket; it stays open.
        context: Makes the TLS context, if there is one.
    """

    def __init__(
        self, listener: socket.socket, context: Callable[[], ssl.SSLContext | None]
    ) -> None:
        self._listener = listener
        self._context = context
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self, files: Iterable[str]) -> None:
        """Start to serve.

        Args:
            files: Those that were edited; the page shows the first syntax error in them.
        """
        self.stop()
        app = broken_app(_syntax_error(files) or _IN_THE_TERMINAL)
        running = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(app, running), daemon=True)
        self._thread.start()
        running.wait()

    def _run(self, app: ASGIApplication, running: threading.Event) -> None:
        asyncio.run(self._serve(app, running))

    async def _serve(self, app: ASGIApplication, running: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        running.set()
        config = Config(ssl=self._context(), grace=0.1)
        await serve(app, [self._listener.dup()], config, stop=self._stop)

    def stop(self) -> None:
        """Stop to serve, because a child serves again."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()


def _syntax_error(files: Iterable[str]) -> str | None:
    """Return the traceback of the first file that cannot be compiled."""
    for path in sorted(files):
        try:
            with open(path, "rb") as file:
                compile(file.read(), path, "exec")
        except SyntaxError as error:
            return "".join(traceback.format_exception_only(error))
        except (OSError, ValueError):
            continue
    return None
