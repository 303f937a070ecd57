"""Which steps of the pipeline a user has replaced, seen at call time and paid for once.

Flask lets a subclass, or an assignment to the app or its class, replace any step
(``dispatch_request``, ``make_response``, ``handle_exception`` …). The pipeline must call such a
replacement; but calling every step through the app costs more than the whole dispatch of an app
that replaces none. So each app keeps a :class:`Steps` record of the names it replaces; the
pipeline calls its own function for the others. Assigning to an attribute named in :data:`NAMES`, on
an app or on its class, makes all records obsolete (``App.__setattr__`` and :class:`AppType` say so
to :func:`forget`).
"""

from __future__ import annotations

import inspect
from abc import ABCMeta
from collections.abc import Callable
from typing import Any

from ..concurrency import TO_LOOP
from ..ctx import Context

#: The app's methods that stand for a step. Flask's names, then Quart's.
NAMES = frozenset(
    {
        "create_url_adapter",
        "do_teardown_appcontext",
        "do_teardown_request",
        "full_dispatch_request",
        "preprocess_request",
        "dispatch_request",
        "make_response",
        "finalize_request",
        "process_response",
        "handle_exception",
        "handle_http_exception",
        "handle_user_exception",
        "log_exception",
        "raise_routing_exception",
        "make_default_options_response",
        "full_dispatch_websocket",
        "preprocess_websocket",
        "dispatch_websocket",
        "finalize_websocket",
        "postprocess_websocket",
        "handle_websocket_exception",
        "do_teardown_websocket",
    }
)


class _Generation:
    """Counts the replacements; a record of an older count is made anew."""

    count = 0


def forget(name: str) -> None:
    """Note that the attribute ``name`` of an app or app class was assigned or deleted."""
    if name in NAMES:
        _Generation.count += 1


class AppType(ABCMeta):
    """The type of app classes: notices steps that are replaced on a class after the fact.

    (Derived from ABCMeta so that an app class may also be an abstract or generic one.)
    """

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        forget(name)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        forget(name)


class Steps:
    """The names of the steps that one app replaces, as of one generation.

    Args:
        app: The app.
        base: The class whose methods are the untouched ones.
    """

    def __init__(self, app: Any, base: type) -> None:
        self.generation = _Generation.count
        self.replaced = frozenset(name for name in NAMES if _is_replaced(app, base, name))

    @property
    def current(self) -> bool:
        """Whether nothing was replaced since."""
        return self.generation == _Generation.count


def _is_replaced(app: Any, base: type, name: str) -> bool:
    return name in vars(app) or getattr(type(app), name) is not getattr(base, name)


async def through(ctx: Context, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a replaced step; a ``def`` one may hand on ``super()``'s awaitable.

    A replacement never hops to a worker thread by itself: it is glue, like the step it replaces,
    and its ``super()`` call has to stay in the pipeline.
    """
    result = method(*args, **kwargs)
    if inspect.isawaitable(result):
        if ctx.place == "worker":
            ctx.place = "loop"
            await TO_LOOP
        return await result
    return result
