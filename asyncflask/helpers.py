"""The functions that Flask lets one call bare, in a view or a hook, on the current context.

Each finds the context and hands it, or its app, to the part of the house whose business it is.
"""

from __future__ import annotations

import functools
import typing as t
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Iterator

from werkzeug.exceptions import abort as _abort
from werkzeug.utils import redirect as _redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from ._contextvars import current
from .concurrency.workers import run_sync
from .config.environment import get_debug_flag, get_load_dotenv
from .ctx import Context
from .exceptions import OutOfContext
from .resources import get_root_path
from .signals import message_flashed
from .templating import get_template_attribute
from .wrappers import Response
from .wrappers.response.send_file import send_file, send_from_directory

P = t.ParamSpec("P")
V = t.TypeVar("V")

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_push_promise",
    "make_response",
    "redirect",
    "run_sync",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


def _require_app(what: str) -> Context:
    ctx: Context | None = current()
    if ctx is None:
        raise OutOfContext(
            f"Working outside of application context: `{what}` was called where no app is current."
            " Call it in a view or a hook, or inside `with app.app_context()`."
        )
    return ctx


def require_request_context(what: str) -> Context:
    """Return the current request's context.

    Args:
        what: The call that needs it, for the error message.

    Raises:
        RuntimeError: No request is current.
    """
    ctx: Context | None = current()
    request_context = None if ctx is None else ctx.request_context
    if request_context is None:
        raise OutOfContext(
            f"Working outside of request context: `{what}` was called where no request is current."
            " Call it in a view or a hook, or inside `with app.test_request_context()`."
        )
    return request_context


def make_response(*args: t.Any) -> Response:
    """Make a response of what a view may return, to set headers or cookies on it.

    Args:
        args: A value, or the parts of a tuple: body, status, headers.

    Source: ``Flask: make_response``.
    """
    app: t.Any = _require_app("make_response()").app
    response: Response = (
        app.make_response(args[0] if len(args) == 1 else args) if args else app.response_class()
    )
    return response


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: t.Any,
) -> str:
    """Build the URL of an endpoint, with the current app.

    Args:
        endpoint: The endpoint; ``".name"`` is relative to the current blueprint.
        _anchor: Added as ``#anchor``.
        _method: Choose the rule by this method.
        _scheme: Scheme of the URL, which makes it external.
        _external: Whether scheme and host are included; outside of a request they are.
        values: Arguments of the rule; others become the query string.

    Returns:
        The URL.

    Raises:
        BuildError: No rule fits, and no handler in ``url_build_error_handlers`` returns a URL.
        RuntimeError: No context is active, or there is neither a request nor ``SERVER_NAME``.
        ValueError: ``_scheme`` together with ``_external=False``.

    Source: ``Flask: url_for``.
    """
    app: t.Any = _require_app("url_for()").app
    url: str = app.url_for(
        endpoint,
        _anchor=_anchor,
        _method=_method,
        _scheme=_scheme,
        _external=_external,
        **values,
    )
    return url


def redirect(
    location: str, code: int = 302, Response: type[WerkzeugResponse] | None = None
) -> WerkzeugResponse:
    """Make a redirect response.

    Args:
        location: Where to go.
        code: Status code.
        Response: Response class; outside of an app only.

    Source: ``Flask: redirect``; inside an app it calls ``app.redirect``.
    """
    ctx: t.Any = current()
    if ctx is not None:
        response: WerkzeugResponse = ctx.app.redirect(location, code=code)
        return response
    return _redirect(location, code=code, Response=Response)


