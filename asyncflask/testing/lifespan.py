"""Startup and shutdown of an app in a test. :mod:`.asgi_connection` carries the messages."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from ..concurrency.stopping import Stopping
from ..typing import Receive, Scope, Send
from .asgi_connection import ASGIConnection
from .client import TestClient

#: Seconds that startup and shutdown may take, each.
DEFAULT_TIMEOUT = 6


class LifespanApp(Protocol):
    """The attributes of an app that a lifespan uses."""

    @property
    def stopping(self) -> Stopping: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None: ...

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> TestClient: ...


class LifespanError(Exception):
    """The app reported that startup or shutdown failed, or it ended without reporting anything."""


class TestApp:
    """An app between startup and shutdown.

    ``async with app.test_app() as running:`` runs the ``before_serving`` functions, and the
    ``after_serving`` functions at the end. Its clients pass the lifespan's state to their requests.

    Args:
        app: The app.
        startup_timeout: Seconds that startup may take.
        shutdown_timeout: Seconds that shutdown may take.

    Source: ``Quart: testing.TestApp``, ``ASGI: Lifespan``.
    """

    __test__ = False  # Tells pytest that this is not a test.

    def __init__(
        self,
        app: LifespanApp,
        startup_timeout: float = DEFAULT_TIMEOUT,
        shutdown_timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self.app = app
        self.startup_timeout = startup_timeout
        self.shutdown_timeout = shutdown_timeout
        #: The lifespan's state, which the app fills.
        self.state: dict[str, Any] = {}
        self._connection: ASGIConnection | None = None

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> TestClient:
        """Make a client of the running app.

        Args:
            use_cookies: As for ``app.test_client()``.
            kwargs: As for ``app.test_client()``.
        """
        client = self.app.test_client(use_cookies, **kwargs)
        client.state = self.state
        return client

    async def startup(self) -> None:
        """Run the app's startup.

        Raises:
            RuntimeError: It has been called before.
            Exception: What a startup function raised.
            LifespanError: The app reported a failure and raised nothing.
            TimeoutError: It took longer than ``startup_timeout``.
        """
        if self._connection is not None:
            raise RuntimeError(
                f"startup() of {self.app!r} was called while the app is running. Use a new"
                " app.test_app() for each run."
            )
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._connection = ASGIConnection(self.app, scope)
        self._connection.start()
        try:
            await self._ask("startup", self.startup_timeout)
        except BaseException:
            await self._end()
            raise

    async def shutdown(self) -> None:
        """Run the app's shutdown, and wait for its task to end.

        Raises:
            Exception: What a shutdown function raised.
            LifespanError: The app reported a failure and raised nothing.
            TimeoutError: It took longer than ``shutdown_timeout``.
        """
        try:
            await self._ask("shutdown", self.shutdown_timeout)
        except BaseException:
            await self._end()
            raise
        (await self._end()).raise_error()
        # The next test may send requests to the same app without starting it.
        self.app.stopping.clear()

    async def _ask(self, step: str, timeout: float) -> None:
        """Request ``step`` and wait until the app reports that it is complete."""
        connection = self._running_connection()
        connection.put({"type": f"lifespan.{step}"})
        try:
            async with asyncio.timeout(timeout) as limit:
                answer = await connection.take()
        except TimeoutError:
            if not limit.expired():
                raise
            await self._end(0)
            raise TimeoutError(
                f"The {step} of {self.app!r} took longer than {timeout} s and was cancelled."
                f" Allow more: TestApp(app, {step}_timeout=...)."
            ) from None
        if answer is None:
            raise LifespanError(
                f"{self.app!r} ended during {step} without sending 'lifespan.{step}.complete'."
            )
        if answer["type"] != f"lifespan.{step}.complete":
            (await self._end()).raise_error()
            reason = answer.get("message") or "the app gave no reason"
            raise LifespanError(f"The {step} of {self.app!r} failed: {reason}.")

    def _running_connection(self) -> ASGIConnection:
        if self._connection is None:
            raise RuntimeError(
                f"{self.app!r} is not running. Use `async with app.test_app() as running:`, or call"
                " startup() first."
            )
        return self._connection

    async def _end(self, grace: float | None = None) -> ASGIConnection:
        connection = self._running_connection()
        await connection.close(grace)
        return connection

    def __enter__(self) -> NoReturn:
        raise _misused("with")

    def __exit__(self, *details: object) -> None: ...

    def __await__(self) -> NoReturn:
        raise _misused("await")

    async def __aenter__(self) -> Self:
        await self.startup()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.shutdown()


def _misused(word: str) -> TypeError:
    return TypeError(
        f"`{word} app.test_app()` was written, but its startup and shutdown are around a block."
        " Write `async with app.test_app() as running:`."
    )
