"""Which steps of the pipeline a user has replaced, looked up once.

Flask lets a subclass, or an assignment to the app or its class, replace any step
(``dispatch_request``, ``make_response``, ``handle_exception`` …). The pipeline must call such a
replacement; but calling every step through the app costs more than the whole dispatch of an app
that replaces none. So each app keeps the set of the names it replaces, and the pipeline calls its
own function for the others. Assigning to an attribute named in :data:`NAMES`, on an app or on its
class, makes the sets obsolete (:mod:`asyncflask._invalidation`). So does assigning what a plan is
made of (:data:`WATCHED`).

The same step is awaited on the event loop and called in a worker thread; see :func:`prepare`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar
from weakref import WeakSet

from werkzeug.wrappers import Request as WerkzeugRequest

from .. import _invalidation
from .._contextvars import current
from ..concurrency.bridge import as_coroutine, drive, running_loop
from ..concurrency.execution_mode import COMMAND, THREAD, WORKER
from ..concurrency.inspection import is_async
from ..ctx import Context
from ..routing import asks_werkzeug
from ..wrappers.http_connection import lazy
from .invoke import call_unconverted, to_loop, wait_in_place
from .protocols import ServedApp

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

#: The app's methods that stand for a step. Flask's names, then Quart's.
NAMES = frozenset(
    {
        "asgi_app",
        "create_url_adapter",
        "do_teardown_appcontext",
        "do_teardown_request",
        "full_dispatch_request",
        "preprocess_request",
        "dispatch_request",
        "make_response",
        "finalize_request",
        "process_response",
        "handle_exception",
        "handle_http_exception",
        "handle_user_exception",
        "log_exception",
        "raise_routing_exception",
        "make_default_options_response",
        "full_dispatch_websocket",
        "preprocess_websocket",
        "dispatch_websocket",
        "finalize_websocket",
        "postprocess_websocket",
        "handle_websocket_exception",
        "do_teardown_websocket",
    }
)

#: The app's methods that make a callable sync or async; the facade calls the first two, the async
#: API the others.
CONVERTERS = frozenset({"ensure_sync", "async_to_sync", "ensure_async", "sync_to_async"})
#: The app's methods that make the context of a connection.
CONTEXTS = frozenset({"request_context", "websocket_context"})
#: The one that makes any other, and whose changes to it every connection gets.
APP_CONTEXT = frozenset({"app_context"})
#: the steps that are plain calls, for nothing is awaited in them
PLAIN = frozenset(
    {
        "create_url_adapter",
        "make_response",
        "log_exception",
        "raise_routing_exception",
        "make_default_options_response",
    }
)
#: the steps that call functions of the user's: awaited on the loop
AWAITED = NAMES - PLAIN - {"asgi_app"}

#: attributes whose assignment makes obsolete what an app keeps: which steps are replaced, and plans
WATCHED = (
    NAMES
    | CONVERTERS
    | CONTEXTS
    | APP_CONTEXT
    | {
        "_got_first_request",
        "config",
        "url_map",
        "view_functions",
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "before_websocket_funcs",
        "after_websocket_funcs",
        "teardown_websocket_funcs",
        "url_value_preprocessors",
        "teardown_appcontext_funcs",
        "session_interface",
        "response_class",
        "request_class",
        "websocket_class",
        "subdomain_matching",
    }
)


#: every app there is, for replacements on a class
_apps: WeakSet[Any] = WeakSet()


def watch(app: object) -> None:
    """Let :func:`forget_all` reach ``app``; each app says so once.

    Args:
        app: The app.
    """
    _apps.add(app)


def forget_all() -> None:
    """Let every app find again which steps it replaces."""
    for app in _apps:
        app.refresh_cached()


_invalidation.listeners.append(forget_all)


#: the steps of the classes that define them, as they were before a user replaced one
_own_steps: dict[type, dict[str, Any]] = {}


def note_own_steps(cls: type) -> None:
    """Note the steps of a class of apps; what differs from them later is replaced."""
    names = NAMES | CONVERTERS | CONTEXTS | APP_CONTEXT
    _own_steps[cls] = {name: getattr(cls, name) for name in names}


def find_replaced(app: object) -> frozenset[str]:
    """Return the names of the steps that ``app`` replaces.

    ``url_map`` is among them if the app's map has to be asked in Werkzeug's way,
    ``trusted_hosts`` if a class of connections has its own, and ``request_class`` if a constructor
    of the app's gets the WSGI environ.

    Args:
        app: The app.
    """
    assigned = vars(app)
    cls = type(app)
    base: Any = next((base for base in cls.__mro__ if base in _own_steps), None)
    names = {
        name
        for name, step in _own_steps.get(base, {}).items()
        if name in assigned or getattr(cls, name) is not step
    }
    # A property of a subclass may return another map for each request.
    if isinstance(getattr(cls, "url_map", None), property) or asks_werkzeug(
        assigned.get("url_map")
    ):
        names.add("url_map")
    for name in ("request_class", "websocket_class"):
        # A property of the app's class is not asked: it may need a request.
        if _trusts_hosts(assigned.get(name, getattr(cls, name, None))):
            names.add("trusted_hosts")
    request_class = assigned.get("request_class", getattr(cls, "request_class", None))
    if base is not None and _reads_environ(request_class, base.request_class):
        names.add("request_class")
    return frozenset(names)


def _reads_environ(request_class: object, own: type) -> bool:
    """Tell whether a request class gets the WSGI environ in another constructor than ours."""
    constructor = inspect.getattr_static(own, "__init__")
    return (
        issubclass(own, WerkzeugRequest)
        and isinstance(request_class, type)
        and inspect.getattr_static(request_class, "__init__") is not constructor
    )


def _trusts_hosts(cls: object) -> bool:
    """Tell whether a class of connections says itself which hosts it trusts."""
    trusted = getattr(cls, "trusted_hosts", None)
    return trusted is not None and not isinstance(trusted, lazy)


def run_step(
    app: ServedApp,
    ctx: Context,
    name: str,
    own: Callable[..., Awaitable[Any]],
    *args: Any,
    **kwargs: Any,
) -> Awaitable[Any]:
    """Take one step, to be awaited: the app's replacement of that name, or our own function.

    Args:
        app: The app.
        ctx: The context.
        name: The name of the step, a method of the app.
        own: The function for an app that does not replace it; gets ``app`` and ``ctx`` first.
        args: Further arguments of the step.
        kwargs: Its keyword arguments.

    Returns:
        What is to be awaited for the step's result.
    """
    if name in ctx.replaced:
        return through(ctx, getattr(app, name), *args, **kwargs)
    return own(app, ctx, *args, **kwargs)


async def through(ctx: Context, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a replaced step: an ``async def`` one on the loop, a ``def`` one off it.

    Args:
        ctx: The context.
        method: The replacement, bound to the app.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        The replacement's result.
    """
    if _is_prepared(method):
        result = method(*args, **kwargs)  # It returns what its caller needs, see prepare().
    else:  # an object that can be called
        result = await _called(ctx, method, args, kwargs)
    return await _awaited(ctx, method, result) if inspect.isawaitable(result) else result


