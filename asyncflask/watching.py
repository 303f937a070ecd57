"""Objects that keep what they worked out, and notice when something it was made of is assigned.

What depends on a few attributes can be worked out once, if nobody changes them behind its back.
Flask lets everybody do so, on an object and on its class, at any time: :class:`Watching` objects
hear of both. What they keep, and which attributes it is made of, is theirs.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable
from typing import Any, ClassVar

#: called when an object was changed that others have worked something out of
listeners: list[Callable[[], None]] = []


def tell_all() -> None:
    """Let all who keep what they worked out look again."""
    for listener in listeners:
        listener()


class WatchingType(ABCMeta):
    """The type of classes that notice what is assigned on them after the fact.

    (Derived from ABCMeta so that such a class may also be an abstract or generic one.)
    """

    _watched: frozenset[str]

    def __setattr__(cls, name: str, value: Any) -> None:
        if name not in cls._watched:
            super().__setattr__(name, value)
            return
        super().__setattr__(name, cls._prepared(name, value))  # type: ignore[attr-defined]  # Watching's
        cls._look_all_anew()  # type: ignore[attr-defined]  # Watching's

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in cls._watched:
            cls._look_all_anew()  # type: ignore[attr-defined]  # Watching's


class Watching(metaclass=WatchingType):
    """An object that notices what is assigned on it, or on its class."""

    #: names of attributes that what is kept was made of
    _watched: ClassVar[frozenset[str]] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._watched:
            super().__setattr__(name, value)
            return
        super().__setattr__(name, self._prepared(name, value))
        self._look_anew()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in self._watched:
            self._look_anew()

    @classmethod
    def _prepared(cls, name: str, value: Any) -> Any:
        """Return what is kept of a value that is assigned to a watched attribute."""
        return value

    def _look_anew(self) -> None:
        """Forget what is kept, or make it anew."""

    @classmethod
    def _look_all_anew(cls) -> None:
        """Do so for all objects of this class and of those derived from it."""
