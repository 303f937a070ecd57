"""Finds coroutines of asyncflask that were never awaited, and makes the request an error.

A coroutine that was not awaited has done nothing: ``file.save(path)`` without ``await`` saves no
file. CPython calls :func:`warnings._warn_unawaited_coroutine` when it destroys such a coroutine.
:class:`_Watch` wraps that function: it notes coroutines of asyncflask in the request's context, and
``dispatch/`` raises an error for them when the view and the hooks have ended. Coroutines that are
awaited cost nothing more (design D3).
"""

from __future__ import annotations

import ast
import gc
import inspect
import itertools
import linecache
import warnings
from collections.abc import Callable, Iterator, Mapping
from logging import Logger
from pathlib import Path
from types import CoroutineType, FrameType, TracebackType
from typing import Any, NoReturn, Protocol, TypeAlias, TypeGuard

from .._contextvars import current
from ..exceptions import UnawaitedAccess

AnyCoroutine: TypeAlias = "CoroutineType[Any, Any, Any]"

#: The text that users write before the names of a module's ``async def`` functions and methods.
_OWNERS = {
    "asyncflask.wrappers.websocket.websocket": "websocket.",
    "asyncflask.wrappers.websocket.messages": "websocket.",
    "asyncflask.wrappers.request.body_request": "request.",
    "asyncflask.wrappers.request.request": "request.",
    "asyncflask.wrappers.request.body": "request.body.",
    "asyncflask.wrappers.response.async_body": "response.",
    "asyncflask.flask.async_request": "request.body.",
    "asyncflask.datastructures": "file.",
    "asyncflask.templating.rendering": "",
    "asyncflask.helpers": "",
    "asyncflask.channels.extension": "channels.",
    "asyncflask.app": "app.",
    "asyncflask.serving.lifespan": "app.",
    "asyncflask.serving.run": "app.",
    "asyncflask.serving.steps": "app.",
    "asyncflask.sansio.app": "app.",
    "asyncflask.sansio.ensure_sync": "app.",
    "asyncflask.sansio.templates": "app.",
    "asyncflask.testing.client": "client.",
    "asyncflask.testing.methods": "client.",
    "asyncflask.testing.connection": "connection.",
    "asyncflask.testing.websocket": "connection.",
    "asyncflask.testing.lifespan": "lifespan.",
}
#: How users write a call of a function that asyncflask has made from one of theirs.
_MADE_OF = {
    "asyncflask.concurrency.workers": "run_sync",
    "asyncflask.sansio.ensure_sync": "app.ensure_async",
}
_CALL = object()  # the result of such a call in an expression
_PACKAGE = str(Path(__file__).parent.parent)
#: Modules whose functions run while a request or websocket is served, before its response …
_BEFORE_THE_ANSWER = frozenset(
    {
        "asyncflask.serving.asgi",
        "asyncflask.concurrency.workers",
        "asyncflask.dispatch.pipeline",
        "asyncflask.dispatch.runners",
    }
)
#: … and after that.
_AFTER_THE_ANSWER = frozenset({"asyncflask.wrappers.response.asgi", "asyncflask.dispatch.teardown"})


class ToAwait:
    """An object that has to be awaited before it is used; not a coroutine."""

    __slots__ = ()

    @property
    def expression(self) -> str:
        """How the user wrote it."""
        raise NotImplementedError


class NotesForgotten:
    """Keeps notes of its own methods that were not awaited, and raises an error at the next use."""

    _forgotten: tuple[str, ...] = ()

    def note_forgotten(self, message: str) -> None:
        """Keep the error for later, because the end of a coroutine's life cannot raise it.

        Args:
            message: The text of the error.
        """
        self._forgotten = (*self._forgotten, message)

    def raise_forgotten(self) -> None:
        """Raise an error if a coroutine was not awaited.

        Raises:
            UnawaitedAccess: One was not.
        """
        if self._forgotten:
            messages, self._forgotten = self._forgotten, ()
            raise UnawaitedAccess("\n\n".join(messages))


class AppWithLogger(Protocol):
    """An app that has a logger."""

    @property
    def logger(self) -> Logger: ...


class ForgettingContext(Protocol):
    """The context of a request or websocket."""

    needs_response: bool
    forgotten: tuple[str, ...]


# -- finding ---------------------------------------------------------------------------------------


def install_hook() -> None:
    """Look at every coroutine that is destroyed without having been awaited.

    Called when the first app is made; a second call changes nothing.
    """
    warn = getattr(warnings, _HOOK, None)
    if warn is not None and not isinstance(warn, _Watch):
        setattr(warnings, _HOOK, _Watch(warn))


