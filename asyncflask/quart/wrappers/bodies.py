"""The bodies of responses, as objects for ``async with`` and ``async for``."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from werkzeug.exceptions import RequestedRangeNotSatisfiable

from ..files import AsyncFile, open_file
from ..utils import file_path_to_path, run_sync_iterable

ExcType = type[BaseException] | None


class ResponseBody(ABC):
    """A body: ``async with body as chunks: async for chunk in chunks: …``.

    Source: ``Quart: wrappers.response.ResponseBody``.
    """

    @abstractmethod
    async def __aenter__(self) -> AsyncIterable[Any]:
        """Open it, and return what is iterated."""

    @abstractmethod
    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close it."""


class _Ranged(ResponseBody):
    """A body of which a part may be sent.

    Attributes:
        begin: The index of the first byte.
        end: The index after the last byte; ``None``: the end of the body.
    """

    def __init__(self) -> None:
        self.begin = 0
        self.end: int | None = None

    @property
    @abstractmethod
    def _whole_size(self) -> int:
        """The bytes of the whole body."""

    async def make_conditional(self, begin: int, end: int | None) -> int:
        """Send a part only.

        Args:
            begin: The index of the first byte.
            end: The index after the last byte; ``None``: the end.

        Returns:
            The size of the whole body, in bytes.

        Raises:
            RequestedRangeNotSatisfiable: There is no such part.
        """
        size = self._whole_size
        self.begin = begin
        self.end = size if end is None else min(end, size)
        if begin >= self.end or abs(begin) > size:
            raise RequestedRangeNotSatisfiable(size)
        return size


class DataBody(_Ranged):
    """A body of bytes.

    Args:
        data: The bytes.

    Source: ``Quart: wrappers.response.DataBody``.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data
        self.end = len(data)

    @property
    def _whole_size(self) -> int:
        return len(self.data)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        pass

    def part(self) -> bytes:
        """Return the bytes that are sent."""
        return self.data[self.begin : self.end]

    def __aiter__(self) -> AsyncIterator[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield self.part()

        return chunks()


class IterableBody(ResponseBody):
    """A body of an iterable; a synchronous one is iterated in worker threads.

    Args:
        iterable: The iterable.

    Source: ``Quart: wrappers.response.IterableBody``.
    """

    def __init__(self, iterable: AsyncIterable[Any] | Iterable[Any]) -> None:
        self.iter: AsyncIterator[Any]
        if isinstance(iterable, AsyncIterable):
            self.iter = aiter(iterable)
        else:
            self.iter = run_sync_iterable(iter(iterable))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if hasattr(self.iter, "aclose"):
            await self.iter.aclose()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self.iter


class FileBody(_Ranged):
    """A body of a file, which is read in worker threads.

    Args:
        file_path: The path.
        buffer_size: Bytes of one read.

    Source: ``Quart: wrappers.response.FileBody``.
    """

    buffer_size = 8192

    def __init__(
        self, file_path: str | os.PathLike[str], *, buffer_size: int | None = None
    ) -> None:
        super().__init__()
        self.file_path = file_path_to_path(file_path)
        self.size = self.file_path.stat().st_size
        self.end = self.size
        if buffer_size is not None:
            self.buffer_size = buffer_size
        self.file: AsyncFile | None = None
        self.file_manager: AsyncFile | None = None

    @property
    def _whole_size(self) -> int:
        return self.size

    async def __aenter__(self) -> Self:
        self.file = self.file_manager = await open_file(Path.open, self.file_path, "rb")
        await self.file.seek(self.begin)
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.file is not None:
            await self.file.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        file = self.file
        assert file is not None
        assert self.end is not None
        position = await file.tell()
        chunk: bytes = await file.read(max(0, min(self.buffer_size, self.end - position)))
        if chunk:
            return chunk
        raise StopAsyncIteration


class IOBody(_Ranged):
    """A body of a file in memory.

    Args:
        io_stream: The file.
        buffer_size: Bytes of one read.

    Source: ``Quart: wrappers.response.IOBody``.
    """

    buffer_size = 8192

    def __init__(self, io_stream: io.BytesIO, *, buffer_size: int | None = None) -> None:
        super().__init__()
        self.io_stream = io_stream
        self.size = io_stream.getbuffer().nbytes
        self.end = self.size
        if buffer_size is not None:
            self.buffer_size = buffer_size

    @property
    def _whole_size(self) -> int:
        return self.size

    async def __aenter__(self) -> Self:
        self.io_stream.seek(self.begin)
        return self

    async def __aexit__(
        self, exc_type: ExcType, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        pass

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        assert self.end is not None
        left = self.end - self.io_stream.tell()
        chunk = self.io_stream.read(max(0, min(self.buffer_size, left)))
        if chunk:
            return chunk
        raise StopAsyncIteration
