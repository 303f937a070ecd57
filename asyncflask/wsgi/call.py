"""Running a WSGI callable off the loop: one that a view returned, or a whole application.

How the environ is made is the request's business; that a view may return such a callable is
``dispatch/``'s, and which thread a whole application runs in is ``adapter.py``'s. A
Werkzeug response is a WSGI callable too, but is not run: its class is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response as WerkzeugResponse

from ..wrappers.response.asgi import Send, Watch, send_chunks, send_whole, whole_body
from ..wrappers.response.bodies import Run, chunks_of
from ..wrappers.response.headers import encode_headers
from ..wrappers.response.response import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


async def response_of(
    app: WSGIApplication,
    make_environ: Callable[[], dict[str, Any]],
    run: Run,
    response_class: type[Response] = Response,
) -> Response:
    """Call a WSGI application, and return what it answers as a response.

    The application's body is streamed: it is iterated through ``run`` while it is sent, and its
    ``close()`` is called at the end.

    Args:
        app: A WSGI callable, or a Werkzeug response.
        make_environ: Called here, before the application.
        run: ``run(func, *args)`` calls the application and iterates its body off the loop.
        response_class: What to return.

    Raises:
        RuntimeError: The application did not call ``start_response``.
        Exception: Whatever the application raises.

    Source: :pep:`3333`; ``Werkzeug: werkzeug.test.run_wsgi_app``.
    """
    if isinstance(app, WerkzeugResponse):
        if isinstance(app, response_class):
            return app
        forced: Response = response_class.force_type(app)  # type: ignore[assignment]  # is of its own class
        return forced
    call = Call(app, make_environ())
    body: Any = await run(call.begin)
    typed = any(name.lower() == "content-type" for name, _ in call.headers)
    return response_class(
        body,
        call.status,
        call.headers,
        mimetype=None if typed else "text/plain",
        direct_passthrough=body is call,
    )


async def send_wsgi(call: Call, method: str, send: Send, watch: Watch, run: Run) -> None:
    """Send what a WSGI application answers that was begun, and close it.

    Args:
        call: Its call, after ``await run(call.begin_whole)``.
        method: The request's method; ``HEAD`` gets no body.
        send: ASGI's ``send``.
        watch: As for :func:`.send_response`.
        run: ``run(func, *args)`` iterates and closes the body off the loop.

    Raises:
        ValueError: The status or a header cannot be written; nothing has been sent.
        Exception: Whatever the body raises.
    """
    code = call.status[:3]
    if not (code.isascii() and code.isdigit()):
        raise ValueError(
            f"The WSGI application {call.app!r} answered with the status {call.status!r}, which"
            " does not begin with three digits. Write it like '200 OK'."
        )
    start = {
        "type": "http.response.start",
        "status": int(code),
        "headers": encode_headers(call.headers),
    }
    if call.whole is not None or method == "HEAD":
        await send_whole(send, start, whole_body(b"" if method == "HEAD" else call.whole or b""))
    else:
        await send_chunks(chunks_of(call, run), start, send, watch)


class Call:
    """One call of a WSGI application; also the iterable of what it gives.

    Args:
        app: The application.
        environ: The environ, or a function that makes it where the application is called.
    """

    #: the whole body, where :meth:`begin_whole` has found it complete
    whole: bytes | None = None
    closed = False

    def __init__(
        self, app: WSGIApplication, environ: dict[str, Any] | Callable[[], dict[str, Any]]
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
        """Begin and, where one piece is all that Content-Length announces, end as well.

        PERF: most answers are; they need one hop to the worker instead of four.
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
        if self.whole is not None:
            self.close()

    def begin(self) -> list[bytes] | Call:
        """Call the application and go on until it has told status and headers.

        Returns:
            The body if it is a list and therefore complete, else this iterable.
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
        """PEP 3333: start_response may be called as late as by the first chunk's making."""
        try:
            self._written.append(next(self._rest))
        except StopIteration:
            raise RuntimeError(
                f"The WSGI application {self.app!r} ended without calling start_response."
                " Call start_response(status, headers) before the body ends."
            ) from None

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])  # PEP 3333: the start was sent.
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
        """Close what the application gave, if it wants to be closed (:pep:`3333`)."""
        close = getattr(self._given, "close", None)
        if close is not None and not self.closed:
            self.closed = True
            close()