def abort(code: int | WerkzeugResponse, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    """Raise the HTTP error of a status code, or answer with a response.

    Args:
        code: Status code, or a response.
        args: For the exception.
        kwargs: For the exception.

    Raises:
        HTTPException: Always.
        LookupError: The code is of no HTTP error.

    Source: ``Flask: abort``; inside an app it calls ``app.aborter``.
    """
    ctx: t.Any = current()
    if ctx is not None:
        ctx.app.aborter(code, *args, **kwargs)
    _abort(code, *args, **kwargs)


def flash(message: str, category: str = "message") -> None:
    """Keep a message in the session for the next request to show.

    Args:
        message: The text, or :class:`~markupsafe.Markup`.
        category: ``"message"``, ``"error"``, ``"info"``, ``"warning"``, or one of your own.

    Raises:
        RuntimeError: No request is active, or the app has no secret key.

    Source: ``Flask: flash``.
    """
    ctx = require_request_context("flash()")
    session = ctx.session
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    # Assigned again: a session does not notice what is appended to a list inside it.
    session["_flashes"] = flashes
    if message_flashed.receivers:
        message_flashed.send(
            ctx.app,
            _async_wrapper=t.cast(t.Any, ctx.app).ensure_sync,
            message=message,
            category=category,
        )


@t.overload
def get_flashed_messages(
    with_categories: t.Literal[False] = False, category_filter: Iterable[str] = ()
) -> list[str]: ...
@t.overload
def get_flashed_messages(
    with_categories: t.Literal[True], category_filter: Iterable[str] = ()
) -> list[tuple[str, str]]: ...
@t.overload
def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]: ...
def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the flashed messages out of the session; later calls in a request return the same ones.

    Args:
        with_categories: Return pairs ``(category, message)``.
        category_filter: Return only messages of these categories; empty: all.

    Returns:
        The messages, or the pairs.

    Raises:
        RuntimeError: No request is active.

    Source: ``Flask: get_flashed_messages``.
    """
    ctx = require_request_context("get_flashed_messages()")
    flashes = ctx.flashes
    if flashes is None:
        session = ctx.session
        flashes = session.pop("_flashes") if "_flashes" in session else []
        ctx.flashes = flashes
    wanted = category_filter if isinstance(category_filter, Collection) else set(category_filter)
    if wanted:
        flashes = [pair for pair in flashes if pair[0] in wanted]
    if with_categories:
        return flashes
    return [message for _, message in flashes]


async def make_push_promise(path: str) -> None:
    """Tell the client that it will need another path as well, if the server supports it (HTTP/2).

    Args:
        path: The path.

    Source: ``Quart: make_push_promise``; ASGI: ``http.response.push``.
    """
    await require_request_context("make_push_promise()").request.send_push_promise(path)


# -- streams that keep their context ---------------------------------------------------------------


@t.overload
def stream_with_context(generator_or_function: AsyncIterable[V]) -> AsyncIterator[V]: ...
@t.overload
def stream_with_context(generator_or_function: Iterable[V]) -> Iterator[V]: ...
@t.overload
def stream_with_context(
    generator_or_function: Callable[P, AsyncIterable[V]],
) -> Callable[P, AsyncIterator[V]]: ...
@t.overload
def stream_with_context(
    generator_or_function: Callable[P, Iterable[V]],
) -> Callable[P, Iterator[V]]: ...
def stream_with_context(
    generator_or_function: AsyncIterable[V] | Iterable[V] | Callable[P, t.Any],
) -> AsyncIterator[V] | Iterator[V] | Callable[P, t.Any]:
    """Keep the current context while a streamed body is made.

    Without it, ``request``, ``session`` and ``g`` are gone when a generator that a view returned
    runs. The request's teardown functions run when the stream has ended.

    Args:
        generator_or_function: A (sync or async) generator or iterator, or a function that makes
            one; then this is a decorator.

    Raises:
        RuntimeError: No request context is active.
        TypeError: It is neither a generator nor a function.

    Source: ``Flask: stream_with_context``.
    """
    if isinstance(generator_or_function, (AsyncIterable, Iterable)):
        kept: AsyncIterator[V] | Iterator[V]
        kept = require_request_context("stream_with_context()").keep(generator_or_function)
        return kept
    if not callable(generator_or_function):
        raise TypeError(
            f"stream_with_context() was given {generator_or_function!r:.100}, which is neither a"
            " generator nor a function that makes one. Write `stream_with_context(generator())`."
        )

    @functools.wraps(generator_or_function)
    def decorator(*args: P.args, **kwargs: P.kwargs) -> object:
        return stream_with_context(generator_or_function(*args, **kwargs))

    return decorator
