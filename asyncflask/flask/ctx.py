"""Flask 3.1's two contexts: an app context and a request context, each with its own current one.

Both are the :class:`~asyncflask.context.Context` of the async API underneath. A request context is
made of a WSGI environ. Pushing one takes the app context of the same app that is current, or pushes
one of its own; then the session is opened and the URL matched. ``request_state.py`` has what is
read of it afterwards. ``current_contexts.py`` has what both have in common, and says which two are
current.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.routing.exceptions import WebsocketMismatch

from .._contextvars import context_var
from ..concurrency.bridge import running_loop
from ..concurrency.execution_mode import LOOP, THREAD
from ..concurrency.workers import run_sync
from ..context import NO_ERROR, Context
from ..ctx import (
    F,
    _AppCtxGlobals,
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from ..dispatch import teardown
from ..dispatch.scope_types import HTTP
from ..wrappers.request.sync import CONTEXT_KEY
from ..wsgi.scope import kept_scope, routing_scope
from .current_contexts import (
    FlaskContext,
    current_app_context,
    current_of,
    current_request_context,
)
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .request_state import RequestState
from .signals import appcontext_popped as appcontext_popped
from .signals import appcontext_pushed as appcontext_pushed

T = TypeVar("T")

__all__ = [
    "AppContext",
    "F",
    "RequestContext",
    "_AppCtxGlobals",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]


class _Absent:
    """An attribute that this context does not have until it is set.

    COMPAT: extensions and apps keep what is theirs on a context, by names such as ``session``.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, ctx: object, owner: type) -> Any:
        if ctx is None:
            return self
        raise AttributeError(
            f"{ctx!r} has no attribute {self.name!r}. Use the proxies `request` and `session` for"
            " what belongs to the request, or set the attribute first."
        )


