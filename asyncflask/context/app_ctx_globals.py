"""The object behind ``g``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._contextvars import current

_NOT_GIVEN: Any = object()


class _AppCtxGlobals:
    """The plain object behind ``g``: a namespace with a dictionary's manners.

    **Differs from Flask:** the error for an attribute that is not there has Python's own text,
    which names the class as well.

    Source: ``Flask: ctx._AppCtxGlobals``.
    """

    if TYPE_CHECKING:  # What objects do anyway, in C, and in a third of the time.

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

        def __delattr__(self, name: str) -> None: ...

    def get(self, name: str, default: Any | None = None) -> Any:
        """Return the attribute ``name``, or ``default``."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _NOT_GIVEN) -> Any:
        """Take the attribute ``name`` away and return it; without a default it must be there."""
        if default is _NOT_GIVEN:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return the attribute ``name``, after setting it to ``default`` if it is not there."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = current()
        if ctx is None:
            return object.__repr__(self)
        api = "flask" if ctx.synchronous else "asyncflask"
        return f"<{api}.g of {ctx.app.name!r}>"
