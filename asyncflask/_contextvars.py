"""The context variable that holds the current context, and nothing else.

It is the lowest module, so that every other one may set or read it; the typed proxies that users
see (``request``, ``g`` …) are in one of the highest, :mod:`asyncflask.globals`. Code in between
takes the context as an argument. Only public functions that Flask's users call without one
(``url_for()``, ``render_template()`` …) call :func:`current`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any

context_var: ContextVar[Any] = ContextVar("asyncflask.context", default=None)

current: Callable[[], Any | None] = context_var.get
"""Return the context that is pushed in this task or thread, or ``None`` outside of all."""
make_current: Callable[[Any], Token[Any]] = context_var.set
"""Make a context, or ``None``, the one that is pushed; return what :func:`restore` takes."""
restore: Callable[[Token[Any]], None] = context_var.reset
"""Make the one current that was before :func:`make_current`, in the same task."""