class AppContext(FlaskContext):
    """The context of ``app.app_context()``, which a request pushes if none is current.

    Source: ``Flask: ctx.AppContext``.
    """

    scope_type = scope = receive = send = lease = made_connection = made_body = None
    needs_response = needs_cleanup = False
    # No properties, because they may be set to any value.
    request = _Absent()
    session = _Absent()
    websocket = _Absent()

    def __init__(self, app: Any) -> None:
        self.app = app
        self.replaced = app.replaced_steps
        self.pushes = []
        if self.replaced and "create_url_adapter" in self.replaced:
            self.url_adapter  # noqa: B018  # Flask's moment: the replacement sees it now.

    @property
    def request_context(self) -> Self | None:
        """None: a request has a context of its own."""
        return None

    def push(self) -> None:
        """Make this the current app context. Each push needs a :meth:`pop`."""
        self.become_current()
        if appcontext_pushed.receivers:
            try:
                appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
            except BaseException:
                self._withdraw()
                raise

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop."""
        self.switch_to(LOOP)
        self.become_current()
        if appcontext_pushed.receivers:
            try:
                await appcontext_pushed.send_async(self.app, _sync_wrapper=self.app.ensure_async)
            except BaseException:
                self._withdraw()
                raise

    def become_current(self) -> None:
        previous = context_var.get()
        before = None if previous is None else previous.app_context
        self.pushes.append(before)
        context_var.set(current_of(self, previous and previous.request_context))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {getattr(self.app, 'name', self.app)!r}: no connection>"

    def _withdraw(self) -> None:
        """Make the app context current that was current before the last push."""
        context_var.set(current_of(self.pushes.pop(), current_request_context()))

    def pop(self, exc: BaseException | None = NO_ERROR) -> None:
        """Undo one :meth:`push`; the last one runs the teardown functions.

        Args:
            exc: The error that ended the work; by default the exception being handled.

        Raises:
            RuntimeError: It is not the current app context.
        """
        now = context_var.get()
        error = self._begin_pop(exc, now if now is self else current_app_context())
        try:
            # PERF: no coroutine where nothing has to run, here and in leave_in_place(): 10 and 14 %
            # of a small request.
            if len(self.pushes) == 1 and (self.held_end or teardown.has_app_end(self.app, self)):
                self.leave_in_place(error)
        finally:
            if now is self:
                context_var.set(self.pushes.pop())  # no request is current
            else:
                self._withdraw()
        if appcontext_popped.receivers and not self.is_end_left:
            appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    async def pop_async(self, exc: BaseException | None = NO_ERROR) -> None:
        """Like :meth:`pop`, for code on the event loop.

        Args:
            exc: As for :meth:`pop`.

        Raises:
            RuntimeError: It is not the current app context.
        """
        error = self._begin_pop(exc, current_app_context())
        last = len(self.pushes) == 1
        try:
            if last:
                await self.app.teardown_context(self, error)
        finally:
            self._withdraw()
            if last:
                self.switch_to(THREAD)
                self.give_back_worker()
        if appcontext_popped.receivers and not self.is_end_left:
            await appcontext_popped.send_async(self.app, _sync_wrapper=self.app.ensure_async)


class RequestContext(RequestState):
    """The context of ``app.request_context(environ)``.

    Args:
        app: The app.
        environ: The WSGI environ.
        request: Instead of one made from the environ.
        session: Instead of one that the session interface opens.

    Source: ``Flask: ctx.RequestContext``.
    """

    websocket = _Absent()  # no property, because it may be set to any value

    def __init__(
        self, app: Any, environ: dict[str, Any], request: Any = None, session: Any = None
    ) -> None:
        super().__init__(app, HTTP, kept_scope(environ) or routing_scope(environ))
        self.wsgi_environ = environ
        self.pushes = []
        if request is None:
            request = app.request_class(environ)
            request.json_module = app.json  # The request may be read when its context has ended.
        self.request = request
        if session is not None:
            self.keep_session(session)
        if self.replaced:
            self._note_replaced(environ)
        served = environ.get(CONTEXT_KEY)
        if served is not None:
            self.lease = served.lease

    def _note_replaced(self, environ: dict[str, Any]) -> None:
        if "request_class" in self.replaced:  # Its constructor may have changed the environ.
            self.scope = kept_scope(environ) or routing_scope(environ)
        if "create_url_adapter" in self.replaced:
            self.url_adapter  # noqa: B018  # Flask's moment: the replacement sees it now.

    def match_upgrade(self) -> None:
        """Match a rule of ``route(..., websocket=True)``, whose view uses the WSGI server's socket.

        COMPAT: Flask-Sock's views do. Those of ``websocket()`` need ASGI, and stay refused.
        """
        refusal = self.routing_exception
        if not isinstance(refusal, WebsocketMismatch):
            return
        self.routing_exception = None
        self._match_with_adapter()
        rule = self.url_rule
        if rule is not None and rule.websocket and rule.methods is None:
            self.url_rule, self.view_args, self.routing_exception = None, None, refusal

    @property
    def app_context(self) -> Context | None:
        """The app context of this request; ``None`` before it is pushed."""
        return self.shares_g_with

    def push(self) -> None:
        """Make this the current request context, with an app context of its app.

        As in Flask, where opening the session or matching raises, it has been pushed all the same.
        """
        app_context = current_app_context()
        if app_context is None or app_context.app is not self.app:
            own = app_context = self.app.app_context()
            own.push()
        else:
            own = None
        self._become_request_context(app_context, own)
        if self.opened_session is None:
            self.open_session()
        if not self.matched:
            self.match_at_push()

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop."""
        self.switch_to(LOOP)
        app_context = current_app_context()
        if app_context is None or app_context.app is not self.app:
            own = app_context = self.app.app_context()
            await own.push_async()
        else:
            own = None
        self._become_request_context(app_context, own)
        if self.opened_session is None:
            await self._open_session_async()
            self.open_session()
        self.match_at_push()

    def _become_request_context(self, app_context: Any, own: Any) -> None:
        """Become the current request context, with this app context.

        Args:
            app_context: The app context.
            own: The same, if it was pushed for this.
        """
        self.pushes.append((current_request_context(), own))
        if len(self.pushes) == 1:
            self.shares_g_with = app_context
        context_var.set(current_of(app_context, self))

    def become_current(self) -> None:
        """Become the current context without signals, so that a failed push can be answered."""
        app_context = AppContext(self.app)
        app_context.become_current()
        self._become_request_context(app_context, app_context)

    def pop(self, exc: BaseException | None = NO_ERROR) -> None:
        """Undo one :meth:`push`; the last one runs the teardown functions.

        Args:
            exc: The error that ended the work; by default the exception being handled.

        Raises:
            RuntimeError: It is not the current request context.
        """
        error = self._begin_pop(
            exc, self if context_var.get() is self else current_request_context()
        )
        own = None
        try:
            if len(self.pushes) == 1:
                self.leave_in_place(error)
        finally:
            own = self._restore_request_context()
            if own is not None:
                own.pop(error)

    async def pop_async(self, exc: BaseException | None = NO_ERROR) -> None:
        """Like :meth:`pop`, for code on the event loop.

        Args:
            exc: As for :meth:`pop`.

        Raises:
            RuntimeError: It is not the current request context.
        """
        error = self._begin_pop(exc, current_request_context())
        last = len(self.pushes) == 1
        try:
            if last:
                await self.app.teardown_context(self, error)
        finally:
            own = self._restore_request_context()
            if last:
                self.switch_to(THREAD)
                self._awaitable = None
            if own is not None:
                await own.pop_async(error)

    def _restore_request_context(self) -> Any:
        """Make the previous request context current; return the app context to be popped."""
        before, own = self.pushes.pop()
        context_var.set(current_of(current_app_context(), before))
        return own

    def leave_in_place(self, error: BaseException | None) -> None:
        """Run the teardown functions of this context in the calling thread.

        Args:
            error: The error that ended the work, if one did.
        """
        try:
            if self.held_end or teardown.has_connection_end(self.app, self):
                super().leave_in_place(error)
            else:
                self.close_connection()
        finally:
            self._awaitable = None  # It refers to this context: a reference cycle.

    def end_held(self) -> None:
        """End this context, or let its last pop do so, whatever streams hold it."""
        held = self.held_end
        if held is None:
            return
        held.streams = 0
        if held.is_due:
            previous = context_var.get()
            context_var.set(self)
            try:
                self.leave_in_place(self.serving_error)
            finally:
                context_var.set(previous)

    async def run_def(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a ``def`` callable in the request's worker; on another loop, in another thread.

        Args:
            func: The callable.
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Returns:
            Its result.
        """
        lease = self.lease
        if lease is None or lease.loop is not running_loop():
            return await run_sync(func)(*args, **kwargs)
        return await super().run_def(func, *args, **kwargs)

    def match_request(self) -> None:
        """Find the rule for the request, and set it in the ASGI scope for tracing tools."""
        super().match_request()
        if self.url_rule is not None and "HTTP_UPGRADE" in self.wsgi_environ:
            # The handshake of a websocket matches no rule of HTTP. Werkzeug reads the headers.
            self.url_rule = self.view_args = None
            self._match_with_adapter()
        rule, scope = self.url_rule, self.wsgi_environ.get("asgi.scope")
        if rule is not None and scope is not None:
            scope["route"] = rule
            scope["endpoint"] = self.app.view_functions.get(rule.endpoint)

    def _has_path(self) -> bool:
        # Werkzeug redirects an empty path. From an ASGI server it is refused, as on the async API.
        return "asgi.scope" not in self.wsgi_environ or super()._has_path()

    def _has_whole_url(self) -> bool:
        return False  # `wsgi/facade.py` or `routing_scope` has replaced it by its path.

    def __repr__(self) -> str:
        request = self.request
        kind, name = type(self).__name__, self.app.name
        return f"<{kind} {request.url!r} [{request.method}] of {name}>"

    def environ(self) -> dict[str, Any]:
        """The WSGI environ itself."""
        return self.wsgi_environ

    def copy(self) -> Context:
        """Return a second context of the same request and session, with a ``g`` of its own."""
        other = type(self)(self.app, self.wsgi_environ, self.request, self.opened_session)
        other.matched = True
        other.is_copy = True
        return other
