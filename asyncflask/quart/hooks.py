"""The decorators of hooks that Quart adds to Flask's, with Quart's parameter."""

from __future__ import annotations

from ..sansio.scaffold import Scaffold
from ..sansio.serving_hooks import ServingHooks
from ..sansio.setupmethod import F


class WebsocketHooks(Scaffold):
    """The decorators of websockets' hooks, of an app or a blueprint."""

    def before_websocket(self, func: F) -> F:
        """Register a function that runs before each websocket view.

        Args:
            func: Returns ``None``, or what refuses the websocket.

        Returns:
            The function, unchanged.
        """
        return super().before_websocket(func)

    def after_websocket(self, func: F) -> F:
        """Register a function that runs after each websocket view.

        Args:
            func: Takes the response or ``None``, and returns the same.

        Returns:
            The function, unchanged.
        """
        return super().after_websocket(func)

    def teardown_websocket(self, func: F) -> F:
        """Register a function that runs at the end of each websocket.

        Args:
            func: Takes the error, or ``None``.

        Returns:
            The function, unchanged.
        """
        return super().teardown_websocket(func)


class AppHooks(ServingHooks):
    """The decorators of what runs when an app begins and stops to serve."""

    def before_serving(self, func: F) -> F:
        """Register a function that runs before the app accepts the first request.

        Args:
            func: Called without arguments.

        Returns:
            The function, unchanged.
        """
        return super().before_serving(func)

    def while_serving(self, func: F) -> F:
        """Register a generator that runs around the serving of the app.

        Args:
            func: An ``async def`` generator with one ``yield``.

        Returns:
            The function, unchanged.
        """
        return super().while_serving(func)

    def after_serving(self, func: F) -> F:
        """Register a function that runs after the app has answered the last request.

        Args:
            func: Called without arguments.

        Returns:
            The function, unchanged.
        """
        return super().after_serving(func)