class _Watch:
    """Replaces the function that the interpreter calls.

    Args:
        warn: That function.
    """

    def __init__(self, warn: Callable[[AnyCoroutine], object]) -> None:
        self._warn = warn

    def __call__(self, coroutine: AnyCoroutine) -> None:
        if not _is_noted(coroutine):
            self._warn(coroutine)


#: the function of :mod:`warnings`; only CPython has it, elsewhere the interpreter warns
_HOOK = "_warn_unawaited_coroutine"


def _is_noted(coroutine: AnyCoroutine) -> bool:
    """Note a coroutine; return False if the interpreter should warn of it."""
    expression = expression_of(coroutine)
    # The garbage collector runs at any time: in another request, for instance.
    if expression is None or coroutine.cr_frame is None or gc.is_finalized(coroutine):
        return False
    owner: object = coroutine.cr_frame.f_locals.get("self")
    if isinstance(owner, NotesForgotten):
        owner.note_forgotten(_message(expression, _location(caller_frame(2))))
        return False
    return note_forgotten(expression, caller_frame(2))


def caller_frame(depth: int = 1) -> FrameType:
    """Return the frame that called the function which calls this, or one further out.

    Args:
        depth: How many frames further out than the function itself.
    """
    frame = inspect.currentframe()
    for _ in range(depth + 1):
        frame = frame and frame.f_back
    assert frame is not None
    return frame


def note_forgotten(expression: str, frame: FrameType) -> bool:
    """Keep a note of an awaitable that was destroyed without having been awaited.

    Args:
        expression: How the user wrote it.
        frame: The frame in which it was destroyed.

    Returns:
        Whether this happened in a context.
    """
    ctx = current()
    if ctx is None:
        return False
    message = _message(expression, _location(frame))
    request_context = ctx.request_context
    running = {each.f_globals.get("__name__") for each in _outwards(frame)}
    if request_context is None or running & _AFTER_THE_ANSWER or not running & _BEFORE_THE_ANSWER:
        ctx.app.logger.error(message)  # It is too late for an error response.
    else:
        request_context.forgotten = (*request_context.forgotten, message)
        request_context.needs_response = request_context.needs_cleanup = True
        if request_context.connection_of("websocket") is not None:
            # Its view may wait for messages as long as the client stays.
            request_context.websocket.fail(UnawaitedAccess(message))
    return True


def expression_of(coroutine: AnyCoroutine) -> str | None:
    """Return how users write the call of a coroutine of asyncflask.

    Args:
        coroutine: A coroutine.

    Returns:
        The expression; ``None`` for a coroutine of another package.
    """
    frame = coroutine.cr_frame
    name = coroutine.__name__
    if frame is None:
        return None
    module: str = frame.f_globals.get("__name__", "")
    if frame.f_code.co_name == "runner" and module in _MADE_OF:
        func = frame.f_locals.get("func")
        return f"{_MADE_OF[module]}({getattr(func, '__name__', '…')})(...)"
    if name.startswith("_"):
        return None
    owner = _OWNERS.get(module)
    return None if owner is None else f"{owner}{name}(...)"


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _location(frame: FrameType) -> str:
    code = frame.f_code
    if code.co_filename.startswith(_PACKAGE):
        return ""  # It was in a variable, until the user's function had ended.
    return f" in {code.co_qualname}() ({code.co_filename}:{frame.f_lineno})"


def _message(expression: str, place: str) -> str:
    return (
        f"`{expression}` was called without `await`{place}, so it has done nothing.\n\n"
        f"    wrong: {expression}\n"
        f"    right: await {expression}"
    )


# -- errors ----------------------------------------------------------------------------------------


def raise_forgotten(ctx: ForgettingContext) -> NoReturn:
    """Raise the error of the calls that were never awaited in a request or websocket.

    Args:
        ctx: The context.

    Raises:
        UnawaitedAccess: Always.
    """
    messages, ctx.forgotten = ctx.forgotten, ()
    raise UnawaitedAccess("\n\n".join(dict.fromkeys(messages)))


def log_forgotten(app: AppWithLogger, ctx: ForgettingContext) -> None:
    """Log the calls that were never awaited, where it is too late for an error response.

    Args:
        app: The app.
        ctx: The context.
    """
    messages, ctx.forgotten = ctx.forgotten, ()
    for message in dict.fromkeys(messages):
        app.logger.error(message)


