"""The context variable that holds the current context, and the class of the facades' variables.

It is the lowest module, so that every other one may set or read it; the typed proxies that users
see (``request``, ``g`` …) are in one of the highest, :mod:`asyncflask.globals`. Code in between
takes the context as an argument. Only public functions that Flask's users call without one
(``url_for()``, ``render_template()`` …) call :func:`current`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Generic, TypeVar

C = TypeVar("C")

context_var: ContextVar[Any] = ContextVar("asyncflask.context", default=None)

current: Callable[[], Any | None] = context_var.get
"""Return the context that is pushed in this task or thread, or ``None`` outside of all."""
make_current: Callable[[Any], Token[Any]] = context_var.set
"""Make a context, or ``None``, the one that is pushed; return what :func:`restore` takes."""
restore: Callable[[Token[Any]], None] = context_var.reset
"""Make the one current that was before :func:`make_current`, in the same task."""


class FoundVariable(Generic[C]):
    """A substitute for a context variable of Flask or Quart. COMPAT: extensions call its ``get``.

    Args:
        name: The variable's name.
        find: Returns the current context; ``None`` if there is none.

    Attributes:
        change: Makes a context current without sending signals.
    """

    def __init__(self, name: str, find: Callable[[], C | None]) -> None:
        self.name = name
        self._find = find
        self.change: Callable[[Any], Token[Any]] = make_current

    def get(self, *default: C) -> C:
        """Return the current context.

        Args:
            default: Returned if there is none.

        Raises:
            LookupError: There is none, and no default was given.
        """
        found = self._find()
        if found is not None:
            return found
        if default:
            return default[0]
        raise LookupError(self)

    def set(self, context: object) -> Token[Any]:
        """Make a context current without sending signals.

        Args:
            context: The context.

        Returns:
            A token for :meth:`reset`.
        """
        return self.change(context)

    def reset(self, token: Token[Any]) -> None:
        """Undo a call of :meth:`set`.

        Args:
            token: The token that the call returned.
        """
        restore(token)

    def __repr__(self) -> str:
        return f"<ContextVar name={self.name!r} of asyncflask>"
