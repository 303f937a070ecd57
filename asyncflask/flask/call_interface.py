"""``Flask.__call__`` for WSGI and ASGI, also if a tool or a subclass replaces it.

WSGI servers call an app with two arguments, ASGI servers with three, and ASGI 2 servers with the
scope alone (so does uvicorn, which takes a ``def __call__`` for ASGI 2). Functions that replace
``Flask.__call__`` are mostly written for WSGI. They get the WSGI calls only; an ASGI request
reaches them through the request's worker thread (``wsgi/facade.py``).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

from .._invalidation import WatchingType
from ..typing import Receive, Scope, Send

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.routing import Map

    from ..debug.debugger import Debugger

_NAMES = ("__module__", "__name__", "__qualname__", "__doc__")


class CalledApp(Protocol):
    """The attributes of an app that a call of it uses."""

    @property
    def use_debugger(self) -> bool: ...

    @property
    def debugger(self) -> Debugger: ...

    @property
    def logger(self) -> logging.Logger: ...

    @property
    def url_map(self) -> Map: ...

    async def asgi_app(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def wsgi_app(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]: ...


class WSGIOrASGIAnswer(Iterable[bytes], Awaitable[None], Protocol):
    """For type checkers, what a call of an app returns: WSGI's body, or what ASGI awaits."""


class CallableType(WatchingType):
    """The type of app classes, which adapts a ``__call__`` that is assigned to one."""

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, for_both(value) if name == "__call__" else value)


def adapt_subclass(cls: type) -> None:
    """Adapt the ``__call__`` that a subclass defines or inherits from a mixin.

    Args:
        cls: The subclass.
    """
    owner = next(base for base in cls.__mro__ if "__call__" in vars(base))
    if owner is cls or not isinstance(owner, CallableType):
        setattr(cls, "__call__", vars(owner)["__call__"])  # noqa: B010  # CallableType adapts it


def for_both(call: object) -> object:
    """Return a ``__call__`` for WSGI and ASGI.

    Args:
        call: A ``__call__`` that may be for one of them only.

    Returns:
        ``call`` itself if it takes two or three arguments. Otherwise a function that passes it the
        calls it is for: ASGI's if it has three required arguments, otherwise WSGI's.
    """
    # Only plain functions count: the signature of a wrapper (wrapt's, a mock) says nothing.
    if not isinstance(call, FunctionType) or call.__code__.co_argcount < 4:
        return _adapted(call, asgi=False)
    required = call.__code__.co_argcount - 1 - len(call.__defaults__ or ())
    return call if required <= 2 else _adapted(call, asgi=True)


def _adapted(call: Any, asgi: bool) -> Callable[..., object]:
    def __call__(
        app: CalledApp, environ: Any, start_response: Any = None, send: Send | None = None
    ) -> object:
        if (send is not None) is asgi and start_response is not None:
            bound = call.__get__(app, type(app)) if hasattr(call, "__get__") else call
            return bound(environ, start_response, *([send] if asgi else []))
        if send is None and start_response is not None:
            return app.wsgi_app(environ, start_response)
        return call_asgi(app, environ, start_response, send)

    return functools.update_wrapper(__call__, call, assigned=_NAMES, updated=())


def call_asgi(
    app: CalledApp, scope: Scope, receive: Any, send: Any
) -> Awaitable[None] | Callable[[Receive, Send], Awaitable[None]]:
    """Call an app as an ASGI server does: with the scope alone (ASGI 2), or with all three.

    Args:
        app: The app.
        scope: The ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.

    Returns:
        An awaitable; for ASGI 2 a function that takes the other two arguments.

    Raises:
        TypeError: ``scope`` is the only argument and is not an ASGI scope.
    """
    if receive is None and send is None:
        if not (isinstance(scope, dict) and "type" in scope):
            raise TypeError(
                f"{app!r} was called with one {type(scope).__name__}, which is not an ASGI scope."
                " A WSGI server calls it as app(environ, start_response), an ASGI 3 server as"
                " app(scope, receive, send)."
            )
        return functools.partial(type(app).__call__, app, scope)
    if app.use_debugger:
        return app.debugger.serve(app.asgi_app, scope, receive, send)
    return app.asgi_app(scope, receive, send)


def refuse_environ(app: object, environ: object) -> None:
    """Refuse a call with two arguments whose first is not a WSGI environ.

    Args:
        app: The app.
        environ: The argument.

    Raises:
        TypeError: Always.
    """
    raise TypeError(
        f"{app!r} was called with two arguments, as a WSGI or RSGI application, but the first is a"
        f" {type(environ).__name__} and not a WSGI environ. It serves WSGI and ASGI: write, for"
        " example, `granian --interface asgi shop:app`, or `--interface wsgi`."
    )


def unserved_websockets(url_map: Map) -> list[str]:
    """Return the rules that a WSGI server cannot serve.

    Args:
        url_map: The app's rules.

    Returns:
        Those of ``websocket()``. A view of ``route(..., websocket=True)`` uses the server's socket.
    """
    return [rule.rule for rule in url_map.iter_rules() if rule.websocket and rule.methods is None]


def note_unserved_websockets(app: CalledApp, environ: WSGIEnvironment) -> None:
    """Warn that a WSGI server has called an app with websockets, which it refuses.

    Args:
        app: The app.
        environ: The first request's. Werkzeug's server and test client are left out: the command
            that starts the server has said so.
    """
    server = environ.get("SERVER_SOFTWARE") or ""
    is_server = server or environ.get("wsgi.multithread") or environ.get("wsgi.multiprocess")
    rules = unserved_websockets(app.url_map)
    if rules and is_server and not server.startswith("Werkzeug/"):
        app.logger.warning(
            "The server calls %r by WSGI, and refuses its websockets (%s), which need ASGI."
            " Write, for example, `hypercorn asgi:shop:app`, or `uvicorn shop:app`.",
            app,
            ", ".join(rules),
        )
