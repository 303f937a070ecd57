"""Running a WSGI callable that a view returned, off the loop, as a response.

How the environ is made is the request's business; that a view may return such a callable is
``dispatch/``'s. A Werkzeug response is a WSGI callable too, but is not run: its class is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response as WerkzeugResponse

from .bodies import Run
from .response import Response

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
    call = _Call(app, make_environ())
    body: Any = await run(call.begin)
    typed = any(name.lower() == "content-type" for name, _ in call.headers)
    return response_class(
        body,
        call.status,
        call.headers,
        mimetype=None if typed else "text/plain",
        direct_passthrough=body is call,
    )


class _Call:
    """One call of a WSGI application; also the iterable of what it gives."""

    def __init__(self, app: WSGIApplication, environ: dict[str, Any]) -> None:
        self._app = app
        self._environ = environ
        self._written: list[bytes] = []
        self._given: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())
        self._begun = False
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def begin(self) -> list[bytes] | _Call:
        """Call the application and go on until it has told status and headers.

        Returns:
            The body if it is a list and therefore complete, else this iterable.
        """
        self._given = self._app(self._environ, self._start_response)
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
                f"The WSGI application {self._app!r} ended without calling start_response."
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
        if close is not None:
            close()
