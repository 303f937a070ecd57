"""Flask's synchronous test client: Werkzeug's client, which calls the app without a loop.

``ASYNCFLASK_TEST_TRANSPORT=asgi`` lets the same client call the app through ASGI, a loop and a
worker thread instead, so that one suite tests both transports (``asgi_transport.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import werkzeug.test
from click.testing import CliRunner as CliRunner
from click.testing import Result as Result
from werkzeug.datastructures import Headers
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request as WerkzeugRequest

from ..cli import ScriptInfo as ScriptInfo
from ..json.provider import JSONProvider
from ..sessions import SessionInterface, SessionMixin
from ..testing.builder import EnvironBuilder as EnvironBuilder
from ..testing.builder import client_environ
from ..testing.cli import CliRunner as AppCliRunner
from ..typing import Receive, Scope, Send
from .asgi_transport import through_asgi, uses_asgi

# COMPAT: the name under which Flask's module has Werkzeug's class.
BaseRequest = WerkzeugRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class TestedApp(Protocol):
    """The attributes of an app that the builder and the client use."""

    session_interface: SessionInterface

    @property
    def json(self) -> JSONProvider: ...

    @property
    def response_class(self) -> Any: ...

    def test_request_context(self, *args: Any, **kwargs: Any) -> Any: ...

    async def asgi_app(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class FlaskClient(Client):
    """A client for tests; ``with client:`` keeps the request's context until the next request.

    Source: ``Flask: testing.FlaskClient``.
    """

    application: Any  # a TestedApp; Werkzeug's client has a WSGI callable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list[Any] = []
        self._context_stack = ExitStack()
        self.environ_base = client_environ()

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Open the session that the next request will see, and save it at the end.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.

        Raises:
            TypeError: The client keeps no cookies.
            RuntimeError: The session interface gives no session.
        """
        if self._cookies is None:
            # COMPAT: tests match Flask's words for it, here and below.
            raise TypeError(
                "Sessions need cookies, and this client was made with use_cookies=False."
                " Cookies are disabled: create it with app.test_client()."
            )
        app = self.application
        ctx = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(ctx.request.environ)
        with ctx:
            open_session = app.session_interface.open_session
            session = ctx.settle(open_session, open_session(app, ctx.request))
        if session is None:
            raise RuntimeError(
                "Session backend did not open a session: is SECRET_KEY set, and does"
                f" {app.session_interface!r} return one?"
            )
        yield session
        response = app.response_class()
        if app.session_interface.is_null_session(session):
            return
        with ctx:
            save_session = app.session_interface.save_session
            ctx.settle(save_session, save_session(app, session, response))
        self._update_cookies_from_response(
            ctx.request.host.partition(":")[0],
            ctx.request.path,
            response.headers.getlist("Set-Cookie"),
        )

    def _copy_environ(self, other: dict[str, Any]) -> dict[str, Any]:
        environ = {**self.environ_base, **other}
        if self.preserve_context:
            environ["werkzeug.debug.preserve_context"] = self._new_contexts.append
        return environ

    def _request_from_builder_args(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> WerkzeugRequest:
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def open(
        self,
        *args: Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        **kwargs: Any,
    ) -> TestResponse:
        """Make a request.

        Args:
            args: A path and what :class:`EnvironBuilder` takes, or a builder, environ or request.
            buffered: Read the whole response and close it.
            follow_redirects: Follow redirects to the end.
            kwargs: For :class:`EnvironBuilder`; ignored with a builder, environ or request.
        """
        request = self._as_request(args, kwargs)
        # The kept context of the last request ends now.
        self._context_stack.close()
        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json
        for ctx in self._new_contexts:
            self._context_stack.enter_context(ctx)
        self._new_contexts.clear()
        return response

    def run_wsgi_app(
        self, environ: WSGIEnvironment, buffered: bool = False
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Call the app on the transport that ``ASYNCFLASK_TEST_TRANSPORT`` names.

        Args:
            environ: The environ.
            buffered: Read the whole body.

        Returns:
            The body's parts, the status line and the headers.
        """
        if not (uses_asgi() and hasattr(self.application, "asgi_app")):
            return super().run_wsgi_app(environ, buffered)
        client: Any = copy(self)
        client.application = through_asgi(self.application)
        return super(FlaskClient, client).run_wsgi_app(environ, buffered)

    def _as_request(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WerkzeugRequest:
        # COMPAT: a subclass may add headers to each call, also to Werkzeug's own for a redirect,
        # which has a builder. Flask ignores them there.
        first = args[0] if args else None
        if isinstance(first, werkzeug.test.EnvironBuilder):
            builder = copy(first)
            builder.environ_base = self._copy_environ(dict(builder.environ_base or {}))
            try:
                return builder.get_request()
            finally:
                builder.close()
        if isinstance(first, dict):
            return EnvironBuilder.from_environ(
                first, app=self.application, environ_base=self._copy_environ({})
            ).get_request()
        if isinstance(first, WerkzeugRequest):
            request = copy(first)
            request.environ = self._copy_environ(request.environ)
            return request
        return self._request_from_builder_args(args, kwargs)

    def __enter__(self) -> FlaskClient:
        if self.preserve_context:
            raise RuntimeError(
                f"{self!r} is in a `with` block already. Make a second client with"
                " app.test_client()."
            )
        self.preserve_context = True
        return self

    def __exit__(
        self,
        exc_type: type | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


class FlaskCliRunner(AppCliRunner):
    """Click's runner for the app's commands.

    Args:
        app: The app.
        kwargs: For click's runner.

    Source: ``Flask: testing.FlaskCliRunner``.
    """
