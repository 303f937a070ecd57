"""The steps that serve a connection, as methods that a subclass may override or a caller replace.

Each calls the function of the pipeline in ``dispatch/`` that it is named after.
"""

from __future__ import annotations

import functools
import inspect
import sys
import typing as t
from collections.abc import Awaitable, Callable
from types import FunctionType

from werkzeug.exceptions import HTTPException

from .. import typing as ft
from .._contextvars import current
from ..ctx import NO_ERROR, Context
from ..dispatch import errors, overrides, pipeline, teardown
from ..dispatch.finalize import finalize, process
from ..dispatch.protocols import ServedApp
from ..exceptions import OutOfContext
from ..sansio.app import App
from ..sansio.setupmethod import F
from ..wrappers import Response
from .asgi import serve_connection

if t.TYPE_CHECKING:
    from ..debug.debugger import Debugger


def _explained(function: F) -> F:
    """Return a copy of a function whose name says, in Python's own error, how to serve the app.

    A WSGI server calls the app with two arguments, and Python's TypeError, which begins with the
    qualified name, is all that its log has. A function around this one could say more, but every
    request would pay for it, and servers look whether this is ``async def``.
    """
    copy = FunctionType(function.__code__, function.__globals__, "__call__")
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    copy.__annotations__ = function.__annotations__
    _, *parameters = inspect.signature(function).parameters.values()
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [each for each in parameters if each.kind is not each.KEYWORD_ONLY]
    copy.__signature__ = inspect.Signature([self, *named])  # type: ignore[attr-defined]  # inspect reads it
    copy.__qualname__ = (
        "This is an ASGI app, and was called as a WSGI or RSGI app. Serve it with hypercorn,"
        " uvicorn, `gunicorn -k uvicorn.workers.UvicornWorker` or `granian --interface asgi`."
        " Flask.__call__"
    )
    return t.cast(F, copy)


