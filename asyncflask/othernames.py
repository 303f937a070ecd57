"""Attributes that other frameworks or versions have; reading one says what to write here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn


class OtherName:
    """An attribute that does not exist: ``hasattr()`` is False, and the error names the remedy.

    PERF: not a ``__getattr__`` of the class: CPython reads all attributes of such a class in a
    slower way, which is 12 % of a plain request.

    Args:
        remedy: What to write instead, in a sentence or two.
    """

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}. {self._remedy}",
            name=self._name,
            obj=instance,
        )


def explain_other_names(cls: type, remedies: Mapping[str, str]) -> None:
    """Let the error for a missing attribute of a class and its instances name the remedy.

    Type checkers do not see these attributes, so they report them as misspelled names.

    Args:
        cls: The class. A subclass or an instance may have an attribute of such a name.
        remedies: What to write instead, by the attribute's name.
    """
    for name, remedy in remedies.items():
        other = OtherName(remedy)
        other.__set_name__(cls, name)
        type.__setattr__(cls, name, other)
