"""Bytes of a body that were received and not read yet: in memory, or on disk.

They are on disk where a whole body is received before it is read.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO

from .body_messages import BodyMessages


class KeptBytes(BodyMessages):
    """Keeps bytes for later reads. The constructor is :class:`.BodyBytes`'s."""

    #: in memory
    _left: bytes
    #: on disk or read by lines; it comes before `_left`, and is closed at its end
    _spooled: IO[bytes] | None
    _spooled_size = 0
    #: the same, while it is written
    _spooling: IO[bytes] | None

    def forget_kept(self) -> None:
        """Forget the bytes that were received and not read."""
        self._left = b""
        if self._spooled is not None:
            self.close_kept_file()

    def close_kept_file(self) -> None:
        """Close the file of those that are on disk or read by lines."""
        assert self._spooled is not None
        self._spooled.close()
        self._spooled = None

    def _to_disk(self, data: bytes) -> None:
        if self._spooling is None:
            self._spooling = TemporaryFile()  # noqa: SIM115  # close() closes it
        self._spooling.write(data)

    def _from_disk(self, size: int) -> bytes:
        file = self._spooled
        assert file is not None
        data = file.read(size)
        self._close_at_end(file)
        return data

    def _close_at_end(self, file: IO[bytes]) -> None:
        if file.tell() == self._spooled_size:
            self._spooled = None
            file.close()
