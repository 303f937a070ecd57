"""A WSGI application behind an ASGI server: one worker thread is leased for each request.

The application is called there, its body is iterated and closed there, all in the request's one
:class:`contextvars.Context`. Facade apps are served this way, and what is mounted. Nothing here
knows of an app's contexts; the environ says which lease serves it (``asyncflask.context``).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .._current import slot
from ..concurrency.errors import as_exception
from ..concurrency.workers import Lease, WorkerPool
from ..exceptions import WorkerQueueFull
from ..typing import Receive, Scope, Send
from ..wrappers.request import drain
from ..wrappers.request.base import body_of
from ..wrappers.request.sync import prefetch
from ..wrappers.response.asgi import send_whole, whole_body
from ..wrappers.response.headers import encode_headers
from .call import Call, send_wsgi
from .environ import EXTRA_KEYS, make_environ, request_variables

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: an app context that the test client's caller has pushed; without one, none is around a request
AROUND = "asyncflask.around"


#: a dictionary that the test client's transport wants filled: the names of the answer's headers in
#: lower case, as ASGI sends them, and as the application has spelled them
SPELLING = "asyncflask.spelling"


class Host(Protocol):
    """What serving a WSGI application asks of the app that does it."""

    @property
    def workers(self) -> WorkerPool: ...

    @property
    def config(self) -> Any: ...

    @property
    def json(self) -> Any: ...

    @property
    def debug(self) -> bool: ...

    @property
    def logger(self) -> logging.Logger: ...


class Served:
    """One HTTP request on its way through a WSGI application.

    Args:
        app: Whose workers and limits of time are used.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
    """

    lease: Lease | None = None
    #: what the environ said of the request when it was made (see ``kept_scope``)
    variables: WSGIEnvironment
    _body: Any = None
    # What a request finds that somebody makes of the environ.
    url_rule: Any = None
    view_args: dict[str, Any] | None = None
    routing_exception: Any = None
    header_names: Mapping[bytes, bytes] | None = None

    def __init__(self, app: Host, scope: Scope, receive: Receive, send: Send) -> None:
        self.app = app
        self.scope = scope
        self.receive = receive
        self.send = send
        self.announced = drain.announces_body(scope)

    def make_environ(self) -> WSGIEnvironment:
        """Make the environ, in the worker."""
        lease: Lease = self.lease  # type: ignore[assignment]  # leased
        # PERF: what is here already needs no stream that could wait.
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

    Without a free worker, and none soon to be expected, the answer is 503.

    Args:
        host: Whose workers and limits of time are used. Limits of size are the application's.
        application: The WSGI application.
        scope: The connection's ASGI scope.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
        prepare: Awaited on the loop before the application's thread waits for a coroutine there.

    Raises:
        EscapedError: The application raised a :exc:`BaseException` of its own, which would end
            more than the request.
        Exception: Whatever else it raises.
    """
    served = Served(host, scope, receive, send)
    try:
        lease = served.lease = await host.workers.lease()
    except WorkerQueueFull as error:
        await _refuse(error, scope["method"], send)
        return
    if prepare is not None:
        lease.prepare = lambda: prepare(served)
    previous = slot.get()
    slot.set(scope.get(AROUND))  # What is served has contexts of its own.
    body = body_of(served)
    body.max_content_length = None
    call = Call(application, served.make_environ)
    try:
        if served.announced:
            prefetch(served)
        try:
            await lease.run(call.begin_whole)
            if SPELLING in scope:
                scope[SPELLING].update({name.lower(): name for name, _ in call.headers})
            if served.announced and drain.is_left(served):
                send = drain.reading_on(served, send)
            await send_wsgi(call, scope["method"], send, body.wait_disconnect, lease.run)
        finally:
            if not call.closed:
                await lease.run(call.close)
    except BaseException as error:
        failure = as_exception(error, f"{scope['method']} {scope['path']!r}")
        if failure is error:
            raise
        raise failure from error
    finally:
        slot.set(previous)
        body.close()
        lease.prepare = served.lease = None  # Both refer to each other: a circle.
        lease.release()


async def _refuse(error: WorkerQueueFull, method: str, send: Send) -> None:
    headers = encode_headers(error.get_headers())
    start = {"type": "http.response.start", "status": error.code, "headers": headers}
    await send_whole(
        send, start, whole_body(b"" if method == "HEAD" else error.get_body().encode())
    )
