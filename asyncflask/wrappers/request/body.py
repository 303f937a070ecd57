"""The body of a request, as views read it: ``await``, iteration, form and JSON.

A body belongs to one request. The asynchronous request and the synchronous one of ``def`` functions
share it, with the results that either of them has read: the bytes, the form, the JSON. ``form.py``
parses forms, ``body_bytes.py`` reads the bytes.

All methods belong to the event loop's thread; worker threads read through ``wsgi/input.py``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NoReturn

from ...exceptions import UnawaitedAccess
from ...typing import Message
from .body_bytes import SLICE, BodyBytes

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage, MultiDict


class Body(BodyBytes):
    """The body of a request: ``await`` it as a whole, or iterate over it as it comes.

    .. code-block:: python

        data = await request.body
        async for piece in request.body:
            ...

    The client can send no faster than the iteration reads (backpressure).

    Args:
        receive: ``ASGI: receive``.
        content_length: The announced length in bytes; ``None`` if it is unknown.
        max_content_length: Most bytes to accept; ``None`` for no limit.
        timeout: Seconds in which the whole body must have come, counted from the first wait.
        idle_timeout: Seconds to wait for the next piece.

    Source: ``ASGI: http.request``, ``ASGI: http.disconnect``.
    """

    form: tuple[MultiDict[str, str], MultiDict[str, FileStorage]] | None = None
    """Fields and files, once they were parsed."""
    other_files: tuple[object, object, MultiDict[str, Any]] | None = None
    """The files, a class that they are not of, and the same files as objects of it."""
    json: tuple[Any, Any] = (..., ...)
    """The parsed JSON for ``silent=False`` and for ``silent=True``; ``...`` until then."""
    own_limits: dict[str, int] | None = None
    """Limits that were set on the request, by attribute; the others are the configuration's."""

    received_ahead = False
    """Whether the body was received before any ``async def`` function ran."""
    prefetched = False
    """Whether :meth:`prefetch` was called for a worker thread."""

    _replay: bytes | None = None

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
        """Raise an error that says how to read the body, which is not a file.

        Args:
            args: Not used.

        Raises:
            UnawaitedAccess: Always.
        """
        self._refuse("request.stream.read()")

    def readline(self, *args: object) -> NoReturn:
        """Refuse, as :meth:`read`.

        Args:
            args: Not used.

        Raises:
            UnawaitedAccess: Always.
        """
        self._refuse("request.stream.readline()")

    def readlines(self, *args: object) -> NoReturn:
        """Refuse, as :meth:`read`.

        Args:
            args: Not used.

        Raises:
            UnawaitedAccess: Always.
        """
        self._refuse("request.stream.readlines()")

    def __iter__(self) -> NoReturn:
        self._refuse("for piece in request.stream")

    def __await__(self) -> Generator[Any, Any, bytes]:
        return self.read_all().__await__()

    async def read_all(self, cache: bool = True) -> bytes:
        """Read the bytes that have not been read yet, and keep them.

        The bytes that an iteration or a form has read before are lost, as in Flask.

        Args:
            cache: ``False`` keeps nothing: a later read returns ``b""``.

        Returns:
            The body, or its rest.

        Raises:
            RequestEntityTooLarge: It is longer than ``max_content_length`` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client left before the end.
        """
        if self.claimed:
            await self.unclaimed()
        if self.cached is not None:
            return self.cached
        data = self.read_at_once()
        if data is None:
            data = await self._read_alone()
        if cache:
            self.cached = data
        return data

    async def _read_alone(self) -> bytes:
        self.claimed = True
        try:
            data = await self.read_chunk()
            if self._left or self._spooled or not self.complete:
                data = await self._read_rest(data)
            return data
        finally:
            self.release()

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
        """Take up to :data:`SLICE` bytes that have come already, before a worker thread reads them.

        A message that a limit refuses is kept: the limit may still be raised on the request.
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
        """Receive the rest of the body, so that a later read does not have to wait.

        Args:
            limit: Stop when more bytes than this have come.

        Raises:
            HTTPException: Reading failed, as for :meth:`read_chunk`; so does each later read.
        """
        self.received_ahead = True
        await super().receive_ahead(limit)

    def take_whole(self) -> bytes | None:
        """Take the whole body, if it has come, is small, and no part of it was read.

        Returns:
            The bytes, or ``None``.
        """
        if not self.complete or self._spooled is not None or len(self._left) != self._received:
            return None
        data, self._left = self._left, b""
        return data

    def is_ready(self, whole: bool = True) -> bool:
        """Tell whether a read returns at once, and no other task waits for the body.

        Args:
            whole: A read of the rest; otherwise of the next piece.

        Returns:
            Whether it does.
        """
        if self.claimed or self._waiters:
            return False
        if self.complete or self._failure is not None:
            return True
        return not whole and bool(self._left or self._spooled)

    def is_settled(self) -> bool:
        """Tell whether the next read has the same result however the network cuts the request.

        It has at the end of the body, and where a read fails without waiting.
        """
        limit, announced = self.max_content_length, self.content_length
        if self._failure is not None:
            return True
        if limit is not None and announced is not None and announced > limit:
            return True
        # A prefetch reaches the end of an empty body; of another one, a reader has reached it.
        return self.is_exhausted() and (self._received > 0 or not self.prefetched)

    # -- one reader of the whole body --------------------------------------------------------------

    def release(self) -> None:
        """End the read of a task, and wake the tasks that wait for it in :meth:`unclaimed`."""
        self.claimed = False
        if self._waiters:
            self._wake()

    async def unclaimed(self) -> None:
        """Wait until no task reads the whole body."""
        while self.claimed:
            await self._changed()

    # -- the end ----------------------------------------------------------------------------------

    async def discard(self) -> None:
        """Read to the end of the body or of the connection, without keeping the bytes.

        A later read is an error: without it, it would find an empty body.
        """
        self.forget_kept()
        self._failure = _discarded
        while not (self.complete or self.disconnected):
            message = await self._next()
            if message["type"] == "http.disconnect":
                self.disconnected = True
            elif not message.get("more_body"):
                self.complete = True

    def close(self) -> None:
        """Close the uploaded files and the file on disk, and abandon an outstanding receive."""
        if self.form is not None and self.form[1]:
            for _, files in self.form[1].lists():
                for file in files:
                    file.close()
        if self._spooled is not None:
            self.close_kept_file()
        if self._outstanding is not None:
            self._abandon_receive()


def _discarded() -> RuntimeError:
    return RuntimeError(
        "The body of this request was discarded at its end, because nothing had read it. Await it"
        " in the view, such as `data = await request.get_json()`, and give `data` to what runs"
        " after the response."
    )
