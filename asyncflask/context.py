"""The context: what belongs to one request, one websocket, or one use of an app outside of both.

One class serves all three (design D4). ``current_app`` and ``g`` are found through every context,
``request``, ``session`` and ``websocket`` through one that carries a connection. Which hooks run
when a context is popped is ``dispatch/``'s business; the functions that users call on the current
context are in :mod:`asyncflask.ctx`, the proxies in :mod:`asyncflask.globals`.

Popping never uses ``ContextVar.reset(token)``: a context may be pushed in one
:class:`contextvars.Context` and popped in another (a preserved context of the test client, a
streamed response). The push record has the previous value instead.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping
from threading import get_ident
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar

from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import RequestRedirect

from ._contextvars import context_var
from .concurrency.bridge import drive
from .concurrency.workers import Lease, ThisThread
from .routing.rule import add_path
from .sessions import SecureCookieSession, SessionNotOpen, opens_early
from .signals import appcontext_pushed
from .typing import TeardownCallable
from .wrappers.http_connection import path_below_root
from .wrappers.request.headers import HeaderIndex, index_headers
from .wrappers.request.request import body_of
from .wrappers.request.target import take_apart
from .wrappers.response.stream_with_context import keep
from .wsgi.environ import make_environ

T = TypeVar("T")

#: Where a context's coroutine is stepped, so that both colours find their place (``invoke.py``): on
#: the event loop, in the request's worker, in a thread without a loop, on a command's own loop.
Place = Literal["loop", "worker", "thread", "command"]
#: what an app may replace so that only the URL adapter finds the rule (``dispatch/overrides.py``)
_REPLACED_MATCHING = frozenset({"create_url_adapter", "url_map"})
NO_ERROR: Any = object()  # "take the exception that is being handled", Flask's default of pop()


class ScopeTypeRow(Protocol):
    """What a context wants to know of its row in ``dispatch/scope_types.py``."""

    @property
    def name(self) -> str: ...

    @property
    def websocket(self) -> bool: ...

    @property
    def connect(self) -> Callable[[Any], Any]: ...

    @property
    def connect_sync(self) -> Callable[[Any], Any]: ...


class ContextApp(Protocol):
    """What a context asks of an app."""

    app_ctx_globals_class: Any
    session_interface: Any

    @property
    def workers(self) -> Any: ...

    @property
    def replaced_steps(self) -> frozenset[str]: ...

    @property
    def logger(self) -> logging.Logger: ...

    @property
    def teardown_appcontext_funcs(self) -> list[TeardownCallable]: ...

    def should_ignore_error(self, error: BaseException | None) -> bool: ...

    def create_url_adapter(self, request: Any) -> Any: ...

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]: ...

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]: ...

    def teardown_context(
        self, ctx: Context, error: BaseException | None
    ) -> Coroutine[Any, Any, None]: ...


class Context:
    """One request, websocket, or use of an app outside of both.

    Made by :meth:`app.app_context`, :meth:`app.request_context`, :meth:`app.websocket_context` and
    for everything served; used as ``with ctx:`` or ``async with ctx:``.

    Args:
        app: The app.
        scope_type: A row of ``dispatch/scope_types.py``; ``None``: there is no connection.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    # PERF: what most requests never set stands here, on the class; the object stays small and is
    # made in a few stores. (No __slots__: extensions put attributes of their own on a context.)
    place: Place = "loop"
    #: whether its ``async def`` functions are waited for even where a loop runs (the other face)
    synchronous = False
    view_args: dict[str, Any] | None = None
    url_rule: Any = None
    routing_exception: Exception | None = None
    matched = False
    #: cookies that were set by the answer of a websocket's handshake
    handshake_cookies: Mapping[str, str] | None = None
    #: the task that an ``async def`` view of a websocket runs in
    view_task: asyncio.Task[Any] | None = None
    #: the request's headers by name, once `header_index()` has made them
    header_names: HeaderIndex | None = None
    serving_error: BaseException | None = None
    #: whether a loop runs for one ``async def`` callable alone, in the thread of the request
    runs_own_loop = False
    shares_g_with: Context | None = None
    #: whether a request is current, but no app context (``flask/ctx.py``)
    without_app = False
    #: whether the app context, too, ends only when a stream has ended
    streams_keep_g = False
    #: whether ending an app context sends ``appcontext_popped``, or popping it does
    sends_popped = True
    is_copy = False  # then its body is another one's to close
    flashes: list[tuple[str, str]] | None = None
    #: whether more than making a response follows the view, because of the next four
    needs_response = False
    after_functions: list[Callable[..., Any]] | None = None
    #: error messages of what was called without `await` (see `unawaited.py`)
    forgotten: tuple[str, ...] = ()
    _session: Any = None
    stream_references = 0
    is_end_due = False
    #: whether one of the next four was made, or a stream holds it: the end has to see to them
    needs_cleanup = False
    lease: Lease | ThisThread | None = None
    _sync_connection: Any = None
    _connection: Any = None
    _body: Any = None
    parent: Context | None = None
    #: the namespace ``g``, once it is made
    made_g: Any = None
    _url_adapter: Any = NO_ERROR
    _pushes: list[Any] | None = None
    #: values that attributes had before they were set, by name
    _before: dict[str, Any] | None = None

    def __init__(
        self,
        app: ContextApp,
        scope_type: ScopeTypeRow | None = None,
        scope: Any = None,
        receive: Any = None,
        send: Any = None,
    ) -> None:
        self.app = app
        self.scope_type = scope_type
        self.scope = scope
        self.receive = receive
        self.send = send
        #: names of the steps that the app replaces, as this context began
        self.replaced = app.replaced_steps
        # PERF: what each request is asked for is set here; CPython reads an instance's own
        # attribute in a tenth of the time that it needs to find a default on the class.
        self.needs_response = False
        self.needs_cleanup = False
        self.lease = None
        self._connection = None

    # -- what it carries ---------------------------------------------------------------------------

    @property
    def request_context(self) -> Context | None:
        """The context that carries the request or websocket: this one, or the one around it."""
        # Not an attribute: one that refers to the context itself would be a circle.
        return self if self.scope_type is not None else self.parent

    @property
    def g(self) -> Any:
        """The namespace for the application's own use, created at the first access."""
        found = self.made_g
        return self.make_g() if found is None else found

    @g.setter
    def g(self, value: Any) -> None:
        self._replace("made_g", value)

    @g.deleter
    def g(self) -> None:
        self._restore("made_g")

    def make_g(self) -> Any:
        """Make the namespace, for who has seen that there is none. (PERF: no property.)"""
        shares_g_with = self.shares_g_with
        found = self.made_g = (
            self.app.app_ctx_globals_class() if shares_g_with is None else shares_g_with.g
        )
        return found

    def _replace(self, name: str, value: Any) -> None:
        """Set an attribute that is otherwise made when it is read, and keep its value."""
        if self._before is None:
            self._before = {}
        self._before.setdefault(name, self.__dict__.get(name, NO_ERROR))
        setattr(self, name, value)

    def _restore(self, name: str) -> None:
        """Delete what was set: the value from before is restored, or made when it is read next.

        COMPAT: ``mock.patch.object(ctx, ...)`` ends a patch by deleting the attribute.
        """
        before = NO_ERROR if self._before is None else self._before.pop(name, NO_ERROR)
        if before is not NO_ERROR:
            setattr(self, name, before)
        elif name in self.__dict__:
            delattr(self, name)

    @property
    def app_context(self) -> Context | None:
        """The app context that is current together with this one: itself."""
        return self

    @property
    def has_request(self) -> bool:
        """Whether a request or websocket is carried, by this context or the one around it."""
        return self.request_context is not None

    @property
    def request_or_websocket(self) -> Any:
        """The request or websocket, created at the first access.

        On the request's own worker thread it is the synchronous form (design D2).
        """
        request_context = self.request_context
        if request_context is None or request_context.scope_type is None:
            return None
        if request_context is not self:
            return request_context.request_or_websocket
        lease = self.lease
        if lease is not None and lease.ident == get_ident():
            return self.sync_connection
        return self._connect()

    @property
    def sync_connection(self) -> Any:
        """The synchronous request or websocket, for any thread; of a context that carries one.

        On the event loop, reading what has not been received raises an error.
        """
        if self._sync_connection is None:
            self.needs_cleanup = True
            self._sync_connection = self.scope_type.connect_sync(self)  # type: ignore[union-attr]  # it carries one
        return self._sync_connection

    def _connect(self) -> Any:
        """Return the request or websocket of ``async def`` code, created at the first call."""
        if self._connection is None:
            self.needs_cleanup = True
            connect = self.scope_type.connect  # type: ignore[union-attr]  # it carries one
            self._connection = connect(self)
        return self._connection

    def connection_of(self, name: str) -> Any:
        """Return the connection if its scope type is called ``name``, else ``None``."""
        request_context = self._request_context_of(name)
        return None if request_context is None else request_context.request_or_websocket

    def sync_connection_of(self, name: str) -> Any:
        """Return :attr:`sync_connection` if its scope type is called ``name``, else ``None``."""
        request_context = self._request_context_of(name)
        return None if request_context is None else request_context.sync_connection

    def _request_context_of(self, name: str) -> Context | None:
        request_context = self.request_context
        if (
            request_context is None
            or request_context.scope_type is None
            or request_context.scope_type.name != name
        ):
            return None
        return request_context

    @property
    def request(self) -> Any:
        """The request, or ``None`` where this context carries none. It may be set and deleted."""
        return self.connection_of("http")

    @request.setter
    def request(self, value: Any) -> None:
        self._request_context_to_change("http", "request")._replace_connection(value)

    @request.deleter
    def request(self) -> None:
        self._request_context_to_change("http", "request")._restore_connection()

    @property
    def websocket(self) -> Any:
        """The websocket, or ``None`` where this context carries none. It may be set and deleted."""
        return self.connection_of("websocket")

    @websocket.setter
    def websocket(self, value: Any) -> None:
        self._request_context_to_change("websocket", "websocket")._replace_connection(value)

    @websocket.deleter
    def websocket(self) -> None:
        self._request_context_to_change("websocket", "websocket")._restore_connection()

    def _request_context_to_change(self, scope_type: str, name: str) -> Context:
        request_context = self._request_context_of(scope_type)
        if request_context is None:
            raise AttributeError(
                f"{self!r} has no {name} to set or delete, because it is not the context of a"
                f" {name}. Push `app.test_{name}_context(...)` and set or delete it there."
            )
        return request_context

    def _replace_connection(self, value: Any) -> None:
        """Let ``async def`` and ``def`` callables see another request or websocket from now on."""
        self.needs_cleanup = True
        source = getattr(value, "_ctx", None)
        if (
            isinstance(source, Context)
            and source.scope_type is self.scope_type
            and source is not self
        ):
            # One that another context has made: each kind of callable sees its own form of it.
            self._replace("_connection", source._connect())
            self._replace("_sync_connection", source.sync_connection)
        else:
            self._replace("_connection", value)
            self._replace("_sync_connection", value)

    def _restore_connection(self) -> None:
        self._restore("_connection")
        self._restore("_sync_connection")

    @property
    def own_connection(self) -> Any:
        """What the server waits for, also where another request or websocket was set."""
        own = None if self._before is None else self._before.get("_connection")
        return self._connect() if own is None else own

    @property
    def matched_endpoint(self) -> str | None:
        """The endpoint that was matched."""
        rule = self.url_rule
        return None if rule is None else rule.endpoint

    @property
    def matched_blueprints(self) -> tuple[str, ...]:
        """Names of the blueprint that was matched and of its parents, innermost first."""
        rule = self.url_rule
        if rule is None or "." not in rule.endpoint:
            return ()
        return blueprint_path(rule.endpoint.rpartition(".")[0])

    # -- session -----------------------------------------------------------------------------------

    @property
    def has_session(self) -> bool:
        """Whether the session was opened."""
        return self._session is not None

    @property
    def session(self) -> Any:
        """The session, opened at the first access, which is recorded (``Vary: Cookie``)."""
        request_context = self.request_context
        if request_context is None:
            return None
        session = request_context.open_session()
        session.accessed = True
        return session

    @session.setter
    def session(self, value: Any) -> None:
        request_context = self.request_context or self
        request_context.needs_response = True
        request_context._replace("_session", value)

    @session.deleter
    def session(self) -> None:
        (self.request_context or self)._restore("_session")

    def open_session(self) -> Any:
        """Return the session of this connection, opened at the first call, without touching it."""
        session = self._session
        if session is None:
            interface = self.app.session_interface
            if self.url_rule is None and self._is_matching() and opens_early(interface):
                raise SessionNotOpen(
                    f"The session of {interface!r} was used while the URL was matched, before it"
                    " was open. The URL is matched again when it is, unless full_dispatch_request()"
                    " was replaced: call the original there."
                )
            session = interface.open_session(self.app, self.request_or_websocket)
            # PERF: the usual kind is not asked what it is.
            if session.__class__ is not SecureCookieSession and inspect.isawaitable(session):
                if inspect.iscoroutine(session):
                    session.close()
                raise RuntimeError(
                    f"open_session() of {interface!r} is `async def`, and this context was entered"
                    " with `with`. Write `async with`."
                )
            self.keep_session(session)
        return self._session

    def _is_matching(self) -> bool:
        """Tell whether a converter runs, in a context that is served: its session opens later."""
        return self.matched and self.routing_exception is None and self._pushes is None

    async def _open_session_async(self) -> None:
        """Open a session that may have to be awaited; a context that is served has it already."""
        interface = self.app.session_interface
        if self._session is None and opens_early(interface):
            session = interface.open_session(self.app, self.request_or_websocket)
            self.keep_session(await session if inspect.isawaitable(session) else session)

    def keep_session(self, session: Any) -> None:
        """Keep what the session interface has opened, or a null session instead of ``None``."""
        if session is None:
            session = self.app.session_interface.make_null_session(self.app)
        self.needs_response = True
        self._session = session

    # -- matching ----------------------------------------------------------------------------------

    @property
    def url_adapter(self) -> Any:
        """Werkzeug's URL adapter for this connection or, outside, ``SERVER_NAME``; or ``None``."""
        adapter = self._url_adapter
        if adapter is NO_ERROR:
            adapter = None
            try:
                adapter = self.app.create_url_adapter(self.request_or_websocket)
            except HTTPException as error:
                if self.request_context is not self:
                    raise
                self.routing_exception = error
            self._url_adapter = adapter
        return adapter

    @url_adapter.setter
    def url_adapter(self, value: Any) -> None:
        self._replace("_url_adapter", value)

    @url_adapter.deleter
    def url_adapter(self) -> None:
        self._restore("_url_adapter")

    def match_request(self) -> None:
        """Find the rule for the connection, once; a failure is kept as ``routing_exception``."""
        self.matched = True
        scope_type = self.scope_type
        if scope_type is None:
            return
        app: Any = self.app
        if self.replaced and not self.replaced.isdisjoint(_REPLACED_MATCHING):
            self._match_with_adapter()
            return
        url_map = app.url_map
        trie = url_map.trie or url_map.compile()
        if url_map.host_matching or app.subdomain_matching or app.config["TRUSTED_HOSTS"]:
            self._match_with_adapter()
            return
        scope = self.scope
        path = path_below_root(scope) if scope.get("root_path") else scope["path"]
        try:
            found = trie.find(path, scope.get("method", "GET"), scope_type.websocket)
        except Exception as error:  # of a converter
            self.routing_exception = error
            return
        if found.__class__ is tuple:
            self.url_rule, self.view_args = found
        elif found is None:
            self._match_with_adapter()
        else:
            self.routing_exception = found

    def _match_with_adapter(self) -> None:
        if not self._has_path() and not self._has_whole_url():
            # SECURITY: a target such as "?a=b" or "@evil.test" (CVE-2026-54282) has no path; made
            # one, it would name another host in URLs. RFC 9112 §3.2.1: it begins with a slash.
            path = self.scope["path"]
            self.routing_exception = BadRequest(
                f"The request's path {path[:100]!r} does not begin with '/'."
            )
            return
        adapter = self.url_adapter
        if adapter is None:
            return
        try:
            self.url_rule, self.view_args = adapter.match(return_rule=True)
            add_path(self.url_rule)
        except RequestRedirect as redirect:
            if not adapter.server_name:
                # SECURITY: of `http:///evil.test/` and `//evil.test/` browsers take the first part
                # of the path for the host. The client of this request names none.
                redirect.new_url = "/" + redirect.new_url.partition("://")[2].lstrip("/")
            self.routing_exception = redirect
        except Exception as error:  # mostly HTTP errors; any of a converter
            self.routing_exception = error

    def _has_path(self) -> bool:
        path: str = self.scope["path"]
        return path[:1] == "/"

    def _has_whole_url(self) -> bool:
        """Tell whether the path is a whole URL; the scope then has that URL's path and host."""
        if not take_apart(self.scope):
            return False
        if self.header_names is not None:
            self.header_names = index_headers(self.scope["headers"])
        return True

    # -- push and pop ------------------------------------------------------------------------------

    def push(self) -> None:
        """Make this the current context. Each push wants a :meth:`pop`."""
        self._become_current()
        try:
            self._enter()
        except BaseException:
            self._withdraw()
            raise

    def _enter(self) -> None:
        if appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        self._match()

    def _match(self) -> None:
        """Match the URL at the first push, with the adapter if one was set before."""
        if self.matched:
            return
        if self._url_adapter is NO_ERROR or self.scope_type is None:
            self.match_request()
        else:
            self.matched = True
            self._match_with_adapter()

    def match_again(self) -> None:
        """Match the URL once more: a converter needed the session, which is open now."""
        if isinstance(self.routing_exception, SessionNotOpen):
            self.routing_exception = None
            self.match_request()
            rule, app = self.url_rule, self.app
            if rule is not None:
                self.scope["route"] = rule
                self.scope["endpoint"] = app.view_functions.get(rule.endpoint)  # type: ignore[attr-defined]  # an app that serves

    def _withdraw(self) -> None:
        """Undo a push that failed, because its caller does not pop it."""
        if self._pushes:
            context_var.set(self._pushes.pop())

    async def push_async(self) -> None:
        """Like :meth:`push`, for code on the event loop: signal receivers of both colours run."""
        self._become_current()
        try:
            if appcontext_pushed.receivers:
                await appcontext_pushed.send_async(self.app, _sync_wrapper=self.app.ensure_async)
            if self.scope_type is not None:
                await self._open_session_async()
        except BaseException:
            self._withdraw()
            raise
        self._match()

    def _become_current(self) -> None:
        previous = context_var.get()
        if self._pushes is None:
            self._pushes = []
            self._share_with(previous)
        self._pushes.append(previous)
        context_var.set(self)

    def _share_with(self, previous: Context | None) -> None:
        """Take over from the context around this one what Flask shares between the two.

        An app context inside a request still shows the request; a request context inside an app
        context of the same app shares its ``g``. (A *served* request never comes here.)
        """
        if previous is None or previous.app is not self.app or previous is self:
            return
        if self.request_context is None:
            self.parent = previous.request_context
        elif self.made_g is None and (self.is_copy or not previous.has_request):
            self.shares_g_with = previous

    def pop(self, exc: BaseException | None = NO_ERROR) -> None:
        """Undo one :meth:`push`; the last one runs the teardown functions.

        Args:
            exc: The error that ended the work, for the teardown functions; by default the
                exception being handled.

        Raises:
            RuntimeError: The context is not the current one, or a teardown function is
                ``async def`` and an event loop runs here (use ``async with``).
        """
        error = _current_exception() if exc is NO_ERROR else exc
        previous, last = self._unpush()
        try:
            if last:
                self.leave_in_place(error)
        finally:
            context_var.set(previous)

    def leave_in_place(self, error: BaseException | None) -> None:
        """Run what is due at the end of this context in the calling thread."""
        before, self.place = self.place, "thread"
        try:
            drive(self.app.teardown_context(self, error))
        finally:
            self.place = before

    async def pop_async(self, exc: BaseException | None = NO_ERROR) -> None:
        """Like :meth:`pop`, for code on the event loop: teardown functions of both colours run."""
        error = _current_exception() if exc is NO_ERROR else exc
        previous, last = self._unpush()
        try:
            if last:
                await self.app.teardown_context(self, error)
        finally:
            context_var.set(previous)
            if last and self.lease is not None:
                self.give_back_worker()

    def _unpush(self) -> tuple[Any, bool]:
        if not self._pushes or context_var.get() is not self:
            raise RuntimeError(
                f"Popped {self!r}, but the current context is {context_var.get()!r}. Pop contexts"
                " in the reverse order of pushing them; `with` does."
            )
        previous = self._pushes.pop()
        # Entered once more while it was current (`with request_ctx:` in a view), it goes on.
        return previous, not self._pushes and previous is not self

    def __enter__(self) -> Context:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)

    async def __aenter__(self) -> Context:
        await self.push_async()
        return self

    async def __aexit__(
        self,
        exc_type: type | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.pop_async(exc_value)

    # -- workers -----------------------------------------------------------------------------------

    async def run_def(self, func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a ``def`` callable on the worker thread that is leased for this context."""
        owner = self.request_context or self
        lease = owner.lease
        if lease is None:
            lease = await owner.app.workers.lease()
            if owner.lease is None:
                owner.needs_cleanup = True
                owner.lease = lease
            else:  # Another task of this request had to wait for a worker, too.
                lease.release()
                lease = owner.lease
        result: T = await lease.run(func, *args, **kwargs)
        return result

    def close_connection(self) -> None:
        """Close the request's body and uploads, at the end of the context that they came with."""
        if self._body is not None and not self.is_copy:
            self._body.close()

    def give_back_worker(self) -> None:
        """Give the leased worker thread back to the pool, and forget what only it could see."""
        if self.lease is not None:
            self.lease.release()
            self.lease = None
        if self._sync_connection is not None:
            # Two circles: its environ refers to it and to this context.
            environ = getattr(self._sync_connection, "environ", None)
            if isinstance(environ, dict):  # What was set instead may have any, or none.
                environ["werkzeug.request"] = None
            self._sync_connection = None

    async def run_blocking(self, func: Callable[..., T], *args: Any) -> T:
        """Run something that may block: on the leased worker, or in place if this is its thread."""
        if self.place == "loop":
            return await self.run_def(func, *args)
        return func(*args)

    def environ(self) -> dict[str, Any]:
        """Make a WSGI environ of the request, for a WSGI callable that a view returned."""
        return make_environ(self, None if self.lease is None else self.lease.loop)

    async def wait_disconnect(self) -> None:
        """Return when the client is gone; for a watcher beside a streamed response."""
        await body_of(self).wait_disconnect()

    async def handshake_headers(self) -> list[tuple[bytes, bytes]]:
        """Return what the answer of this websocket's handshake has besides the view's headers."""
        scope_type: Any = self.scope_type
        headers: list[tuple[bytes, bytes]] = await scope_type.handshake_headers(self)
        return headers

    def keep(self, body: Any) -> Any:
        """Return ``body``, a (sync or async) iterable, so that it keeps this context."""
        return keep(self, body)

    def hold(self) -> None:
        """Let this context end only when a stream has ended (``stream_with_context.py``)."""
        self.needs_response = self.needs_cleanup = True
        self.stream_references += 1
        if self.shares_g_with is not None and not self.streams_keep_g:
            self.streams_keep_g = True
            self.shares_g_with.hold()

    def copy(self) -> Context:
        """Return a second context of the same connection and session.

        For work that goes on beside the request. Entered where a context of the app is current, as
        in a task of the view, it shares that one's ``g``, whose end runs the app context's teardown
        functions; elsewhere, as in a thread, it has a ``g`` and a teardown of its own.

        Source: ``Quart: RequestContext.copy``, ``AppContext.copy``.
        """
        other = Context(self.app, self.scope_type, self.scope, self.receive, self.send)
        if self.scope_type is not None:
            # Made now: of one that each made for itself, the other would see no change, and two
            # bodies would take each other's messages.
            self._connect()
            self.open_session()
            body_of(self)
        other.is_copy = True
        for name in ("_connection", "_body", "_session", "url_rule", "view_args", "flashes"):
            if name in self.__dict__:
                setattr(other, name, self.__dict__[name])
        other.routing_exception = self.routing_exception
        other.matched = True
        if self.scope_type is None:
            other.parent, other.shares_g_with = self.request_context, self.shares_g_with
        return other

    def __repr__(self) -> str:
        what = "no connection"
        if self.scope is not None:
            what = f"{self.scope.get('method', 'websocket')} {self.scope['path']!r}"
        return f"<{type(self).__name__} of {getattr(self.app, 'name', self.app)!r}: {what}>"


def _current_exception() -> BaseException | None:
    return sys.exc_info()[1]


@functools.lru_cache(maxsize=1024)
def blueprint_path(name: str) -> tuple[str, ...]:
    """``"a.b"`` → ``("a.b", "a")``. (Flask: helpers._splitblueprint_path.)"""
    path = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        path.append(name)
    return tuple(path)
