"""Reading and changing the session between two requests of the test client."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from ..sessions import SessionInterface, SessionMixin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..context import Context

T = TypeVar("T")


class TransactionApp(Protocol):
    """The attributes of an app that a transaction uses."""

    session_interface: SessionInterface

    @property
    def response_class(self) -> type[Response]: ...

    def test_request_context(self, *args: Any, **kwargs: Any) -> Context: ...


class SessionClient(Protocol):
    """The attributes of a client that a transaction uses."""

    @property
    def application(self) -> TransactionApp: ...

    def make_environ(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WSGIEnvironment: ...

    def store_cookies(self, environ: WSGIEnvironment, headers: Headers) -> None: ...


class SessionTransaction:
    """Opens the session on entering and saves it on leaving, outside of a request.

    :meth:`.TestClient.session_transaction` makes one.

    Args:
        client: The client, whose cookies are read and stored.
        args: For ``app.test_request_context()``.
        kwargs: For ``app.test_request_context()``.
    """

    def __init__(
        self, client: SessionClient, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._client = client
        self._app = client.application
        self._interface = client.application.session_interface
        environ = client.make_environ(args, dict(kwargs))
        headers = Headers(kwargs.pop("headers", None))
        if "HTTP_COOKIE" in environ:
            headers["Cookie"] = environ["HTTP_COOKIE"]
        self._ctx = self._app.test_request_context(*args, headers=headers, **kwargs)
        self._environ = environ
        self._session: SessionMixin | None = None

    async def __aenter__(self) -> SessionMixin:
        async with self._ctx:
            session = await _settled(self._interface.open_session(self._app, self._ctx.request))
        return self._keep(session)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if exc_value is not None or self._interface.is_null_session(self._session):
            return
        response = self._app.response_class()
        async with self._ctx:
            await _settled(self._save(response))
        self._client.store_cookies(self._environ, response.headers)

    def __enter__(self) -> SessionMixin:
        with self._ctx:
            session = self._at_once(
                self._interface.open_session(self._app, self._ctx.request), "open_session"
            )
        return self._keep(session)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if exc_value is not None or self._interface.is_null_session(self._session):
            return
        response = self._app.response_class()
        with self._ctx:
            self._at_once(self._save(response), "save_session")
        self._client.store_cookies(self._environ, response.headers)

    def _keep(self, session: SessionMixin | None) -> SessionMixin:
        if session is None:
            raise RuntimeError(
                f"{self._interface!r} opened no session. Set app.secret_key, or check the"
                " interface's open_session()."
            )
        self._session = session
        return session

    def _save(self, response: Response) -> object:
        """Call ``save_session``, which may be an ``async def`` function."""
        save: Callable[..., object] = self._interface.save_session
        return save(self._app, self._session, response)

    def _at_once(self, result: Awaitable[T] | T, name: str) -> T:
        if not inspect.isawaitable(result):
            return result
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(
            f"{name}() of {self._interface!r} is asynchronous, and the transaction was entered with"
            " `with`.\n\n"
            "    wrong:  with client.session_transaction() as session:\n"
            "    right:  async with client.session_transaction() as session:"
        )


async def _settled(result: Awaitable[T] | T) -> T:
    return await result if inspect.isawaitable(result) else result
