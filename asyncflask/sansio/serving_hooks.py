"""The hooks of an app as a whole: around its serving, and at the end of each app context."""

from __future__ import annotations

from .. import typing as ft
from .._invalidation import HookList
from ..concurrency.stopping import Stopping
from .setupmethod import Setup, T_before_serving, T_teardown, T_while_serving, setupmethod


class ServingHooks(Setup):
    """The decorators of these hooks, and the lists that they fill."""

    def __init__(self) -> None:
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = HookList()
        #: set when the server begins to stop, while requests are still answered
        self.stopping = Stopping()
        self.before_serving_funcs: list[ft.BeforeServingCallable] = []
        self.while_serving_gens: list[ft.WhileServingCallable] = []
        self.after_serving_funcs: list[ft.AfterServingCallable] = []

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Register a function that runs when an app context ends.

        Args:
            f: Gets the error, or ``None``; it runs after the request's teardown functions.

        Returns:
            ``f``, unchanged.
        """
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def before_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs before the app accepts the first request.

        Args:
            f: Called without arguments, in an app context.

        Returns:
            ``f``, unchanged.
        """
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: T_while_serving) -> T_while_serving:
        """Register a generator that runs around the serving of the app.

        Args:
            f: An ``async def`` generator with one ``yield``: the part before it runs at startup,
                the rest at shutdown.

        Returns:
            ``f``, unchanged.
        """
        self.while_serving_gens.append(f)
        return f

    @setupmethod
    def after_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs after the app has answered the last request.

        Args:
            f: Called without arguments, in an app context.

        Returns:
            ``f``, unchanged.
        """
        self.after_serving_funcs.append(f)
        return f
