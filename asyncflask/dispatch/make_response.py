"""What a view's return value becomes: the table of ``make_response``.

``str``, ``bytes``, ``dict`` and ``list``, a response of ours or of Werkzeug's, (async) generators
and iterators, a WSGI callable, or a tuple of one of these with a status, headers, or both.

PERF: text and JSON come first. Under an unchanged response class they become a response without
Werkzeug's constructor, or messages without a response that would only be taken apart again.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Awaitable, Iterable, Iterator, Mapping
from types import AsyncGeneratorType, CodeType
from typing import Any, cast

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from .._contextvars import current
from ..ctx import Context
from ..exceptions import OutOfContext, with_article
from ..typing import Message
from ..wrappers.never_awaited import expression_of
from ..wrappers.request.awaitable import Pending
from ..wrappers.response.asgi import may_have_body, messages_of
from ..wrappers.response.error_pages import default_page, from_exception
from ..wrappers.response.headers import check_value, content_type_pair
from ..wrappers.response.response import HTML, Response
from ..wsgi.call import response_of
from .protocols import RespondingApp

#: the classes of results that become a response at once
PLAIN = frozenset({str, bytes, dict, list, Response, AsyncGeneratorType})


def is_plain(result: Any) -> bool:
    """Tell whether a view's result becomes a response without running or awaiting anything.

    Args:
        result: What the view returned.

    Returns:
        Whether it does.
    """
    kind = result.__class__
    if kind is tuple and result:
        kind = result[0].__class__
    return kind in PLAIN or isinstance(result, HTTPException)


def as_response(app: RespondingApp, result: Any) -> Response:
    """Make the result of a view a response. (Flask: make_response.)

    Args:
        app: The app, for its ``response_class`` and ``json``.
        result: What the view returned.

    Raises:
        TypeError: It is nothing that a view may return; the text says what to return instead.
    """
    kind = result.__class__
    cls = app.response_class
    if kind is str and (Response.sends_html if cls is Response else _sends_html(cls)):
        return cls.buffered(result.encode(), HTML)
    if kind is dict or kind is list:
        return _from_json(app, result)
    if kind is AsyncGeneratorType:
        return cls(result)
    if isinstance(result, cls):
        return result
    if isinstance(result, tuple):
        return _from_tuple(app, result)
    return _from_value(app, result, None)


def make_messages(app: RespondingApp, result: Any, method: str) -> tuple[Message, Message] | None:
    """Make text or JSON the messages of a response that no other code will read.

    Args:
        app: The app; its ``response_class`` is :class:`.Response` itself.
        result: What the view returned.
        method: The request's method.

    Returns:
        The messages, or ``None`` if :func:`as_response` has to decide, or to say what is wrong.
    """
    kind = result.__class__
    if kind is str:
        try:
            return messages_of(result.encode(), _HTML, 200, method)
        except UnicodeEncodeError:
            return None
    if kind is dict or kind is list:
        return _json_messages(app, result, 200, method)
    if kind is not tuple:
        return _other_messages(result, method)
    # `bool` is an `int`, and no status.
    if len(result) != 2 or result[1].__class__ is not int or not may_have_body(result[1]):
        return None
    body, status = result
    kind = body.__class__
    if kind is str:
        return _text_messages(body, status, method)
    if kind in (dict, list):
        return _json_messages(app, body, status, method)
    return messages_of(body, _HTML, status, method) if kind is bytes else None


def _text_messages(text: str, status: int, method: str) -> tuple[Message, Message] | None:
    try:
        return messages_of(text.encode(), _HTML, status, method)
    except UnicodeEncodeError:
        return None


def _other_messages(result: object, method: str) -> tuple[Message, Message] | None:
    """Make bytes, or an HTTP error with Werkzeug's page, the messages of a response."""
    if result.__class__ is bytes:
        return messages_of(result, _HTML, 200, method)
    if not isinstance(result, HTTPException) or result.code is None:
        return None
    page = default_page(result)
    if page is None or not may_have_body(result.code):
        return None
    return messages_of(page, _HTML, result.code, method)


def _json_messages(
    app: RespondingApp, value: object, status: int, method: str
) -> tuple[Message, Message] | None:
    try:
        writer = app.json.plain_writer()
    except AttributeError:  # A provider of another class, with Flask's interface.
        return None
    if writer is None:
        return None
    write, mimetype = writer
    try:
        body = write(value)
    except Exception:
        return None
    content_type = _JSON if mimetype == "application/json" else content_type_pair(mimetype)
    return messages_of(body, content_type, status, method)


def make_plain(app: RespondingApp, result: object) -> Response | None:
    """Make a result a response, or return ``None``: it is not plain, or something is wrong with it.

    For a response, a stream, a status with headers, which :func:`make_messages` leaves over.

    Args:
        app: The app.
        result: What the view returned, or an HTTP error.

    Returns:
        The response, or ``None``.
    """
    if result.__class__ not in PLAIN and not is_plain(result):
        return None
    try:
        return as_response(app, result)
    except Exception:
        return None  # The pipeline meets it again, and handles it.


