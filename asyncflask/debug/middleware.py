"""The debugger as ASGI middleware: an error of the app becomes a traceback page.

It is put around the whole app, as Werkzeug's ``DebuggedApplication`` is put around a WSGI
application. While the debugger is not active, it is not used.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..context import Context
from ..typing import ASGIApplication, Message, Receive, Scope, Send
from ..wrappers.request import drain
from ..wrappers.request.body import Body
from ..wrappers.request.headers import index_headers
from ..wrappers.response.asgi import send_response
from ..wrappers.response.response import Response
from ..wsgi.environ import EXTRA_KEYS, build_environ
from .page import PRESERVE_CONTEXT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_DENIAL = "websocket.http.response"
#: Bytes of an unread body that are kept for the console; the rest is dropped.
KEPT_BODY = 1024 * 1024
_INTERNAL_ERROR = 1011  # RFC 6455 §7.4.1
#: Messages after which no other response can be sent.
_BEGINNINGS = frozenset({"http.response.start", "websocket.accept", f"{_DENIAL}.start"})


K = TypeVar("K")


class TracebackStore(Protocol[K]):
    """The methods of the debugger that a connection uses; ``K`` is a kept traceback."""

    def keep(
        self,
        error: BaseException,
        contexts: Iterable[AbstractContextManager[object]] = (),
        skip: int = 0,
    ) -> K: ...

    def log(self, error: BaseException, ctx: Context | None = None) -> None: ...

    def point_to(self, kept: K, scope: Scope | None = None) -> None: ...

    def page(self, kept: K, environ: WSGIEnvironment) -> str: ...


class DebuggedConnection:
    """One HTTP request or websocket.

    Args:
        debugger: Keeps the errors, logs them and renders their pages.
        scope: ASGI's ``scope``.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    def __init__(
        self, debugger: TracebackStore[Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._debugger = debugger
        self._scope = scope
        self._next = receive
        self._send_on = send
        self._websocket = scope["type"] == "websocket"
        self._contexts: list[AbstractContextManager[object]] = []
        self._connected = self._started = False
        self._close: Message | None = None
        #: the part of the body that was received after the error, for the console
        self._kept: deque[Message] = deque()
        # Of what an error leaves unread, see wrappers/request/drain.py.
        self.made_body: Body | None = None
        self._all_read = not drain.announces_body(scope) or _waits_for_continue(scope)

    async def run(self, application: ASGIApplication) -> None:
        """Serve the connection, and answer an error with its page.

        Args:
            application: The app without its debugger.

        Raises:
            Exception: What the app raised after its response had started, or in a websocket's
                handshake on a server without the extension for responses to it.
        """
        scope = self._scope
        extra = scope.get(EXTRA_KEYS)
        scope[PRESERVE_CONTEXT] = self._preserve
        scope[EXTRA_KEYS] = {**(extra or {}), PRESERVE_CONTEXT: self._preserve}
        try:
            await application(scope, self._receive, self._send)
        except Exception as error:
            if not await self._answer(error):
                raise
        else:
            if self._close is not None:
                await self._send_on(self._close)
        finally:
            del scope[PRESERVE_CONTEXT]  # It refers to the scope: a reference cycle.
            del scope[EXTRA_KEYS]
            if extra is not None:
                scope[EXTRA_KEYS] = extra

    def _preserve(self, ctx: Context) -> None:
        if getattr(ctx, "pushes", ()) is None:
            ctx.preserve()  # It keeps the request or websocket that the app used.
        self._contexts.append(ctx)

    async def _receive(self) -> Message:
        if self._kept:
            return self._kept.popleft()
        message = await self._next()
        self._connected = True
        self._all_read = not message.get("more_body")
        return message

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if not self._started:
            if kind == "websocket.close" and message.get("code") == _INTERNAL_ERROR:
                self._close = message  # Before accept, an error may have caused it.
                return
            self._started = kind in _BEGINNINGS
        await self._send_on(message)

    async def _answer(self, error: Exception) -> bool:
        """Log an error and, if the response has not started, send its page."""
        debugger = self._debugger
        ours = [ctx for ctx in self._contexts if isinstance(ctx, Context)]
        kept = debugger.keep(error, self._contexts, skip=1)
        debugger.log(error, ours[-1] if ours else None)
        answerable = not self._started and (
            not self._websocket or _DENIAL in (self._scope.get("extensions") or ())
        )
        if self._websocket or not answerable:  # A browser does not show a page then.
            debugger.point_to(kept, self._scope)
        if answerable:
            await self._keep_body()
            await self._send_page(debugger.page(kept, environ_without_body(self._scope)))
        elif self._close is not None:
            await self._send_on(self._close)
        return answerable

    async def _keep_body(self) -> None:
        """Receive the rest of the body, so that it can be read in the console."""
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(drain.LINGER):
                while not (self._websocket or self._all_read) and size < KEPT_BODY:
                    message = await self._next()
                    self._kept.append(message)
                    self._all_read = not message.get("more_body")
                    size += len(message.get("body") or b"")

    async def _send_page(self, html: str) -> None:
        response = Response(html, status=500, mimetype="text/html")
        if self._websocket:
            if not self._connected:
                await self._next()
            await send_response(response, "GET", self._deny)
            return
        send = self._send_on
        if not self._all_read:
            self.made_body = Body(self._next)
            send = drain.reading_on(self, send)  # type: ignore[arg-type]  # has what is read, made_body
        await send_response(response, self._scope["method"], send)

    async def _deny(self, message: Message) -> None:
        await self._send_on({**message, "type": f"websocket.{message['type']}"})


def _waits_for_continue(scope: Scope) -> bool:
    return b"expect" in index_headers(scope["headers"])  # RFC 9110 §10.1.1


def environ_without_body(scope: Scope) -> WSGIEnvironment:
    """Make the environ of a request or handshake, with an empty ``wsgi.input``.

    Args:
        scope: The ASGI scope.

    Returns:
        The environ.
    """
    return build_environ(scope, Body(_receive_nothing), None, io.BytesIO())


async def _receive_nothing() -> Message:
    return {"type": "http.request"}  # pragma: no cover  # wsgi.input is empty
