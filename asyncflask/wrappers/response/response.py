"""What a view answers: Werkzeug's ``Response`` with a cheap constructor and asynchronous bodies.

Status, headers, cookies, conditional and range answers are Werkzeug's code. How a response goes to
the server is ``asgi.py``; what a view may return and how that becomes a ``Response`` is
``dispatch/``. Nothing here needs a running loop except the coroutines.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from operator import attrgetter
from typing import IO, Any, ClassVar, Self, TypeAlias

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.http import HTTP_STATUS_CODES, dump_cookie
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as WerkzeugResponse

from ... import json
from ..._current import current
from .bodies import (
    FileBody,
    Run,
    chunks_of,
    close_body,
    in_thread,
    is_async_body,
    sliced,
    to_bytes,
)
from .headers import Headers, check_value

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

HTML = "text/html; charset=utf-8"

_make = object.__new__

# PERF: the status line is looked up instead of built (0.03 against 0.5 µs).
STATUS_LINES = {code: f"{code} {name.upper()}" for code, name in HTTP_STATUS_CODES.items()}

# A subclass that changes one of these is built by Werkzeug's constructor, which asks for them all.
_SHORTCUT = (
    "__new__",
    "__init__",
    "_clean_status",
    "automatically_set_content_length",
    "set_data",
    "status",
    "status_code",
)


class _Made:
    """What stands behind a :func:`_lazy` attribute until somebody looks."""

    def __init__(self, name: str, make: Callable[[Any], Any]) -> None:
        self._name = name
        self._behind = f"_lazy_{name}"
        self._make = make

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        # One that Werkzeug made has them by their own names; force_type() changed only its class.
        if not instance.untouched and self._name in instance.__dict__:
            made = instance.__dict__.pop(self._name)
        else:
            made = self._make(instance)
        setattr(instance, self._behind, made)
        instance.untouched = False
        if self._name != "headers":
            instance.has_buffer = False
        return made


class _MadeHeaders(_Made):
    """What stands behind ``headers``. PERF: of what :meth:`Response.buffered` made, at once."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None or not instance.untouched:
            return super().__get__(instance, owner)
        headers = instance._lazy_headers = _make_headers(instance)
        instance.untouched = False
        return headers


def _lazy(name: str, make: Callable[[Any], Any]) -> tuple[_Made, Any]:
    """Make an attribute that is made when somebody looks; then, or set, the response is touched.

    PERF: most responses are sent as :meth:`Response.buffered` made them; nobody looks. The second
    look runs no line of Python: 0.07 µs against 0.35.

    Returns:
        What the class has to keep as ``_lazy_<name>``, and the attribute itself.
    """
    behind = f"_lazy_{name}"

    def put(response: Any, value: Any) -> None:
        setattr(response, behind, value)
        response.untouched = False
        if name != "headers":
            response.has_buffer = False

    made = _MadeHeaders if name == "headers" else _Made
    return made(name, make), property(attrgetter(behind), put)


#: what is written as it is: in a cookie's name, and in its value
_PLAIN_NAME = re.compile(r"[\w.-]+", re.ASCII)
_PLAIN_VALUE = re.compile(r"[\w.~+/=-]*", re.ASCII)

#: ``path``, ``domain``, ``secure``, ``httponly``, ``samesite`` and ``partitioned``
CookieOptions: TypeAlias = tuple[str | None, str | None, bool, bool, str | None, bool]


@functools.lru_cache(maxsize=64)
def _around_value(key: str, options: CookieOptions) -> tuple[str, str] | None:
    """Return what stands before and behind a cookie's value, unless something is unusual."""
    if _PLAIN_NAME.fullmatch(key) is None:
        return None
    path, domain, secure, httponly, samesite, partitioned = options
    header = dump_cookie(
        key,
        path=path,
        domain=domain,
        secure=secure,
        httponly=httponly,
        samesite=samesite,
        partitioned=partitioned,
    )
    start = f"{key}="
    return (start, header.removeprefix(start)) if header.isprintable() else None