async def in_place(ctx: Context, method: Callable[..., Any], *args: Any) -> Any:
    """Call a step that is a plain call, such as ``make_response``; an ``async def`` one is awaited.

    It never hops to a worker thread: views call the same method on the loop.

    Args:
        ctx: The context.
        method: The step, bound to the app.
        args: Its positional arguments.

    Returns:
        The step's result.
    """
    result = method(*args)
    return await _awaited(ctx, method, result) if inspect.isawaitable(result) else result


async def _awaited(ctx: Context, func: Callable[..., Any], result: Awaitable[Any]) -> Any:
    if ctx.execution_mode is THREAD:
        return wait_in_place(ctx, as_coroutine(result), func)
    if ctx.execution_mode is WORKER:
        await to_loop(ctx)
    return await result


# -- one step, awaited or called -------------------------------------------------------------------
#
# Flask's extensions wrap a step in a `def` function that calls the original and looks at what it
# returns: `app.handle_exception = with_headers(app.handle_exception)`. Such a function runs in the
# request's worker thread, as all `def` functions do, and the step that it calls returns its result
# there; on the event loop the same step returns an awaitable. The calling thread decides, so `def`
# and `async def` wrappers can be nested in any order.

#: the functions that :func:`own_step` and :func:`prepare` have made
_prepared: WeakSet[Callable[..., Any]] = WeakSet()


