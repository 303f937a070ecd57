"""The bytes of a body: read piece by piece, counted, and refused above a limit.

``kept_bytes.py`` has those that were received and not read yet. All readers share them, whether
they read pieces, bytes or lines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO

from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
)

from ...typing import Message, Receive
from ..response.bodies import in_thread
from .kept_bytes import KeptBytes

# Small pieces are gathered up to this size. Werkzeug's multipart decoder is quadratic in the size
# of a piece from about 1 MB on, and a list of tiny pieces costs many times their bytes.
SLICE = 64 * 1024

#: Bytes of a body received ahead that are kept in memory; Werkzeug's number for uploads.
SPOOL_AT = 500 * 1024


class BodyBytes(KeptBytes):
    """Reads the bytes of a body.

    Args:
        receive: ``ASGI: receive``.
        content_length: The announced length in bytes; ``None`` if it is unknown.
        max_content_length: Most bytes to accept; ``None`` for no limit.
        timeout: Seconds in which the whole body must have come, counted from the first wait.
        idle_timeout: Seconds to wait for the next piece.
    """

    cached: bytes | None = None
    """The whole body, once it was read and kept."""
    claimed: bool
    """Whether a task reads the whole body; others wait for it in :meth:`.Body.unclaimed`."""

    def __init__(
        self,
        receive: Receive,
        content_length: int | None = None,
        max_content_length: int | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = 60,
    ) -> None:
        self._receive = receive
        self.timeout = timeout
        self.idle_timeout = idle_timeout
        self.content_length = content_length
        self.max_content_length = max_content_length
        self.claimed = False
        self.complete = self.disconnected = False
        self._asked = self._pulling = False
        self._stash = self._outstanding = self._waiters = self._deadline = None
        self._received = 0
        self._left = b""  # received and not read
        self._spooling = self._spooled = None
        self._failure: Callable[[], Exception] | None = None

    async def read_chunk(self) -> bytes:
        """Read the next piece, as the server delivers it.

        Returns:
            The piece; ``b""`` at the end.

        Raises:
            RequestEntityTooLarge: The body is longer than ``max_content_length`` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client left before the end.
        """
        if data := self._take_kept(SLICE):
            return data
        self._check_announced()
        while not self.complete:
            message = self._poll_unless_busy()
            if message is None:
                message = await self._next()
            if data := self._take(message):
                return data
        return b""

    async def read_slice(self) -> bytes:
        """Read pieces up to at least :data:`SLICE` bytes.

        Returns:
            The bytes; ``b""`` at the end.
        """
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
        """Read the next piece, or its first bytes.

        Args:
            size: Most bytes to return.

        Returns:
            The bytes; ``b""`` at the end.
        """
        if self._spooled is not None and (data := self._from_disk(size)):
            return data
        data = await self.read_chunk()
        if len(data) > size:
            self._left = data[size:]
            return data[:size]
        return data

    async def read_line(self, size: int = -1) -> bytes:
        """Read to the end of the line, and keep what was received after it.

        Args:
            size: Most bytes to return; negative for no limit.

        Returns:
            The line with its line feed, or its first bytes; ``b""`` at the end of the body.
        """
        pieces: list[bytes] = []
        missing = size
        while missing:
            piece = self.take_line(missing)
            if not piece:
                data = await self.read_chunk()
                if not data:
                    break
                self._spooled, self._spooled_size = BytesIO(data), len(data)
                continue
            pieces.append(piece)
            if piece.endswith(b"\n"):
                break
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take_line(self, size: int = -1) -> bytes:
        """Return what is kept of the line, without waiting for the rest.

        Args:
            size: Most bytes to return; negative for no limit.

        Returns:
            The line, or its first bytes; ``b""`` if none were kept by an earlier :meth:`read_line`.
        """
        file = self._spooled
        if file is None:
            return b""
        line = file.readline(size)
        self._close_at_end(file)
        return line

    async def _read_rest(self, data: bytes) -> bytes:
        slices = [data]
        try:
            while data := await self.read_slice():
                slices.append(data)
        except BaseException:
            # A cancelled read loses nothing: the next one starts with these bytes.
            self._left = b"".join(slices) + self._left
            raise
        return b"".join(slices)

    def read_at_once(self) -> bytes | None:
        """Read a body that has come in one message, without a coroutine.

        The caller has made sure that no other task reads the whole body.

        Returns:
            The whole body. ``None`` if it is not there, if some of it was read already, or if it
            is refused; the next read continues where this one began.
        """
        if self._asked or self.cached is not None:
            return None
        limit, announced = self.max_content_length, self.content_length
        if limit is not None and (announced or 0) > limit:
            return None
        message = self._poll()
        if message is None or message["type"] != "http.request" or message.get("more_body"):
            self._stash = message
            return None
        data: bytes = message.get("body") or b""
        size = len(data)
        if size != announced and not self._may_be_whole(size):
            self._stash = message
            return None
        self._received = size
        self.complete = True
        return data

    def _may_be_whole(self, size: int) -> bool:
        """Tell whether a body of another size than was announced may end here."""
        limit = self.max_content_length
        return self.content_length is None and (limit is None or size <= limit)

    # -- counting ----------------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether some of the body has come."""
        return self._received > 0 or self._stash is not None

    def is_exhausted(self) -> bool:
        """Tell whether the next read returns nothing, and raises no error."""
        return self.complete and not self._left and self._spooled is None and self._failure is None

    def fail(self, error: HTTPException) -> None:
        """Let each later read raise an error, because a part of the body is lost.

        Args:
            error: The error of this read; the later ones are new ones of its class.
        """
        self.forget_kept()
        self._asked = True
        self._failure = partial(type(error), error.description)

    def _failed(self, error: HTTPException) -> HTTPException:
        self.fail(error)
        return error

    async def _pull_alone(self, patience: float | None) -> Message:
        try:
            return await super()._pull_alone(patience)
        except RequestTimeout as error:
            raise self._failed(error) from None

    def _take(self, message: Message) -> bytes:
        """Return a message's bytes of the body, and count them."""
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
        if announced is not None and received > announced:
            # The bytes after the announced length do not belong to this request.
            return data[: max(0, len(data) - (received - announced))]
        if announced is not None and self.complete and received < announced:
            raise self._failed(
                ClientDisconnected(
                    f"The body ended after {received} of the {announced} bytes that its"
                    " Content-Length announced."
                )
            )
        return data

    def _check_announced(self) -> None:
        """Raise the error of an earlier read, or of a body that announces too many bytes."""
        if self._failure is not None:
            raise self._failure()
        limit, announced = self.max_content_length, self.content_length
        if limit is not None and announced is not None and announced > limit:
            raise self._too_large(announced)

    def _too_large(self, size: int) -> HTTPException:
        return self._failed(
            RequestEntityTooLarge(
                f"The body has {size} bytes or more;"
                f" {self.max_content_length} are accepted (MAX_CONTENT_LENGTH)."
            )
        )

    # -- kept bytes --------------------------------------------------------------------------------

    def _take_kept(self, size: int) -> bytes:
        """Return bytes that were received before; at most ``size`` of those on disk."""
        if self._spooled is not None and (data := self._from_disk(size)):
            return data
        data = self._left
        if data:
            limit = self.max_content_length
            if limit is not None and self._received > limit:
                raise self._too_large(self._received)  # The limit was set after they had come.
            self._left = b""
        return data

    async def receive_ahead(self, limit: int) -> None:
        """Receive the rest of the body, so that a later read does not have to wait.

        More than :data:`SPOOL_AT` bytes are kept on disk.

        Args:
            limit: Stop when more bytes than this have come.

        Raises:
            HTTPException: Reading failed, as for :meth:`read_chunk`; so does each later read.
        """
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
                self._spooled_size = self._spooled.tell()
                self._spooled.seek(0)
