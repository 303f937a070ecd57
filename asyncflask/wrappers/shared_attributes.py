"""Attributes that users set on a request or websocket, the same in ``def`` and ``async def``.

A connection has two forms, one for each kind of callable. One of them keeps what is set on either,
such as the ``request.user`` of a "before" function. What both forms have, such as ``remote_addr``,
each computes for itself; a value that users set in its place is set on both.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

from werkzeug.utils import cached_property

_CALLED = (FunctionType, staticmethod, classmethod)


def is_value(cls: type, name: str) -> bool:
    """Tell whether an attribute is a plain or computed value, which users may replace.

    A method is not, as its two forms differ, and no property that decides itself what to keep.

    Args:
        cls: The class of a form.
        name: The attribute's name.
    """
    found = inspect.getattr_static(cls, name, None)  # None: only instances have it.
    if isinstance(found, cached_property):
        return True
    return not isinstance(found, _CALLED) and not hasattr(type(found), "__set__")


class SharedAttributes:
    """A form of a connection whose attributes, besides its own, are those of the other form.

    Own attributes are those of the class, those that were set before the other form was, and what
    the class sets later on.
    """

    _other_form: object = None
    _set_later: ClassVar[frozenset[str]] = frozenset()

    def share_attributes(self, other: object) -> None:
        """Read and set further attributes on the other form from now on.

        Args:
            other: The other form.
        """
        if isinstance(other, NotingAttributes) and other.set_by_users:
            for name, value in other.set_by_users.items():
                self.replace(name, value)
        object.__setattr__(self, "_other_form", other)

    def is_form_of(self, connection: object) -> bool:
        """Tell whether this form and another one are of the same connection.

        Args:
            connection: The other form.
        """
        return self._other_form is connection

    def replace(self, name: str, value: object) -> None:
        """Set a value that was set on the other form.

        Args:
            name: The attribute's name.
            value: The value.
        """
        if self._is_own(name) and is_value(type(self), name):
            object.__setattr__(self, name, value)

    def compute_again(self, name: str) -> None:
        """Forget a value that was deleted on the other form.

        Args:
            name: The attribute's name.
        """
        self.__dict__.pop(name, None)

    def _is_own(self, name: str) -> bool:
        return (
            self._other_form is None
            or name in self.__dict__
            or name in self._set_later
            or hasattr(type(self), name)
        )

    def __setattr__(self, name: str, value: object) -> None:
        other = self._other_form
        if not self._is_own(name):
            setattr(other, name, value)
            return
        super().__setattr__(name, value)
        if isinstance(other, NotingAttributes) and name[0] != "_" and is_value(type(self), name):
            other.replace(name, value)

    def __delattr__(self, name: str) -> None:
        other = self._other_form
        if not self._is_own(name):
            delattr(other, name)
            return
        super().__delattr__(name)
        if isinstance(other, NotingAttributes):
            other.compute_again(name)

    if not TYPE_CHECKING:  # Misspelled names are to be found.

        def __getattr__(self, name: str) -> object:
            # Python looks for special names, and here for what a property has raised.
            if name.startswith("__") or self._is_own(name):
                return super().__getattribute__(name)
            return getattr(self._other_form, name)


class NotingAttributes:
    """The form that keeps attributes, and notes for the other one which values users have set.

    PERF: the proxy :data:`~asyncflask.request` calls :func:`set_on_both` for this, because each
    request would call a ``__setattr__``.
    """

    _ctx: Any
    #: values that were set in place of plain or computed ones
    set_by_users: dict[str, Any] | None = None

    def replace(self, name: str, value: object) -> None:
        """Set a value that was set on the other form.

        Args:
            name: The attribute's name.
            value: The value.
        """
        found = inspect.getattr_static(type(self), name, None)
        if self.note_set(name, value) or (isinstance(found, property) and found.fset is not None):
            setattr(self, name, value)

    def compute_again(self, name: str) -> None:
        """Forget a value that was deleted on the other form.

        Args:
            name: The attribute's name.
        """
        if self.set_by_users is not None and name in self.set_by_users:
            del self.set_by_users[name]
            self.__dict__.pop(name, None)

    def note_set(self, name: str, value: object) -> bool:
        """Note that a value was set, if it is in place of another one.

        Args:
            name: The attribute's name.
            value: The value.

        Returns:
            Whether it is.
        """
        if not hasattr(type(self), name) or not is_value(type(self), name):
            return False
        if self.set_by_users is None:
            self.set_by_users = {}
        self.set_by_users[name] = value
        return True

    def other_form(self) -> SharedAttributes | None:
        """Return the form of ``def`` functions, if there is one."""
        other = getattr(self._ctx, "made_sync_connection", None)
        return other if isinstance(other, SharedAttributes) and other.is_form_of(self) else None


def set_on_both(connection: object, name: str, value: object) -> None:
    """Set an attribute on a request or websocket, for functions of both kinds.

    Args:
        connection: The form that the calling function sees.
        name: The attribute's name.
        value: Its value.
    """
    setattr(connection, name, value)
    if isinstance(connection, NotingAttributes):
        connection.note_set(name, value)
        if (other := connection.other_form()) is not None:
            other.replace(name, value)


def delete_on_both(connection: object, name: str) -> None:
    """Delete an attribute from a request or websocket, for functions of both kinds.

    Args:
        connection: The form that the calling function sees.
        name: The attribute's name.
    """
    delattr(connection, name)
    if isinstance(connection, NotingAttributes) and name in (connection.set_by_users or ()):
        connection.compute_again(name)
        if (other := connection.other_form()) is not None:
            other.compute_again(name)
