"""The ASGI side of a websocket: the order of messages, the end, and a client that has left.

A message is received when the view asks for one, so that a view that does not read slows its client
down instead of filling memory. For a view that does not receive, a few messages are read ahead
(``read_ahead.py``), because the client's ``websocket.disconnect`` comes after them. A view that
waits for something else when the client leaves is cancelled (``cancellation.py``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from ...concurrency.bridge import resume
from ...concurrency.stopping import Stopping
from ...exceptions import WebsocketDisconnect
from ...json.provider import JSONProvider
from ...logging import one_line
from ...protocol import asgi_state
from ...typing import Message, Receive, Send
from ..http_connection import ConnectionApp, ConnectionContext, path_below_root
from .cancellation import OVERDUE, ViewWatch
from .disconnect_checks import FIRST_LOOK, Looks
from .read_ahead import ReadAhead

T = TypeVar("T")
Pull = Callable[[], Awaitable[Any]]

#: Seconds until the first check whether the view receives; the interval doubles up to the second.
FIRST_CHECK = 0.1
LAST_CHECK = 5.0
#: what a send adds to `streak`, whose lowest bit says whether a receive is under way
SEND = 2
LOOK = SEND * FIRST_LOOK


class WebsocketApp(ConnectionApp, Protocol):
    """The app of a websocket."""

    @property
    def json(self) -> JSONProvider: ...
    @property
    def logger(self) -> logging.Logger: ...
    @property
    def stopping(self) -> Stopping: ...
    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]: ...


class WebsocketContext(ConnectionContext, Protocol):
    """The context of a websocket."""

    @property
    def app(self) -> WebsocketApp: ...
    @property
    def receive(self) -> Receive: ...
    @property
    def send(self) -> Send: ...
    async def handshake_headers(self) -> list[tuple[bytes, bytes]]: ...


class WebsocketConnection:
    """One ASGI websocket connection.

    Args:
        ctx: The context that carries it.

    Source: ``ASGI: WebSocket``.
    """

    #: Whether the handshake was completed.
    accepted = False
    #: The error that the next call raises, if a call was not awaited.
    failure: Exception | None = None
    #: The task that an ``async def`` view runs in; ``None`` for a view in a thread.
    view_task: asyncio.Task[Any] | None = None
    #: The end, once it has come.
    end: WebsocketDisconnect | None = None

    # A message costs one test of `open` and one call of `pull` or `push`. A timeout or a look-ahead
    # replaces `pull` in a websocket that needs it.
    open = False
    streak = 0  # `SEND` for each send since the last receive, and 1 while one is under way
    _connect_taken = False
    _timeout: float | None = None
    _looks: Looks | None = None
    _ahead: ReadAhead | None = None
    _check: asyncio.TimerHandle | None = None
    _watch: ViewWatch | None = None
    _handshake: asyncio.Lock | None = None
    _forget_stop: Callable[[], None] | None = None
    _restart: asyncio.Task[None] | None = None

    def __init__(self, ctx: WebsocketContext) -> None:
        self._ctx = ctx
        self._state = "CONNECTING"
        self.pull: Pull = ctx.receive
        self._source: Pull = ctx.receive
        self.push: Send = ctx.send

    # -- handshake and end -------------------------------------------------------------------------

    def handshake(self) -> asyncio.Lock:
        """Return the lock that keeps two tasks from accepting or closing at the same time."""
        if self._handshake is None:
            self._handshake = asyncio.Lock()
        return self._handshake

    async def connected(self) -> bool:
        """Receive ``websocket.connect``, the first message, if that was not done.

        Returns:
            Whether the client is still there.
        """
        if not self._connect_taken:
            self._connect_taken = True
            message = await self._ctx.receive()
            if message["type"] == "websocket.disconnect":
                self.ended(message.get("code"), message.get("reason"))
        return self.end is None

    async def accept(self, message: Message) -> None:
        """Complete the handshake.

        Args:
            message: ``websocket.accept``.

        Raises:
            WebsocketDisconnect: The client has left.
        """
        try:
            await self.control(message)
        except OSError:
            raise self.client_left(1006, None) from None
        self.accepted = self.open = True
        self._timeout = self._ctx.app.config.get("WEBSOCKET_IDLE_TIMEOUT")
        self._pull_from(self._source)
        self._forget_stop = self._ctx.app.stopping.call(self._server_stops)
        if self._check is None:
            self._check_in(FIRST_CHECK)

    async def control(self, message: Message) -> None:
        """Send a message that changes the state of the connection.

        Args:
            message: Any but ``websocket.send``.

        Raises:
            IllegalMessage: ASGI does not allow it in this state.
            OSError: The client has left.
        """
        extensions = self._ctx.scope.get("extensions") or ()
        self._state = asgi_state.advance(asgi_state.WEBSOCKET, self._state, message, extensions)
        await self.push(message)

    def watch_handshake(self, view_task: asyncio.Task[Any] | None) -> None:
        """Notice a client that leaves before the websocket is accepted.

        Args:
            view_task: The task that an ``async def`` view runs in.
        """
        if view_task is not None:
            self.view_task = view_task
        # The timer that accept() would set: a websocket that is accepted at once has one anyway.
        self._check_in(FIRST_CHECK)

    def ended(self, code: int | None, reason: str | None) -> None:
        """Note the end; the first one counts.

        Args:
            code: The close code.
            reason: The reason.
        """
        self.open = False
        if self.end is None:
            self.end = WebsocketDisconnect(1005 if code is None else int(code), reason or "")

    def client_left(self, code: int | None, reason: str | None) -> WebsocketDisconnect:
        """Note that the client has left, and cancel a view that waits for something else.

        Args:
            code: The close code.
            reason: The reason.

        Returns:
            The error to raise; a view that calls this itself learns of the end by it.
        """
        if self.end is None and not self._is_view():
            self._watch_view()
        self.ended(code, reason)
        return self.disconnect()

    def _watch_view(self) -> None:
        cancels = self._ctx.app.config.get("WEBSOCKET_CANCEL_ON_DISCONNECT", True)
        self._watch = ViewWatch(self.view_task, cancels, self._warn_of_view)

    def _server_stops(self) -> None:
        """Close with 1012, and let the view end, because some servers would wait for both."""
        if self.end is None:
            self._restart = asyncio.get_running_loop().create_task(self._close_for_restart())
            self._watch_view()

    async def _close_for_restart(self) -> None:
        # RFC 6455 §7.4.1 and the IANA registry: 1012 tells a client to connect again.
        with suppress(RuntimeError):  # The server has closed it at the same moment.
            await self.close(1012, "The server is restarted.")

    def disconnect(self) -> WebsocketDisconnect:
        """Return the error of a websocket that has ended.

        Returns:
            A new one each time: a raised exception keeps its traceback, and so the view's frames.
        """
        end = self.end
        assert end is not None
        if self._watch is not None:
            if self._is_view():
                self._watch.stop()  # The view gets the error here.
            elif not self._is_reading_ahead():
                self._watch.tell(receiving=bool(self.streak & 1))
        return WebsocketDisconnect(end.code, end.reason)

    async def stop(self) -> None:
        """Stop timers and tasks, when the last hook has run."""
        if self._forget_stop is not None:
            self._forget_stop()
        if self._check is not None:
            self._check.cancel()
        if self._watch is not None:
            self._watch.take_back()
        if self._ahead is not None:
            await self._ahead.close()

    # -- the view ----------------------------------------------------------------------------------

    def view_was_cancelled(self) -> bool:
        """Undo the cancellation of a view whose client has left.

        Returns:
            Whether it was cancelled for that.
        """
        return self._watch is not None and self._watch.take_back()

    async def as_view(self, coro: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine whose task counts as the view's meanwhile.

        The task that serves the connection waits for a worker thread, which waits for this.

        Args:
            coro: The coroutine.

        Returns:
            Its result.
        """
        before, self.view_task = self.view_task, asyncio.current_task()
        try:
            return await coro
        finally:
            self.view_task = before

    def _is_view(self) -> bool:
        """Tell whether the caller is the view, and not a task beside it."""
        if self.view_task is None:  # It runs in a thread.
            return not self._is_reading_ahead()
        return asyncio.current_task() is self.view_task

    def _is_reading_ahead(self) -> bool:
        return self._ahead is not None and self._ahead.is_current_task()

    def _warn_of_view(self) -> None:
        _log_view(
            self._ctx,
            "The client of the websocket view %s of %s left %d s ago, and the view still runs. Let"
            " it end: an `async def` view must not catch its cancellation and go on, and a"
            " `def` view has to wait with a time limit and then call receive() or send().",
            OVERDUE,
        )

    # -- receiving ---------------------------------------------------------------------------------

    def has_unread(self) -> bool:
        """Tell whether messages were read ahead that the view has not received yet."""
        return self.accepted and self._ahead is not None and self._ahead.has_messages

    def _pull_from(self, source: Pull) -> None:
        self._source = source
        self.pull = source if self._timeout is None else self._pull_in_time

    async def _pull_in_time(self) -> Message:
        """Receive a message, or close if none comes in time; a waiting message needs no timer."""
        steps = self._source().__await__()
        try:
            waiting_for = next(steps)
        except StopIteration as stop:
            message: Message = stop.value
            return message
        try:
            async with asyncio.timeout(self._timeout) as limit:
                return await resume(steps, waiting_for)
        except TimeoutError:
            if not limit.expired():
                raise
        # 1001 is what Jetty sends for this; 1008 would blame the client, 1011 the app.
        await self.close(1001, "Idle timeout")
        raise self.disconnect()

    async def close(self, code: int, reason: str) -> None:
        """Close a websocket that is still connected.

        Args:
            code: The close code.
            reason: The reason.
        """
        async with self.handshake():
            if self.end is not None or not await self.connected():
                return
            self.ended(code, reason)
            try:
                await self.control({"type": "websocket.close", "code": code, "reason": reason})
            except OSError:
                pass  # The client closed at the same moment.

    # -- a view that does not receive --------------------------------------------------------------

    def _check_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._check = loop.call_later(seconds, self._check_view, seconds)

    def _check_view(self, after: float) -> None:
        """Read ahead for a view that does not receive, to notice that the client leaves."""
        self._check = None
        if self.end is not None:
            return
        if not self.accepted and not self.handshake().locked():
            # Only the client's end can come, so one look is enough; accept() starts the next timer.
            self._connect_taken = True
            self._read_ahead()
            return
        if self.accepted and not self.streak & 1:
            self._read_ahead()
            if self._ahead is not None and self._ahead.is_full:
                _log_view(
                    self._ctx,
                    "The websocket view %s of %s does not read what its client sends (%d messages"
                    " are waiting), so the app cannot tell whether the client is still there."
                    " Receive in a task beside the view.",
                    self._ahead.size,
                )
                return
        self._check_in(min(2 * after, LAST_CHECK))

    async def look(self) -> None:
        """Let other tasks run, and look for the client's end, in a view that only sends.

        hypercorn ignores messages to a client that has left. A view that does not receive the
        ``websocket.disconnect`` would never end.

        Raises:
            WebsocketDisconnect: The websocket has ended.
        """
        if self._looks is None:
            self._looks = Looks()
        receiving = self.streak & 1
        self.streak = SEND * (FIRST_LOOK - self._looks.next()) + receiving
        if not receiving:
            self._read_ahead()
        await asyncio.sleep(0)
        self._looks.looked()
        if self.end is not None:
            raise self.disconnect()

    def _read_ahead(self) -> None:
        if self._ahead is None:
            self._ahead = ReadAhead(self._receive_connected, self._note_disconnect)
        self._ahead.start()
        self._pull_from(self._take)

    async def _receive_connected(self) -> Message:
        """Receive the first message after ``websocket.connect``."""
        message = await self._ctx.receive()
        return await self._ctx.receive() if message["type"] == "websocket.connect" else message

    def _note_disconnect(self, message: Message) -> None:
        self.client_left(message.get("code"), message.get("reason"))

    async def _take(self) -> Message:
        """Receive the messages read ahead, and then from the server again."""
        ahead = self._ahead
        assert ahead is not None
        message = await ahead.take()
        if message is not None:
            return message
        if self.end is not None:
            raise self.disconnect()
        if not ahead.is_reading:
            self._pull_from(self._ctx.receive)
        received: Message = await self._source()
        return received


def _log_view(ctx: WebsocketContext, text: str, number: float) -> None:
    """Log a warning about a view.

    Args:
        ctx: The context of the websocket.
        text: Has places for the view's endpoint, the path and the number.
        number: What is special about this view: seconds, or messages.
    """
    rule, path = ctx.url_rule, path_below_root(ctx.scope)
    endpoint = None if rule is None else rule.endpoint
    ctx.app.logger.warning(text, repr(endpoint), one_line(path), number)