def add_plain_cookie(response: Response, key: str, value: str, options: CookieOptions) -> bool:
    """Set a cookie that lives as long as the browser and has nothing to quote in its value.

    PERF: what stands around the value repeats from answer to answer.

    Args:
        response: Where to set it.
        key: The name.
        value: The value; of letters, digits and ``.-_~+/=`` alone.
        options: The rest.

    Returns:
        Whether it was set; if not, ``set_cookie()`` knows what to do.
    """
    around = _around_value(key, options)
    if around is None:
        return False
    header = f"{around[0]}{value}{around[1]}"
    if len(header) > response.max_cookie_size:
        return False
    if response.untouched:
        # PERF: what response.headers would do, in half of the time.
        response._lazy_headers = _make_headers(response)
        response.untouched = False
    add_checked(response.headers, "Set-Cookie", header)
    return True


def add_checked(headers: WerkzeugHeaders, name: str, value: str) -> None:
    """Add a header of which it is known that it can be written."""
    if headers.__class__ is Headers:
        headers._list.append((name, value))
    else:
        headers.add(name, value)


def _make_headers(response: Any) -> Headers:
    headers: Headers = _make(Headers)  # PERF: Werkzeug's constructor takes lists apart.
    length = str(len(response._buffer))
    headers._list = [("Content-Type", response._type), ("Content-Length", length)]
    return headers


