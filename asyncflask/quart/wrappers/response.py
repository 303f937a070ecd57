"""The response, whose data are awaited."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from io import BytesIO
from types import EllipsisType
from typing import Any, Literal, Self, overload

from ...wrappers import Response as AsyncResponse
from ...wrappers.response.bodies import Run, close_body, in_thread, may_block, to_bytes
from .bodies import DataBody as DataBody
from .bodies import FileBody as FileBody
from .bodies import IOBody as IOBody
from .bodies import IterableBody as IterableBody
from .bodies import ResponseBody as ResponseBody
from .deadline import TimedChunks, timed_chunks


class Response(AsyncResponse, quick=True):
    """The response to a request.

    Args:
        response: The body: text, bytes, an iterable or asynchronous iterable of them, a path, a
            file in memory, or a :class:`ResponseBody`.
        status: Code, or code and reason.
        headers: The headers.
        mimetype: Content type without charset.
        content_type: Full content type; it takes precedence over ``mimetype``.

    Source: ``Quart: wrappers.response.Response``.
    """

    data_body_class = DataBody
    file_body_class = FileBody
    io_body_class = IOBody
    iterable_body_class = IterableBody
    automatically_set_content_length = True
    implicit_sequence_conversion = True
    #: seconds in which the body is sent; ``...``: as ``RESPONSE_TIMEOUT`` says; ``None``: no limit
    timeout: float | EllipsisType | None = ...

    #: what ``RESPONSE_TIMEOUT`` says, of a response that is served
    usual_timeout: float | None = None

    _sending: AsyncIterator[Any] | None = None

    # The body is kept as the async API has it, a list or an iterable, until it is read here.
    @property
    def response(self) -> Any:
        """The body."""
        body = self.__dict__["response"]
        if not isinstance(body, ResponseBody):
            body = self.__dict__["response"] = self._as_body(body)
        return body

    @response.setter
    def response(self, body: Any) -> None:
        self.__dict__["response"] = body

    def _as_body(self, body: Any) -> ResponseBody:
        if isinstance(body, (list, tuple)) and all(isinstance(one, (str, bytes)) for one in body):
            whole = b"".join(one.encode() if isinstance(one, str) else one for one in body)
            return self.data_body_class(whole)
        if isinstance(body, os.PathLike):
            return self.file_body_class(body)
        if isinstance(body, BytesIO):
            return self.io_body_class(body)
        return self.iterable_body_class(body)

    # -- data of the body --------------------------------------------------------------------------

    @overload  # type: ignore[override]
    async def get_data(self, as_text: Literal[False] = ...) -> bytes: ...
    @overload
    async def get_data(self, as_text: Literal[True]) -> str: ...
    async def get_data(self, as_text: bool = False) -> bytes | str:
        """Read the whole body, and keep it.

        Args:
            as_text: Decode it as UTF-8.
        """
        if self.implicit_sequence_conversion:
            await self.make_sequence()
        data = b"".join([chunk async for chunk in self.iter_encode()])
        return data.decode() if as_text else data

    def set_data(self, data: str | bytes) -> None:
        """Set the whole body.

        Args:
            data: Text or bytes.
        """
        body = data.encode() if isinstance(data, str) else bytes(data)
        self.response = self.data_body_class(body)
        if self.automatically_set_content_length:
            self.content_length = len(body)

    @property
    async def data(self) -> bytes:
        """The whole body, awaited."""
        return await self.get_data()

    @data.setter
    def data(self, value: str | bytes) -> None:
        self.set_data(value)

    async def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """Read the body as JSON.

        Args:
            force: Read it whatever the media type.
            silent: Return ``None`` for a body that is not JSON, instead of raising an error.
        """
        if not (force or self.is_json):
            return None
        data = await self.get_data()
        try:
            return self.json_module.loads(data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    async def json(self) -> Any:
        """The body as JSON, awaited."""
        return await self.get_json()

    async def iter_encode(self) -> AsyncIterator[bytes]:
        """Iterate over the body as bytes."""
        async with self.response as body:
            async for chunk in body:
                yield chunk.encode() if isinstance(chunk, str) else chunk

    async def make_sequence(self) -> None:  # type: ignore[override]  # as Quart's
        """Read the body into memory."""
        if not isinstance(self.response, DataBody):
            data = b"".join([chunk async for chunk in self.iter_encode()])
            self.response = self.data_body_class(data)
            self.direct_passthrough = False

    async def freeze(self) -> None:  # type: ignore[override]  # as Quart's
        """Read the body into memory, and set its length, so that it can be pickled."""
        await self.make_sequence()
        self.content_length = len(await self.get_data())

    # -- conditions --------------------------------------------------------------------------------

    async def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:  # type: ignore[override]  # as Quart's
        """Set an ETag that is made of the body.

        Args:
            overwrite: Whether one that is there is replaced.
            weak: Whether it is a weak one.
        """
        if overwrite or "etag" not in self.headers:
            # COMPAT: with Quart's digest the caches of clients stay valid when an app moves over.
            digest = hashlib.md5(await self.get_data(), usedforsecurity=False)
            self.set_etag(digest.hexdigest(), weak)

    async def make_conditional(  # type: ignore[override]  # as Quart's
        self,
        request: Any,
        accept_ranges: bool | str | None = False,
        complete_length: int | None = None,
    ) -> Self:
        """Turn this into a 304, 412 or 206 if the request's headers ask for it.

        Args:
            request: The request.
            accept_ranges: Whether ``Accept-Ranges`` says that the client may ask for parts.
            complete_length: Size of the whole body in bytes, needed for parts.

        Returns:
            This response.

        Raises:
            RequestedRangeNotSatisfiable: There is no such part (416).
        """
        asked: list[tuple[int, int]] = []
        self.__dict__["asked_range"] = asked
        try:
            super().make_conditional(request, accept_ranges or True, complete_length)
        finally:
            del self.__dict__["asked_range"]
        for start, length in asked:
            if isinstance(self.response, self.iterable_body_class):
                await self.make_sequence()  # Only a body with a length has parts.
            await self.response.make_conditional(start, start + length)
        if self.status_code in (304, 412):
            self.response = self.data_body_class(b"")
            del self.headers["Content-Length"]
        if not accept_ranges and not asked:
            self.headers.pop("Accept-Ranges", None)
        return self

    def _wrap_range_response(self, start: int, length: int) -> None:
        self.__dict__["asked_range"].append((start, length))

    def calculate_content_length(self) -> int | None:
        """Return the length of a body that is in memory or a file, or ``None``."""
        return self.known_length()

    # -- what the async API asks of a response -----------------------------------------------------

    @property
    def is_sequence(self) -> bool:
        """Whether the body is in memory."""
        return isinstance(self.__dict__["response"], (list, tuple, DataBody))

    def buffered_chunks(self) -> list[Any] | None:
        """Return the body if it is in memory and no function has to be called afterwards."""
        body = self.__dict__["response"]
        if self._on_close:
            return None
        if isinstance(body, DataBody):
            return [body.part()]
        return body if type(body) is list else None

    def body_to_send(self) -> Any:
        """Return what is iterated to send the body, within :attr:`timeout`."""
        seconds = self.usual_timeout if self.timeout is ... else self.timeout
        body = self.__dict__["response"]
        if isinstance(body, (list, tuple)):
            return body
        if may_block(body) and not isinstance(body, (ResponseBody, os.PathLike, BytesIO)):
            # In the worker thread of the request, as its other `def` code.
            return body if seconds is None else TimedChunks(body, seconds)
        self._sending = timed_chunks(self.response, seconds)
        return self._sending

    def known_length(self) -> int | None:
        """Return the number of bytes that are sent, or ``None`` for a stream."""
        body = self.__dict__["response"]
        if isinstance(body, (list, tuple)):
            return sum(len(to_bytes(chunk)) for chunk in body)
        if isinstance(body, (DataBody, FileBody, IOBody)) and body.end is not None:
            return body.end - body.begin
        return None

    async def read(self, run: Run = in_thread) -> bytes:
        """Read the whole body, and keep it.

        Args:
            run: Calls blocking iterators off the loop; not used.
        """
        return await self.get_data()

    def iter_chunks(self, run: Run = in_thread) -> AsyncIterator[bytes]:
        """Iterate over the body as bytes.

        Args:
            run: Calls blocking iterators off the loop; not used.

        Returns:
            The chunks.
        """
        return self.iter_encode()

    def iter_encoded(self) -> Any:
        """Iterate over a body that is in memory."""
        body = self.response
        if not isinstance(body, DataBody):
            raise RuntimeError(
                f"The body of {self!r} is {body!r}, which is asynchronous and was read"
                " synchronously. Write `await response.get_data()`."
            )
        return iter([body.part()])

    async def aclose(self, run: Run = in_thread) -> None:
        """Close the body and call the functions given to ``call_on_close``.

        Args:
            run: Calls blocking functions off the loop.
        """
        body, sending = self.__dict__["response"], self._sending
        self._sending = None
        try:
            if sending is not None and hasattr(sending, "aclose"):
                await sending.aclose()
            if isinstance(body, IterableBody):
                await body.__aexit__(None, None, None)
            elif not isinstance(body, _NOTHING_TO_CLOSE):
                await close_body(body, run)
        finally:
            if self._on_close:
                await self._call_on_close(run)


#: bodies that are opened when they are sent, or have nothing to close
_NOTHING_TO_CLOSE = (list, tuple, ResponseBody, os.PathLike, BytesIO)
Body = str | bytes | Iterable[Any] | AsyncIterable[Any] | ResponseBody
