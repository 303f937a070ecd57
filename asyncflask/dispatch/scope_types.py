"""What differs between an HTTP request and a websocket: one row each, and nothing anywhere else.

A scope type names the registries whose hooks run, the signals that are sent, and whether an answer
is required. The pipeline is written once, against a row (design D5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from blinker import Signal

from .. import signals
from ..concurrency.bridge import running_loop
from ..ctx import Context
from ..exceptions import WebsocketDisconnect
from ..wrappers.request.request import Request
from ..wrappers.request.sync import SyncRequest
from ..wrappers.response.headers import WirePair
from ..wrappers.websocket.sync import SyncWebsocket
from ..wrappers.websocket.websocket import Websocket
from ..wsgi.environ import make_environ
from .handshake import headers_with_session, save_at_end

_make = object.__new__


@dataclass(frozen=True, eq=False)
class ScopeType:
    """A row: how one kind of connection is served."""

    name: str
    #: whether rules with ``websocket=True`` are looked for, or the others
    websocket: bool
    #: whether there are runners beside the pipeline for ``async def`` views (``runners.py``)
    has_runners: bool
    #: what is done before a plan is run, with the task if an ``async def`` view may run in it
    begin: Callable[[Context, asyncio.Task[Any] | None], None] | None
    #: registries of the app
    before: Callable[[Any], dict[str | None, list[Any]]]
    after: Callable[[Any], dict[str | None, list[Any]]]
    teardown: Callable[[Any], dict[str | None, list[Any]]]
    #: signals
    started: Signal
    finished: Signal
    tearing_down: Signal
    got_exception: Signal
    #: whether a view that returns nothing is an error
    answer_required: bool
    #: exceptions that end a view without being errors
    endings: tuple[type[Exception], ...]
    #: whether a view was cancelled because its client has gone; the cancellation is taken back
    was_cancelled: Callable[[Context], bool]
    #: headers that go into the answer of a handshake, made when that is sent
    handshake_headers: Callable[[Context], Awaitable[list[WirePair]]] | None
    #: save the session after the view, instead of into the response
    save_session: Callable[[Any, Context, Any], Awaitable[None]] | None
    #: make the object that ``async def`` callables see as ``request`` or ``websocket``
    connect: Callable[[Context], Any]
    #: make the one that ``def`` callables see, in the request's worker thread
    connect_sync: Callable[[Context], Any]
    #: name of the app's method that makes the context
    context: str
    #: names of the app's methods that stand for a step (see ``overrides.py``)
    full_dispatch: str
    preprocess: str
    dispatch: str
    finalize: str
    process: str
    handle_exception: str
    do_teardown: str

    @property
    def registries(self) -> tuple[str, ...]:
        """The names of the app's registries that a plan is made of."""
        kind = self.context.removesuffix("_context")
        return (
            *("view_functions", "url_value_preprocessors", "teardown_appcontext_funcs"),
            *(f"{when}_{kind}_funcs" for when in ("before", "after", "teardown")),
        )

    @property
    def steps(self) -> frozenset[str]:
        """The names of the app's methods that stand for a step."""
        return frozenset(
            {
                *(self.full_dispatch, self.preprocess, self.dispatch, self.finalize),
                *(self.process, self.handle_exception, self.do_teardown),
            }
        )


def _make_request(ctx: Any) -> Request:
    cls = ctx.app.request_class
    if cls is Request:  # PERF: what Request(ctx) does, without going through the class.
        request = _make(Request)
        request._ctx = ctx
        return request
    made: Request = cls.of_context(ctx)
    return made


def _make_sync_request(ctx: Any) -> SyncRequest:
    loop = running_loop() if ctx.lease is None else ctx.lease.loop
    cls: type[SyncRequest] = ctx.app.sync_request_class
    request = cls(make_environ(ctx, loop))
    request.share_attributes(ctx.connect())
    return request


def _make_websocket(ctx: Any) -> Websocket:
    cls: type[Websocket] = ctx.app.websocket_class
    return cls.of_context(ctx)


def _make_sync_websocket(ctx: Any) -> SyncWebsocket:
    cls: type[SyncWebsocket] = ctx.app.sync_websocket_class
    return cls(ctx)


def _begin_handshake(ctx: Context, task: asyncio.Task[Any] | None) -> None:
    ctx.own_connection.watch_handshake(task)


HTTP = ScopeType(
    name="http",
    websocket=False,
    has_runners=True,
    begin=None,
    before=attrgetter("before_request_funcs"),
    after=attrgetter("after_request_funcs"),
    teardown=attrgetter("teardown_request_funcs"),
    started=signals.request_started,
    finished=signals.request_finished,
    tearing_down=signals.request_tearing_down,
    got_exception=signals.got_request_exception,
    answer_required=True,
    endings=(),
    was_cancelled=lambda ctx: False,
    handshake_headers=None,
    save_session=None,
    connect=_make_request,
    connect_sync=_make_sync_request,
    context="request_context",
    full_dispatch="full_dispatch_request",
    preprocess="preprocess_request",
    dispatch="dispatch_request",
    finalize="finalize_request",
    process="process_response",
    handle_exception="handle_exception",
    do_teardown="do_teardown_request",
)

WEBSOCKET = ScopeType(
    name="websocket",
    websocket=True,
    has_runners=False,
    begin=_begin_handshake,
    before=attrgetter("before_websocket_funcs"),
    after=attrgetter("after_websocket_funcs"),
    teardown=attrgetter("teardown_websocket_funcs"),
    started=signals.websocket_started,
    finished=signals.websocket_finished,
    tearing_down=signals.websocket_tearing_down,
    got_exception=signals.got_websocket_exception,
    answer_required=False,
    endings=(WebsocketDisconnect,),
    was_cancelled=lambda ctx: bool(ctx.websocket.view_was_cancelled()),
    handshake_headers=headers_with_session,
    save_session=save_at_end,
    connect=_make_websocket,
    connect_sync=_make_sync_websocket,
    context="websocket_context",
    full_dispatch="full_dispatch_websocket",
    preprocess="preprocess_websocket",
    dispatch="dispatch_websocket",
    finalize="finalize_websocket",
    process="postprocess_websocket",
    handle_exception="handle_websocket_exception",
    do_teardown="do_teardown_websocket",
)
