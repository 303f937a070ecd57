"""The uploaded file, whose ``save`` and ``load`` are awaited."""

from __future__ import annotations

import os
from typing import IO

from .. import datastructures as async_api


class FileStorage(async_api.FileStorage):
    """An uploaded file: ``await file.save(path)``.

    Args:
        stream: The content.
        filename: The name that the client sent.
        name: The name of the form's field.
        content_type: The media type.
        content_length: The number of bytes.
        headers: The headers of the part.

    Source: ``Quart: datastructures.FileStorage``.
    """

    async def save(  # type: ignore[override]  # as Quart's
        self, destination: str | os.PathLike[str] | IO[bytes], buffer_size: int = 16384
    ) -> None:
        """Copy the file to a path, in a worker thread.

        Args:
            destination: The path.
            buffer_size: Number of bytes to copy at a time.
        """
        await super().save(destination, buffer_size)
