"""The response: Werkzeug's, with a quick constructor and asynchronous bodies.

Status, headers, cookies, conditional and range responses are Werkzeug's code. ``async_body.py``
reads and closes a body, ``asgi.py`` sends a response to the server, and ``dispatch/`` makes one of
what a view has returned.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Iterable, Mapping
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
from ..._invalidation import NoticedType
from .async_body import AsyncBodyResponse
from .bodies import FileBody
from .headers import Headers, add_checked, check_value

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..http_connection import HTTPConnection

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

#: A class on which one of these is replaced gets Werkzeug's constructor, which calls them all.
_CONSTRUCTOR_STEPS = (
    "__new__",
    "__init__",
    "_clean_status",
    "automatically_set_content_length",
    "set_data",
    "status",
    "status_code",
)


class Response(AsyncBodyResponse, metaclass=NoticedType):
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

    #: whether :meth:`buffered` does what the constructor does
    has_quick_constructor: ClassVar[bool] = True
    #: whether a text becomes the same response as without any replacement
    sends_html: ClassVar[bool] = True
    #: whether text and JSON may be sent without an object of this class being made
    may_be_messages: ClassVar[bool] = True
    #: the steps of the quick constructor, as they were before one was replaced
    _quick_steps: ClassVar[dict[str, object]] = {}

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
        if not self.has_quick_constructor:
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

    def __init_subclass__(cls, quick: bool = False, **kwargs: Any) -> None:
        """Note whether a subclass constructs its objects in its own way.

        Args:
            quick: Whether the quick constructor, and messages without an object, are right for it.
            kwargs: For the bases.
        """
        super().__init_subclass__(**kwargs)
        if quick:
            cls.note("_quick_steps", {})

    @classmethod
    def _note_class(cls) -> None:
        """Work out what of this class is as we have made it."""
        steps = cls._quick_steps
        if not steps:  # The class is new.
            steps.update({name: getattr(cls, name) for name in _CONSTRUCTOR_STEPS})
        is_quick = all(getattr(cls, name) is step for name, step in steps.items())
        sends_html = (cls.default_mimetype, cls.default_status) == ("text/html", 200)
        cls.note("has_quick_constructor", is_quick)
        cls.note("sends_html", is_quick and sends_html)
        cls.note("may_be_messages", is_quick and sends_html and "_quick_steps" in vars(cls))

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
        if line is None or not cls.has_quick_constructor:
            return cls(body, status, content_type=content_type)
        # PERF: a third of the constructor's time, 14 % of a request with hooks.
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

    def make_conditional(
        self,
        request_or_environ: ConditionalRequest | HTTPConnection | WSGIEnvironment,
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


def _conditions(
    request_or_environ: ConditionalRequest | HTTPConnection | WSGIEnvironment,
) -> WSGIEnvironment:
    """Return the part of an environ that Werkzeug's ``make_conditional`` reads."""
    environ = getattr(request_or_environ, "environ", request_or_environ)
    if isinstance(environ, dict):
        return environ
    request = cast("ConditionalRequest", request_or_environ)
    headers = request.headers
    found = {key: headers[name] for key, name in _CONDITIONS.items() if name in headers}
    return {"REQUEST_METHOD": request.method, **found}
