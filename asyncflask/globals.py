"""The proxies: ``current_app``, ``g``, ``request``, ``session``, ``websocket``, and the contexts.

Modules below take the context as an argument instead. Each proxy is a Werkzeug ``LocalProxy``, so
``_get_current_object()`` works as in Flask.

PERF: a view uses a proxy several times. ``LocalProxy`` reads an attribute through a descriptor
written in Python and two further calls; :func:`make_proxy` saves a third of a request that reads
its query string and headers. Each ``_find_…()`` has the usual case first, with a call less (2 to
6 %), and the proxy ``websocket`` has properties for what is called for each message (6 % of an echo
on CPython 3.11, 2 % on 3.13).
"""

from __future__ import annotations

import typing as t

from werkzeug.local import LocalProxy

from ._contextvars import current
from .dispatch.scope_types import HTTP, WEBSOCKET
from .exceptions import of_the_other_kind, outside
from .wrappers.shared_attributes import delete_on_both, set_on_both

if t.TYPE_CHECKING:
    from .app import Flask
    from .ctx import Context, _AppCtxGlobals
    from .sessions import SessionMixin
    from .wrappers.proxied import ProxiedRequest, ProxiedWebsocket


def _find_app() -> object:
    ctx = current()
    if ctx is None or ctx.is_without_app:
        raise outside("current_app", "application")
    return ctx.app


def _find_g() -> object:
    ctx = current()
    if ctx is None:
        raise outside("g", "application")
    found = ctx.made_g
    return ctx.make_g() if found is None else found


def _find_app_ctx() -> object:
    ctx = current()
    found = None if ctx is None else ctx.app_context
    if found is None:
        raise outside("app_ctx", "application")
    return found


def _find_request_ctx() -> object:
    ctx = current()
    if ctx is None or ctx.request_context is None:
        raise outside("request_ctx", "request")
    return ctx.request_context


def _find_request() -> object:
    ctx = current()
    # The usual case; the rest is for worker threads and contexts inside contexts.
    if ctx is not None and ctx.scope_type is HTTP and ctx.lease is None:
        found = ctx.made_connection
        if found is not None:
            return found
        if not ctx.synchronous:
            return ctx.connect()
    return _find_connection("request", "websocket", ctx and ctx.connection_of(HTTP.name))


def _find_websocket() -> t.Any:
    ctx = current()
    return _find_connection("websocket", "request", ctx and ctx.websocket)


def _find_connection(name: str, other: str, found: object) -> object:
    if found is not None:
        return found
    ctx = current()
    if ctx is not None and ctx.has_request:
        raise of_the_other_kind(name, other)
    raise outside(name, name)


def _find_session() -> object:
    ctx = current()
    # The usual case; the rest is for contexts inside contexts.
    if ctx is not None and ctx.scope_type is not None:
        found = ctx.opened_session
        if found is None:
            found = ctx.open_session()
        found.accessed = True
        return found
    if ctx is None or ctx.request_context is None:
        raise outside("session", "request")
    return ctx.session


#: names that a proxy looks up on itself, as Werkzeug's does
_OWN = frozenset(dir(LocalProxy))


def make_proxy(
    find: t.Callable[[], t.Any],
    assign: t.Callable[[t.Any, str, object], None] = setattr,
    delete: t.Callable[[t.Any, str], None] = delattr,
) -> t.Any:
    """Make a Werkzeug ``LocalProxy`` that reads and sets attributes and items with fewer calls.

    Args:
        find: Returns the object that the proxy stands for, or raises.
        assign: Sets an attribute on the object.
        delete: Deletes an attribute from it.
    """

    class Proxy(LocalProxy[t.Any]):
        __slots__ = ()

        def __getattribute__(self, name: str) -> t.Any:
            if name in _OWN:
                return super().__getattribute__(name)
            return getattr(find(), name)

        def __setattr__(self, name: str, value: object) -> None:
            assign(find(), name, value)

        def __delattr__(self, name: str) -> None:
            delete(find(), name)

        def __getitem__(self, key: object) -> t.Any:
            return find()[key]

        def __setitem__(self, key: object, value: object) -> None:
            find()[key] = value

        def __contains__(self, key: object) -> bool:
            return key in find()

    Proxy.__name__ = Proxy.__qualname__ = LocalProxy.__name__
    return Proxy(find)


class _WebsocketProxy(LocalProxy[t.Any]):
    """The proxy ``websocket``, with a property for each method that is called for each message."""

    __slots__ = ()

    # Outside of a context, or before a websocket is made, these raise AttributeError. Python then
    # calls LocalProxy's __getattr__(), which looks for the websocket in every place.
    @property
    def receive(self) -> t.Any:
        ctx: t.Any = current()
        # The usual case; the rest is for worker threads and contexts inside contexts.
        if ctx.scope_type is WEBSOCKET and ctx.lease is None:
            return ctx.made_connection.receive
        return _find_websocket().receive

    @property
    def send(self) -> t.Any:
        ctx: t.Any = current()
        # The usual case; the rest is for worker threads and contexts inside contexts.
        if ctx.scope_type is WEBSOCKET and ctx.lease is None:
            return ctx.made_connection.send
        return _find_websocket().send

    # Python hides the error of a look-up that finds no websocket, where that is a descriptor's.
    def __aiter__(self) -> t.Any:
        return _find_websocket().__aiter__()

    def __iter__(self) -> t.Any:
        return iter(_find_websocket())


current_app: Flask = make_proxy(_find_app)
g: _AppCtxGlobals = make_proxy(_find_g)
app_ctx: Context = make_proxy(_find_app_ctx)
request_ctx: Context = make_proxy(_find_request_ctx)
request: ProxiedRequest = make_proxy(_find_request, set_on_both, delete_on_both)
websocket: ProxiedWebsocket = t.cast(t.Any, _WebsocketProxy(_find_websocket))
session: SessionMixin = make_proxy(_find_session)
