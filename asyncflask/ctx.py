"""What users call on the current context: ``after_this_request`` and its kin.

The context itself is :class:`asyncflask.context.Context`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ._contextvars import current
from .concurrency.bridge import running_loop
from .concurrency.inspection import is_async
from .concurrency.workers import ThisThread
from .context import NO_ERROR, Context
from .context.app_ctx_globals import _AppCtxGlobals
from .exceptions import OutOfContext, called_in_the_other_kind

__all__ = [
    "NO_ERROR",
    "Context",
    "_AppCtxGlobals",
    "after_this_request",
    "after_this_websocket",
    "copy_current_app_context",
    "copy_current_request_context",
    "copy_current_websocket_context",
    "has_app_context",
    "has_request_context",
    "has_websocket_context",
]

F = TypeVar("F", bound=Callable[..., Any])
_KINDS = {"http": "request", "websocket": "websocket"}  # a scope type's name in messages
_OTHERS = {"http": "websocket", "websocket": "http"}


# -- functions on the current context --------------------------------------------------------------


def has_app_context() -> bool:
    """Tell whether ``current_app`` and ``g`` can be used here.

    Source: ``Flask: has_app_context``.
    """
    ctx: Context | None = current()
    return ctx is not None and not ctx.is_without_app


def has_request_context() -> bool:
    """Tell whether ``request`` can be used here.

    Source: ``Flask: has_request_context``.
    """
    return _request_context_of("http") is not None


def has_websocket_context() -> bool:
    """Tell whether ``websocket`` can be used here.

    Source: ``Quart: has_websocket_context``.
    """
    return _request_context_of("websocket") is not None


def _request_context_of(scope_type: str) -> Context | None:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None or ctx.request_context.scope_type is None:
        return None
    return ctx.request_context if ctx.request_context.scope_type.name == scope_type else None


def require_connection(scope_type: str, function: str) -> Context:
    """Return the context of the current request or websocket.

    Args:
        scope_type: ``"http"`` or ``"websocket"``.
        function: The function that was called, for the message.

    Raises:
        RuntimeError: There is none.
    """
    ctx = _request_context_of(scope_type)
    if ctx is not None:
        return ctx
    kind, other = _KINDS[scope_type], _OTHERS[scope_type]
    if _request_context_of(other) is not None:
        raise called_in_the_other_kind(function, kind, _KINDS[other])
    raise OutOfContext(
        f"`{function}` was called where no {kind} context is active. Call it in a view, in a hook,"
        f" or inside `with app.test_{kind}_context(...)` (`async with` in a coroutine)."
    )


def after_this_request(f: F) -> F:
    """Run ``f`` on the response of this request only, before the ``after_request`` functions.

    Args:
        f: Takes the response and returns it or another one; ``def`` or ``async def``.

    Returns:
        ``f``, so that this may be used as a decorator.

    Raises:
        RuntimeError: No request context is active.

    Source: ``Flask: after_this_request``.
    """
    return _after_this("http", "after_this_request", f)


def after_this_websocket(f: F) -> F:
    """Run ``f`` when this websocket ends, before the ``after_websocket`` functions.

    Args:
        f: Takes the response or ``None`` and returns the same; ``def`` or ``async def``.

    Returns:
        ``f``, so that this may be used as a decorator.

    Raises:
        RuntimeError: No websocket context is active.

    Source: ``Quart: after_this_websocket``.
    """
    return _after_this("websocket", "after_this_websocket", f)


def _after_this(scope_type: str, function: str, f: F) -> F:
    ctx = require_connection(scope_type, function)
    if ctx.after_functions is None:
        ctx.needs_response = True
        ctx.after_functions = []
    ctx.after_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Make ``f`` run, later and elsewhere, in a copy of the current request's context.

    For threads and tasks that go on beside the request. Each call gets a copy of its own.

    Args:
        f: ``def`` or ``async def``.

    Raises:
        RuntimeError: No request context is active.

    Source: ``Flask: copy_current_request_context``.
    """
    return _in_copy(require_connection("http", "copy_current_request_context"), f)


def copy_current_websocket_context(f: F) -> F:
    """Make ``f`` run, later and elsewhere, in a copy of the current websocket's context.

    Args:
        f: ``def`` or ``async def``.

    Raises:
        RuntimeError: No websocket context is active.

    Source: ``Quart: copy_current_websocket_context``.
    """
    return _in_copy(require_connection("websocket", "copy_current_websocket_context"), f)


def copy_current_app_context(f: F) -> F:
    """Make ``f`` run, later and elsewhere, in an app context of the current app, with its ``g``.

    What is in ``g`` belongs to the current context: the end of that one runs the teardown
    functions, not the end of ``f``.

    Args:
        f: ``def`` or ``async def``.

    Raises:
        RuntimeError: No context is active.

    Source: ``Quart: copy_current_app_context``.
    """
    ctx: Context | None = current()
    if ctx is None:
        raise OutOfContext(
            "`copy_current_app_context` was called where no context is active. Call it in a view,"
            " or inside `with app.app_context()`."
        )
    template = Context(ctx.app)
    template.shares_g_with = ctx.app_context
    return _in_copy(template, f)


def _in_copy(template: Context, f: F) -> F:
    # The request may be over when f runs: what it is to see is copied now.
    loop = running_loop() if template.lease is None else template.lease.loop
    template = template.copy()
    if template.synchronous and "ensure_sync" in template.replaced:
        f = cast(F, template.app.ensure_sync(f))  # It is called in the same way.
    if is_async(f):

        @functools.wraps(f)
        async def in_copy_async(*args: Any, **kwargs: Any) -> Any:
            async with template.copy():
                return await f(*args, **kwargs)

        return cast(F, in_copy_async)  # It has the signature of f.

    @functools.wraps(f)
    def in_copy(*args: Any, **kwargs: Any) -> Any:
        ctx = template.copy()
        if loop is not None and running_loop() is None:
            ctx.lease = ThisThread(loop)
        with ctx:
            return f(*args, **kwargs)

    return cast(F, in_copy)  # It has the signature of f.