class Steps(App):
    """An app whose steps are awaited on the loop, and return their result in a worker thread."""

    #: the steps whose answer is awaited on the loop, and returned where a thread may block
    _awaited_steps: t.ClassVar[frozenset[str]] = overrides.AWAITED

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        overrides.prepare_class(cls, cls._awaited_steps)

    @classmethod
    def _prepared(cls, name: str, value: object) -> object:
        """Return a step that is assigned in the form in which every caller gets its answer."""
        return overrides.prepare(value) if name in cls._awaited_steps else value

    if t.TYPE_CHECKING:
        # An override is checked against this, and each API has its own parameters.
        def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any: ...  # noqa: ANN401
    else:
        #: Serves one ASGI connection, through :meth:`asgi_app` where that was replaced.
        __call__ = _explained(serve_connection)

    async def asgi_app(self, scope: t.Any, receive: ft.AnyReceive, send: ft.AnySend) -> None:  # noqa: ANN401  # a server's own
        """Serve one ASGI connection.

        Replace it to apply middleware and keep the app object:
        ``app.asgi_app = Middleware(app.asgi_app)``, as with Flask's ``wsgi_app``.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.

        Raises:
            RuntimeError: The scope's type is not one of ASGI 3.
        """
        await serve_connection(t.cast(ServedApp, self), scope, receive, send, wrapped=False)

    @overrides.own_step
    async def full_dispatch_request(self: ServedApp) -> Response:
        """Run hooks, view and error handlers, and return the response."""
        return t.cast(Response, await pipeline.full_dispatch(self, _require_context()))

    @overrides.own_step
    async def preprocess_request(self: ServedApp) -> ft.ResponseReturnValue | None:
        """Run URL value preprocessors and ``before_request`` functions.

        Returns:
            The return value of the first function that returns one, otherwise ``None``.
        """
        return await pipeline.preprocess(self, _require_context())

    @overrides.own_step
    async def dispatch_request(self: ServedApp) -> ft.ResponseReturnValue:
        """Call the view that was matched, and return its return value."""
        result: ft.ResponseReturnValue = await pipeline.dispatch_or_raise(self, _require_context())
        return result

    @overrides.step_of_any_parameters
    async def finalize_request(
        self: ServedApp,
        rv: ft.ResponseReturnValue | HTTPException,
        from_error_handler: bool = False,
    ) -> Response:
        """Make a response of a view's return value, and run :meth:`process_response`.

        Args:
            rv: The return value of a view, or an HTTP error.
            from_error_handler: Whether an error of :meth:`process_response` is only logged.

        Returns:
            The response.
        """
        ctx = _require_context()
        return t.cast(Response, await finalize(self, ctx, rv, from_error_handler))

    @overrides.own_step
    async def process_response(self: ServedApp, response: t.Any) -> Response:  # noqa: ANN401  # an override's own class
        """Run ``after_request`` functions and save the session.

        Args:
            response: The response.

        Returns:
            The response to send.
        """
        return t.cast(Response, await process(self, _require_context(), response))

    @overrides.own_step
    async def handle_exception(self: ServedApp, e: Exception) -> Response:
        """Answer an error that nothing handled with 500, or raise it again.

        Args:
            e: The error.

        Returns:
            The response of the handler of 500, or of ``InternalServerError``.

        Raises:
            Exception: ``e``, as ``PROPAGATE_EXCEPTIONS`` says.
        """
        return t.cast(Response, await pipeline.handle_exception(self, _require_context(), e))

    @overrides.own_step
    async def handle_http_exception(
        self: ServedApp, e: HTTPException
    ) -> HTTPException | ft.ResponseReturnValue:
        """Answer an HTTP error by its handler; without a handler the error is its own response.

        Args:
            e: The error.

        Returns:
            The handler's return value, or ``e``.
        """
        return await errors.handle_http(self, _require_context(), e)

    @overrides.own_step
    async def handle_user_exception(
        self: ServedApp, e: Exception
    ) -> HTTPException | ft.ResponseReturnValue:
        """Answer an error of a view or hook by its handler.

        Args:
            e: The error.

        Returns:
            The handler's return value.

        Raises:
            Exception: ``e``, if it has no handler.
        """
        return await errors.handle_user(self, _require_context(), e)

    def raise_routing_exception(self, request: t.Any) -> t.NoReturn:  # noqa: ANN401  # as above
        """Raise the error of matching.

        Args:
            request: The request.

        Raises:
            HTTPException: The error.
        """
        assert request.routing_exception is not None
        raise request.routing_exception

    @overrides.step_of_any_parameters
    async def do_teardown_request(self: ServedApp, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_request`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        await _attempt_all(self, teardown.end_connection, exc)

    @overrides.step_of_any_parameters
    async def do_teardown_appcontext(self: ServedApp, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_appcontext`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        await _attempt_all(self, teardown.end_app, exc)

    # A websocket has the same steps; the scope type of the current context says which is meant.
    full_dispatch_websocket = full_dispatch_request
    preprocess_websocket = preprocess_request
    dispatch_websocket = dispatch_request
    finalize_websocket = finalize_request
    postprocess_websocket = process_response
    handle_websocket_exception = handle_exception
    do_teardown_websocket = do_teardown_request

    # -- debugger ----------------------------------------------------------------------------------

    _use_debugger = False
    is_left_by_cancelling = False

    @property
    def use_debugger(self) -> bool:
        """Whether, in debug mode, errors are answered by :attr:`debugger`; off by default.

        ``asyncflask run --debugger`` and ``app.run(use_debugger=True)`` set it.
        """
        return self._use_debugger

    @use_debugger.setter
    def use_debugger(self, value: bool) -> None:
        self._use_debugger = bool(value)
        self.refresh_cached()

    @functools.cached_property
    def debugger(self) -> Debugger:
        """Werkzeug's interactive debugger, for this app: its ``trusted_hosts`` and its ``pin``."""
        from ..debug.debugger import Debugger

        return Debugger(self)


def _require_context() -> Context:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None:
        raise OutOfContext(
            "Working outside of request context: a step of serving a request was called where no"
            " request context is active. Call it"
            " inside `async with app.test_request_context(...)`."
        )
    return ctx.request_context


async def _attempt_all(
    app: ServedApp,
    part: Callable[..., Awaitable[None]],
    exc: BaseException | None,
) -> None:
    error = sys.exc_info()[1] if exc is NO_ERROR else exc
    ctx = _require_context() if part is teardown.end_connection else current()
    await teardown.run_part(app, part, ctx, error)