_FORCE_TYPE = WerkzeugResponse.force_type.__func__  # type: ignore[attr-defined]  # of a classmethod
_HTML = content_type_pair(HTML)
_JSON = content_type_pair("application/json")


def _sends_html(cls: object) -> bool:
    """Tell whether a response class makes the same of text as ours; it may be Werkzeug's."""
    return bool(getattr(cls, "sends_html", False))


def _from_json(app: RespondingApp, value: object) -> Response:
    provider = app.json
    plain_writer = getattr(provider, "plain_writer", None)
    ours = app.response_class is Response and Response.sends_html
    writer = plain_writer() if plain_writer and ours else None
    if writer is None:
        return cast(Response, provider.response(value))
    write, mimetype = writer
    return Response.buffered(write(value), mimetype)


def _from_tuple(app: RespondingApp, result: tuple[Any, ...]) -> Response:
    status = headers = None
    if len(result) == 3:
        body, status, headers = result
    elif len(result) == 2:
        body, second = result
        if isinstance(second, (Headers, Mapping, tuple, list)):
            headers = second
        else:
            status = second
    else:
        count = "1 value" if len(result) == 1 else f"{len(result)} values"
        raise TypeError(
            f"{_where()} returned a tuple of {count}. A"
            " tuple must have the form `(body, status)`, `(body, headers)` or"
            " `(body, status, headers)`."
        )
    return _from_value(app, body, status, headers)


def _from_value(app: RespondingApp, body: object, status: object, headers: Any = None) -> Response:
    made = _converted(app, body, status, headers)
    if made is None:
        if body is None:
            _require_request_context()  # As in Flask: without a request it is the first mistake.
        raise TypeError(_refusal(body))
    response, status, headers = made
    if status is not None:
        if isinstance(status, (str, bytes, bytearray)):
            response.status = status  # type: ignore[assignment]  # as Flask does
        else:
            response.status_code = status  # type: ignore[assignment]  # Werkzeug refuses the rest
    if headers:
        length = response.headers.get("Content-Length")
        # As a Headers object a list may name a header twice, such as Set-Cookie.
        response.headers.update(headers if isinstance(headers, Mapping) else _pairs(headers))
        if length is not None and not isinstance(body, WerkzeugResponse):
            # A view that hands on another server's answer gives that one's length, which was of
            # the compressed body. A wrong length breaks the connection.
            response.headers["Content-Length"] = length
    return response


def _pairs(headers: Iterable[Any]) -> Headers:
    try:
        made = Headers(headers)
    except (TypeError, ValueError) as error:
        if isinstance(headers, (tuple, list)) and all(len(pair) == 2 for pair in headers):
            raise
        raise TypeError(
            f"{_where()} returned the headers {_short(headers)}, which are no pairs of a name and a"
            " value. Write a dict, `{'X-Name': 'value'}`, or a list of such pairs."
        ) from error
    for name, value in () if isinstance(headers, Headers) else headers:
        if value.__class__ is not str:
            check_value(name, value)  # Headers() has made it a text, whatever it is.
    return made


def _as_argument(headers: Any) -> Any:
    return headers if not headers or isinstance(headers, Mapping) else list(_pairs(headers))


def _converted(
    app: RespondingApp, body: Any, status: Any, headers: Any
) -> tuple[Response, Any, Any] | None:
    """Return ``(response, status and headers still to be set)``, or ``None`` for a wrong value."""
    cls = app.response_class
    if isinstance(body, cls):
        return body, status, headers
    if isinstance(body, HTTPException):
        return _from_error(cls, body), status, headers
    if isinstance(body, str) and _sends_html(cls):
        return cls.buffered(body.encode(), HTML), status, headers
    if isinstance(body, (str, bytes, bytearray, Iterator, AsyncIterable)) and not isinstance(
        body, WerkzeugResponse
    ):
        # A class with a constructor of its own may look at all three.
        return cls(body, status=status, headers=_as_argument(headers)), None, None
    if isinstance(body, (dict, list)):
        return cast(Response, app.json.response(body)), status, headers
    if isinstance(body, Awaitable):
        return None
    if isinstance(body, WerkzeugResponse) or callable(body):
        return _foreign(cls, body), status, headers
    return None


def _from_error(cls: Any, error: HTTPException) -> Response:
    response: Response
    if issubclass(cls, Response) and not _has_own_force_type(cls):
        response = from_exception(error, current_environ, cls)
    else:
        response = cls.force_type(error, current_environ())
    return response


def _has_own_force_type(cls: Any) -> bool:
    """Tell whether a response class decides itself what becomes of an error or a WSGI callable."""
    return getattr(cls.force_type, "__func__", None) is not _FORCE_TYPE


def _foreign(cls: Any, body: Any) -> Response:
    """Accept a Werkzeug response, or a WSGI callable (which is run here)."""
    response: Response
    if isinstance(body, WerkzeugResponse):
        response = cls.force_type(body)
        return response
    environ = current_environ()
    try:
        response = cls.force_type(body, environ)
    except TypeError as error:
        raise _no_wsgi(body, error) from error
    return response


