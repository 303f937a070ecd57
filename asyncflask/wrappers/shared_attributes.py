"""Attributes that users set on a request or websocket, the same in ``def`` and ``async def``.

A connection has two forms, one for each kind of callable. One of them keeps what is set on either,
such as the ``request.user`` of a "before" function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar


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
        object.__setattr__(self, "_other_form", other)

    def _is_own(self, name: str) -> bool:
        return (
            self._other_form is None
            or name in self.__dict__
            or name in self._set_later
            or hasattr(type(self), name)
        )

    def __setattr__(self, name: str, value: object) -> None:
        if self._is_own(name):
            super().__setattr__(name, value)
        else:
            setattr(self._other_form, name, value)

    def __delattr__(self, name: str) -> None:
        if self._is_own(name):
            super().__delattr__(name)
        else:
            delattr(self._other_form, name)

    if not TYPE_CHECKING:  # Misspelled names are to be found.

        def __getattr__(self, name: str) -> object:
            # Python looks for special names, and here for what a property has raised.
            if name.startswith("__") or self._is_own(name):
                return super().__getattribute__(name)
            return getattr(self._other_form, name)
