"""One ASGI connection in memory, with an app at one end and a test at the other.

All clients of this folder except the wire client use :class:`ASGIConnection`. It runs the app in a
task of its own, carries messages both ways, and checks the app against the specification: the
table in ``protocol/asgi_state.py`` says which message may be sent in which state, and any other is
refused with an error that names it. An app is any ASGI callable; requests, cookies and redirects
are made in the other modules.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

from ..concurrency.errors import EscapedError
from ..protocol.asgi_state import TABLES, advance
from ..protocol.asgi_state import ClientDisconnected as ClientDisconnected
from ..protocol.asgi_state import IllegalMessage as IllegalMessage
from ..protocol.header_names import reporting_app
from ..typing import ASGIApplication, Message, Scope

#: The message that the app's ``receive()`` returns after the client has disconnected.
DISCONNECT = {"http": "http.disconnect", "websocket": "websocket.disconnect"}

#: Bytes that the test has not taken, above which the app's ``send()`` waits, as at a socket.
HIGH_WATER = 1024 * 1024
#: Bytes that a message counts besides its data, so that empty messages are limited as well.
MESSAGE_COST = 64

#: Seconds that an app has to end after its client has disconnected.
GRACE = 1.0


class ASGIConnection:
    """Both ends of an ASGI connection: the app's and the test's.

    The app runs between entering and leaving ``async with``, in a task with a copy of the caller's
    context. On leaving, the client disconnects; an app that does not end within :data:`GRACE` is
    cancelled. The task never outlives the block.

    Args:
        app: Any ASGI callable.
        scope: The connection's scope; ``scope["type"]`` selects the table.
    """

    grace = GRACE

    def __init__(self, app: ASGIApplication, scope: Scope) -> None:
        self.scope = scope
        self.kind: str = scope["type"]
        self.table = TABLES[self.kind]
        self.state = next(iter(self.table))
        self.gone = False
        self.overdue = False
        self._app = reporting_app(app)
        self._task: asyncio.Task[None] | None = None
        self._violation: IllegalMessage | None = None
        self._raised = False
        self._details: Message = {}
        self._to_app: deque[Message] = deque()
        self._from_app: deque[Message] = deque()
        self._buffered = 0
        self._changed: set[asyncio.Future[None]] = set()

    # -- the test's end ----------------------------------------------------------------------------

    async def __aenter__(self) -> ASGIConnection:
        self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # A cancelled test does not wait for the app.
        await self.close(0 if isinstance(exc_value, asyncio.CancelledError) else None)
        if exc_value is None and not self._raised:
            self.raise_error()

    def start(self) -> None:
        """Start the app's task."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._note_end)

    async def _run(self) -> None:
        await self._app(self.scope, self._receive, self._send)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # Marks it as retrieved; raise_error() raises it.
        self._notify()

    def put(self, message: Message) -> None:
        """Queue a message for the app's ``receive()``.

        Args:
            message: An ASGI message of the server's side.
        """
        self.state = self.table[self.state].get(message["type"], self.state)
        self._to_app.append(message)
        self._notify()

    async def take(self) -> Message | None:
        """Wait for the app's next message.

        Returns:
            The message; ``None`` if the app has ended without sending another one.

        Raises:
            Exception: What the app raised; :exc:`IllegalMessage` if it broke the specification.
        """
        while not self._from_app:
            if self.ended:
                self.raise_error()
                return None
            await self._change()
        message = self._from_app.popleft()
        self._buffered -= _cost(message)
        self._notify()
        return message

    def disconnect(self, **details: Any) -> None:
        """Disconnect the client.

        Args:
            details: Further keys of the disconnect message (``code=1001``).
        """
        if not self.gone and self.kind in DISCONNECT:
            self.gone = True
            self._details = self._details or details
            self._notify()

    async def close(self, grace: float | None = None) -> None:
        """Disconnect and wait for the app's task to end; cancel it if it does not end in time.

        Args:
            grace: Seconds before it is cancelled; by default :attr:`grace`.
        """
        self.disconnect()
        task = self._task
        if task is None:
            return
        try:
            await asyncio.wait({task}, timeout=self.grace if grace is None else grace)
        finally:
            if not task.done():
                self.overdue = True
                task.cancel()
                await asyncio.wait({task})

    async def finish(self, timeout: float | None = None) -> None:
        """Wait until the app has ended by itself.

        Args:
            timeout: Seconds to wait at most; the app goes on running then. ``None``: no limit.
        """
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=timeout)

    def raise_error(self) -> None:
        """Raise the app's error, if there is one.

        Raises:
            IllegalMessage: The app sent a message that the specification does not allow.
            Exception: What the app raised, unless it did so because the client disconnected.
        """
        if self._violation is not None:
            self._raised = True
            raise self._violation
        task = self._task
        if task is None or not task.done() or (task.cancelled() and self.overdue):
            return
        error = None if task.cancelled() else task.exception()
        # As for a server, it is no error if the app ends because the client has disconnected.
        if error is not None and not isinstance(error, ClientDisconnected):
            self._raised = True
            # The error inside is SystemExit, for example, which would have ended the test's loop.
            raise error.error if isinstance(error, EscapedError) else error

    @property
    def has_message(self) -> bool:
        """Whether :meth:`take` would return at once."""
        return bool(self._from_app)

    @property
    def ended(self) -> bool:
        """Whether the app's task has ended."""
        return self._task is not None and self._task.done()

    # -- the app's end -----------------------------------------------------------------------------

    async def _receive(self) -> Message:
        while not self._to_app:
            if self.kind in DISCONNECT and (self.gone or self.state == "COMPLETE"):
                return {"type": DISCONNECT[self.kind], **self._details}
            await self._change()
        return self._to_app.popleft()

    async def _send(self, message: Message) -> None:
        if self.gone:
            raise ClientDisconnected(
                f"{message.get('type')!r} was sent after the client had disconnected."
            )
        try:
            self._advance(message)
        except IllegalMessage as error:
            # An `except Exception` of the app must not hide it from the test.
            self._violation = self._violation or error
            raise
        self._from_app.append(message)
        self._buffered += _cost(message)
        self._notify()
        while self._buffered > HIGH_WATER:
            if self.gone:
                raise ClientDisconnected(
                    f"The client disconnected before it read {message['type']!r}."
                )
            await self._change()

    def _advance(self, message: Message) -> None:
        extensions = self.scope.get("extensions") or {}
        self.state = advance(self.table, self.state, message, extensions)
        if message["type"] == "websocket.close":
            self._details = {"code": message.get("code", 1000), "reason": message.get("reason")}

    # -- waiting -----------------------------------------------------------------------------------

    async def _change(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed.add(future)
        try:
            await future
        finally:
            self._changed.discard(future)

    def _notify(self) -> None:
        for future in self._changed:
            if not future.done():
                future.set_result(None)


def _cost(message: Message) -> int:
    data = message.get("body") or message.get("bytes") or message.get("text") or b""
    return len(data) + MESSAGE_COST
