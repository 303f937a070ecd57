"""Startup and shutdown of an app in a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from ...testing.lifespan import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
from ...testing.lifespan import LifespanError as LifespanError
from ...testing.lifespan import TestApp as AsyncTestApp
from .client import QuartClient


class TestApp(AsyncTestApp):
    """An app between startup and shutdown: ``async with app.test_app() as running:``.

    Args:
        app: The app.
        startup_timeout: Seconds that startup may take.
        shutdown_timeout: Seconds that shutdown may take.

    Source: ``Quart: testing.TestApp``.
    """

    def __init__(
        self,
        app: Any,
        startup_timeout: int = DEFAULT_TIMEOUT,
        shutdown_timeout: int = DEFAULT_TIMEOUT,
    ) -> None:
        super().__init__(app, startup_timeout, shutdown_timeout)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> QuartClient:  # type: ignore[override]  # as Quart's
        """Make a client of the running app.

        Args:
            use_cookies: As for ``app.test_client()``.
            kwargs: As for ``app.test_client()``.
        """
        return cast(QuartClient, super().test_client(use_cookies, **kwargs))

    async def startup(self) -> None:
        """Run the app's startup.

        Raises:
            LifespanError: It failed.
        """
        await self._explained(super().startup)

    async def shutdown(self) -> None:
        """Run the app's shutdown, and wait for its task to end.

        Raises:
            LifespanError: It failed.
        """
        await self._explained(super().shutdown)

    async def _explained(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except (LifespanError, TimeoutError):
            raise
        except Exception as error:
            raise LifespanError(
                f"The {step.__name__} of {self.app!r} failed: {type(error).__name__}: {error}"
            ) from error
