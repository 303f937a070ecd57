"""Kinds of response bodies, and where their chunks are computed: in place, on the loop, or off it.

A body is a list (buffered), an asynchronous iterable, a :class:`FileBody`, or any other iterable.
``asgi.py`` sends the chunks; here is only the source of the next chunk. No callable that may block
runs on the event loop.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from typing import IO, Any, TypeGuard, TypeVar

T = TypeVar("T")

Run = Callable[..., Awaitable[Any]]
"""``run(func, *args)`` calls ``func`` off the loop and returns its result."""

CHUNK = 128 * 1024
"""The number of bytes of one read from a file."""

_END: Any = object()


async def in_thread(func: Callable[..., T], *args: object) -> T:
    """Call ``func`` in the loop's executor, and wait until it has returned.

    A cancellation is raised afterwards: a file must not be closed, or a generator resumed, while a
    thread still uses it.

    Args:
        func: The function.
        args: Its arguments.

    Returns:
        Its result.
    """
    call = functools.partial(func, *args)
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def is_async_body(body: object) -> TypeGuard[AsyncIterable[Any]]:
    """Tell whether ``body`` is iterated with ``async for``.

    Args:
        body: The body of a response.

    Returns:
        Whether it is.
    """
    return hasattr(body, "__aiter__")


def to_bytes(chunk: object) -> bytes:
    """Return a chunk of a body as bytes; text is encoded as UTF-8.

    Args:
        chunk: The chunk.

    Returns:
        The bytes.

    Raises:
        TypeError: The chunk is neither text nor bytes.
    """
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(
        f"A response body yielded the chunk {chunk!r} of type {type(chunk).__name__!r}."
        " Yield str or bytes from it."
    )


def may_block(body: object) -> TypeGuard[Iterable[Any]]:
    """Tell whether iterating ``body`` may block: it is neither asynchronous nor a file.

    Args:
        body: The body of a response.

    Returns:
        Whether it may; also ``False`` if it is not iterable.
    """
    if is_async_body(body) or isinstance(body, FileBody) or _is_binary_file(body):
        return False
    return hasattr(body, "__iter__") or hasattr(body, "__getitem__")


def _is_binary_file(body: object) -> TypeGuard[IO[bytes]]:
    return hasattr(body, "read") and not isinstance(body, io.TextIOBase)


def chunks_of(body: object, run: Run = in_thread) -> AsyncIterator[Any]:
    """Iterate a body that is not buffered, asynchronously.

    Args:
        body: An asynchronous or synchronous iterable, a file, or a :class:`FileBody`.
        run: Calls synchronous iterators off the loop; files are always read in the executor,
            because a slow download must not occupy a worker.

    Returns:
        An iterator of the body's chunks, not converted (see :func:`to_bytes`).

    Raises:
        TypeError: ``body`` is not iterable.
    """
    if is_async_body(body):
        return aiter(body)
    if isinstance(body, FileBody):
        return body.chunks()
    if _is_binary_file(body):
        return FileBody(body).chunks()
    if not may_block(body):
        raise TypeError(
            f"The response body {body!r} of type {type(body).__name__!r} is not iterable."
            " Pass str, bytes, an iterable or asynchronous iterable of them, or a binary file."
        )
    return _iterated_by(run, body)


async def _iterated_by(run: Run, body: object) -> AsyncGenerator[Any, None]:
    iterator = await run(iter, body)
    while (chunk := await run(next, iterator, _END)) is not _END:
        yield chunk


async def close_body(body: object, run: Run = in_thread) -> None:
    """Close a body of any kind, so that its ``finally`` blocks run.

    Args:
        body: The body.
        run: Calls a synchronous ``close()`` off the loop.
    """
    if hasattr(body, "aclose"):
        await body.aclose()
    elif isinstance(body, FileBody):
        if body.is_own:
            body.close()
        elif body.file is not None:
            await in_thread(body.close)
    elif hasattr(body, "close"):
        closed = await run(body.close)
        if inspect.isawaitable(closed):
            await closed


async def slice_body(
    body: AsyncIterable[object], start: int, length: int
) -> AsyncGenerator[bytes, None]:
    """Iterate a part of an asynchronous body.

    Args:
        body: The body.
        start: The index of the first byte.
        length: The number of bytes.

    Returns:
        An asynchronous iterator of the bytes.
    """
    iterator = aiter(body)
    try:
        async for item in iterator:
            chunk = to_bytes(item)
            piece = chunk[start : start + length]
            start = max(0, start - len(chunk))
            length -= len(piece)
            if piece:
                yield piece
            if not length:
                return
    finally:
        if hasattr(iterator, "aclose"):
            await iterator.aclose()


class FileBody:
    """A file, or a range of its bytes, as the body of a response.

    A path is opened by :meth:`open`, at the latest when the first chunk is read. The body is a
    synchronous iterable too, so that a WSGI server (the facade) can send it. Closing it closes the
    file; a file that it has opened itself is also closed when the body is destroyed unsent.

    Args:
        source: A path, or a file opened in binary mode, which is sent from its current position.
        length: Bytes to send; ``None`` means to the end.
    """

    def __init__(
        self, source: str | os.PathLike[str] | IO[bytes], length: int | None = None
    ) -> None:
        self.path: str | None = None
        self.file: IO[bytes] | None = None
        self.start = 0
        self.length = length
        self.remaining = length
        self.whole = True
        if isinstance(source, (str, os.PathLike)):
            self.path = os.path.abspath(source)
        else:
            self.file = source
        self._at_start = self.file is None

    @property
    def is_own(self) -> bool:
        """Whether the file was opened here, so that closing it writes nothing and cannot block."""
        return self.path is not None and self.file is not None

    def open(self) -> os.stat_result:
        """Open the file now, so that a file that replaces it later is not sent.

        Returns:
            The status of the file.

        Raises:
            OSError: The file cannot be opened.
        """
        assert self.path is not None
        # Large chunks need no second buffer.
        self.file = open(self.path, "rb", buffering=0)  # noqa: SIM115  # closed by close()
        self._at_start = False
        return os.fstat(self.file.fileno())

    def has_its_name(self) -> bool:
        """Tell whether the path still leads to the file that was opened."""
        if self.path is None:
            return False
        try:
            now = os.stat(self.path)
            return self.file is None or os.path.samestat(now, os.fstat(self.file.fileno()))
        except OSError:
            return False

    def limit(self, start: int, length: int) -> None:
        """Send only a part of the bytes.

        Args:
            start: The number of bytes to skip.
            length: The number of bytes to send.
        """
        self.start += start
        self.length = self.remaining = length
        self.whole = False

    def read(self, size: int = CHUNK) -> bytes:
        """Read the next chunk (blocking).

        Args:
            size: Most bytes to read.

        Returns:
            The bytes; ``b""`` at the end.

        Raises:
            OSError: The file cannot be opened or read.
            RuntimeError: It ended before ``length`` bytes were read.
        """
        remaining = self.remaining
        if remaining == 0:
            return b""
        file = self._opened()
        chunk = file.read(size if remaining is None else min(size, remaining))
        if remaining is not None:
            if not chunk:
                raise RuntimeError(
                    f"The file {self.path or file!r} ended {remaining} bytes before the"
                    " Content-Length that was announced: it was cut while it was sent. Replace"
                    " files by renaming a new one over them instead of writing into them."
                )
            self.remaining = remaining - len(chunk)
        return chunk

    def _opened(self) -> IO[bytes]:
        if self.file is None:
            self.open()
        file = self.file
        assert file is not None
        if not self._at_start and self.start:
            file.seek(self.start, os.SEEK_CUR)
        self._at_start = True
        return file

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read the rest of the file, chunk by chunk."""
        while chunk := await self.next_chunk():
            yield chunk

    async def next_chunk(self) -> bytes:
        """Read one chunk off the loop; a file in memory needs no thread."""
        if isinstance(self.file, io.BytesIO):
            return self.read()
        chunk: bytes = await in_thread(self.read)
        return chunk

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self.file is not None:
            self.file.close()

    def __del__(self) -> None:
        # The response was replaced or never sent.
        if self.is_own:
            self.close()
