"""The session between two requests of the test client."""

from __future__ import annotations

import inspect
from types import TracebackType
from typing import Any, Protocol

from werkzeug.datastructures import Headers


class SessionClient(Protocol):
    """What a transaction asks of the client that made it."""

    application: Any

    def make_environ(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]: ...

    def store_cookies(self, environ: dict[str, Any], headers: Headers) -> None: ...


class SessionTransaction:
    """Opens the session on entering and saves it on leaving, outside of a request.

    Made by :meth:`TestClient.session_transaction`.
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
        self._session: Any = None

    async def __aenter__(self) -> Any:
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
            await _settled(self._interface.save_session(self._app, self._session, response))
        self._client.store_cookies(self._environ, response.headers)

    def __enter__(self) -> Any:
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
            self._at_once(
                self._interface.save_session(self._app, self._session, response), "save_session"
            )
        self._client.store_cookies(self._environ, response.headers)

    def _keep(self, session: Any) -> Any:
        if session is None:
            raise RuntimeError(
                f"{self._interface!r} opened no session. Set app.secret_key, or look into the"
                " interface's open_session()."
            )
        self._session = session
        return session

    def _at_once(self, result: Any, name: str) -> Any:
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


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
