"""The websocket that a view sees: messages in, messages out, and how it begins and ends.

Messages are pulled from the server when the view asks for one. Only for a view that does not ask,
a few are read ahead (:mod:`.read_ahead`), to notice that its client has gone; a view that does not
read holds its client back instead of filling memory. What becomes of a view that waits for
something else then is :mod:`.view_watch`'s. What a handshake says (headers, path, cookies) is
:class:`HTTPConnection`'s. Which hooks run around a view, and which response refuses a websocket, is
decided in ``dispatch/``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from time import monotonic
from typing import Any, NoReturn, Protocol

from blinker import Signal
from werkzeug.datastructures import Headers as WerkzeugHeaders

from ...concurrency.bridge import resume, run_from_thread
from ...exceptions import UnawaitedAccess, WebsocketDisconnect, explain_missing_attributes
from ...logging import one_line
from ...signals import websocket_received, websocket_sent
from ..http_connection import ConnectionContext, HTTPConnection
from ..response.asgi import send_response
from ..response.headers import Headers, encode_headers
from ..response.response import Response
from .cancellation import OVERDUE, ViewWatch
from .read_ahead import ReadAhead

Pull = Callable[[], Awaitable[Any]]
HandshakeHeaders = Mapping[str, str] | Iterable[tuple[str, str]]

#: Sends in a row, without a receive between them, after which send() looks whether the client is
#: still there and lets other tasks run. A view that answers what it receives never comes so far.
FIRST_LOOK = 16
#: The same afterwards, at most: fewer if they take longer than SLICE seconds.
NEXT_LOOK = 256
SLICE = 0.01
#: Seconds until the first check whether the view receives; the interval doubles up to the second.
FIRST_CHECK = 0.1
LAST_CHECK = 5.0
#: what a send adds to `_streak`, whose lowest bit says whether a receive is under way
_SEND = 2
_LOOK = _SEND * FIRST_LOOK

# RFC 6455 §7.4.1 and IANA's "WebSocket Close Code Number Registry": what an endpoint may send.
# 1004, 1005, 1006 and 1015 are reserved and never stand in a frame.
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
# RFC 6455 §5.5: a control frame carries at most 125 bytes, two of which are the code.
_REASON_BYTES = 123


class WebsocketContext(ConnectionContext, Protocol):
    """What a websocket asks of its context."""

    @property
    def receive(self) -> Any: ...
    @property
    def send(self) -> Any: ...
    @property
    def view_task(self) -> asyncio.Task[Any] | None: ...
    async def handshake_headers(self) -> list[tuple[bytes, bytes]]: ...


_BY_RECEIVE = "Read messages with `await websocket.receive()` or `async for message in websocket`."
_BY_RECEIVE_JSON = "Read messages that are JSON with `await websocket.receive_json()`."
_BY_SEND = "Send text and bytes with `await websocket.send(message)`."
#: What requests, and the websockets of other frameworks, have, and what is written here.
_OTHER_NAMES = {
    **dict.fromkeys(("json", "get_json"), _BY_RECEIVE_JSON),
    **dict.fromkeys(("data", "get_data", "form", "files", "values", "body", "stream"), _BY_RECEIVE),
    **dict.fromkeys(
        ("recv", "receive_text", "receive_bytes", "iter_text", "iter_bytes"), _BY_RECEIVE
    ),
    **dict.fromkeys(("send_text", "send_bytes", "send_str", "write_message"), _BY_SEND),
}


class Websocket(HTTPConnection):
    """A websocket connection, in ``async def`` views.

    The first :meth:`receive` or :meth:`send` accepts the connection; call :meth:`accept` to choose
    headers or a subprotocol. When the client goes, or after :meth:`close`, both raise
    :exc:`~asyncflask.exceptions.WebsocketDisconnect`, at every further call; a view need not catch
    it. Several tasks may use the same websocket.

    A view that waits for something else when its client goes, a queue for example, is cancelled,
    also before it has accepted, unless ``WEBSOCKET_CANCEL_ON_DISCONNECT`` is ``False``. One that
    receives or sends is not: it learns of the end there.

    Args:
        ctx: The context that carries this connection.

    Source: ``Quart: Websocket``, ``ASGI: WebSocket``.
    """

    _ctx: WebsocketContext

    #: Whether the handshake was completed.
    accepted = False

    # PERF: a message costs one test of `_open` and one call of `_pull` or `_push`. What some
    # websockets need besides (a timeout, a look-ahead) takes the place of `_pull` there.
    _open = False
    _streak = 0  # `_SEND` for each send since the last receive, and 1 while one is under way
    _connect_taken = False
    _timeout: float | None = None
    _sends = FIRST_LOOK  # as many as were let through at a time, the last time
    _looked_at = 0.0
    _ahead: ReadAhead | None = None
    _check: asyncio.TimerHandle | None = None
    _watch: ViewWatch | None = None
    _lock: asyncio.Lock | None = None
    _end: WebsocketDisconnect | None = None
    _failure: Exception | None = None

    def __init__(self, ctx: WebsocketContext) -> None:
        super().__init__(ctx)
        self._pull: Pull = ctx.receive
        self._source: Pull = ctx.receive
        self._push: Callable[[Any], Awaitable[None]] = ctx.send

    # -- messages ----------------------------------------------------------------------------------

    async def receive(self) -> str | bytes:
        """Wait for the next message.

        Returns:
            ``str`` for a text message, ``bytes`` for a binary one (``b""`` for an empty one).

        Raises:
            WebsocketDisconnect: The client is gone, this side has closed, or nothing came within
                ``WEBSOCKET_IDLE_TIMEOUT`` seconds (then the websocket was closed with 1001).

        Source: ``Quart: Websocket.receive``, ``ASGI: websocket.receive``.
        """
        if not self._open and not self._has_unread():
            await self.accept()
        self._streak = 1
        try:
            pull = self._pull
            message = await pull()
        finally:
            self._streak = 0
        data: str | bytes | None = message.get("text")
        if data is None:
            data = self._not_text(message)
        if websocket_received.receivers:
            await self._notify(websocket_received, data)
        return data

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Args:
            data: ``str`` becomes a text message, ``bytes`` a binary one.

        Raises:
            TypeError: ``data`` is something else.
            WebsocketDisconnect: The client is gone, or this side has closed.

        Source: ``Quart: Websocket.send``, ``ASGI: websocket.send``.
        """
        if not self._open:
            await self.accept()
        streak = self._streak = self._streak + _SEND
        if streak >= _LOOK:
            await self._look()
        push = self._push  # PERF: the compiler expects a method in `self._push()`, in vain.
        try:
            if data.__class__ is str or isinstance(data, str):
                await push({"type": "websocket.send", "text": data})
            else:
                await push({"type": "websocket.send", "bytes": _binary(data)})
        except OSError:
            # ASGI, "Disconnected Client - send exception" (hypercorn ignores such a message).
            raise self._client_left(1006, None) from None
        if websocket_sent.receivers:
            await self._notify(websocket_sent, data)

    async def receive_json(self) -> Any:
        """Receive a message and read it as JSON with the app's provider.

        Raises:
            ValueError: It is not JSON.
            WebsocketDisconnect: As :meth:`receive`.

        Source: ``Quart: Websocket.receive_json``.
        """
        message = await self.receive()
        return self._json.loads(message)

    async def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send data as a text message of JSON, written by the app's provider.

        Args:
            args: One value; or several, sent as a list.
            kwargs: Instead: the members of an object.

        Raises:
            TypeError: Both were given, or the data cannot be written.
            WebsocketDisconnect: As :meth:`send`.

        Source: ``Quart: Websocket.send_json``.
        """
        if args and kwargs:
            raise TypeError(
                f"send_json() was given the values {args!r} and the members {kwargs!r}. Give one"
                " value, or members by name."
            )
        data = kwargs or (args[0] if len(args) == 1 else args)
        await self.send(self._json.dumps(data))

    def __iter__(self) -> NoReturn:
        raise UnawaitedAccess(
            "`for message in websocket` was written in an `async def` view, where the messages have"
            " to be awaited.\n\n"
            "    wrong: for message in websocket:\n"
            "    right: async for message in websocket:\n\n"
            "In a `def` view the plain `for` is right."
        )

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages: ``async for message in websocket``."""
        own = getattr(self.receive, "__func__", None) is _receive
        return _Messages(self) if own and type(self).__anext__ is _anext else self

    async def __anext__(self) -> str | bytes:
        """Return the next message; iteration ends quietly when the websocket does."""
        try:
            return await self.receive()
        except WebsocketDisconnect:
            raise StopAsyncIteration from None

    # -- handshake and close -----------------------------------------------------------------------

    @property
    def requested_subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        offered: list[str] | None = self._ctx.scope.get("subprotocols")
        return list(offered or ())

    @property
    def closed(self) -> bool:
        """Whether the connection has ended, as far as this side knows."""
        return self._end is not None

    @property
    def close_code(self) -> int | None:
        """The code with which it ended, or ``None`` while it has not."""
        return None if self._end is None else self._end.code

    @property
    def close_reason(self) -> str | None:
        """The reason with which it ended, possibly empty, or ``None`` while it has not."""
        return None if self._end is None else self._end.reason

    async def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> None:
        """Complete the handshake. On an accepted websocket it does nothing.

        A session that was changed before is saved, with its cookie in the server's answer.

        Args:
            headers: Added to the server's answer.
            subprotocol: One of :attr:`requested_subprotocols`.

        Raises:
            RuntimeError: Headers or a subprotocol are given, but it was accepted already.
            ValueError: The client does not offer ``subprotocol``, or a header is malformed.
            WebsocketDisconnect: It has ended.

        Source: ``Quart: Websocket.accept``, ``ASGI: websocket.accept``.
        """
        if self._failure is not None:
            raise self._failure
        message: dict[str, Any] = {
            "type": "websocket.accept",
            "subprotocol": self._checked(subprotocol),
            "headers": _encoded(headers),
        }
        async with self._handshake():
            if self._end is not None:
                raise self._again()
            if self.accepted:
                if headers is not None or subprotocol is not None:
                    raise RuntimeError(
                        f"accept(headers={headers!r}, subprotocol={subprotocol!r}) was called on"
                        f" {self!r}, which is accepted already. Call it before the first receive()"
                        " or send(): these accept by themselves."
                    )
                return
            if not await self._connected():
                raise self._again()
            message["headers"] += await self._ctx.handshake_headers()
            try:
                await self._push(message)
            except OSError:
                raise self._client_left(1006, None) from None
            self.accepted = self._open = True
            self._timeout = self._ctx.app.config.get("WEBSOCKET_IDLE_TIMEOUT")
            self._pull_from(self._source)
            if self._check is None:
                self._check_in(FIRST_CHECK)

    def watch_handshake(self) -> None:
        """Notice a client that leaves while hooks or view wait for something before accepting.

        For the dispatcher, when the connection begins.
        """
        # The timer that accept() would set: a websocket that is accepted at once has one anyway.
        self._check_in(FIRST_CHECK)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the websocket. On one that has ended it does nothing.

        Before :meth:`accept` this refuses the handshake with 403.

        Args:
            code: The close code, :rfc:`6455` §7.4.
            reason: For the client, at most 123 bytes of UTF-8.

        Raises:
            ValueError: The code may not be sent, or the reason is too long.

        Source: ``Quart: Websocket.close``, ``ASGI: websocket.close``.
        """
        reason = reason or ""
        if code not in _CLOSE_CODES:
            raise ValueError(
                f"close(code={code!r}): an endpoint may not send this code. Use 1000 (normal),"
                " 1001 (going away), 1008 (policy), 1011 (error), or your own from 4000 to 4999."
            )
        if len(reason.encode()) > _REASON_BYTES:
            raise ValueError(
                f"close(reason={reason[:40]!r}…) has {len(reason.encode())} bytes; a close frame"
                f" has room for {_REASON_BYTES}. Send the details as a message before closing."
            )
        async with self._handshake():
            if self._end is not None or not await self._connected():
                return
            self._ended(code, reason)
            try:
                await self._push({"type": "websocket.close", "code": code, "reason": reason})
            except OSError:
                pass  # The client closed in the same moment.

    def fail(self, error: Exception) -> None:
        """Let the next :meth:`accept`, :meth:`receive` or :meth:`send` raise ``error``.

        For the dispatcher, which learns of a call without ``await`` while the view goes on.

        Args:
            error: What is raised.
        """
        self._failure = error
        self._open = False  # Both look at this first, and call accept() then.

    async def reject(self, response: Response) -> None:
        """Refuse the handshake with ``response``, or with a bare 403 if the server cannot.

        For the dispatcher: a view or ``before_websocket`` function returns the response instead.

        Args:
            response: What the client gets instead of a websocket.

        Raises:
            RuntimeError: The websocket is accepted already.

        Source: ``ASGI: Websocket Denial Response``.
        """
        if self.accepted:
            raise RuntimeError(
                f"{response!r} was to refuse {self!r}, which is accepted already. Refuse before"
                " the first receive() or send(), or call close(code, reason)."
            )
        if "websocket.http.response" not in (self._ctx.scope.get("extensions") or ()):
            await response.aclose()
            await self.close(1008)
            return
        async with self._handshake():
            if self._end is not None or not await self._connected():
                await response.aclose()
                return
            self._ended(1008, "")
            await send_response(response, "GET", self._deny)

    async def end(self, response: Response | None = None, code: int = 1000) -> None:
        """End what the view has left open.

        For the dispatcher, after the last hook. Whatever happened, it has to be called: what
        :meth:`send` looked ahead for is put away here.

        Args:
            response: What hooks, view or error handlers answered. It refuses a websocket that was
                not accepted; one that was is closed, with 1011 for a server error.
            code: The close code otherwise.
        """
        try:
            if response is not None and not self.accepted:
                await self.reject(response)
            elif response is not None and response.status_code >= 500:
                await self.close(1011)
            else:
                await self.close(code)
        finally:
            if self._check is not None:
                self._check.cancel()
            if self._watch is not None:
                self._watch.take_back()
            if self._ahead is not None:
                await self._ahead.close()

    def view_was_cancelled(self) -> bool:
        """Tell whether the view was cancelled because its client had gone; undo the cancellation.

        For the dispatcher, when the view has ended.
        """
        return self._watch is not None and self._watch.take_back()

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _json(self) -> Any:
        return self._ctx.app.json  # type: ignore[attr-defined]  # every app of ours has one

    async def _notify(self, signal: Signal, data: str | bytes) -> None:
        """Send a signal whose sender is the message, as Quart does."""
        app: Any = self._ctx.app
        for receiver in list(signal.receivers_for(data)):
            await app.ensure_async(receiver)(data)

    def _handshake(self) -> asyncio.Lock:
        """Return the lock that keeps two tasks from accepting or closing at once."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    async def _connected(self) -> bool:
        """Take ``websocket.connect``, which comes before all else; tell whether it came."""
        if not self._connect_taken:
            self._connect_taken = True
            message = await self._ctx.receive()
            if message["type"] == "websocket.disconnect":
                self._ended(message.get("code"), message.get("reason"))
        return self._end is None

    def _not_text(self, message: dict[str, Any]) -> bytes:
        """Return a binary message's data.

        An empty text or binary message is a message: only None says "not this one".
        """
        if message["type"] != "websocket.receive":
            raise self._client_left(message.get("code"), message.get("reason"))
        data: bytes = message["bytes"]
        return data

    def _ended(self, code: int | None, reason: str | None) -> WebsocketDisconnect:
        """Note the end, and return the error that tells of it; the first end counts."""
        self._open = False
        if self._end is None:
            self._end = WebsocketDisconnect(1005 if code is None else int(code), reason or "")
        return self._again()

    def _client_left(self, code: int | None, reason: str | None) -> WebsocketDisconnect:
        """Note the end like :meth:`_ended`, and watch a view that does not notice it.

        Where the view's own task calls this, it gets the error.
        """
        if self._end is None and not self._is_view():
            cancels = self._ctx.app.config.get("WEBSOCKET_CANCEL_ON_DISCONNECT", True)
            # The task that receives gets the error, also if it takes what was read ahead.
            at_once = not self._streak & 1 and not self._is_reading_ahead()
            self._watch = ViewWatch(self._ctx.view_task, cancels, at_once, self._warn_of_view)
        return self._ended(code, reason)

    def _is_view(self) -> bool:
        """Tell whether the view itself is calling, and not a task beside it."""
        if self._ctx.view_task is None:  # It runs in a thread.
            return not self._is_reading_ahead()
        return asyncio.current_task() is self._ctx.view_task

    def _is_reading_ahead(self) -> bool:
        return self._ahead is not None and self._ahead.is_current_task()

    def _warn_of_view(self) -> None:
        self._log(
            "The client of the websocket view %s of %s left %d s ago, and the view still runs. Let"
            " it end: an `async def` view must not catch its cancellation and go on, and a"
            " `def` view has to wait with a time limit and then call receive() or send().",
            OVERDUE,
        )

    def _log(self, text: str, number: float) -> None:
        app: Any = self._ctx.app
        app.logger.warning(text, repr(self.endpoint), one_line(self.path), number)

    def _again(self) -> WebsocketDisconnect:
        # A fresh one each time: a raised exception keeps its traceback, and so the view's frames.
        end = self._end
        assert end is not None
        if self._watch is not None:
            if self._is_view():
                self._watch.stop()  # The view gets the error here.
            elif not self._is_reading_ahead():
                self._watch.tell()
        return WebsocketDisconnect(end.code, end.reason)

    async def _deny(self, message: dict[str, Any]) -> None:
        message["type"] = "websocket." + message["type"]
        await self._push(message)

    def _checked(self, subprotocol: str | None) -> str | None:
        # RFC 6455 §4.2.2: one of the client's values; a browser drops the connection otherwise.
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"accept(subprotocol={subprotocol!r}), but the client offers"
                f" {self.requested_subprotocols!r}. Choose one of these, or none."
            )
        return subprotocol

    def _pull_from(self, source: Pull) -> None:
        self._source = source
        self._pull = source if self._timeout is None else self._in_time

    async def _in_time(self) -> Any:
        """Receive, and close if nothing comes in time. A message that is there costs no timer."""
        steps = self._source().__await__()
        try:
            waiting_for = next(steps)
        except StopIteration as stop:
            return stop.value
        try:
            async with asyncio.timeout(self._timeout) as limit:
                return await resume(steps, waiting_for)
        except TimeoutError:
            if not limit.expired():
                raise
        # 1001 is what Jetty sends for this; 1008 would blame the client, 1011 the app.
        await self.close(1001, "Idle timeout")
        raise self._again()

    # -- a view that does not receive --------------------------------------------------------------

    def _check_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._check = loop.call_later(seconds, self._check_view, seconds)

    def _check_view(self, after: float) -> None:
        """Read ahead for a view that does not receive, for it would not see its client go."""
        self._check = None
        if self._end is not None:
            return
        if not self.accepted and not self._handshake().locked():
            # All that can come is the client's end, so one look is enough; accept() sets the next.
            self._connect_taken = True
            self._read_ahead()
            return
        if self.accepted and not self._streak & 1:
            self._read_ahead()
            if self._ahead is not None and self._ahead.is_full:
                self._log(
                    "The websocket view %s of %s does not read what its client sends (%d messages"
                    " are waiting), so the app cannot tell whether the client is still there."
                    " Receive in a task beside the view.",
                    self._ahead.size,
                )
                return
        self._check_in(min(2 * after, LAST_CHECK))

    async def _look(self) -> None:
        """See to it that a view which only sends lets others run, and notices the end.

        hypercorn drops what is sent to a client that has gone, without a word, and nobody would
        read the ``websocket.disconnect``: such a view would never end.
        """
        reading = self._streak & 1
        self._streak = _SEND * (FIRST_LOOK - self._next_look()) + reading
        if not reading:
            self._read_ahead()
        await asyncio.sleep(0)
        self._looked_at = monotonic()
        if self._end is not None:
            raise self._again()

    def _next_look(self) -> int:
        """Return after how many sends to look again, going by how long the last ones took."""
        took = monotonic() - self._looked_at
        fitting = self._sends * SLICE / max(took, 1e-6)
        self._sends = max(1, min(NEXT_LOOK, int(fitting)))
        return self._sends

    def _read_ahead(self) -> None:
        if self._ahead is None:
            self._ahead = ReadAhead(self._receive_connected, self._noticed)
        self._ahead.start()
        self._pull_from(self._take)

    async def _receive_connected(self) -> Any:
        """Receive what comes after ``websocket.connect``."""
        message = await self._ctx.receive()
        return await self._ctx.receive() if message["type"] == "websocket.connect" else message

    def _noticed(self, message: dict[str, Any]) -> None:
        self._client_left(message.get("code"), message.get("reason"))

    def _has_unread(self) -> bool:
        """Tell whether the client has sent something, before it went, that was not received yet."""
        return self.accepted and self._ahead is not None and self._ahead.has_messages

    async def _take(self) -> Any:
        """Receive what was read ahead, and then from the server again."""
        ahead = self._ahead
        assert ahead is not None
        message = await ahead.take()
        if message is not None:
            return message
        if self._end is not None:
            raise self._again()
        if not ahead.is_reading:
            self._pull_from(self._ctx.receive)
        return await self._source()


