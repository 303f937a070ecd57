"""A ``wsgi.input`` of unknown length (chunked), read up to a limit."""

from __future__ import annotations

from typing import IO, Any

from werkzeug.wsgi import LimitedStream

_PIECE = 64 * 1024


class BoundedStream(LimitedStream):
    """A stream that raises 413 at the first byte over its limit.

    Werkzeug's stream returns the bytes below the limit as if they were the whole body, if it is
    read at once, and refuses a body of exactly the limit, if it is read in pieces.

    Args:
        stream: The ``wsgi.input`` of a server that sets ``wsgi.input_terminated``.
        limit: Most bytes that the body may have.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__(stream, limit, is_max=True)
        self._is_over = False

    def readinto(self, b: bytearray) -> int | None:  # type: ignore[override]  # as Werkzeug
        """Read the next piece into ``b``.

        Args:
            b: The buffer.

        Returns:
            The number of bytes.

        Raises:
            RequestEntityTooLarge: The body is longer than the limit (413).
            ClientDisconnected: It could not be read (400).
        """
        if not self.is_exhausted or not len(b):
            return super().readinto(b)
        if self._is_over or self._stream.read(1):
            self._is_over = True  # This byte is lost: the next read must not return the end.
            self.on_exhausted()
        return 0

    def readall(self) -> bytes:
        """Read the rest; errors are :meth:`readinto`'s."""
        return b"".join(iter(lambda: self.read(_PIECE), b""))


def bounded(stream: IO[bytes], environ: dict[str, Any], limit: int | None) -> IO[bytes]:
    """Return ``stream``, or a :class:`BoundedStream` if the server ends the body.

    Args:
        stream: Werkzeug's stream over the environ's ``wsgi.input``.
        environ: The WSGI environ.
        limit: ``MAX_CONTENT_LENGTH``.

    Returns:
        The stream to read.
    """
    if limit is None or "wsgi.input_terminated" not in environ:
        return stream
    return BoundedStream(environ["wsgi.input"], limit)  # type: ignore[return-value]  # as Werkzeug's
