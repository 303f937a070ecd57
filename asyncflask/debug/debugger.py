"""The interactive debugger of an app: Werkzeug's, for an app that runs on an event loop.

Pages, resources, consoles, PIN and trusted hosts are those of Werkzeug's ``DebuggedApplication``,
which is called with environs made from ASGI scopes, in threads of its own. Added here: errors come
with the contexts in which they were raised; each traceback has a URL of its own, for errors that
no page can answer; and only the newest ones are kept. :mod:`.middleware` finds the errors.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode
from weakref import ref

from werkzeug.debug import DebuggedApplication
from werkzeug.debug.tbtools import DebugTraceback
from werkzeug.exceptions import NotFound, SecurityError
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as WSGIResponse

from .._contextvars import context_var
from ..concurrency.pool import WorkerPool
from ..context import Context
from ..typing import ASGIApplication, Receive, Scope, Send
from ..wrappers.request.body import Body
from ..wsgi.call import WSGICall, send_wsgi
from .console import ConsoleFrame, NewAppContext, ReenteredContext
from .frames import begin_with_the_app
from .middleware import DebuggedConnection, environ_without_body
from .pin import is_given, is_in_container, random_pin

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Tracebacks that are kept, with their frames' variables and contexts; then the oldest is dropped.
KEPT = 50
#: Threads of the debugger alone, as the app's threads may be blocked.
THREADS = 8

_PARAMETER = b"__debugger__"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class DebuggedApp(Protocol):
    """The attributes of an app that the debugger uses."""

    use_debugger: bool

    @property
    def debug(self) -> bool: ...

    @property
    def logger(self) -> logging.Logger: ...

    def log_exception(
        self, exc_info: tuple[type[BaseException], BaseException, TracebackType]
    ) -> None: ...

    def app_context(self) -> Context: ...

    def make_shell_context(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Kept:
    """A kept traceback, whose frames have consoles."""

    number: int
    trace: DebugTraceback
    contexts: list[ReenteredContext]


class Debugger:
    """Werkzeug's interactive debugger for an app, as ``app.debugger``.

    It is active only while both ``app.use_debugger`` and ``app.debug`` are true. A client with the
    PIN can run any code, so it is for the developer's own machine only.

    Args:
        app: The app.

    Source: ``Werkzeug: DebuggedApplication``.
    """

    def __init__(self, app: DebuggedApp) -> None:
        self._app = ref(app)
        self._werkzeug = DebuggedApplication(_not_found, evalex=True, pin_logging=False)
        self._werkzeug.pin_logging = True  # announce() logs the PIN, which may be replaced first.
        self._kept: dict[int, Kept] = {}
        self._numbers = itertools.count(1)
        self._pool = WorkerPool(THREADS)
        self._origin = ""
        self._has_pin = self._announced = False

    # -- settings ----------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether the debugger is active."""
        app = self._app()
        return app is not None and bool(app.use_debugger and app.debug)

    @property
    def trusted_hosts(self) -> list[str]:
        """Hosts at which the debugger may be used, as a list that can be extended.

        A leading dot includes subdomains. SECURITY: a foreign page can make a browser call this
        server by another name; it must not reach the console (GHSA-2g68-c3qc-8985).
        """
        return self._werkzeug.trusted_hosts

    @trusted_hosts.setter
    def trusted_hosts(self, hosts: list[str]) -> None:
        self._werkzeug.trusted_hosts = hosts

    @property
    def pin(self) -> str | None:
        """The PIN that unlocks the consoles; ``WERKZEUG_DEBUG_PIN`` sets it or switches it off.

        SECURITY: in a container it is random, as Werkzeug's could be guessed (CVE-2019-14806).
        """
        inner = self._werkzeug
        if not self._has_pin:
            self._has_pin = True
            inner.pin_cookie_name  # noqa: B018  # Makes name and PIN, which is replaced afterwards.
            if not is_given() and is_in_container():
                inner.pin = random_pin()
        return inner.pin

    def announce(self) -> None:
        """Log once that the debugger is active, with its PIN."""
        app = self._app()
        if self._announced or app is None:
            return
        self._announced = True
        if self.pin is None:
            app.logger.warning(
                "The debugger is active without a PIN: every client of this server can run code."
            )
        else:
            app.logger.warning("The debugger is active. PIN: %s", self.pin)

    # -- errors ------------------------------------------------------------------------------------

    def keep(
        self,
        error: BaseException,
        contexts: Iterable[AbstractContextManager[object]] = (),
        skip: int = 0,
    ) -> Kept:
        """Keep an error's traceback for its page and its consoles.

        Args:
            error: The error.
            contexts: Entered before an input is evaluated in one of the frames.
            skip: Number of frames to omit at the beginning.

        Returns:
            What is kept.
        """
        trace = DebugTraceback(error, skip=skip)
        begin_with_the_app(trace)
        kept = Kept(next(self._numbers), trace, [ReenteredContext(ctx) for ctx in contexts])
        for summary in trace.all_frames:
            self._add_frame(
                id(summary), ConsoleFrame(summary.global_ns, summary.local_ns), kept.contexts
            )
        self._kept[kept.number] = kept
        while len(self._kept) > KEPT:
            self._forget(self._kept.pop(min(self._kept)))
        return kept

    def _add_frame(
        self, key: int, frame: ConsoleFrame, contexts: Sequence[AbstractContextManager[None]]
    ) -> None:
        self._werkzeug.frames[key] = frame  # type: ignore[assignment]  # has the method that is called, eval()
        self._werkzeug.frame_contexts[id(frame)] = list(contexts)

    def _forget(self, kept: Kept) -> None:
        for summary in kept.trace.all_frames:
            frame = self._werkzeug.frames.pop(id(summary))
            del self._werkzeug.frame_contexts[id(frame)]

    def log(self, error: BaseException, ctx: Context | None = None) -> None:
        """Log an error as the app does.

        Args:
            error: The error.
            ctx: The context that is current meanwhile.
        """
        app = self._app()
        assert app is not None  # It has just raised the error.
        traceback = error.__traceback__
        assert traceback is not None  # It was raised.
        previous = context_var.get()
        context_var.set(ctx)
        try:
            app.log_exception((type(error), error, traceback))
        finally:
            context_var.set(previous)

    def point_to(self, kept: Kept, scope: Scope | None = None) -> None:
        """Log the URL of a traceback that no page was sent for.

        Args:
            kept: The traceback.
            scope: The connection that failed; without it, the URL has the origin of the last one.
        """
        app = self._app()
        assert app is not None  # as above
        query = urlencode(
            {"__debugger__": "yes", "traceback": kept.number, "s": self._werkzeug.secret}
        )
        origin = self._origin if scope is None else self._origin_of(scope)
        app.logger.warning("Open the frames of this error at %s/?%s", origin, query)

    def note_failed_task(self, error: BaseException, ctx: AbstractContextManager[object]) -> None:
        """Keep the error of a background task, and log the URL of its traceback.

        Args:
            error: The error.
            ctx: The task's context.
        """
        if self.active:
            self.announce()
            self.point_to(self.keep(error, [ctx], skip=1))

    def _origin_of(self, scope: Scope) -> str:
        """Return the URL of the app; ``""`` if its host is not trusted."""
        environ = environ_without_body(scope)
        if not self._werkzeug.check_host_trust(environ):
            return ""
        scheme = _SCHEMES[scope.get("scheme", "http")]
        return f"{scheme}://{environ['HTTP_HOST']}{scope.get('root_path', '').rstrip('/')}"

    # -- pages -------------------------------------------------------------------------------------

    def page(self, kept: Kept, environ: WSGIEnvironment) -> str:
        """Render a traceback, with consoles only at a trusted host.

        Args:
            kept: The traceback.
            environ: The environ of the request.

        Returns:
            The page, in HTML.
        """
        trusted = self._werkzeug.check_host_trust(environ)
        return kept.trace.render_debugger_html(
            evalex=trusted,
            # SECURITY: each command needs the secret, and the PIN's cookie as well.
            secret=self._werkzeug.secret if trusted else "",
            evalex_trusted=bool(trusted and self._werkzeug.check_pin_trust(environ)),
        )

    def _show(self, request: Request, number: int | None) -> WSGIApplication:
        """Return the response with a kept traceback."""
        if not self._werkzeug.check_host_trust(request.environ):
            return SecurityError()
        secret = request.args.get("s", "").encode()
        kept = self._kept.get(number or 0)
        if kept is None or not compare_digest(secret, self._werkzeug.secret.encode()):
            return _not_found
        return WSGIResponse(self.page(kept, request.environ), mimetype="text/html")

    # -- ASGI --------------------------------------------------------------------------------------

    async def serve(
        self, application: ASGIApplication, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a connection: the debugger's own requests here, all others with ``application``.

        Args:
            application: The app without its debugger.
            scope: ASGI's ``scope``, of any type.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.

        Raises:
            Exception: What the app raised where no page can be sent.
        """
        if not self.active:
            await application(scope, receive, send)
            return
        self.announce()
        if scope["type"] not in ("http", "websocket"):
            await application(scope, receive, send)
            return
        self._origin = self._origin_of(scope) or self._origin
        if scope["type"] == "http" and self._is_own_request(scope):
            await self._answer(scope, receive, send)
        else:
            await DebuggedConnection(self, scope, receive, send).run(application)

    def _is_own_request(self, scope: Scope) -> bool:
        """Return whether a request is for the debugger; its path may be any."""
        if _PARAMETER not in (scope.get("query_string") or b"") and not scope["path"].endswith(
            self._werkzeug.console_path
        ):
            return False
        request = Request(environ_without_body(scope))
        marked = request.args.get("__debugger__") == "yes"
        return marked or request.path == self._werkzeug.console_path

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in a thread, because a wrong PIN and an input can block."""
        context_var.set(None)
        lease = await self._pool.lease()
        call = WSGICall(self._wsgi, environ_without_body(scope))
        try:
            await lease.run(call.begin_whole)
            await send_wsgi(call, scope["method"], send, Body(receive).wait_disconnect, lease.run)
        finally:
            if not call.closed:
                await lease.run(call.close)
            lease.release()

    def _wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if "traceback" in request.args and "cmd" not in request.args:
            show = self._show(request, request.args.get("traceback", type=int))
            return show(environ, start_response)
        if request.path == self._werkzeug.console_path and 0 not in self._werkzeug.frames:
            app = self._app()
            assert app is not None  # It is serving.
            with app.app_context():
                names = app.make_shell_context()
            self._add_frame(0, ConsoleFrame({}, names), [NewAppContext(app)])
        return self._werkzeug(environ, start_response)


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request of which the debugger knows nothing, with 404."""
    return NotFound(
        "The console is locked, or this traceback is no longer kept. Load the page again."
    )(environ, start_response)
