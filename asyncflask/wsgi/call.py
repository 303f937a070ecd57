"""Calling a WSGI callable in a worker thread: one that a view returned, or a whole application.

:func:`response_of` is for ``dispatch/``, :func:`send_wsgi` for ``adapter.py``, which choose the
thread. A Werkzeug response is a WSGI callable too, but is not called: its class is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from werkzeug.wrappers import Response as WerkzeugResponse
from werkzeug.wsgi import FileWrapper

from ..wrappers.response.asgi import Send, send_stream, send_whole, whole_body
from ..wrappers.response.bodies import Run
from ..wrappers.response.disconnect_guard import Watch
from ..wrappers.response.headers import encode_headers
from ..wrappers.response.response import Response

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


async def response_of(
    app: WSGIApplication,
    make_environ: Callable[[], WSGIEnvironment],
    run: Run,
    response_class: type[Response] = Response,
) -> Response:
    """Call a WSGI application, and return its response.

    The application's body is streamed: it is iterated through ``run`` while it is sent, and its
    ``close()`` is called at the end.

    Args:
        app: A WSGI callable, or a Werkzeug response.
        make_environ: Called on the loop, before the application.
        run: ``run(func, *args)`` calls the application and iterates its body off the loop.
        response_class: The class of the response.

    Returns:
        The response.

    Raises:
        RuntimeError: The application did not call ``start_response``.
        Exception: Whatever the application raises.

    Source: :pep:`3333`; ``Werkzeug: werkzeug.test.run_wsgi_app``.
    """
    if isinstance(app, WerkzeugResponse):
        if isinstance(app, response_class):
            return app
        return cast(Response, response_class.force_type(app))
    call = WSGICall(app, make_environ())
    body: Any = await run(call.begin)
    typed = any(name.lower() == "content-type" for name, _ in call.headers)
    return response_class(
        body,
        call.status,
        call.headers,
        mimetype=None if typed else "text/plain",
        direct_passthrough=body is call,
    )


async def send_wsgi(
    call: WSGICall,
    method: str,
    send: Send,
    watch: Watch,
    run: Run,
    extensions: Container[str] = (),
) -> None:
    """Send the response of a WSGI application, and close it.

    Args:
        call: The call, after ``await run(call.begin_whole)``.
        method: The request's method; ``HEAD`` gets no body.
        send: ASGI's ``send``.
        watch: As for :func:`.send_response`.
        run: ``run(func, *args)`` iterates and closes the body off the loop.
        extensions: The scope's ``extensions``.

    Raises:
        ValueError: The status or a header is not valid; nothing was sent.
        Exception: Whatever the body raises.
    """
    code = call.status[:3]
    if not (code.isascii() and code.isdigit()):
        raise ValueError(
            f"The WSGI application {call.app!r} called start_response with the status"
            f" {call.status!r}, which does not begin with three digits. Write it like '200 OK'."
        )
    start = {
        "type": "http.response.start",
        "status": int(code),
        "headers": encode_headers(call.headers),
    }
    if call.whole is not None or method == "HEAD":
        await send_whole(send, start, whole_body(b"" if method == "HEAD" else call.whole or b""))
    else:
        await send_stream(call, start, send, watch, run, extensions)


class WSGICall:
    """One call of a WSGI application, and the iterable of its body.

    Args:
        app: The application.
        environ: The environ, or a function that makes it, in the application's thread.
    """

    #: The whole body, if :meth:`begin_whole` found it complete.
    whole: bytes | None = None
    closed = False

    def __init__(
        self, app: WSGIApplication, environ: WSGIEnvironment | Callable[[], WSGIEnvironment]
    ) -> None:
        self.app = app
        self._environ = environ
        self._written: list[bytes] = []
        self._given: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())
        self._begun = False
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        return f"<a call of {self.app!r}>"

    def begin_whole(self) -> None:
        """Call the application, and close it as well if one piece is the whole body.

        PERF: most bodies are one piece, so that one call in the worker replaces four. Lists and
        files may be closed before they are sent: no function of the app's notices it.
        """
        body = self.begin()
        if body is not self:
            self.whole = b"".join(body)
            self.closed = True
            return
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        if not lengths or not lengths[0].isdigit():
            return
        try:
            if not self._written:
                self._written += [chunk for chunk in [next(self._rest, None)] if chunk is not None]
            if sum(map(len, self._written)) >= int(lengths[0]):
                self.whole = b"".join(self._written)
        except BaseException:
            self.close()
            raise
        # What a view registers with `response.call_on_close` runs when the body was sent.
        if self.whole is not None and isinstance(self._given, FileWrapper):
            self.close()

    def begin(self) -> list[bytes] | WSGICall:
        """Call the application, and iterate its body until it has called ``start_response``.

        Returns:
            The body if it is a list and therefore complete, else this iterable.

        Raises:
            RuntimeError: The application did not call ``start_response``.
            Exception: Whatever the application raises.
        """
        environ = self._environ() if callable(self._environ) else self._environ
        self._given = self.app(environ, self._start_response)
        try:
            if isinstance(self._given, (list, tuple)) and self.status:
                return [*self._written, *self._given]
            self._rest = iter(self._given)
            while not self.status:
                self._advance()
            self._begun = True
        except BaseException:
            self.close()
            raise
        return self

    def _advance(self) -> None:
        """Make one piece; making the first may call start_response (PEP 3333)."""
        try:
            self._written.append(next(self._rest))
        except StopIteration:
            if self.status:  # A generator without a piece called it: New Relic's, around a HEAD.
                return
            raise RuntimeError(
                f"The WSGI application {self.app!r} ended without calling start_response."
                " Call start_response(status, headers) before the body ends."
            ) from None

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,
    ) -> Callable[[bytes], object]:
        error = exc_info[1] if exc_info else None
        if error is not None and self._begun:
            raise error  # PEP 3333: the status and headers were sent.
        self.status = status
        self.headers = list(headers)
        return self._written.append

    def __iter__(self) -> Iterator[bytes]:
        while True:
            while self._written:
                yield self._written.pop(0)
            try:
                chunk = next(self._rest)
            except StopIteration:
                break
            self._written.append(chunk)
        yield from self._written

    def close(self) -> None:
        """Call ``close()`` of the application's body, if it has one (:pep:`3333`)."""
        if self.closed:
            return
        self.closed = True
        close = getattr(self._given, "close", None)
        if close is not None:
            close()
