"""Objects and registries that notice each change, so that what was made of them is made again.

What depends on a few attributes and registries can be worked out once, and kept until one of them
changes. Flask lets users change them at any time: attributes of an object and of its class, which
:class:`Watching` notices, and the contents of dictionaries and lists (:class:`HookRegistry`,
:class:`NoticedDict`, :class:`HookList`).
"""

from __future__ import annotations

import functools
from abc import ABCMeta
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, cast

#: called when an object was changed that others have worked something out of
listeners: list[Callable[[], None]] = []


def tell_all() -> None:
    """Tell all listeners that what they keep has to be made again."""
    for listener in listeners:
        listener()


class _MixedType(type(Protocol)):  # type: ignore[misc]  # its name is private
    """The type of classes that may be derived from an abstract, generic or protocol class as well.

    Flask's classes are of the type ``type``, which goes with every other one.
    """

    # Those of the type of protocols, which are for protocols, take several times as long.
    __instancecheck__ = ABCMeta.__instancecheck__
    __subclasscheck__ = ABCMeta.__subclasscheck__


class WatchingType(_MixedType):
    """The type of classes that notice what is assigned on them after the fact."""

    # What `Watching` defines, and classes derived from it replace.
    _watched: frozenset[str]
    _prepared: Callable[[str, object], object]
    _refresh_all: Callable[[], None]

    def __setattr__(cls, name: str, value: object) -> None:
        if name not in cls._watched:
            super().__setattr__(name, value)
            return
        super().__setattr__(name, cls._prepared(name, value))
        cls._refresh_all()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in cls._watched:
            cls._refresh_all()


class Watching(metaclass=WatchingType):
    """An object that notices what is assigned on it, or on its class."""

    #: names of attributes that what is kept was made of
    _watched: ClassVar[frozenset[str]] = frozenset()

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._watched:
            super().__setattr__(name, value)
            return
        super().__setattr__(name, self._prepared(name, value))
        self.refresh_cached()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in self._watched:
            self.refresh_cached()

    @classmethod
    def _prepared(cls, name: str, value: object) -> object:
        """Return what is kept of a value that is assigned to a watched attribute."""
        return value

    def refresh_cached(self) -> None:
        """Delete the cached values, or compute them again."""

    @classmethod
    def _refresh_all(cls) -> None:
        """Do so for all objects of this class and of those derived from it."""


class NoticedType(_MixedType):
    """The type of classes whose attributes may be replaced, and of which something is worked out.

    A class works it out in its method ``_note_class``, again after each assignment.
    """

    def _note_class(cls) -> None:
        """Work it out; a class that keeps nothing of itself has no method of its own."""

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_options: object
    ) -> None:
        super().__init__(name, bases, namespace)
        cls._note_class()

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name != "__abstractmethods__":  # Python sets it on each new class.
            cls._renote()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        cls._renote()

    def _renote(cls) -> None:
        cls._note_all()
        tell_all()

    def _note_all(cls) -> None:
        cls._note_class()
        for derived in cast("list[NoticedType]", cls.__subclasses__()):
            NoticedType._note_all(derived)

    def note(cls, name: str, value: object) -> None:
        """Set an attribute that was worked out.

        Args:
            name: The attribute's name.
            value: Its value.
        """
        super().__setattr__(name, value)


# -- registries ------------------------------------------------------------------------------------
#
# Flask's registries are dictionaries and lists that extensions change directly, at any time. These
# are the same, and call `on_change` after each change.

OnChange = Callable[[], None]


class HookList(list[Any]):
    """Functions that run for an app or a blueprint, in order.

    Attributes:
        on_change: Called after each change; ``None`` where nothing depends on the functions.
    """

    on_change: OnChange | None = None


class HookRegistry(defaultdict[Any, Any]):
    """Lists of functions by the name of a blueprint; ``None`` is the key of the app's own.

    Attributes:
        on_change: Called after each change of the dictionary, or of a list that it has made.
    """

    on_change: OnChange | None = None

    def __missing__(self, key: str | None) -> HookList:
        # An empty list changes nothing. (It is stored without __setitem__.)
        hooks = HookList()
        hooks.on_change = self.on_change
        kept: HookList = super().setdefault(key, hooks)
        return kept


class NoticedDict(dict[str, Any]):
    """View functions by endpoint, or the configuration.

    Attributes:
        on_change: Called after each change.
    """

    on_change: OnChange | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has besides the items: no app is told of the copy's changes."""
        return {name: value for name, value in vars(self).items() if name != "on_change"}


def _noticed(base: type, name: str) -> Callable[..., Any]:
    method: Callable[..., Any] = getattr(base, name)

    @functools.wraps(method)
    def changing(self: Any, /, *args: Any, **kwargs: Any) -> object:
        try:
            return method(self, *args, **kwargs)
        finally:
            if self.on_change is not None:
                self.on_change()

    return changing


_OF_DICT = (
    "__setitem__",
    "__delitem__",
    "__ior__",
    "clear",
    "pop",
    "popitem",
    "setdefault",
    "update",
)
_OF_LIST = (
    *("__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend", "insert"),
    *("pop", "remove", "reverse", "sort"),
)
for _kind, _base, _names in (
    (HookList, list, _OF_LIST),
    (HookRegistry, defaultdict, _OF_DICT),
    (NoticedDict, dict, _OF_DICT),
):
    for _name in _names:
        setattr(_kind, _name, _noticed(_base, _name))


def is_noticed(container: object, on_change: OnChange) -> bool:
    """Tell whether ``on_change`` is called for every change of a registry and its lists.

    Args:
        container: A registry, or what it was replaced by.
        on_change: The function.
    """
    if (
        not isinstance(container, (HookList, HookRegistry, NoticedDict))
        or container.on_change != on_change
    ):
        return False
    if isinstance(container, HookRegistry):
        return all(
            isinstance(hooks, HookList) and hooks.on_change == on_change
            for hooks in container.values()
        )
    return True


def notice(container: object, on_change: OnChange) -> None:
    """Let ``on_change`` be called for every change of a registry, if it can be.

    Args:
        container: The registry.
        on_change: Called without arguments after each change. Nothing happens for a registry whose
            changes cannot be noticed; see :func:`is_noticed`.
    """
    if isinstance(container, (HookList, HookRegistry, NoticedDict)):
        container.on_change = on_change
