"""What all parts of a context build on: its app, ``g``, and attributes that users may set."""

from __future__ import annotations

from typing import Any, Self

from .app_ctx_globals import _AppCtxGlobals
from .protocols import ContextApp, ScopeTypeRow

#: "not given", where ``None`` has a meaning of its own
NO_ERROR: Any = object()


class ContextBase:
    """The part of a context that all others build on.

    Attributes that most contexts never set have their default on the class, here and in the parts
    that build on this: an object stays small and is made in a few stores. (No ``__slots__``:
    extensions put attributes of their own on a context.) What ``Context.__init__`` sets has no
    default, because CPython then reads it several times as fast.
    """

    app: ContextApp
    #: the row of ``dispatch/scope_types.py``; ``None``: there is no connection
    scope_type: ScopeTypeRow | None
    #: names of the steps that the app replaces, as this context began
    replaced: frozenset[str]
    #: the context around this one that carries the connection
    parent: Self | None = None
    #: the app context whose ``g`` and end are this one's too
    shares_g_with: Self | None = None
    #: whether it stands for a request whose app context has ended
    is_without_app = False
    #: the namespace ``g``, once it is made
    made_g: _AppCtxGlobals | None = None
    #: what was current before each push; ``None``: it was never pushed
    pushes: list[Any] | None = None
    #: values that attributes had before users set them, by name
    values_before: dict[str, Any] | None = None

    @property
    def request_context(self) -> Self | None:
        """The context that carries the request or websocket: this one, or the one around it."""
        # Not an attribute: one that refers to the context itself would be a cycle.
        return self if self.scope_type is not None else self.parent

    @property
    def g(self) -> _AppCtxGlobals:
        """The namespace for the application's own use, created at the first access."""
        found = self.made_g
        return self.make_g() if found is None else found

    @g.setter
    def g(self, value: object) -> None:
        self.set_attribute("made_g", value)

    @g.deleter
    def g(self) -> None:
        self.restore_attribute("made_g")

    def make_g(self) -> _AppCtxGlobals:
        """Make the namespace; called where there is none."""
        shares_g_with = self.shares_g_with
        found = self.made_g = (
            self.app.app_ctx_globals_class() if shares_g_with is None else shares_g_with.g
        )
        return found

    def set_attribute(self, name: str, value: object) -> None:
        """Set an attribute that is otherwise made when it is read, and keep its value.

        Args:
            name: The attribute.
            value: Its value.
        """
        if self.values_before is None:
            self.values_before = {}
        self.values_before.setdefault(name, self.__dict__.get(name, NO_ERROR))
        setattr(self, name, value)

    def restore_attribute(self, name: str) -> None:
        """Delete what was set: the value from before is restored, or made when it is read next.

        COMPAT: ``mock.patch.object(ctx, ...)`` ends a patch by deleting the attribute.

        Args:
            name: The attribute.
        """
        before = NO_ERROR if self.values_before is None else self.values_before.pop(name, NO_ERROR)
        if before is not NO_ERROR:
            setattr(self, name, before)
        elif name in self.__dict__:
            delattr(self, name)
