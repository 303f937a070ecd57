"""The steps of serving a connection, with Quart's signatures.

Quart passes the context to each step: behind the other arguments until 0.22, before them since
0.23, and optional in both. Here the current context counts; an override gets it where it has a
parameter for it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import HTTPException

from .. import app as async_api
from .._contextvars import current
from ..context import Context
from ..dispatch import errors, overrides, pipeline, teardown
from ..dispatch.finalize import finalize, process
from ..exceptions import OutOfContext
from ..typing import AnyReceive, AnySend
from .typing import ResponseReturnValue
from .wrappers import Response

#: the parameters of an override that get the context
_CONTEXT_PARAMETERS = ("request_context", "websocket_context", "ctx")


def with_context(function: Any) -> Any:
    """Let an override of a step be called without its context, which it gets all the same.

    Args:
        function: What a subclass defines, or what is assigned to the app.

    Returns:
        A function with the same parameters; anything but a function is returned unchanged.
    """
    if not isinstance(function, (FunctionType, MethodType)) or hasattr(function, "__wrapped__"):
        return function
    parameters = inspect.signature(function).parameters
    name = next((name for name in _CONTEXT_PARAMETERS if name in parameters), None)
    if name is None:
        return function
    names = [each for each in parameters if each != "self"]
    index = names.index(name) + (isinstance(function, FunctionType) and "self" in parameters)

    def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        given = any(isinstance(one, Context) for one in (*args, *kwargs.values()))
        if given or name in kwargs:
            return args
        if index <= len(args):
            return (*args[:index], _current(name), *args[index:])
        kwargs[name] = _current(name)
        return args

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await function(*arguments(args, kwargs), **kwargs)

        return awaited

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return function(*arguments(args, kwargs), **kwargs)

    return called


def _current(name: str) -> Context:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None:
        raise OutOfContext(
            f"Working outside of request context: a step was called without its `{name}` where no"
            " request is current. Give it the context, or call it inside"
            " `async with app.test_request_context(...)`."
        )
    return ctx.request_context


def _context(given: object) -> Context:
    """Return the context that was given, or the current one."""
    if isinstance(given, Context):
        return given.request_context or given
    return _current("request_context")


def _sorted(value: Any, context: Any) -> tuple[Any, Any]:
    """Return the value and the context, which may come first."""
    return (context, value) if isinstance(value, Context) else (value, context)


def _error_first(value: Any, more: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the error and the context, which may come first."""
    return _sorted(value, more[0] if more else None)