class Response(WerkzeugResponse):
    """The answer to a request.

    Views seldom make one: what they return is made into one. Make one to set headers, cookies or
    the status. The body may be text, bytes, a list, a generator, an asynchronous generator or a
    binary file; everything but text, bytes and lists is streamed.

    **Differs from Flask:** the body may be asynchronous; it is then read with
    ``await response.read()`` or ``async for chunk in response.iter_chunks()``. All control
    characters are refused in headers, not only CR and LF.

    Args:
        response: The body.
        status: Code, or code and reason: ``404``, ``"404 Not Found"``.
        headers: A mapping, pairs, or a Werkzeug ``Headers``, which is kept as it is.
        mimetype: Content type without charset; the charset is added for text.
        content_type: Full content type; goes before ``mimetype``.
        direct_passthrough: The body is a file or yields bytes, and is not to be buffered.

    Raises:
        TypeError: The body is a coroutine that was not awaited.
        ValueError: A header has a control character.

    Source: ``Flask: flask.Response``.
    """

    default_mimetype: str | None = "text/html"
    json_module = json
    autocorrect_location_header = False

    _shortcut: ClassVar[bool] = True

    # What :meth:`buffered` sets, and what the others are made from when somebody looks.
    _buffer: bytes
    _type: str
    #: Whether nothing but the status was looked at or set since :meth:`buffered` made it.
    untouched = False
    #: Whether that holds at least for its body, and what is to be done when that is sent.
    has_buffer = False
    _lazy_headers, headers = _lazy("headers", _make_headers)
    _lazy_response, response = _lazy("response", lambda response: [response._buffer])
    _lazy__on_close, _on_close = _lazy("_on_close", lambda response: [])
    direct_passthrough = False

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
            headers = Headers(headers) if headers else empty_headers()
        if not self._shortcut:
            super().__init__(
                _awaited(response),
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
        elif mimetype is not None or not headers._list or "content-type" not in headers:
            mimetype = self.default_mimetype if mimetype is None else mimetype
            if mimetype is not None:
                _put(headers, "Content-Type", _full_content_type(mimetype))
        if status is None:
            status = self.default_status
        if status.__class__ is int and status in STATUS_LINES:
            self._status, self._status_code = STATUS_LINES[status], status
        else:
            self.status = status
        self.direct_passthrough = direct_passthrough
        self._on_close = []
        if response is None:
            self.response = []
        elif isinstance(response, (str, bytes, bytearray)):
            data = response.encode() if isinstance(response, str) else bytes(response)
            self.response = [data]
            _put(headers, "Content-Length", str(len(data)))
        else:
            self.response = _awaited(response)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._shortcut = all(getattr(cls, name) is getattr(Response, name) for name in _SHORTCUT)

    @classmethod
    def buffered(cls, body: bytes, content_type: str = HTML, status: int = 200) -> Self:
        """Build a response around bytes in a third of the time the constructor needs.

        The result is what ``cls(body, status, content_type=content_type)`` gives.

        Args:
            body: The whole body.
            content_type: Full content type, trusted until it is written.
            status: A code of :data:`http.HTTPStatus`.
        """
        line = STATUS_LINES.get(status)
        if line is None or not cls._shortcut:
            return cls(body, status, content_type=content_type)
        self: Self = _make(cls)
        self.untouched = self.has_buffer = True
        self._buffer = body
        self._type = content_type
        self._status = line
        self._status_code = status
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
            value: Its value; what cannot stand in a header as it is, is quoted.
            max_age: Seconds, or a ``timedelta``, that it lives; without, as long as the browser.
            expires: Until when it lives, as a ``datetime`` or UNIX timestamp.
            path: Paths below which it is sent back.
            domain: Hosts to which it is sent back, beside this one.
            secure: Whether it is sent over HTTPS alone.
            httponly: Whether JavaScript cannot see it.
            samesite: ``"Strict"``, ``"Lax"`` or ``"None"``: requests of which sites carry it.
            partitioned: Whether it is kept per top-level site; implies ``secure``.

        Raises:
            ValueError: ``samesite`` is something else, or a control character stands somewhere.

        Source: ``Werkzeug: werkzeug.wrappers.Response.set_cookie``.
        """
        options = (path, domain, secure, httponly, samesite, partitioned)
        if not (
            max_age is None
            and expires is None
            and _PLAIN_VALUE.fullmatch(value)
            and add_plain_cookie(self, key, value, options)
        ):
            super().set_cookie(key, value, max_age, expires, *options)

    def whole_body(self) -> list[Any] | None:
        """Return the body as a list if it is one, and nothing has to be called afterwards.

        PERF: one that :meth:`buffered` keeps is not made a list's attribute for that.
        """
        if self.has_buffer:
            return [self._buffer]
        body = self.response
        return body if body.__class__ is list and not self._on_close else None

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # read-only, as Flask's
        """The app's ``MAX_COOKIE_SIZE``, or Werkzeug's default outside of an app.

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
        """Buffer the body, whatever its kind, and return it.

        Call it in an ``after_request`` hook that needs the data of a streamed response; the
        response is sent with a Content-Length then.

        Args:
            run: How blocking iterators are called off the loop.
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
        """Iterate the body as bytes, whatever its kind. :meth:`aclose` closes it.

        Args:
            run: How blocking iterators are called off the loop.
        """
        if self.is_sequence:
            for chunk in self.iter_encoded():
                yield chunk
            return
        body = self.response
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
        """Close the body and call the functions given to ``call_on_close``, of both colours.

        All are called, also when one raises; the first error is raised at the end.

        Args:
            run: How blocking functions are called off the loop.
        """
        try:
            if self.response.__class__ is not list:
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
        request_or_environ: Any,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Self:
        """Turn this into a 304, 412 or 206 if the request's headers ask for it.

        **Differs from Flask:** no ``Date`` header is added. ASGI servers write one into every
        answer, and two would be one too many (:rfc:`9110` §6.6.1).

        Args:
            request_or_environ: A request of either colour, or a WSGI environ.
            accept_ranges: Whether (or in which unit) parts of the body may be asked for.
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
            self.response = sliced(body, start, length)
            self._on_close.append(functools.partial(close_body, body))
        else:
            super()._wrap_range_response(start, length)


def _awaited(body: Any) -> Any:
    if hasattr(body, "__await__"):
        raise TypeError(
            f"The response body is {body!r}, which was not awaited."
            " Write Response(await …) instead of Response(…)."
        )
    return body


def empty_headers() -> Headers:
    # PERF: without the two calls of the constructor.
    headers = Headers.__new__(Headers)
    headers._list = []
    return headers


def _put(headers: WerkzeugHeaders, name: str, value: str) -> None:
    """Set a header of ours, whose value needs no check."""
    pairs = headers._list
    if len(pairs) < 2 and (not pairs or pairs[0][0] == "Content-Type" != name):
        pairs.append((name, value))
    else:
        headers[name] = value


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


def _conditions(request_or_environ: Any) -> dict[str, Any]:
    """What Werkzeug's ``make_conditional`` looks at, as an environ."""
    environ = getattr(request_or_environ, "environ", request_or_environ)
    if isinstance(environ, dict):
        return environ
    headers = request_or_environ.headers
    asked = {key: headers[name] for key, name in _CONDITIONS.items() if name in headers}
    return {"REQUEST_METHOD": request_or_environ.method, **asked}
