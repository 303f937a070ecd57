"""A file whose methods are awaited, because each may block: they run in worker threads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from ..wrappers.response.bodies import in_thread

T = TypeVar("T")


class AsyncFile:
    """An open file: ``await file.read()``, ``async with``, ``async for line in file``.

    Args:
        file: The file.
    """

    def __init__(self, file: IO[Any]) -> None:
        self._file = file

    @property
    def name(self) -> str:
        """The file's name."""
        return self._file.name

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._file.closed

    async def read(self, size: int = -1) -> Any:
        """Read the rest, or at most a number of bytes or characters.

        Args:
            size: The number; negative: no limit.
        """
        return await in_thread(self._file.read, size)

    async def readline(self, size: int = -1) -> Any:
        """Read a line.

        Args:
            size: At most so many bytes or characters; negative: no limit.
        """
        return await in_thread(self._file.readline, size)

    async def readlines(self, hint: int = -1) -> list[Any]:
        """Read the rest as lines.

        Args:
            hint: Stop after so many bytes or characters; negative: no limit.
        """
        return await in_thread(self._file.readlines, hint)

    async def write(self, data: Any) -> int:
        """Write bytes or text.

        Args:
            data: The bytes or the text.

        Returns:
            How many bytes or characters were written.
        """
        return await in_thread(self._file.write, data)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position.

        Args:
            offset: The position, relative to ``whence``.
            whence: The start, the current position or the end.

        Returns:
            The new position, from the beginning.
        """
        return await in_thread(self._file.seek, offset, whence)

    async def tell(self) -> int:
        """Return the current position."""
        return await in_thread(self._file.tell)

    async def flush(self) -> None:
        """Write what is buffered."""
        await in_thread(self._file.flush)

    async def close(self) -> None:
        """Close the file."""
        await in_thread(self._file.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while line := await self.readline():
            yield line


async def open_file(open_: Callable[..., IO[Any]], *args: Any) -> AsyncFile:
    """Open a file in a worker thread.

    Args:
        open_: Opens it, as :func:`open` does.
        args: Its arguments.

    Returns:
        The file.
    """
    return AsyncFile(await in_thread(open_, *args))
