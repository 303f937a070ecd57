"""The response: Werkzeug's, with a quick constructor and asynchronous bodies.

Status, headers, cookies, conditional and range responses are Werkzeug's code. ``asgi.py`` sends a
response to the server; ``dispatch/`` makes a response of what a view has returned. Only the
coroutines here need a running loop.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias, cast

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as WerkzeugResponse

from ... import json
from ..._contextvars import current
from ..._fast.set_cookie import dump_plain_cookie
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
from .headers import Headers, add_checked, check_value

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Body: TypeAlias = (
    str
    | bytes
    | bytearray
    | Iterable[str]
    | Iterable[bytes]
    | AsyncIterable[str]
    | AsyncIterable[bytes]
    | FileBody
    | IO[bytes]
)
HeaderPairs: TypeAlias = Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]]


class ConditionalRequest(Protocol):
    """A request whose headers may ask for a 304, 412 or 206."""

    @property
    def method(self) -> str: ...

    @property
    def headers(self) -> WerkzeugHeaders: ...


HTML = "text/html; charset=utf-8"

#: the status line of each registered code
STATUS_LINES = {code: f"{code} {name.upper()}" for code, name in HTTP_STATUS_CODES.items()}

#: A subclass that overrides one of these gets Werkzeug's constructor, which calls them all.
_CONSTRUCTOR_STEPS = (
    "__new__",
    "__init__",
    "_clean_status",
    "automatically_set_content_length",
    "set_data",
    "status",
    "status_code",
)


class Response(WerkzeugResponse):
    """The response to a request.

    Most views return text, data or a template, and the app makes a response of it. A view makes one
    itself to set headers, cookies or the status. Text, bytes and lists are sent as a whole; every
    other kind of body is streamed.

    **Differs from Flask:** the body may be asynchronous; it is then read with
    ``await response.read()`` or ``async for chunk in response.iter_chunks()``. All control
    characters are refused in headers, not only CR and LF.

    Args:
        response: The body: text, bytes, an iterable or asynchronous iterable of them, or a binary
            file.
        status: Code, or code and reason: ``404``, ``"404 Not Found"``.
        headers: A mapping, pairs, or a Werkzeug ``Headers``, which is kept as it is.
        mimetype: Content type without charset; the charset is added for text.
        content_type: Full content type; it takes precedence over ``mimetype``.
        direct_passthrough: The body is a file or yields bytes, and is not to be buffered.

    Raises:
        TypeError: The body is a coroutine that was not awaited.
        ValueError: A header has a control character.

    Source: ``Flask: flask.Response``.
    """

    default_mimetype: str | None = "text/html"
    json_module = json
    autocorrect_location_header = False

    _has_quick_constructor: ClassVar[bool] = True

    def __init__(
        self,
        response: Body | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: HeaderPairs | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        if not isinstance(headers, WerkzeugHeaders):
            headers = Headers(headers)
        if response is not None:
            _refuse_unawaited_body(response)
        if not self._has_quick_constructor:
            super().__init__(
                cast("Iterable[bytes] | None", response),  # asynchronous ones and files are kept
                status,
                headers,
                mimetype,
                content_type,
                direct_passthrough,
            )
            return
        self.headers = headers
        if content_type is not None:
            headers["Content-Type"] = content_type
        elif mimetype is not None or "content-type" not in headers:
            mimetype = self.default_mimetype if mimetype is None else mimetype
            if mimetype is not None:
                headers["Content-Type"] = _full_content_type(mimetype)
        self._set_first_status(self.default_status if status is None else status)
        self.direct_passthrough = direct_passthrough
        self._on_close = []
        self._set_body(response)

    def _set_first_status(self, status: int | str | HTTPStatus) -> None:
        if type(status) is int and status in STATUS_LINES:
            self._status, self._status_code = STATUS_LINES[status], status
        else:
            self.status = status

    def _set_body(self, body: Body | None) -> None:
        if body is None:
            self.response = []
        elif isinstance(body, (str, bytes, bytearray)):
            data = body.encode() if isinstance(body, str) else bytes(body)
            self.response = [data]
            self.headers["Content-Length"] = str(len(data))
        else:
            self.response = body  # type: ignore[assignment]  # Werkzeug knows no asynchronous ones

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._has_quick_constructor = all(
            getattr(cls, name) is getattr(Response, name) for name in _CONSTRUCTOR_STEPS
        )

    @classmethod
    def buffered(cls, body: bytes, content_type: str = HTML, status: int = 200) -> Self:
        """Build a response around bytes, quicker than the constructor.

        The result is the same as of ``cls(body, status, content_type=content_type)``.

        Args:
            body: The whole body.
            content_type: Full content type, checked when it is sent.
            status: A code of :data:`http.HTTPStatus`.

        Returns:
            The response.
        """
        line = STATUS_LINES.get(status)
        if line is None or not cls._has_quick_constructor:
            return cls(body, status, content_type=content_type)
        # PERF: a third of the constructor's time, for each response that a hook receives.
        self = cls.__new__(cls)
        self._status, self._status_code = line, status
        self.headers = Headers.of_checked(
            [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        )
        self.direct_passthrough = False
        self.response = [body]
        self._on_close = []
        return self

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie.

        A header that is longer than :attr:`max_cookie_size` is set with a warning.

        Args:
            key: The cookie's name.
            value: Its value; characters that a cookie may not have are quoted.
            max_age: Its lifetime, as seconds or a ``timedelta``; by default the browser's session.
            expires: The end of its lifetime, as a ``datetime`` or UNIX timestamp.
            path: Paths below which it is sent back.
            domain: Hosts to which it is sent back, beside this one.
            secure: Whether it is sent over HTTPS only.
            httponly: Whether it is hidden from JavaScript.
            samesite: ``"Strict"``, ``"Lax"`` or ``"None"``: requests of which sites carry it.
            partitioned: Whether it is kept per top-level site; implies ``secure``.

        Raises:
            ValueError: ``samesite`` has another value, or an argument has a control character.

        Source: ``Werkzeug: werkzeug.wrappers.Response.set_cookie``.
        """
        options = (path, domain, secure, httponly, samesite, partitioned)
        if max_age is None and expires is None:
            header = dump_plain_cookie(key, value, options)
            if header is not None and len(header) <= self.max_cookie_size:
                add_checked(self.headers, "Set-Cookie", header)
                return
        super().set_cookie(key, value, max_age, expires, *options)

    def buffered_chunks(self) -> list[Any] | None:
        """Return the body if it is a list and no function has to be called afterwards.

        Returns:
            The list, or ``None`` for a body that has to be streamed or closed.
        """
        body = self.response
        return body if type(body) is list and not self._on_close else None

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # read-only, as Flask's
        """The app's ``MAX_COOKIE_SIZE``; without an app, Werkzeug's default.

        Source: ``Flask: flask.Response.max_cookie_size``.
        """
        ctx = current()
        if ctx is None:
            return WerkzeugResponse.max_cookie_size
        size: int = ctx.app.config["MAX_COOKIE_SIZE"]
        return size

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
                f" which is asynchronous and cannot be {what}.\n\n"
                "    data = await response.read()                    # buffers it\n"
                "    async for chunk in response.iter_chunks(): ...  # streams it"
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

    # -- conditional and range answers -----------------------------------------

    def make_conditional(
        self,
        request_or_environ: ConditionalRequest | WSGIEnvironment,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Self:
        """Turn this into a 304, 412 or 206 if the request's headers ask for it.

        **Differs from Flask:** no ``Date`` header is added: ASGI servers write one into each
        response, and two are not allowed (:rfc:`9110` §6.6.1).

        Args:
            request_or_environ: A request, asynchronous or synchronous, or a WSGI environ.
            accept_ranges: Whether the client may ask for parts of the body, or their unit.
            complete_length: Size of the whole body in bytes, needed for ranges.

        Returns:
            The response itself.

        Raises:
            werkzeug.exceptions.RequestedRangeNotSatisfiable: The range is malformed, outside of
                the body, or more than one.

        Source: ``Werkzeug: werkzeug.wrappers.Response.make_conditional``; :rfc:`9110` §13, §14.
        """
        environ = _conditions(request_or_environ)
        dated = "Date" in self.headers
        super().make_conditional(environ, accept_ranges, complete_length)
        if not dated:
            del self.headers["Date"]
        return self

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


def _refuse_unawaited_body(body: object) -> None:
    if hasattr(body, "__await__"):
        raise TypeError(
            f"The response body is {body!r}, which was not awaited."
            " Write Response(await …) instead of Response(…)."
        )


@functools.lru_cache(maxsize=256)
def _full_content_type(mimetype: str) -> str:
    return check_value("Content-Type", get_content_type(mimetype, "utf-8"))


_CONDITIONS = {
    "HTTP_RANGE": "range",
    "HTTP_IF_RANGE": "if-range",
    "HTTP_IF_MATCH": "if-match",
    "HTTP_IF_NONE_MATCH": "if-none-match",
    "HTTP_IF_MODIFIED_SINCE": "if-modified-since",
}


def _conditions(request_or_environ: ConditionalRequest | WSGIEnvironment) -> WSGIEnvironment:
    """Return the part of an environ that Werkzeug's ``make_conditional`` reads."""
    environ = getattr(request_or_environ, "environ", request_or_environ)
    if isinstance(environ, dict):
        return environ
    request = cast("ConditionalRequest", request_or_environ)
    headers = request.headers
    found = {key: headers[name] for key, name in _CONDITIONS.items() if name in headers}
    return {"REQUEST_METHOD": request.method, **found}
