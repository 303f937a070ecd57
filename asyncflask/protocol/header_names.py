"""Header names of ASGI messages: converted to lower case, and reported in debug mode.

ASGI requires lower-case names. Some widely used applications, such as Django's, send
``Content-Type``, and servers accept it. ``asgi_state.py`` converts the names of each message; this
module converts the messages of a mounted app, and logs such names in debug mode.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from ..config.environment import get_debug_flag
from ..typing import ASGIApplication, Message, Receive, Scope, Send

Log = Callable[..., None]

logger = logging.getLogger("asyncflask.asgi")

# The reported names, by application; used only in debug mode.
_reported: WeakKeyDictionary[object, set[bytes]] = WeakKeyDictionary()


def with_lower_names(send: Send, app: object, log: Log | None) -> Send:
    """Return a ``send`` that converts header names to lower case.

    Args:
        send: ASGI's ``send``.
        app: The application that will call it.
        log: Reports names with capitals, such as ``logger.warning``; ``None``: no report.
    """

    async def send_lower(message: Message) -> None:
        wrong = _lower(message)
        if wrong and log is not None:
            _report(app, wrong, log)
        await send(message)

    return send_lower


def reporting_app(app: ASGIApplication) -> ASGIApplication:
    """Return ``app``, or in debug mode one that reports its header names with capitals.

    Outside of debug mode nothing is between the server and the app.

    Args:
        app: The application. Debug mode is its attribute ``debug``, or ``FLASK_DEBUG``.
    """
    if not (getattr(_owner(app), "debug", False) or get_debug_flag()):
        return app

    async def reporting(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, with_lower_names(send, app, logger.warning))

    return reporting


def _owner(app: object) -> object:
    """Return the object of a bound method, which is itself made at each look-up."""
    owner: object = getattr(app, "__self__", app)
    return owner


def _lower(message: Message) -> list[bytes]:
    """Make the header names of a message lower case; return those that were not.

    The application's own list is not changed. Malformed headers are left to ``asgi_state.advance``,
    which refuses them.
    """
    headers = message.get("headers")
    if not headers or not isinstance(headers, Iterable):
        return []
    if type(headers) is not list and type(headers) is not tuple:
        headers = message["headers"] = list(headers)
    try:
        wrong = [bytes(name) for name, _ in headers if name != name.lower()]
        if wrong:
            message["headers"] = [(name.lower(), value) for name, value in headers]
    except (TypeError, ValueError, AttributeError):
        return []
    return wrong


def _report(app: object, names: Iterable[bytes], log: Log) -> None:
    """Warn of names with capitals, once for each name of an application."""
    try:
        known = _reported.setdefault(_owner(app), set())
    except TypeError:  # Without weak references, the names are reported each time.
        known = set()
    for name in names:
        if name not in known:
            known.add(name)
            log(
                "%r sent a response header named %r. ASGI requires lower-case names, so %r was sent"
                " instead. Write that name in the application, or report it to its authors.",
                app,
                name,
                name.lower(),
            )
