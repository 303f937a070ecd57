"""The decorators of hooks that Quart adds to Flask's, with Quart's parameter."""

from __future__ import annotations

from ..sansio.scaffold import Scaffold
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
