"""The slot that holds the current context, and nothing else.

It stands at the bottom so that anything may set or read it; the typed proxies that users see
(``request``, ``g`` …) stand at the top, in :mod:`asyncflask.globals`. Code in between takes the
context as an argument; only public functions that Flask lets one call bare (``url_for()``,
``render_template()`` …) call :func:`current`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

slot: ContextVar[Any] = ContextVar("asyncflask.context", default=None)


def current() -> Any | None:
    """Return the context that is pushed in this task or thread, or ``None`` outside of all."""
    return slot.get()