class QuartSteps(async_api.FacadeBase):
    """An app whose steps have Quart's signatures."""

    if TYPE_CHECKING:

        async def __call__(self, scope: Any, receive: AnyReceive, send: AnySend) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name in overrides.NAMES & vars(cls).keys():
            step = vars(cls)[name]
            prepared = with_context(step)
            if prepared is not step:
                type.__setattr__(cls, name, prepared)
        super().__init_subclass__(**kwargs)

    @classmethod
    def _prepared(cls, name: str, value: object) -> object:
        if name in overrides.NAMES:
            value = with_context(value)
        return super()._prepared(name, value)

    @overrides.own_step
    async def full_dispatch_request(self, request_context: Any = None) -> Response:
        """Run hooks, view and error handlers, and return the response.

        Args:
            request_context: The context; by default the current one.
        """
        return cast(Response, await pipeline.full_dispatch(self, _context(request_context)))

    @overrides.own_step
    async def preprocess_request(self, request_context: Any = None) -> ResponseReturnValue | None:
        """Run URL value preprocessors and ``before_request`` functions.

        Args:
            request_context: The context; by default the current one.

        Returns:
            The return value of the first function that returns one, otherwise ``None``.
        """
        return await pipeline.preprocess(self, _context(request_context))

    @overrides.own_step
    async def dispatch_request(self, request_context: Any = None) -> ResponseReturnValue:
        """Call the view that was matched, and return its return value.

        Args:
            request_context: The context; by default the current one.
        """
        result: ResponseReturnValue = await pipeline.dispatch_or_raise(
            self, _context(request_context)
        )
        return result

    @overrides.step_of_any_parameters
    async def finalize_request(
        self,
        result: ResponseReturnValue | HTTPException,
        request_context: Any = None,
        from_error_handler: bool = False,
    ) -> Response:
        """Make a response of a view's return value, and run :meth:`process_response`.

        Args:
            result: The return value of a view, or an HTTP error.
            request_context: The context; by default the current one. It may come first.
            from_error_handler: Whether an error of :meth:`process_response` is only logged.
        """
        result, request_context = _sorted(result, request_context)
        ctx = _context(request_context)
        return cast(Response, await finalize(self, ctx, result, from_error_handler))

    @overrides.own_step
    async def process_response(self, response: Any, request_context: Any = None) -> Response:
        """Run ``after_request`` functions and save the session.

        Args:
            response: The response.
            request_context: The context; by default the current one. It may come first.

        Returns:
            The response, or another one that a function returned.
        """
        response, request_context = _sorted(response, request_context)
        return cast(Response, await process(self, _context(request_context), response))

    @overrides.own_step
    async def full_dispatch_websocket(self, websocket_context: Any = None) -> Response | None:
        """Run hooks, view and error handlers, and return the response, if there is one.

        Args:
            websocket_context: The context; by default the current one.
        """
        return cast(
            "Response | None", await pipeline.full_dispatch(self, _context(websocket_context))
        )

    @overrides.own_step
    async def preprocess_websocket(
        self, websocket_context: Any = None
    ) -> ResponseReturnValue | None:
        """Run URL value preprocessors and ``before_websocket`` functions.

        Args:
            websocket_context: The context; by default the current one.

        Returns:
            What a function returned instead of the view, or ``None``.
        """
        return await pipeline.preprocess(self, _context(websocket_context))

    @overrides.own_step
    async def dispatch_websocket(self, websocket_context: Any = None) -> ResponseReturnValue | None:
        """Call the view that was matched, and return its return value.

        Args:
            websocket_context: The context; by default the current one.
        """
        result: ResponseReturnValue | None = await pipeline.dispatch_or_raise(
            self, _context(websocket_context)
        )
        return result

    @overrides.step_of_any_parameters
    async def finalize_websocket(
        self,
        result: ResponseReturnValue | HTTPException | None,
        websocket_context: Any = None,
        from_error_handler: bool = False,
    ) -> Response | None:
        """Make a response of a view's return value, and run :meth:`postprocess_websocket`.

        Args:
            result: The return value of a view, an HTTP error, or ``None``.
            websocket_context: The context; by default the current one. It may come first.
            from_error_handler: Whether an error of :meth:`postprocess_websocket` is only logged.
        """
        result, websocket_context = _sorted(result, websocket_context)
        ctx = _context(websocket_context)
        return cast("Response | None", await finalize(self, ctx, result, from_error_handler))

    @overrides.own_step
    async def postprocess_websocket(
        self, response: Any, websocket_context: Any = None
    ) -> Response | None:
        """Run ``after_websocket`` functions and save the session.

        Args:
            response: The response, or ``None``.
            websocket_context: The context; by default the current one. It may come first.

        Returns:
            The response, or another one that a function returned.
        """
        response, websocket_context = _sorted(response, websocket_context)
        ctx = _context(websocket_context)
        return cast("Response | None", await process(self, ctx, response))

    # -- errors and teardown -----------------------------------------------------------------------

    @overrides.step_of_any_parameters
    async def handle_exception(self, error: Any, *more: Any) -> Response:
        """Answer an error that nothing handled with 500, or raise it again.

        Args:
            error: The error; or the context, and the error after it.
            more: The error, after the context.

        Returns:
            The response.

        Raises:
            Exception: The error, as ``PROPAGATE_EXCEPTIONS`` says.
        """
        error, context = _error_first(error, more)
        return cast(Response, await pipeline.handle_exception(self, _context(context), error))

    @overrides.step_of_any_parameters
    async def handle_websocket_exception(self, error: Any, *more: Any) -> Response | None:
        """Answer an error of a websocket that nothing handled, or raise it again.

        Args:
            error: The error; or the context, and the error after it.
            more: The error, after the context.

        Returns:
            The response; ``None`` if there is none to be sent.

        Raises:
            Exception: The error, as ``PROPAGATE_EXCEPTIONS`` says.
        """
        error, context = _error_first(error, more)
        answer = await pipeline.handle_exception(self, _context(context), error)
        return cast("Response | None", answer)

    @overrides.step_of_any_parameters
    async def handle_http_exception(
        self, error: Any, *more: Any
    ) -> HTTPException | ResponseReturnValue:
        """Answer an HTTP error by its handler; without a handler the error is its own response.

        Args:
            error: The error; or the context, and the error after it.
            more: The error, after the context.

        Returns:
            The handler's return value, or the error.
        """
        error, context = _error_first(error, more)
        return await errors.handle_http(self, _context(context), error)

    @overrides.step_of_any_parameters
    async def handle_user_exception(
        self, error: Any, *more: Any
    ) -> HTTPException | ResponseReturnValue:
        """Answer an error of a view or hook by its handler.

        Args:
            error: The error; or the context, and the error after it.
            more: The error, after the context.

        Returns:
            The handler's return value.

        Raises:
            Exception: The error, if it has no handler.
        """
        error, context = _error_first(error, more)
        return await errors.handle_user(self, _context(context), error)

    @overrides.step_of_any_parameters
    async def do_teardown_request(self, exc: Any, request_context: Any = None) -> None:
        """Run the ``teardown_request`` functions.

        Args:
            exc: The error for the functions, or ``None``.
            request_context: The context; by default the current one. It may come first.
        """
        await self._tear_down(teardown.end_connection, exc, request_context)

    @overrides.step_of_any_parameters
    async def do_teardown_websocket(self, exc: Any, websocket_context: Any = None) -> None:
        """Run the ``teardown_websocket`` functions.

        Args:
            exc: The error for the functions, or ``None``.
            websocket_context: The context; by default the current one. It may come first.
        """
        await self._tear_down(teardown.end_connection, exc, websocket_context)

    @overrides.step_of_any_parameters
    async def do_teardown_appcontext(self, exc: Any, *more: Any) -> None:
        """Run the ``teardown_appcontext`` functions.

        Args:
            exc: The error for the functions, or ``None``; or the context, and the error after it.
            more: The error, after the context.
        """
        await self._tear_down(teardown.end_app, *_error_first(exc, more))

    async def _tear_down(
        self, part: Callable[..., Awaitable[None]], exc: Any, context: Any
    ) -> None:
        exc, context = _sorted(exc, context)
        if context is None:
            context = current() if part is teardown.end_app else _context(None)
        await teardown.run_part(self, part, context, exc)
