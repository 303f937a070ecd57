"""Responses of HTTP exceptions: Werkzeug's pages, byte for byte, and kept.

``dispatch/errors.py`` looks for an error handler first.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as SansIOResponse
from werkzeug.wrappers import Response as WerkzeugResponse

from .headers import Headers, check_pair
from .response import HTML, STATUS_LINES, Response

# The methods that make an exception's body, and those that make its response.
_body_of = attrgetter("get_body", "get_description", "name")
_DEFAULT_BODY = _body_of(HTTPException)
_response_of = attrgetter("get_response", "get_headers", "get_body", "get_description", "name")
_DEFAULT_RESPONSE = _response_of(HTTPException)

_PAGES_KEPT = 256
_pages: dict[tuple[int, str | None], bytes] = {}


def from_exception(
    error: HTTPException,
    make_environ: Callable[[], dict[str, Any]] | None = None,
    response_class: type[Response] = Response,
) -> Response:
    """Render an HTTP exception as ``error.get_response()`` would, but keep the default pages.

    Args:
        error: The exception; its own ``response``, and methods that its class overrides, are used.
        make_environ: Returns the WSGI environ, for methods that a class overrides.
        response_class: The class of the result.

    Returns:
        The response.

    Source: ``Werkzeug: werkzeug.exceptions.HTTPException.get_response``.
    """
    if not response_class.has_quick_constructor:
        # COMPAT: Flask makes no object of the app's class for an error, it changes the class.
        made: SansIOResponse
        if Response.has_quick_constructor:
            made = from_exception(error, make_environ)
        else:
            made = error.get_response(make_environ() if make_environ else None)
        return _adopted(made, response_class)
    page = default_page(error)
    if page is not None:
        return response_class.buffered(page, HTML, error.code)  # type: ignore[arg-type]  # it has a page
    return _with_headers(error, make_environ() if make_environ else None, response_class)


def _with_headers(
    error: HTTPException, environ: dict[str, Any] | None, response_class: type[Response]
) -> Response:
    """Render an exception that has a response, a body or headers of its own."""
    kind = type(error)
    code = error.code
    plain = kind.get_response is _DEFAULT_RESPONSE[0] and code in STATUS_LINES
    if error.response is not None or code is None or not plain:
        return _adopted(error.get_response(environ), response_class)
    default = _body_of(kind) == _DEFAULT_BODY
    body = _page(error, code) if default else error.get_body(environ).encode()
    headers = Headers.of_checked([check_pair(pair) for pair in error.get_headers(environ)])
    # COMPAT: Flask changes the class of a response of Werkzeug's, which has another default.
    mimetype = None if "Content-Type" in headers else WerkzeugResponse.default_mimetype
    return response_class(body, code, headers, mimetype)


def default_page(error: HTTPException) -> bytes | None:
    """Return the page of an HTTP exception that uses Werkzeug's, without further headers.

    Args:
        error: The exception.

    Returns:
        The page, or ``None`` for an exception with its own response, body or headers.
    """
    code = error.code
    if (
        error.response is None
        and code in STATUS_LINES
        and _response_of(type(error)) == _DEFAULT_RESPONSE
    ):
        return _page(error, code)
    return None


def _page(error: HTTPException, code: int) -> bytes:
    description = error.description
    key = (code, description)
    try:
        # PERF: to escape and format it takes longer than all else of a 404.
        return _pages[key]
    except (KeyError, TypeError):
        body = error.get_body().encode()
    # A description of another class than str (a lazy translation) may change from call to call;
    # a long one is probably not used again.
    if description is None or (type(description) is str and len(description) < 500):
        if len(_pages) >= _PAGES_KEPT:
            _pages.clear()
        _pages[key] = body
    return body


def _adopted(made: SansIOResponse, response_class: type[Response]) -> Response:
    if isinstance(made, response_class):
        return made
    if isinstance(made, SansIOResponse) and not isinstance(made, WerkzeugResponse):
        return response_class(status=made.status, headers=made.headers)
    return cast(Response, response_class.force_type(made))
