"""A response whose body may be asynchronous: reads, slices and closes it.

Only the coroutines here need a running loop.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from werkzeug.wrappers import Response as WerkzeugResponse

from .bodies import (
    FileBody,
    Run,
    chunks_of,
    close_body,
    in_thread,
    is_async_body,
    slice_body,
    to_bytes,
)


class AsyncBodyResponse(WerkzeugResponse):
    """Werkzeug's response, with a body that may be an asynchronous iterable or a file."""

    #: what the error for an asynchronous body says to write
    _instead: ClassVar[str] = (
        "    data = await response.read()                    # buffers it\n"
        "    async for chunk in response.iter_chunks(): ...  # streams it"
    )

    # -- reading a body --------------------------------------------------------

    def iter_encoded(self) -> Iterator[bytes]:
        """Iterate a synchronous body as bytes.

        Raises:
            RuntimeError: The body is asynchronous.
        """
        self._refuse_async("read synchronously")
        return super().iter_encoded()

    def _ensure_sequence(self, mutable: bool = False) -> None:
        self._refuse_async("buffered synchronously")
        if self.direct_passthrough and not self.is_sequence:
            raise RuntimeError(
                f"The body of {type(self).__name__} [{self.status}] is {self.response!r} in direct"
                " passthrough mode: it is sent as it is, and get_data() does not read it.\n\n"
                "    data = await response.read()         # in `async def` functions\n"
                "    response.direct_passthrough = False  # before get_data(), in `def` functions"
            )
        super()._ensure_sequence(mutable)

    def make_sequence(self) -> None:
        """Buffer a synchronous body into a list.

        Raises:
            RuntimeError: The body is asynchronous.
        """
        self._refuse_async("buffered synchronously")
        super().make_sequence()

    def _refuse_async(self, what: str) -> None:
        if not self.is_sequence and is_async_body(self.response):
            raise RuntimeError(
                f"The body of {type(self).__name__} [{self.status}] comes from {self.response!r},"
                f" which is asynchronous and cannot be {what}.\n\n{self._instead}"
            )

    async def read(self, run: Run = in_thread) -> bytes:
        """Buffer a body of any kind, and return it.

        Call it in an ``after_request`` hook that needs the data of a streamed response; the
        response is sent with a Content-Length then.

        Args:
            run: Calls blocking iterators off the loop.

        Returns:
            The whole body.
        """
        if not self.is_sequence:
            body = self.response
            try:
                self.response = [chunk async for chunk in self.iter_chunks(run)]
            finally:
                await close_body(body, run)
            self.direct_passthrough = False
        return b"".join(self.iter_encoded())

    async def iter_chunks(self, run: Run = in_thread) -> AsyncIterator[bytes]:
        """Iterate a body of any kind as bytes. :meth:`aclose` closes it.

        Args:
            run: Calls blocking iterators off the loop.

        Returns:
            An asynchronous iterator of the chunks.
        """
        if self.is_sequence:
            for chunk in self.iter_encoded():
                yield chunk
            return
        body: Any = self.response
        chunks = chunks_of(body, run)
        try:
            async for chunk in chunks:
                yield to_bytes(chunk)
        finally:
            if chunks is not body and hasattr(chunks, "aclose"):
                await chunks.aclose()

    # -- sending ---------------------------------------------------------------

    def body_to_send(self) -> object:
        """Return what is iterated to send a body that is not buffered."""
        return self.response

    def known_length(self) -> int | None:
        """Return the number of bytes that are sent, or ``None`` for a stream."""
        body: Any = self.response
        if isinstance(body, FileBody):
            return body.length
        return sum(len(to_bytes(chunk)) for chunk in body) if self.is_sequence else None

    # -- closing ---------------------------------------------------------------

    def close(self) -> None:
        """Close a synchronous body and call the functions given to ``call_on_close``.

        Raises:
            RuntimeError: The body or a function is asynchronous; use :meth:`aclose`.
        """
        async_ones: list[Any] = [c for c in self._on_close if inspect.iscoroutinefunction(c)]
        if hasattr(self.response, "aclose"):
            async_ones.append(self.response)
        if async_ones:
            raise RuntimeError(
                f"{async_ones[0]!r} is asynchronous and cannot be closed by response.close()."
                " Write `await response.aclose()`."
            )
        super().close()

    async def aclose(self, run: Run = in_thread) -> None:
        """Close the body and call the functions given to ``call_on_close``, sync or async.

        All are called, also when one raises; the first error is raised at the end.

        Args:
            run: Calls blocking functions off the loop.
        """
        try:
            if type(self.response) is not list:
                await close_body(self.response, run)
        finally:
            if self._on_close:
                await self._call_on_close(run)

    async def _call_on_close(self, run: Run) -> None:
        callbacks, self._on_close = self._on_close, []
        first: BaseException | None = None
        for callback in callbacks:
            try:
                if inspect.iscoroutinefunction(callback):
                    await callback()
                else:
                    returned = await run(callback)
                    if inspect.isawaitable(returned):
                        await returned
            except BaseException as error:
                first = first or error
        if first is not None:
            try:
                raise first
            finally:
                del first  # Its traceback refers to this frame.

    def _wrap_range_response(self, start: int, length: int) -> None:
        body: Any = self.response
        if self.is_sequence:
            self.response = [self.get_data()[start : start + length]]
        elif isinstance(body, FileBody):
            body.limit(start, length)
        elif is_async_body(body):
            self.response = slice_body(body, start, length)  # type: ignore[assignment]  # asynchronous
            self._on_close.append(functools.partial(close_body, body))
        else:
            super()._wrap_range_response(start, length)
