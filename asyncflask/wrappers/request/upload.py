"""An upload of a form, in memory or in a temporary file, written off the event loop."""

from __future__ import annotations

import tempfile
import threading
from io import BytesIO
from typing import IO

SPOOL_SIZE = 1024 * 1024
"""Bytes of a form's uploads, taken together, that are kept in memory; more go to temporary files.

(Werkzeug keeps 500 KiB of each upload, Starlette 1 MiB of each.)"""


class Upload:
    """An upload that is received: a list of pieces, and above :data:`SPOOL_SIZE` a temporary file.

    :meth:`write` keeps the bytes in memory; :meth:`spool` writes them to the disk, in a worker
    thread. If the request is cancelled meanwhile, the thread closes the file.
    """

    def __init__(self) -> None:
        self.unwritten = 0
        # Joined once, at the end.
        self._pieces: list[bytes | memoryview] = []
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._writing = False
        self._closed = False

    def write(self, data: bytes | memoryview) -> None:
        """Add bytes, in memory.

        Args:
            data: The next bytes.
        """
        self._pieces.append(data)
        self.unwritten += len(data)

    def spool(self) -> None:
        """Write the bytes in memory to the disk (blocking)."""
        with self._lock:
            if self._closed:
                return
            self._writing = True
        pieces, self._pieces, self.unwritten = self._pieces, [], 0
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the request
            self._file.writelines(pieces)
        finally:
            with self._lock:
                self._writing = False
                if self._closed and self._file is not None:
                    self._file.close()

    def spool_rest(self) -> None:
        """Write the last bytes of an upload that is on disk, and seek to its start (blocking)."""
        if self._file is not None:
            self.spool()
            if not self._closed:
                self._file.seek(0)

    def stream(self) -> IO[bytes]:
        """Return the whole upload as a file, at its start."""
        if self._file is not None:
            return self._file
        return BytesIO(b"".join(self._pieces))

    def close(self) -> None:
        """Close the file; a thread that writes to it closes it afterwards."""
        with self._lock:
            self._closed = True
            if self._file is not None and not self._writing:
                self._file.close()


def spool_all(uploads: list[Upload]) -> None:
    """Write several uploads to the disk.

    Args:
        uploads: The uploads.
    """
    for upload in uploads:
        upload.spool()


def spool_rests(uploads: list[Upload]) -> None:
    """Write the last bytes of several uploads to the disk.

    Args:
        uploads: The uploads.
    """
    for upload in uploads:
        upload.spool_rest()