def explained(ctx: ForgettingContext, error: Exception) -> Exception:
    """Return the error of a view that may have its cause in a forgotten ``await``.

    Args:
        ctx: The context of the request or websocket.
        error: The view's error.

    Returns:
        An :exc:`UnawaitedAccess` that shows the call, if a coroutine was used like its result.
        Otherwise the same error; the calls that were never awaited are added as notes.
    """
    messages, ctx.forgotten = ctx.forgotten, ()
    used: tuple[str, ...] = ()
    if isinstance(error, (AttributeError, TypeError)):
        if "coroutine" in str(error):
            used = (*messages, *_in_variables(error.__traceback__), *_in_error(error))
        elif not isinstance(error, UnawaitedAccess):
            used = tuple(_in_failing_line(error, messages))
    if used:
        text = "\n\n".join(dict.fromkeys(used))
        clearer = UnawaitedAccess(f"{error}: a coroutine was used like its result.\n\n{text}")
        clearer.__cause__ = error
        return clearer.with_traceback(error.__traceback__)
    for message in dict.fromkeys(messages):
        if message != str(error):
            error.add_note(message)
    return error


def _in_error(error: Exception) -> Iterator[str]:
    """Find the coroutine whose attribute was read."""
    if isinstance(error, AttributeError) and _is_unawaited(error.obj):
        call = _closed(error.obj)
        yield f"    wrong: {call}.{error.name}\n    right: (await {call}).{error.name}"


def _is_unawaited(value: object) -> TypeGuard[AnyCoroutine]:
    return inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED


def _closed(coroutine: AnyCoroutine) -> str:
    """Close a coroutine, to avoid a second warning, and return how its call is written."""
    call = expression_of(coroutine) or f"{coroutine.__qualname__}(...)"
    coroutine.close()
    return call


def _in_variables(traceback: TracebackType | None) -> Iterator[str]:
    """Find the coroutines that were not awaited and are in variables of an error's frames."""
    while traceback is not None:
        frame = traceback.tb_frame
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            for name, value in frame.f_locals.items():
                if _is_unawaited(value):
                    call = _closed(value)
                    yield (
                        f"`{call}` was called without `await` in {frame.f_code.co_qualname}().\n\n"
                        f"    wrong: {name} = {call}\n"
                        f"    right: {name} = await {call}"
                    )
        traceback = traceback.tb_next


def _in_failing_line(error: Exception, noted: tuple[str, ...]) -> Iterator[str]:
    """Find the awaitables that the expression that failed uses without ``await``.

    The error of a function in C, such as those of :mod:`hashlib`, says only that it needs bytes.

    Args:
        error: The error.
        noted: The calls that are known to lack an ``await``.
    """
    in_async = False
    last = None
    traceback = error.__traceback__
    while traceback is not None:
        in_async |= bool(traceback.tb_frame.f_code.co_flags & inspect.CO_COROUTINE)
        last, traceback = traceback, traceback.tb_next
    # A `def` view has the synchronous request, whose `data` are bytes.
    if last is None or not in_async:
        return
    frame = last.tb_frame
    variables = {**frame.f_globals, **frame.f_locals}
    used = list(_used(_failing_expression(last), variables))
    if "Pending" in str(error):  # raised by a function that has checked its argument
        used += frame.f_locals.values()
    place = f" in {frame.f_code.co_qualname}() ({frame.f_code.co_filename}:{last.tb_lineno})"
    for value in used:
        if value is _CALL:
            yield from noted
        elif isinstance(value, ToAwait):
            yield (
                f"`{value.expression}` was used without `await`{place}.\n\n"
                f"    wrong: {value.expression}\n"
                f"    right: await {value.expression}"
            )


def _failing_expression(traceback: TracebackType) -> ast.AST | None:
    code = traceback.tb_frame.f_code
    positions = next(itertools.islice(code.co_positions(), traceback.tb_lasti // 2, None))
    first, last, start, end = positions
    if first is None or last is None or start is None or end is None:
        return None
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first - 1 : last]]
    if not lines:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval")
    except SyntaxError:  # a statement, such as `with`
        return None


def _used(node: ast.AST | None, variables: Mapping[str, object]) -> Iterator[object]:
    """Yield an expression's variables and attributes of ``request`` that it does not await."""
    if node is None or isinstance(node, ast.Await):
        return
    if isinstance(node, ast.Name):
        yield variables.get(node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = variables.get(node.value.id) if node.value.id == "request" else None
        if node.attr in ("data", "form", "json", "files", "values"):
            yield getattr(owner, node.attr, None)
        elif owner is not None and node.attr in ("get_data", "get_json"):
            yield _CALL
    for child in ast.iter_child_nodes(node):
        yield from _used(child, variables)