def _no_wsgi(body: object, error: TypeError) -> TypeError:
    """Return the error for a callable that could not be called as a WSGI application."""
    return TypeError(f"{error}\n{_refusal(body)}").with_traceback(error.__traceback__)


def current_environ() -> dict[str, Any]:
    """Make the WSGI environ of the current request, for what still asks for one.

    Raises:
        RuntimeError: No request is active.
    """
    environ: dict[str, Any] = _require_request_context().environ()
    return environ


def _require_request_context() -> Context:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None:
        raise OutOfContext(
            "Working outside of request context: make_response() was called where no request is"
            " active, with a value whose response depends on the request. Call it in a view, or"
            " inside `with app.test_request_context(...)`."
        )
    return ctx.request_context


def is_wsgi(result: object) -> bool:
    """Tell whether a view returned a WSGI callable, alone or with a status or headers.

    Args:
        result: What the view returned.

    Returns:
        Whether it did.
    """
    body = result[0] if isinstance(result, tuple) and result else result
    return callable(body) and not isinstance(body, (WerkzeugResponse, HTTPException, Awaitable))


async def run_wsgi(app: RespondingApp, ctx: Context, result: object) -> Any:
    """Run the WSGI callable that a view returned off the loop; the rest of a tuple is kept.

    Args:
        app: The app.
        ctx: The context.
        result: What the view returned, for which :func:`is_wsgi` is true.

    Returns:
        The response, in a tuple with the status and headers that came with it.

    Raises:
        TypeError: The callable takes no ``environ`` and ``start_response``.
    """
    parts = result if isinstance(result, tuple) else (result,)
    cls = app.response_class
    try:
        if _has_own_force_type(cls):
            response = await ctx.run_blocking(cls.force_type, parts[0], ctx.environ())
        else:
            response = await response_of(parts[0], ctx.environ, ctx.run_blocking, cls)
    except TypeError as error:
        raise _no_wsgi(parts[0], error) from error
    return (response, *parts[1:]) if len(parts) > 1 else response


def _refusal(body: object) -> str:
    where = _where()
    if body is None:
        return (
            f"{where} returned None: it has no `return`, or ended without reaching one."
            " Return a response, for example `return '', 204`."
        )
    if inspect.isawaitable(body):
        written = None
        if inspect.iscoroutine(body):
            written = expression_of(body)
            body.close()  # Otherwise Python warns as well that it was never awaited.
        wrapper = _wrapper_of(body)
        if wrapper is not None:
            return (
                f"{where} is `async def`, and was called without `await` by a decorator, the `def`"
                f" {wrapper.co_qualname}() ({wrapper.co_filename}:{wrapper.co_firstlineno}).\n\n"
                "    return view(*args, **kwargs)                             # wrong\n"
                "    return current_app.ensure_sync(view)(*args, **kwargs)    # right\n\n"
                "Or make the decorator's function `async def`: `return await"
                " current_app.ensure_async(view)(*args, **kwargs)`. Below a decorator of another"
                " package write `@app.ensure_sync`."
            )
        name = getattr(body, "__qualname__", type(body).__name__)
        call = body.expression if isinstance(body, Pending) else written or f"{name}(...)"
        return (
            f"{where} returned the un-awaited result of `{call}`, {_kind(body)}.\n\n"
            f"    return {call}          # wrong\n"
            f"    return await {call}    # right, in an `async def` view"
        )
    return (
        f"{where} returned {_short(body)}: it was {_kind(body)}. Return a str, bytes,"
        " dict, list, Response, (async) iterator, WSGI callable, or a tuple of one of these with a"
        " status, headers, or both."
    )


def _wrapper_of(coroutine: object) -> CodeType | None:
    """Return the code of the decorator that has returned the view's own coroutine, or ``None``."""
    ctx = current()
    if ctx is None or ctx.request_context is None:
        return None
    view = ctx.request_context.app.view_functions.get(ctx.request_context.matched_endpoint)
    inner = getattr(inspect.unwrap(view), "__code__", None) if view is not None else None
    if inner is None or getattr(coroutine, "cr_code", None) is not inner:
        return None
    call = view if hasattr(view, "__code__") else getattr(type(view), "__call__", None)  # noqa: B004
    code = getattr(call, "__code__", None)
    return code if isinstance(code, CodeType) and code is not inner else None


def _kind(value: object) -> str:
    return with_article(type(value).__name__)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _where() -> str:
    ctx = current()
    if ctx is None or ctx.request_context is None or ctx.request_context.matched_endpoint is None:
        return "The view"
    request_context = ctx.request_context
    view = request_context.app.view_functions.get(request_context.matched_endpoint)
    code = getattr(inspect.unwrap(view), "__code__", None) if view is not None else None
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"The view of endpoint {request_context.matched_endpoint!r}{place}"
