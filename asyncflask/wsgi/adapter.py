"""A WSGI application behind an ASGI server: one worker thread is leased for each request.

The application is called in that thread, and its body is iterated and closed there, all in one
:class:`contextvars.Context`. Facade apps and mounted WSGI applications are served this way. An app
finds the lease of its request in the environ (``asyncflask.context``).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from .._contextvars import context_var
from ..concurrency.errors import as_exception
from ..concurrency.pool import WorkerPool
from ..concurrency.workers import Lease
from ..exceptions import WorkerQueueFull
from ..json.provider import JSONProvider
from ..typing import Receive, Scope, Send
from ..wrappers.request import drain
from ..wrappers.request.base import body_of
from ..wrappers.request.body import Body
from ..wrappers.request.sync import prefetch
from ..wrappers.response.asgi import send_whole, whole_body
from ..wrappers.response.headers import encode_headers
from .call import WSGICall, send_wsgi
from .environ import EXTRA_KEYS, make_environ, request_variables

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Scope key: the app context that the test has pushed, if any, which becomes the request's parent.
PARENT = "asyncflask.parent"
#: Scope key: a dictionary of the test client's transport, which gets the names of the response's
#: headers: in lower case, as ASGI has them, and as the application has spelled them.
SPELLING = "asyncflask.spelling"


class Host(Protocol):
    """The attributes of an app that serves WSGI applications."""

    @property
    def workers(self) -> WorkerPool: ...

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def json(self) -> JSONProvider: ...

    @property
    def debug(self) -> bool: ...

    @property
    def logger(self) -> logging.Logger: ...


class Served:
    """One HTTP request that a WSGI application serves.

    Args:
        app: The app whose workers and timeouts are used.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    lease: Lease | None = None
    #: The part of the environ that describes the request, as it was made (see ``kept_scope``).
    variables: WSGIEnvironment
    made_body: Body | None = None
    # A request that is made from the environ stores its routing here.
    url_rule: Rule | None = None
    view_args: dict[str, Any] | None = None
    routing_exception: HTTPException | None = None
    header_names: Mapping[bytes, bytes] | None = None

    def __init__(self, app: Host, scope: Scope, receive: Receive, send: Send) -> None:
        self.app = app
        self.scope = scope
        self.receive = receive
        self.send = send
        self.announced = drain.announces_body(scope)

    def make_environ(self) -> WSGIEnvironment:
        """Make the environ, in the worker thread."""
        lease = self.lease
        assert lease is not None  # It is called in the leased thread.
        # PERF: a body that has arrived needs no stream that can wait: 5 % of a small request.
        whole = body_of(self).take_whole() if self.announced else b""
        stream = None if whole is None else io.BytesIO(whole)
        self.variables = request_variables(self.scope)
        environ = make_environ(self, lease.loop, stream, self.variables)
        environ.update(self.scope.get(EXTRA_KEYS) or ())
        return environ


async def serve_wsgi(
    host: Host,
    application: WSGIApplication,
    scope: Scope,
    receive: Receive,
    send: Send,
    prepare: Callable[[Served], Awaitable[None]] | None = None,
) -> None:
    """Serve one HTTP request with a WSGI application.

    If no worker is free and the queue is full, the response is 503.

    Args:
        host: The app whose workers and timeouts are used. Limits of size are the application's.
        application: The WSGI application.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
        prepare: Awaited on the loop, before the first coroutine that the application's thread waits
            for.

    Raises:
        EscapedError: The application raised a :exc:`BaseException` that would end the loop.
        Exception: Whatever else it raises.
    """
    served = Served(host, scope, receive, send)
    try:
        lease = served.lease = await host.workers.lease()
    except WorkerQueueFull as error:
        await _send_error(error, scope["method"], send)
        return
    if prepare is not None:
        lease.prepare = lambda: prepare(served)
    previous = context_var.get()
    context_var.set(scope.get(PARENT))  # The application pushes contexts of its own.
    body = body_of(served)
    body.max_content_length = None
    call = WSGICall(application, served.make_environ)
    try:
        if served.announced:
            prefetch(served)
        try:
            await lease.run(call.begin_whole)
            if call.closed:
                lease.release()  # A slow client needs no thread.
            await _send_answer(served, call, lease)
        finally:
            if not call.closed:
                await lease.run(call.close)
    except BaseException as error:
        failure = as_exception(error, f"{scope['method']} {scope['path']!r}")
        try:
            if failure is error:
                raise
            raise failure from error
        finally:
            del failure  # Its traceback refers to this frame: a cycle.
    finally:
        context_var.set(previous)
        body.close()
        lease.prepare = served.lease = None  # They refer to each other: a reference cycle.
        lease.release()


async def _send_answer(served: Served, call: WSGICall, lease: Lease) -> None:
    scope, send = served.scope, served.send
    if SPELLING in scope:
        scope[SPELLING].update({name.lower(): name for name, _ in call.headers})
    if served.announced and drain.is_left(served):
        send = drain.reading_on(served, send)
    extensions = scope.get("extensions") or ()
    watch = body_of(served).wait_disconnect
    await send_wsgi(call, scope["method"], send, watch, lease.run, extensions)


async def _send_error(error: WorkerQueueFull, method: str, send: Send) -> None:
    headers = encode_headers(error.get_headers())
    start = {"type": "http.response.start", "status": error.code, "headers": headers}
    await send_whole(
        send, start, whole_body(b"" if method == "HEAD" else error.get_body().encode())
    )
