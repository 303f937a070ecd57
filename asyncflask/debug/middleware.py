"""One connection under the interactive debugger: what the app raises becomes a traceback page.

Written against ASGI alone, around everything else of an app, as Werkzeug's middleware stands around
a WSGI application. Nothing of it is made while the debugger is not active.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

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
#: Bytes of a body that are kept for the console; what comes behind them is thrown away.
KEPT_BODY = 1024 * 1024
_INTERNAL_ERROR = 1011  # RFC 6455 §7.4.1
#: what cannot be taken back, or answered otherwise
_BEGINNINGS = frozenset({"http.response.start", "websocket.accept", f"{_DENIAL}.start"})


class Keeper(Protocol):
    """What a connection asks of the debugger."""

    def keep(self, error: BaseException, contexts: Iterable[Any] = (), skip: int = 0) -> Any: ...

    def log(self, error: BaseException, ctx: Any = None) -> None: ...

    def point_to(self, kept: Any, scope: Scope | None = None) -> None: ...

    def page(self, kept: Any, environ: WSGIEnvironment) -> str: ...


class DebuggedConnection:
    """One HTTP request or websocket.

    Args:
        debugger: Whom errors are handed to.
        scope: ASGI's ``scope``.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    def __init__(self, debugger: Keeper, scope: Scope, receive: Receive, send: Send) -> None:
        self._debugger = debugger
        self._scope = scope
        self._next = receive
        self._send_on = send
        self._websocket = scope["type"] == "websocket"
        self._contexts: list[Any] = []
        self._connected = self._begun = False
        self._close: Message | None = None
        #: what was received of the body after the app had failed, for the console
        self._kept: deque[Message] = deque()
        # Of what an error leaves unread, see wrappers/request/drain.py.
        self._body: Body | None = None
        self._all_read = not drain.announces_body(scope) or _waits_for_continue(scope)

    async def run(self, application: ASGIApplication) -> None:
        """Serve the connection with ``application``, and answer what it raises.

        Raises:
            Exception: What the application raised where it is too late for an answer, or where the
                server knows no answer to a websocket's handshake.
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
            del scope[PRESERVE_CONTEXT]  # It leads back to the scope: a circle.
            del scope[EXTRA_KEYS]
            if extra is not None:
                scope[EXTRA_KEYS] = extra

    def _preserve(self, ctx: Any) -> None:
        if getattr(ctx, "_pushes", ()) is None:
            ctx._pushes = []  # Its request or websocket stays the one that the app has seen.
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
        if not self._begun:
            if kind == "websocket.close" and message.get("code") == _INTERNAL_ERROR:
                self._close = message  # Before accept: it may be an error, with a page to show.
                return
            self._begun = kind in _BEGINNINGS
        await self._send_on(message)

    async def _answer(self, error: Exception) -> bool:
        """Log an error and, if there is still a way, answer with its page."""
        debugger = self._debugger
        ours = [ctx for ctx in self._contexts if hasattr(ctx, "lane")]
        kept = debugger.keep(error, self._contexts, skip=1)
        debugger.log(error, ours[-1] if ours else None)
        answerable = not self._begun and (
            not self._websocket or _DENIAL in (self._scope.get("extensions") or ())
        )
        if self._websocket or not answerable:  # Nobody sees the page, or a browser hides it.
            debugger.point_to(kept, self._scope)
        if answerable:
            await self._keep_body()
            await self._send_page(debugger.page(kept, environ_without_body(self._scope)))
        elif self._close is not None:
            await self._send_on(self._close)
        return answerable

    async def _keep_body(self) -> None:
        """Receive what the app has not read, so that it can be read in the console."""
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
            self._body = Body(self._next)
            send = drain.reading_on(self, send)  # type: ignore[arg-type]  # it asks for the body
        await send_response(response, self._scope["method"], send)

    async def _deny(self, message: Message) -> None:
        await self._send_on({**message, "type": f"websocket.{message['type']}"})


def _waits_for_continue(scope: Scope) -> bool:
    return b"expect" in index_headers(scope["headers"])  # RFC 9110 §10.1.1


def environ_without_body(scope: Scope) -> WSGIEnvironment:
    """Make the environ of a request or handshake, with an empty ``wsgi.input``."""
    return build_environ(scope, Body(_nothing), None, io.BytesIO())


async def _nothing() -> Message:
    return {"type": "http.request"}  # pragma: no cover  # Nobody reads the body.
