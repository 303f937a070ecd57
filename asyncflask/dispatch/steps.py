"""Which steps of the pipeline a user has replaced, seen at call time and paid for once.

Flask lets a subclass, or an assignment to the app or its class, replace any step
(``dispatch_request``, ``make_response``, ``handle_exception`` …). The pipeline must call such a
replacement; but calling every step through the app costs more than the whole dispatch of an app
that replaces none. So each app keeps the set of the names it replaces, and the pipeline calls its
own function for the others. Assigning to an attribute named in :data:`NAMES`, on an app or on its
class, makes the sets obsolete (:mod:`asyncflask.watching`). So does assigning what :mod:`.around`
looks at (:data:`WATCHED`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from ..concurrency import TO_LOOP
from ..ctx import Context
from ..routing import asks_werkzeug

#: The app's methods that stand for a step. Flask's names, then Quart's.
NAMES = frozenset(
    {
        "asgi_app",
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

#: The app's methods that make a callable sync or async; the facade calls the first two, the async
#: API the others.
CONVERTERS = frozenset({"ensure_sync", "async_to_sync", "ensure_async", "sync_to_async"})

#: attributes whose assignment makes obsolete what an app keeps: steps, and what is around views
WATCHED = (
    NAMES
    | CONVERTERS
    | {
        "url_map",
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "url_value_preprocessors",
        "teardown_appcontext_funcs",
        "session_interface",
        "response_class",
    }
)


#: every app there is, for replacements on a class
_apps: WeakSet[Any] = WeakSet()


def watch(app: Any) -> None:
    """Let :func:`forget_all` reach ``app``; each app says so once."""
    _apps.add(app)


def forget_all() -> None:
    """Let every app see anew which steps it replaces."""
    for app in _apps:
        app._look_anew()


def untouched(cls: type) -> dict[str, Any]:
    """Return the steps of a face's class, as they are before anybody replaces one on it."""
    return {name: getattr(cls, name) for name in NAMES | CONVERTERS}


def find_replaced(app: Any, own: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the steps that ``app`` replaces.

    ``url_map`` is among them if the app's map has to be asked in Werkzeug's way.

    Args:
        app: The app.
        own: The untouched ones, from :func:`untouched`.
    """
    assigned = vars(app)
    cls = type(app)
    names = {
        name for name, step in own.items() if name in assigned or getattr(cls, name) is not step
    }
    # A property of a subclass may return another map for each request.
    if isinstance(getattr(cls, "url_map", None), property) or asks_werkzeug(
        assigned.get("url_map")
    ):
        names.add("url_map")
    return frozenset(names)


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