_receive = Websocket.receive
_anext = Websocket.__anext__


explain_missing_attributes(
    Websocket,
    {name: f"{remedy} (In a `def` view without `await`.)" for name, remedy in _OTHER_NAMES.items()},
)


class _Messages:
    """What ``async for`` goes through, while ``receive()`` is ours: the same, written out.

    PERF: one coroutine for a message instead of two: 0.86 → 0.78 µs for it and its echo.
    """

    __slots__ = ("_websocket",)

    def __init__(self, websocket: Websocket) -> None:
        self._websocket = websocket

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> str | bytes:
        websocket = self._websocket
        try:
            if not websocket._open and not websocket._has_unread():
                await websocket.accept()
            websocket._streak = 1
            try:
                pull = websocket._pull  # PERF: see send().
                message = await pull()
            finally:
                websocket._streak = 0
            data: str | bytes | None = message.get("text")
            if data is None:
                data = websocket._not_text(message)
            if websocket_received.receivers:
                await websocket._notify(websocket_received, data)
            return data
        except WebsocketDisconnect:
            raise StopAsyncIteration from None


class SyncContext(Protocol):
    """What a synchronous websocket asks of its context."""

    lane: Any
    lease: Any
    _connection: Any


class SyncWebsocket:
    """The same websocket, for ``def`` views: each call blocks the view's worker thread.

    Attributes that need no waiting (``headers``, ``path``, ``args`` …) are those of
    :class:`Websocket`.

    Args:
        ctx: The context that carries the connection; its worker thread is the one that may wait.
    """

    def __init__(self, ctx: SyncContext) -> None:
        if ctx._connection is None:
            ctx._connection = ctx.lane.connect(ctx)
        self._websocket: Websocket = ctx._connection
        self._loop: asyncio.AbstractEventLoop = ctx.lease.loop

    def receive(self) -> str | bytes:
        """Wait for the next message. See :meth:`Websocket.receive`."""
        return run_from_thread(self._websocket.receive(), self._loop)

    def send(self, data: str | bytes) -> None:
        """Send a message. See :meth:`Websocket.send`."""
        run_from_thread(self._websocket.send(data), self._loop)

    def receive_json(self) -> Any:
        """Receive a message and read it as JSON. See :meth:`Websocket.receive_json`."""
        return run_from_thread(self._websocket.receive_json(), self._loop)

    def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send data as JSON. See :meth:`Websocket.send_json`."""
        run_from_thread(self._websocket.send_json(*args, **kwargs), self._loop)

    def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> None:
        """Complete the handshake. See :meth:`Websocket.accept`."""
        run_from_thread(self._websocket.accept(headers, subprotocol), self._loop)

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the websocket. See :meth:`Websocket.close`."""
        run_from_thread(self._websocket.close(code, reason), self._loop)

    def __iter__(self) -> SyncWebsocket:
        """Iterate over the messages: ``for message in websocket``."""
        return self

    def __next__(self) -> str | bytes:
        """Return the next message; iteration ends quietly when the websocket does."""
        try:
            return self.receive()
        except WebsocketDisconnect:
            raise StopIteration from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._websocket, name)

    def __repr__(self) -> str:
        return repr(self._websocket).replace("Websocket", "SyncWebsocket", 1)


def _binary(data: Any) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise TypeError(
        f"send() was given {data!r} of type {type(data).__name__!r}. Send str or bytes, or use"
        " send_json() for other data."
    )


def _encoded(headers: HandshakeHeaders | None) -> list[tuple[bytes, bytes]]:
    if headers is None:
        return []
    if not isinstance(headers, WerkzeugHeaders):
        headers = Headers(headers)
    return encode_headers(headers)
