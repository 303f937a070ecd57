"""Which handler an error finds, and what becomes of one that finds none.

The look-up order is Flask's: for HTTP errors by code before class, the innermost blueprint before
its parents before the app, the most special class before its bases.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, cast

from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import RoutingException

from ..ctx import Context
from ..debughelpers import (
    explain_missing_startup,
    explain_needless_await,
    explain_other_framework,
    explain_other_thread,
    raise_redirect_that_loses_the_body,
)
from ..typing import ErrorHandlerCallable, ExcInfo
from ..wrappers.never_awaited import explained
from .invoke import call_after_view, call_unconverted, emit_after_view
from .overrides import through
from .protocols import Result, ServedApp


def find_handler(app: ServedApp, ctx: Context, error: Exception) -> ErrorHandlerCallable | None:
    """Return the registered handler for ``error``, or ``None``. (Flask: _find_error_handler.)

    Args:
        app: The app.
        ctx: The context.
        error: The error.

    Returns:
        The handler of the innermost blueprint, code and class that has one.
    """
    spec = app.error_handler_spec
    if not spec:
        return None
    code = type(error).code if isinstance(error, HTTPException) else None
    names: tuple[str | None, ...] = (None,)
    if len(spec) > (None in spec):  # Blueprints have handlers.
        names = (*ctx.matched_blueprints, None)
    for by in (code, None) if code is not None else (None,):
        for name in names:
            by_code = spec.get(name)
            handlers = by_code.get(by) if by_code else None
            if not handlers:
                continue
            for cls in type(error).__mro__:
                handler = handlers.get(cls)
                if handler is not None:
                    return handler
    return None


def choose_handler(app: ServedApp, ctx: Context, error: Exception) -> ErrorHandlerCallable | None:
    """Return the handler for an error from a view or hook; ``None``: it is its own answer.

    Args:
        app: The app.
        ctx: The context.
        error: The error.

    Returns:
        The handler.

    Raises:
        Exception: ``error`` itself, if it has no handler.
    """
    if isinstance(error, HTTPException):
        if isinstance(error, BadRequestKeyError) and (
            app.debug or app.plans.settings["TRAP_BAD_REQUEST_ERRORS"]
        ):
            error.show_exception = True
        if not app.trap_http_exception(error):
            return _http_handler(app, ctx, error)
    handler = find_handler(app, ctx, error)
    if handler is None:
        try:
            raise error
        finally:
            del error  # Its traceback refers to this frame: a cycle.
    return handler


def _http_handler(
    app: ServedApp, ctx: Context, error: HTTPException
) -> ErrorHandlerCallable | None:
    if error.code is None or isinstance(error, RoutingException):
        return None  # A proxy exception, or a redirect: an answer, not an error.
    return find_handler(app, ctx, error)


def error_of_group(group: ExceptionGroup[Exception]) -> Exception | None:
    """Return the first error of a group, if all are HTTP errors or of one class.

    Two tasks that fail at the same moment do so for the same reason.

    Args:
        group: The group, which may hold further groups.

    Returns:
        The error; ``None`` if they are of several kinds.
    """
    found = list(_errors_in(group))
    kinds = {HTTPException if isinstance(error, HTTPException) else type(error) for error in found}
    return found[0] if len(kinds) == 1 else None


def _errors_in(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _errors_in(error)
        else:
            yield error


async def handle_user(app: ServedApp, ctx: Context, error: Exception) -> Result:
    """Handle an error from a view or hook, or raise it again. (Flask: handle_user_exception.)

    Args:
        app: The app.
        ctx: The context.
        error: The error.

    Returns:
        What the handler returned; an HTTP error without a handler is its own result.

    Raises:
        Exception: ``error`` itself, if it has no handler.
    """
    if (
        "handle_http_exception" in ctx.replaced
        and isinstance(error, HTTPException)
        and not app.trap_http_exception(error)
    ):
        answer: Result = await through(ctx, app.handle_http_exception, error)
        return answer
    handler = choose_handler(app, ctx, error)
    result: Result = error if handler is None else await call_after_view(ctx, handler, error)  # type: ignore[assignment]  # without a handler, an HTTP error
    return result


async def handle_http(app: ServedApp, ctx: Context, error: HTTPException) -> Result:
    """Handle an HTTP error: by its handler, else by itself. (Flask: handle_http_exception.)

    Args:
        app: The app.
        ctx: The context.
        error: The HTTP error.

    Returns:
        What the handler returned, or ``error``.
    """
    handler = _http_handler(app, ctx, error)
    return error if handler is None else await call_after_view(ctx, handler, error)


async def answer_unhandled(app: ServedApp, ctx: Context, error: Exception) -> Result:
    """Return what answers an error that nothing handled: by the handler of 500, or a bare 500.

    Args:
        app: The app.
        ctx: The context.
        error: The error.

    Returns:
        What the handler of 500 returned, or an ``InternalServerError``.

    Raises:
        Exception: ``error`` itself, where ``PROPAGATE_EXCEPTIONS`` (or testing or debug) says so.
    """
    error = explained(ctx, error)
    scope_type: Any = ctx.scope_type
    if error.__class__ in (TypeError, AttributeError):
        explain_needless_await(error)
    elif error.__class__ is RuntimeError:
        explain_other_framework(error)
    else:
        explain_other_thread(error)
    explain_missing_startup(app, error)
    if scope_type.got_exception.receivers:
        await emit_after_view(ctx, scope_type.got_exception, app, exception=error)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate is None:
        propagate = app.testing or app.debug
    if propagate:
        try:
            raise error
        finally:
            del error  # Its traceback refers to this frame: a cycle.
    # An error that a caller passes may not have been raised, and has no traceback then.
    exc_info = cast(ExcInfo, (type(error), error, error.__traceback__))
    if "log_exception" in ctx.replaced:
        await call_unconverted(ctx, app.log_exception, exc_info)
    else:
        app.log_exception(exc_info)
    server_error = InternalServerError(original_exception=error)
    handler = find_handler(app, ctx, server_error)
    return server_error if handler is None else await call_after_view(ctx, handler, server_error)


def unhandled_routing_error(app: ServedApp, ctx: Context) -> HTTPException | None:
    """Return the error that matching met if it is its own answer: no handler has to be called.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        The error; ``None`` if there is none, or more has to be asked.
    """
    error = ctx.routing_exception
    if (
        isinstance(error, HTTPException)
        and not ctx.replaced
        and not app.debug
        and not app.trap_http_exception(error)
        and _http_handler(app, ctx, error) is None
    ):
        return error
    return None


async def answer_routing(app: ServedApp, ctx: Context) -> HTTPException:
    """Return the error that matching met, if it is its own answer, or else raise it.

    Args:
        app: The app.
        ctx: The context.

    Returns:
        The error.

    Raises:
        Exception: The error, where a handler, the app or the debugger has to see it.
    """
    error = unhandled_routing_error(app, ctx)
    return raise_routing(app, ctx) if error is None else error


def raise_routing(app: ServedApp, ctx: Context) -> NoReturn:
    """Raise the error that matching met. (Flask: raise_routing_exception.)

    Args:
        app: The app.
        ctx: The context.

    Raises:
        Exception: The error that matching met.
    """
    if "raise_routing_exception" in ctx.replaced:
        app.raise_routing_exception(ctx.request_or_websocket)
    error = ctx.routing_exception
    assert error is not None
    if app.debug:
        raise_redirect_that_loses_the_body(ctx)
    raise error