if TYPE_CHECKING:

    class StepAnswer(Any, Generic[T]):  # type: ignore[misc]  # so it is also what a thread gets
        """For type checkers, the answer of a step: awaited, or used at once."""

        def __await__(self) -> Generator[Any, Any, T]: ...


def own_step(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], StepAnswer[T] | Any]:
    """Let a step of the app return an awaitable on the loop, and its result in a worker thread.

    Args:
        method: One of the pipeline's coroutines as a method of the app. It waits for users'
            functions only, so it can be stepped without a loop.

    Returns:
        The step.
    """

    @functools.wraps(method)
    def step(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        coro = method(self, *args, **kwargs)
        ctx = current()
        return _step_in_place(ctx, coro) if _may_block(ctx) else coro

    _prepared.add(step)
    return step


def step_of_any_parameters(
    method: Callable[..., Coroutine[Any, Any, T]],
) -> Callable[..., StepAnswer[T] | Any]:
    """Do as :func:`own_step`; for type checkers an override may have any parameters.

    Args:
        method: The coroutine of a step that has other parameters in another API.

    Returns:
        The step.
    """
    return own_step(method)


def prepare(func: object) -> Any:
    """Let the replacement of a step be awaited or called, as :func:`own_step` does with the step.

    Args:
        func: What the step is replaced with; anything but a function is returned unchanged.

    Returns:
        A function that returns an awaitable on the loop, and its result in a thread that may block.
    """
    if not isinstance(func, (FunctionType, MethodType, functools.partial)) or _is_prepared(func):
        return func
    waits = is_async(func)

    @functools.wraps(func)
    def step(*args: Any, **kwargs: Any) -> Any:
        ctx: Context | None = current()
        if ctx is None:
            return func(*args, **kwargs)
        if not _may_block(ctx):
            return func(*args, **kwargs) if waits else _called(ctx, func, args, kwargs)
        result = func(*args, **kwargs)
        if inspect.isawaitable(result):
            return wait_in_place(ctx.request_context or ctx, as_coroutine(result), func)
        return result

    _prepared.add(step)
    return step


def prepare_class(cls: type, names: frozenset[str]) -> None:
    """Prepare the steps that a class overrides, by itself or by a class it is mixed with.

    Args:
        cls: A class of apps.
        names: The steps that are awaited.
    """
    for name in names:
        step = inspect.getattr_static(cls, name)
        if isinstance(step, FunctionType) and step not in _prepared:
            type.__setattr__(cls, name, prepare(step))


def _is_prepared(func: object) -> bool:
    func = getattr(func, "__func__", func)
    return isinstance(func, FunctionType) and func in _prepared


def _may_block(ctx: Context | None) -> bool:
    """Tell whether the calling thread may wait until a step has its answer."""
    return running_loop() is None or (ctx is not None and ctx.execution_mode is THREAD)


async def _called(
    ctx: Context, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call a replacement as the pipeline calls hooks, and await an awaitable that it returns."""
    if ctx.execution_mode is COMMAND and not is_async(func):
        with _stepped(ctx):  # The one thread of a command; a loop runs in it, which may be blocked.
            result = func(*args, **kwargs)
    else:
        # As in Flask, `ensure_sync` is for what users register, not for the app's own methods.
        result = await call_unconverted(ctx, func, *args, **kwargs)
    return await _awaited(ctx, func, result) if inspect.isawaitable(result) else result


def _step_in_place(ctx: Context | None, coro: Coroutine[Any, Any, T]) -> T:
    with _stepped(ctx):
        return drive(coro)


@contextmanager
def _stepped(ctx: Context | None) -> Iterator[None]:
    """Let the pipeline's coroutines be stepped in the calling thread, which may block."""
    contexts = [] if ctx is None else [ctx, ctx.request_context or ctx]
    before = [each.switch_to(THREAD) for each in contexts]
    try:
        yield
    finally:
        for each, mode in reversed(list(zip(contexts, before, strict=True))):
            each.switch_to(mode)
