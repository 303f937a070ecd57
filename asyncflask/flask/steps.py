"""The steps of serving a request, as plain methods, which Flask's are.

Each calls the function of the pipeline in ``dispatch/`` that it is named after, and steps its
coroutine in the calling thread, without a loop.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from werkzeug.exceptions import HTTPException

from .. import app as async_api
from .. import typing as ft
from .._contextvars import current
from ..concurrency.bridge import as_coroutine, drive
from ..concurrency.execution_mode import THREAD
from ..context import Context
from ..ctx import NO_ERROR
from ..debughelpers import raise_redirect_that_loses_the_body
from ..dispatch import errors, pipeline, teardown
from ..dispatch.finalize import finalize, process
from ..dispatch.scope_types import WEBSOCKET
from ..exceptions import OutOfContext
from .wrappers import Request, Response

T = TypeVar("T")


if TYPE_CHECKING:
    from ..testing import TestApp


class SyncSteps(async_api.FacadeBase):
    """An app whose steps return their result, whether or not a loop runs."""

    # Those of a request answer at once, always; a websocket is served by the async API.
    _awaited_steps = WEBSOCKET.steps

    if TYPE_CHECKING:

        def make_response(self, rv: ft.ResponseReturnValue) -> Response: ...
        def make_default_options_response(self) -> Response: ...

        test_app_class: type[TestApp]

        def websocket_context(
            self, scope: ft.Scope, receive: ft.Receive | None = None, send: ft.Send | None = None
        ) -> Context:
            """See :meth:`asyncflask.Flask.websocket_context`."""

        def test_websocket_context(self, *args: Any, **kwargs: Any) -> Context:
            """See :meth:`asyncflask.Flask.test_websocket_context`."""

        def test_app(self) -> TestApp:
            """See :meth:`asyncflask.Flask.test_app`."""

    def _run(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run one of the pipeline's functions on the current context, in this thread."""
        ctx = _current_request_context()
        before = ctx.switch_to(THREAD)
        try:
            return drive(as_coroutine(function(self, ctx, *args)))
        finally:
            ctx.switch_to(before)

    def full_dispatch_request(self) -> Response:
        """Run hooks, view and error handlers, and return the response."""
        return cast(Response, self._run(pipeline.full_dispatch))

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run URL value preprocessors and ``before_request`` functions.

        Returns:
            The return value of the first function that returns one, otherwise ``None``.
        """
        return self._run(pipeline.preprocess)

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view that was matched, and return its return value."""
        return cast(ft.ResponseReturnValue, self._run(pipeline.dispatch_or_raise))

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        """Make a response of a view's return value, and run :meth:`process_response`.

        Args:
            rv: The return value of a view, or an HTTP error.
            from_error_handler: Whether an error of :meth:`process_response` is only logged.

        Returns:
            The response.
        """
        return cast(Response, self._run(finalize, rv, from_error_handler))

    def process_response(self, response: Response) -> Response:
        """Run ``after_request`` functions and save the session.

        Args:
            response: The response.

        Returns:
            The response to send.
        """
        return cast(Response, self._run(process, response))

    def handle_exception(self, e: Exception) -> Response:
        """Answer an error that nothing handled with 500, or raise it again.

        Args:
            e: The error.

        Returns:
            The response of the handler of 500, or of ``InternalServerError``.

        Raises:
            Exception: ``e``, as ``PROPAGATE_EXCEPTIONS`` says.
        """
        return cast(Response, self._run(pipeline.handle_exception, e))

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Answer an HTTP error by its handler; without a handler the error is its own response.

        Args:
            e: The error.

        Returns:
            The handler's return value, or ``e``.
        """
        return self._run(errors.handle_http, e)

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Answer an error of a view or hook by its handler.

        Args:
            e: The error.

        Returns:
            The handler's return value.

        Raises:
            Exception: ``e``, if it has no handler.
        """
        return self._run(errors.handle_user, e)

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise the error of matching.

        Args:
            request: The request.

        Raises:
            HTTPException: The error.
        """
        if self.debug:
            raise_redirect_that_loses_the_body(cast(Any, _current_request_context()))
        assert request.routing_exception is not None
        raise request.routing_exception

    def do_teardown_request(self, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_request`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        self._end(teardown.end_connection, exc)

    def do_teardown_appcontext(self, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_appcontext`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        self._end(teardown.end_app, exc)

    def _end(self, part: Callable[..., Any], exc: BaseException | None) -> None:
        ctx = _current_request_context() if part is teardown.end_connection else current()
        if exc is NO_ERROR:
            exc = sys.exc_info()[1]
        drive(teardown.run_part(self, part, ctx, exc))


def _current_request_context() -> Context:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None:
        raise OutOfContext(
            "Working outside of request context: a step of serving a request was called while no"
            " request context is active. Call it inside `with app.test_request_context(...)`."
        )
    return ctx.request_context
