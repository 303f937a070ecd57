"""The interactive debugger of an app: Werkzeug's, for an app that runs on an event loop.

Pages, resources, consoles, PIN and trusted hosts are those of Werkzeug's ``DebuggedApplication``,
which is called here with environs made of ASGI scopes, in threads of its own. What is ours: errors
are handed over from outside, with the contexts they happened in; each traceback has a URL of its
own, for errors that no page can answer; and only the last ones are kept. How a connection comes
here is :mod:`.middleware`'s.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
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

from .._current import slot
from ..concurrency.workers import WorkerPool
from ..typing import ASGIApplication, Receive, Scope, Send
from ..wrappers.request.body import Body
from ..wsgi.call import Call, send_wsgi
from .console import Again, Frame, InApp
from .frames import begin_with_the_app
from .middleware import DebuggedConnection, environ_without_body
from .pin import is_given, is_in_container, random_pin

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Tracebacks that are kept, with their frames' variables and their contexts; the oldest one goes.
KEPT = 50
#: Threads for the debugger alone: those of the app may be what hangs.
THREADS = 8

_PARAMETER = b"__debugger__"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class DebuggedApp(Protocol):
    """What the debugger asks of an app."""

    use_debugger: bool

    @property
    def debug(self) -> bool: ...

    @property
    def logger(self) -> Any: ...

    def log_exception(self, exc_info: Any) -> None: ...

    def app_context(self) -> Any: ...

    def make_shell_context(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Kept:
    """A traceback whose frames can be looked into."""

    number: int
    trace: DebugTraceback
    contexts: list[Any]


class Debugger:
    """Werkzeug's interactive debugger for an app, as ``app.debugger``.

    It answers only while both ``app.use_debugger`` and ``app.debug`` are true. Whoever gets past
    its PIN can run any code: it is for the developer's own machine.

    Args:
        app: The app.

    Source: ``Werkzeug: DebuggedApplication``.
    """

    def __init__(self, app: DebuggedApp) -> None:
        self._app = ref(app)
        self._werkzeug = DebuggedApplication(_forgotten, evalex=True, pin_logging=False)
        self._werkzeug.pin_logging = True  # Not at once, the PIN may be another one: announce().
        self._kept: dict[int, Kept] = {}
        self._numbers = itertools.count(1)
        self._pool = WorkerPool(THREADS)
        self._origin = ""
        self._has_pin = self._announced = False

    # -- settings ----------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether the debugger answers."""
        app = self._app()
        return app is not None and bool(app.use_debugger and app.debug)

    @property
    def trusted_hosts(self) -> list[str]:
        """Hosts at which the debugger may be reached, a list to add to.

        A leading dot includes subdomains. SECURITY: a page elsewhere may let a browser call this
        server by another name; it must not get at the console (GHSA-2g68-c3qc-8985).
        """
        return self._werkzeug.trusted_hosts

    @trusted_hosts.setter
    def trusted_hosts(self, hosts: list[str]) -> None:
        self._werkzeug.trusted_hosts = hosts

    @property
    def pin(self) -> str | None:
        """The PIN that unlocks the consoles; ``WERKZEUG_DEBUG_PIN`` sets it, or is ``off``.

        SECURITY: in a container a random one, for Werkzeug's could be worked out (CVE-2019-14806).
        """
        inner = self._werkzeug
        if not self._has_pin:
            self._has_pin = True
            inner.pin_cookie_name  # noqa: B018  # Makes name and PIN; only now the PIN is replaced.
            if not is_given() and is_in_container():
                inner.pin = random_pin()
        return inner.pin

    def announce(self) -> None:
        """Say in the log, once, that the debugger is active, and its PIN."""
        app = self._app()
        if self._announced or app is None:
            return
        self._announced = True
        if self.pin is None:
            app.logger.warning(
                "The debugger is active without a PIN: whoever reaches this server can run code."
            )
        else:
            app.logger.warning("The debugger is active. PIN: %s", self.pin)

    # -- errors ------------------------------------------------------------------------------------

    def keep(self, error: BaseException, contexts: Iterable[Any] = (), skip: int = 0) -> Kept:
        """Keep an error's traceback, to be shown and looked into later.

        Args:
            error: The error.
            contexts: What is entered before something is evaluated in one of its frames.
            skip: Frames to leave away at the beginning.
        """
        trace = DebugTraceback(error, skip=skip)
        begin_with_the_app(trace)
        kept = Kept(next(self._numbers), trace, [Again(ctx) for ctx in contexts])
        for summary in trace.all_frames:
            self._add_frame(id(summary), Frame(summary.global_ns, summary.local_ns), kept.contexts)
        self._kept[kept.number] = kept
        while len(self._kept) > KEPT:
            self._forget(self._kept.pop(min(self._kept)))
        return kept

    def _add_frame(self, key: int, frame: Frame, contexts: list[Any]) -> None:
        self._werkzeug.frames[key] = frame  # type: ignore[assignment]  # evaluates as theirs do
        self._werkzeug.frame_contexts[id(frame)] = contexts

    def _forget(self, kept: Kept) -> None:
        for summary in kept.trace.all_frames:
            frame = self._werkzeug.frames.pop(id(summary))
            del self._werkzeug.frame_contexts[id(frame)]

    def log(self, error: BaseException, ctx: Any = None) -> None:
        """Log an error as the app does, with the request of ``ctx`` as the current one."""
        app = self._app()
        assert app is not None  # It has just failed.
        previous = slot.get()
        slot.set(ctx)
        try:
            app.log_exception((type(error), error, error.__traceback__))
        finally:
            slot.set(previous)

    def point_to(self, kept: Kept, scope: Scope | None = None) -> None:
        """Say in the log where a traceback can be looked into that no page was sent for.

        Args:
            kept: The traceback.
            scope: The connection it happened on.
        """
        app = self._app()
        assert app is not None  # as above
        query = urlencode(
            {"__debugger__": "yes", "traceback": kept.number, "s": self._werkzeug.secret}
        )
        origin = self._origin if scope is None else self._origin_of(scope)
        app.logger.warning("Look into the frames of this error at %s/?%s", origin, query)

    def note_failed_task(self, error: BaseException, ctx: Any) -> None:
        """Keep the error of a background task, and say in the log where it can be looked into."""
        if self.active:
            self.announce()
            self.point_to(self.keep(error, [ctx], skip=1))

    def _origin_of(self, scope: Scope) -> str:
        """Return the URL below which the app answers, as far as its host is to be trusted."""
        environ = environ_without_body(scope)
        if not self._werkzeug.check_host_trust(environ):
            return ""
        scheme = _SCHEMES[scope.get("scheme", "http")]
        return f"{scheme}://{environ['HTTP_HOST']}{scope.get('root_path', '').rstrip('/')}"

    # -- pages -------------------------------------------------------------------------------------

    def page(self, kept: Kept, environ: WSGIEnvironment) -> str:
        """Render a traceback for the one who asks: with consoles only at a trusted host.

        Args:
            kept: The traceback.
            environ: The environ of the request.
        """
        trusted = self._werkzeug.check_host_trust(environ)
        return kept.trace.render_debugger_html(
            evalex=trusted,
            # SECURITY: it is half of what a command needs, and nothing is to be done without it.
            secret=self._werkzeug.secret if trusted else "",
            evalex_trusted=bool(trusted and self._werkzeug.check_pin_trust(environ)),
        )

    def _show(self, request: Request, number: int | None) -> Any:
        """Answer with a traceback that is kept."""
        if not self._werkzeug.check_host_trust(request.environ):
            return SecurityError()
        secret = request.args.get("s", "").encode()
        kept = self._kept.get(number or 0)
        if kept is None or not compare_digest(secret, self._werkzeug.secret.encode()):
            return _forgotten
        return WSGIResponse(self.page(kept, request.environ), mimetype="text/html")

    # -- ASGI --------------------------------------------------------------------------------------

    async def serve(
        self, application: ASGIApplication, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a connection: the debugger's own requests here, others with ``application``.

        Args:
            application: The app without its debugger.
            scope: ASGI's ``scope``, of any type.
            receive: ASGI's ``receive``.
            send: ASGI's ``send``.
        """
        if not self.active:
            await application(scope, receive, send)
            return
        self.announce()
        if scope["type"] not in ("http", "websocket"):
            await application(scope, receive, send)
            return
        self._origin = self._origin_of(scope) or self._origin
        if scope["type"] == "http" and self._is_addressed(scope):
            await self._answer(scope, receive, send)
        else:
            await DebuggedConnection(self, scope, receive, send).run(application)

    def _is_addressed(self, scope: Scope) -> bool:
        """Tell whether a request is the debugger's own, on whatever path it comes."""
        if _PARAMETER not in (scope.get("query_string") or b"") and not scope["path"].endswith(
            self._werkzeug.console_path
        ):
            return False
        request = Request(environ_without_body(scope))
        asked = request.args.get("__debugger__") == "yes"
        return asked or request.path == self._werkzeug.console_path

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in a thread: it may wait for a wrong PIN, or for what is evaluated."""
        slot.set(None)
        lease = await self._pool.lease()
        call = Call(self._wsgi, environ_without_body(scope))
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
            answer = self._show(request, request.args.get("traceback", type=int))
            return answer(environ, start_response)  # type: ignore[no-any-return]  # WSGI
        if request.path == self._werkzeug.console_path and 0 not in self._werkzeug.frames:
            app = self._app()
            assert app is not None  # It serves.
            with app.app_context():
                names = app.make_shell_context()
            self._add_frame(0, Frame({}, names), [InApp(app)])
        return self._werkzeug(environ, start_response)


def _forgotten(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer what the debugger has no answer to."""
    return NotFound(
        "The console is locked, or this traceback is kept no longer: load the page again."
    )(environ, start_response)
