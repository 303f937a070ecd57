"""The body of a request, pulled from the server piece by piece.

Nothing is read that nobody asked for, no task pumps, and limits and timeouts are enforced in the
pull (design D8). One :class:`Body` belongs to one request and is shared by its two faces, the
awaitable request and the synchronous one of ``def`` functions; so it also keeps what either made of
it: the bytes, the form, the JSON. How a form is parsed is not decided here.

All methods belong to the event loop's thread; :mod:`.reader` is the door for worker threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from tempfile import TemporaryFile
from types import CoroutineType
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
)

from ...concurrency.bridge import resume
from ...exceptions import UnawaitedAccess
from ..response.bodies import in_thread

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage, MultiDict

T = TypeVar("T")
Message = dict[str, Any]

# Small pieces are gathered up to this size. Werkzeug's multipart decoder is quadratic in the size
# of a piece from about 1 MB on, and a list of tiny pieces costs many times their bytes.
SLICE = 64 * 1024

#: Bytes of a body received ahead that are kept in memory; Werkzeug's figure for uploads.
SPOOL_AT = 500 * 1024


class Body:
    """The body of a request: ``await`` it as a whole, or iterate over it as it comes.

    .. code-block:: python

        data = await request.body
        async for piece in request.body:
            ...

    The client is slowed down to the pace of the iteration (backpressure).

    Args:
        receive: ``ASGI: receive``.
        content_length: The announced length in bytes; ``None`` if it is unknown.
        max_content_length: Most bytes to accept; ``None`` for no limit.
        timeout: Seconds in which the whole body must have come, counted from the first wait.
        idle_timeout: Seconds to wait for the next piece.

    Source: ``ASGI: http.request``, ``ASGI: http.disconnect``.
    """

    cached: bytes | None = None
    """The whole body, once it was read and kept."""
    form: tuple[MultiDict[str, str], MultiDict[str, FileStorage]] | None = None
    """Fields and files, once they were parsed."""
    json: tuple[Any, Any] = (..., ...)
    """The parsed JSON for ``silent=False`` and for ``silent=True``; ``...`` until then."""
    own_limits: dict[str, int] | None = None
    """Limits that were set on the request, by attribute; the others are the configuration's."""

    complete = False
    """Whether everything has been read."""
    disconnected = False
    """Whether the client is known to be gone."""
    received_ahead = False
    """Whether all that is accepted was received before any ``async def`` function ran."""
    prefetched = False
    """Whether what was here already has been taken along for a worker thread."""
    claimed = False
    """Whether somebody is reading the whole; others wait for them in :meth:`unclaimed`."""

    _asked = False  # for the first message
    _received = 0
    _left = b""  # Read, but not handed out yet.
    _spooling: IO[bytes] | None = None
    _spooled: IO[bytes] | None = None  # The same, on disk; it comes before `_left`.
    _replay: bytes | None = None
    _failure: Callable[[], HTTPException] | None = None
    _stash: Message | None = None  # At most one message that nobody asked for as body.
    _outstanding: tuple[Any, Any] | None = None
    _pulling = False
    _waiters: list[asyncio.Future[None]] | None = None
    _deadline: float | None = None

    def __init__(
        self,
        receive: Callable[[], Awaitable[Any]],
        content_length: int | None = None,
        max_content_length: int | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = 60,
    ) -> None:
        self._receive = receive
        self.content_length = content_length
        self.max_content_length = max_content_length
        self.timeout = timeout
        self.idle_timeout = idle_timeout
        # PERF: of the defaults above, those that all bodies are asked for; CPython reads an
        # instance's own attribute in a fifth of the time.
        self.claimed = self._asked = False
        self._spooled = self._failure = self._outstanding = None

    # -- reading -----------------------------------------------------------------------------------

    def _refuse(self, wrong: str) -> NoReturn:
        raise UnawaitedAccess(
            f"`{wrong}` was written in an `async def` function, where the body of the request may"
            " still be on its way.\n\n"
            f"    wrong: {wrong}\n"
            "    right: data = await request.get_data()        # the whole body\n"
            "    right: async for piece in request.stream: …   # as it comes\n\n"
            "In a `def` function `request.stream` is a file, and is read without `await`."
        )

    def read(self, *args: object) -> NoReturn:
        """Refuse to be read like a file, with an error that says what to write."""
        self._refuse("request.stream.read()")

    def readline(self, *args: object) -> NoReturn:
        """Refuse, as :meth:`read`."""
        self._refuse("request.stream.readline()")

    def readlines(self, *args: object) -> NoReturn:
        """Refuse, as :meth:`read`."""
        self._refuse("request.stream.readlines()")

    def __iter__(self) -> NoReturn:
        self._refuse("for piece in request.stream")

    def __await__(self) -> Generator[Any, Any, bytes]:
        return self.read_all().__await__()

    async def read_all(self, cache: bool = True) -> bytes:
        """Read what has not been read yet, and keep it.

        The bytes that an iteration or a form has consumed before are gone, as in Flask.

        Args:
            cache: ``False`` keeps nothing: a later read gives ``b""``.

        Returns:
            The body, or its rest.

        Raises:
            RequestEntityTooLarge: It is longer than ``max_content_length`` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client went away before the end.
        """
        if self.claimed:
            await self.unclaimed()
        elif (whole := self.read_at_once()) is not None:
            if cache:
                self.cached = whole
            return whole
        if self.cached is not None:
            return self.cached
        self.claimed = True
        try:
            data = await self.read_chunk()
            if self._left or self._spooled or not self.complete:
                data = await self._read_rest(data)
        finally:
            self.release()
        if cache:
            self.cached = data
        return data

    def read_at_once(self) -> bytes | None:
        """Read the whole body, if nothing of it was asked for yet and it is here, in one piece.

        Otherwise, and where anything is wrong with it, ``None``; nothing is lost then. Who calls
        this has made sure that nobody else reads the whole.

        PERF: most bodies are; this goes without a coroutine, and looks at each limit once.
        """
        if self._asked or self.cached is not None or self._failure is not None:
            return None
        limit, announced = self.max_content_length, self.content_length
        if limit is not None and (announced or 0) > limit:
            return None
        message = self._poll()
        if message is not None and message["type"] == "http.request":
            data: bytes = message.get("body") or b""
            size = len(data)
            if (
                not message.get("more_body")
                and (announced is None or size == announced)
                and (limit is None or size <= limit)
            ):
                self._received = size
                self.complete = True
                return data
        self._stash = message
        return None

    async def read_chunk(self) -> bytes:
        """Read the next piece, as the server delivers it; ``b""`` at the end.

        Raises:
            RequestEntityTooLarge: The body is longer than ``max_content_length`` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client went away before the end.
        """
        limit, announced = self.max_content_length, self.content_length
        if self._spooled is not None and (data := self._from_disk(SLICE)):
            return data
        if self._left:
            if limit is not None and self._received > limit:
                raise self._too_large(self._received)  # The limit came after the prefetch.
            data, self._left = self._left, b""
            return data
        if self._failure is not None:
            raise self._failure()
        if limit is not None and announced is not None and announced > limit:
            raise self._too_large(announced)
        while not self.complete:
            message = None
            if self._stash is None and not self._pulling and not self.disconnected:
                message = self._poll()
            if message is None:
                message = await self._next()
            if data := self._take(message):
                return data
        return b""

    async def read_slice(self) -> bytes:
        """Read pieces until they come to :data:`SLICE` bytes, at least; ``b""`` at the end."""
        data = await self.read_chunk()
        if self.complete or len(data) >= SLICE // 4:
            return data
        gathered = bytearray(data)
        try:
            while len(gathered) < SLICE and (data := await self.read_chunk()):
                gathered += data
        except BaseException:
            self._left = bytes(gathered) + self._left
            raise
        return bytes(gathered)

    async def read_at_most(self, size: int) -> bytes:
        """Read the next piece, or the first ``size`` bytes of it; ``b""`` at the end."""
        if self._spooled is not None and (data := self._from_disk(size)):
            return data
        data = await self.read_chunk()
        if len(data) > size:
            self._left = data[size:]
            return data[:size]
        return data

    async def _read_rest(self, data: bytes) -> bytes:
        slices = [data]
        try:
            while data := await self.read_slice():
                slices.append(data)
        except BaseException:
            # A cancelled read loses nothing: the next one starts with what came already.
            self._left = b"".join(slices) + self._left
            raise
        return b"".join(slices)

    def __aiter__(self) -> Body:
        self._replay = self.cached
        return self

    async def __anext__(self) -> bytes:
        data, self._replay = self._replay, None
        if data is None:
            data = await self.read_chunk()
        if not data:
            raise StopAsyncIteration
        return data

    def prefetch(self) -> None:
        """Take up to :data:`SLICE` bytes that are here already, before a worker thread reads them.

        What a limit forbids is left alone: the limit may still be raised on the request.
        """
        self.prefetched = True
        gathered = bytearray(self._left)
        while not (self.complete or self._pulling or self.disconnected or self._failure):
            message = self._stash or self._poll()
            if message is None:
                break
            if message["type"] == "http.disconnect" or self._is_over(message):
                self._stash = message
                break
            self._stash = None
            gathered += self._take(message)
            if len(gathered) >= SLICE:
                break
        self._left = bytes(gathered)

    def _is_over(self, message: Message) -> bool:
        size = self._received + len(message.get("body") or b"")
        limit, announced = self.max_content_length, self.content_length
        if announced is not None and not message.get("more_body") and size < announced:
            return True
        return limit is not None and max(size, announced or 0) > limit

    async def receive_ahead(self, limit: int) -> None:
        """Receive what is still to come, so that who reads it later waits for nobody.

        What goes beyond :data:`SPOOL_AT` bytes is kept on disk.

        Args:
            limit: Stop when more bytes than this have come.

        Raises:
            HTTPException: Reading failed, as for :meth:`read_chunk`; so will every later read.
        """
        self.received_ahead = True
        ahead, size = bytearray(), 0
        try:
            while size <= limit and (data := await self.read_chunk()):
                ahead += data
                size += len(data)
                if len(ahead) > SPOOL_AT:
                    await in_thread(self._to_disk, bytes(ahead))
                    ahead.clear()
        finally:
            self._left = bytes(ahead) + self._left
            if self._spooling is not None:
                self._spooled, self._spooling = self._spooling, None
                self._spooled.seek(0)

    def _to_disk(self, data: bytes) -> None:
        if self._spooling is None:
            self._spooling = TemporaryFile()  # noqa: SIM115  # close() closes it
        self._spooling.write(data)

    def _from_disk(self, size: int) -> bytes:
        file = cast("IO[bytes]", self._spooled)
        data = file.read(size)
        if not data:
            self._spooled = None
            file.close()
        return data

    def take_whole(self) -> bytes | None:
        """Take the whole body out, if it is here, small, and nothing of it was read."""
        if not self.complete or self._spooled is not None or len(self._left) != self._received:
            return None
        data, self._left = self._left, b""
        return data

    def is_ready(self, whole: bool = True) -> bool:
        """Tell whether a read can be answered at once, and wakes nobody.

        Args:
            whole: A read of the rest; otherwise of the next piece.
        """
        if self.claimed or self._waiters:
            return False
        if self.complete or self._failure is not None:
            return True
        return not whole and bool(self._left or self._spooled)

    def is_settled(self) -> bool:
        """Tell whether the next read has the same answer however the network cuts the request.

        That is so where a reader has come to the end, or a read fails without waiting.
        """
        limit, announced = self.max_content_length, self.content_length
        if self._failure is not None:
            return True
        if limit is not None and announced is not None and announced > limit:
            return True
        # A prefetch comes to the end of an empty body, if that is here; otherwise a reader did.
        return self.is_exhausted() and (self._received > 0 or not self.prefetched)

    def is_exhausted(self) -> bool:
        """Tell whether the next read gives nothing, and no error."""
        return self.complete and not self._left and self._spooled is None and self._failure is None

    # -- one reader of the whole -------------------------------------------------------------------

    def release(self) -> None:
        """End a claim, and let in who waits for it in :meth:`unclaimed`."""
        self.claimed = False
        if self._waiters:
            self._wake()

    async def unclaimed(self) -> None:
        """Wait until nobody reads the whole."""
        while self.claimed:
            await self._changed()

    def fail(self, error: HTTPException) -> None:
        """Make every later read fail like this one: half a body must not pass for a whole."""
        self._left = b""
        self._failure = partial(type(error), error.description)

    # -- the client's presence ---------------------------------------------------------------------

    async def is_disconnected(self) -> bool:
        """Tell whether the client is gone, as far as the server has said so.

        No piece of the body is lost by asking. While the client has sent more than was read, it is
        taken for present.
        """
        if not self._look():
            await asyncio.sleep(0)  # One turn of the loop, in which the server may speak.
            self._look()
        return self.disconnected

    def _look(self) -> bool:
        """Receive a message if one is ready; tell whether there is no use in asking again."""
        if self.disconnected or self._pulling or self._stashed_more():
            return self.disconnected or self._stashed_more()
        message = self._poll()
        if message is None:
            return False
        self._note(message)
        return True

    def _stashed_more(self) -> bool:
        return self._stash is not None and bool(self._stash.get("more_body"))

    async def wait_disconnect(self) -> None:
        """Return when the client is gone; for a watcher beside a streamed response.

        It looks at most one message ahead of who reads the body, and then waits for them.
        """
        while not self.disconnected:
            if self._pulling or self._stashed_more():
                await self._changed()
                continue
            message = await self._pull_alone(None)
            if not self._note(message):
                # Not ASGI: body after the body's end. Waiting is better than asking for ever.
                await asyncio.get_running_loop().create_future()

    def _note(self, message: Message) -> bool:
        """Take a message that nobody asked for as body; tell whether it is of any use."""
        if message["type"] == "http.disconnect":
            self.disconnected = True
        elif self.complete or self._stash is not None:
            return False
        else:
            self._stash = message
        if self._waiters:
            self._wake()
        return True

    # -- nobody's bytes ----------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether something of it has come."""
        return self._received > 0 or self._stash is not None

    async def discard(self) -> None:
        """Read to the end of the body or of the connection, and keep nothing."""
        self._left = b""
        while not (self.complete or self.disconnected):
            message = await self._next()
            if message["type"] == "http.disconnect":
                self.disconnected = True
            elif not message.get("more_body"):
                self.complete = True

    def close(self) -> None:
        """Close the uploaded files, and forget a receive that is under way."""
        if self.form is not None and self.form[1]:
            for _, files in self.form[1].lists():
                for file in files:
                    file.close()
        if self._spooled is not None:
            self._spooled.close()
            self._spooled = None
        if self._outstanding is not None:
            outstanding, self._outstanding = self._outstanding, None
            if hasattr(outstanding[0], "close"):
                outstanding[0].close()

    # -- messages ----------------------------------------------------------------------------------

    def _take(self, message: Message) -> bytes:
        """Take the body's next bytes out of a message, and count them."""
        if message["type"] == "http.disconnect":
            self.disconnected = True
            raise self._failed(
                ClientDisconnected("The client disconnected before it had sent the whole body.")
            )
        data: bytes = message.get("body") or b""
        received = self._received = self._received + len(data)
        if not message.get("more_body"):
            self.complete = True
        limit, announced = self.max_content_length, self.content_length
        if limit is not None and received > limit:
            raise self._too_large(received)
        if announced is not None and received != announced:
            if received > announced:
                # What exceeds the announced length is not this request's.
                data = data[: max(0, len(data) - (received - announced))]
            elif self.complete:
                raise self._failed(
                    ClientDisconnected(
                        f"The body ended after {received} of the {announced} bytes that its"
                        " Content-Length announced."
                    )
                )
        return data

    def _too_large(self, size: int) -> HTTPException:
        return self._failed(
            RequestEntityTooLarge(
                f"The body has {size} bytes or more;"
                f" {self.max_content_length} are accepted (MAX_CONTENT_LENGTH)."
            )
        )

    def _failed(self, error: HTTPException) -> HTTPException:
        self.fail(error)
        return error

    def _poll(self) -> Message | None:
        """Return the next message if it is there; else leave the receive outstanding.

        PERF: stepped by hand: a message that is ready costs no task, timer or future. An
        outstanding receive is resumed by whoever wants the next message, so none is ever lost.
        """
        self._asked = True
        if self._outstanding is None:
            # PERF: to step a coroutine itself takes a fifth less than what its `__await__` gives.
            receive = self._receive
            receiving: Any = receive()
            if receiving.__class__ is not CoroutineType:
                receiving = receiving.__await__()
        else:
            receiving, awaited = self._outstanding
            if awaited is not None and not awaited.done():
                return None
            self._outstanding = None
        try:
            if receiving.__class__ is CoroutineType:
                awaited = receiving.send(None)
            else:
                awaited = next(receiving)
        except StopIteration as stop:
            message: Message = stop.value
            return message
        self._outstanding = receiving, awaited
        return None

    async def _next(self) -> Message:
        """Wait for the next message, whoever receives it."""
        while self._stash is None:
            if self.disconnected:
                return {"type": "http.disconnect"}
            if not self._pulling:
                return await self._pull_alone(self._patience())
            await _within(self._patience(), self._changed())
        message, self._stash = self._stash, None
        if self._waiters:
            self._wake()
        return message

    async def _pull_alone(self, patience: float | None) -> Message:
        self._pulling = True
        try:
            if self._outstanding is None and (message := self._poll()) is not None:
                return message
            receiving, awaited = cast("tuple[Any, Any]", self._outstanding)
            self._outstanding = None
            return await _within(patience, resume(receiving, awaited))
        except RequestTimeout as error:
            raise self._failed(error)
        finally:
            self._pulling = False
            if self._waiters:
                self._wake()

    def _patience(self) -> float | None:
        """Seconds to wait for the next piece."""
        if self.timeout is None:
            return self.idle_timeout
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self.timeout
        remaining = max(0, self._deadline - now)
        return remaining if self.idle_timeout is None else min(remaining, self.idle_timeout)

    async def _changed(self) -> None:
        if self._waiters is None:
            self._waiters = []
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)


async def _within(seconds: float | None, reading: Awaitable[T]) -> T:
    if seconds is None:
        return await reading
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        raise RequestTimeout(
            "The body of the request did not come in time (BODY_TIMEOUT, BODY_IDLE_TIMEOUT)."
        ) from None
