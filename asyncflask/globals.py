"""The proxies: ``current_app``, ``g``, ``request``, ``session``, ``websocket``, and the contexts.

They stand at the top of the house; code below takes the context as an argument instead. Each is a
Werkzeug ``LocalProxy``, so ``_get_current_object()`` works as in Flask.
"""

from __future__ import annotations

import typing as t

from werkzeug.local import LocalProxy

from ._current import current
from .dispatch.lanes import HTTP, WEBSOCKET, Lane
from .exceptions import of_the_other_kind, outside

if t.TYPE_CHECKING:
    from .app import Flask
    from .ctx import Context, _AppCtxGlobals
    from .sessions import SessionMixin
    from .wrappers import Request, Websocket


def _connection(name: str, lane: str) -> t.Any:
    ctx = current()
    found = None if ctx is None else ctx.connection_of(lane)
    if found is None:
        if ctx is not None and ctx.carrier is not None and ctx.carrier.lane is not None:
            instead = "request" if name == "websocket" else "websocket"
            raise of_the_other_kind(name, instead)
        raise outside(name, "request" if lane == "http" else lane)
    return found


def _find_app() -> t.Any:
    ctx = current()
    if ctx is None or ctx.without_app:
        raise outside("current_app", "application")
    return ctx.app


def _find_g() -> t.Any:
    ctx = current()
    if ctx is None:
        raise outside("g", "application")
    found = ctx._g  # It may be as good as false: a class of somebody's own, with a length.
    return ctx.make_g() if found is None else found


def _find_app_ctx() -> t.Any:
    ctx = current()
    found = None if ctx is None else ctx.app_context
    if found is None:
        raise outside("app_ctx", "application")
    return found


def _find_carrier() -> t.Any:
    ctx = current()
    if ctx is None or ctx.carrier is None:
        raise outside("request_ctx", "request")
    return ctx.carrier


def _find_request() -> t.Any:
    return _connection("request", "http")


def _find_websocket() -> t.Any:
    return _connection("websocket", "websocket")


def _find_session() -> t.Any:
    ctx = current()
    # PERF: what the context's property does; the rest is for contexts inside contexts.
    if ctx is not None and ctx.lane is not None:
        found = ctx._session
        if found is None:
            found = ctx.open_session()
        found.accessed = True
        return found
    if ctx is None or ctx.carrier is None:
        raise outside("session", "request")
    return ctx.session


#: what a proxy answers for itself, or as Werkzeug has it
_OWN = frozenset(dir(LocalProxy))


def make_proxy(find: t.Callable[[], t.Any]) -> t.Any:
    """Make a Werkzeug ``LocalProxy`` in which the ways are shortened that every request goes.

    PERF: ``LocalProxy`` goes through a descriptor written in Python and two calls more (0.6 µs for
    an attribute); here ``find`` is called at once (0.2 µs). Everything else is Werkzeug's.

    Args:
        find: Returns the object that the proxy stands for, or raises.
    """

    class Proxy(LocalProxy[t.Any]):
        __slots__ = ()

        def __getattribute__(self, name: str) -> t.Any:
            if name in _OWN:
                return super().__getattribute__(name)
            return getattr(find(), name)

        def __setattr__(self, name: str, value: t.Any) -> None:
            setattr(find(), name, value)

        def __getitem__(self, key: t.Any) -> t.Any:
            return find()[key]

        def __setitem__(self, key: t.Any, value: t.Any) -> None:
            find()[key] = value

        def __contains__(self, key: t.Any) -> bool:
            return key in find()

    Proxy.__name__ = Proxy.__qualname__ = LocalProxy.__name__
    return Proxy(find)


def _make_g_proxy() -> t.Any:
    """Make the proxy ``g``, without a call where something was put there before."""
    get = current

    def attribute(name: str) -> t.Any:
        if name in _OWN:
            return LocalProxy.__getattribute__(proxy, name)
        ctx = get()
        return getattr((ctx is not None and ctx._g) or _find_g(), name)

    class Proxy(type(make_proxy(_find_g))):  # type: ignore[misc]  # any class may be a base
        __slots__ = ()

        __getattribute__ = staticmethod(attribute)  # type: ignore[misc]  # no function of self

        def __setattr__(self, name: str, value: t.Any) -> None:
            ctx = get()
            setattr((ctx is not None and ctx._g) or _find_g(), name, value)

    Proxy.__name__ = Proxy.__qualname__ = LocalProxy.__name__
    proxy = Proxy(_find_g)
    return proxy


def _make_connection_proxy(lane: Lane, find: t.Callable[[], t.Any]) -> t.Any:
    """Make such a proxy of what a lane's contexts carry, without a call for the usual case."""
    get = current

    def attribute(name: str) -> t.Any:
        if name in _OWN:
            return LocalProxy.__getattribute__(proxy, name)
        ctx = get()
        # The rest is for worker threads and contexts inside contexts.
        if ctx is not None and ctx.lane is lane and ctx.lease is None:
            return getattr(ctx._connection or ctx._connect(), name)
        return getattr(find(), name)

    class Proxy(type(make_proxy(find))):  # type: ignore[misc]  # any class may be a base
        __slots__ = ()

        __getattribute__ = staticmethod(attribute)  # type: ignore[misc]  # no function of self

    Proxy.__name__ = Proxy.__qualname__ = LocalProxy.__name__
    proxy = Proxy(find)
    return proxy


def _make_websocket_proxy() -> t.Any:
    """Make the proxy of the websocket, on which two methods are looked up for each message.

    PERF: properties of these two names need no ``__getattribute__``, which is asked for every name:
    0.74 → 0.68 µs for a message and its echo. All other names cost more (0.35 µs instead of 0.12).
    """
    get: t.Callable[[], t.Any] = current

    class Proxy(LocalProxy[t.Any]):
        __slots__ = ()

        @property
        def send(self) -> t.Any:
            try:
                ctx = get()
                if ctx.lane is WEBSOCKET and ctx.lease is None:
                    return ctx._connection.send
            except AttributeError:
                pass  # There is no context, or no websocket was made yet.
            return _find_websocket().send

        @property
        def receive(self) -> t.Any:
            try:
                ctx = get()
                if ctx.lane is WEBSOCKET and ctx.lease is None:
                    return ctx._connection.receive
            except AttributeError:
                pass
            return _find_websocket().receive

        def __getattr__(self, name: str) -> t.Any:
            ctx = get()
            if ctx is not None and ctx.lane is WEBSOCKET and ctx.lease is None:
                found = ctx._connection
                if found is not None:
                    return getattr(found, name)
            return getattr(_find_websocket(), name)

    Proxy.__name__ = Proxy.__qualname__ = LocalProxy.__name__
    return Proxy(_find_websocket)


current_app: Flask = make_proxy(_find_app)
g: _AppCtxGlobals = _make_g_proxy()
app_ctx: Context = make_proxy(_find_app_ctx)
request_ctx: Context = make_proxy(_find_carrier)
request: Request = _make_connection_proxy(HTTP, _find_request)
websocket: Websocket = _make_websocket_proxy()
session: SessionMixin = make_proxy(_find_session)
