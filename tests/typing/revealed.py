"""A module that reveals the type of each public name of Flask, and of their public attributes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import flask
import flask.ctx
import flask.sessions

PACKAGES = ("flask", "asyncflask.flask", "asyncflask")

#: the proxies, and the classes of what is behind them
PROXIES = {
    "current_app": flask.Flask,
    "g": flask.ctx._AppCtxGlobals,
    "request": flask.Request,
    "session": flask.sessions.SessionMixin,
}

HEAD = """\
from typing import TypeVar

import {package} as package

T = TypeVar("T")


def an(cls: type[T]) -> T:
    raise NotImplementedError


"""


def expressions() -> Iterator[str]:
    """What is revealed, with ``{}`` for the package."""
    for name, value in sorted(vars(flask).items()):
        if name.startswith("_") or inspect.ismodule(value) or name == "annotations":
            continue
        yield "package." + name
        if inspect.isclass(value):
            yield from (f"an(package.{name}).{each}" for each in _public(value))
        elif name in PROXIES:
            yield from (f"package.{name}.{each}" for each in _public(PROXIES[name]))


def _public(cls: type) -> list[str]:
    return [name for name in dir(cls) if not name.startswith("_")]


def module_of(package: str) -> str:
    """The text of the module that reveals the names of a package, one a line from :func:`line`."""
    lines = (f"reveal_type({each})\n" for each in expressions())
    return HEAD.format(package=package) + "".join(lines)


def line(number: int) -> int:
    """The line of the expression of a number."""
    return HEAD.count("\n") + 1 + number


def has_any(revealed: str) -> bool:
    """Whether a type, the type of a parameter, or that of a result is ``Any``.

    ``*args: Any`` and ``**kwargs: Any`` are not meant, nor contents such as ``dict[str, Any]``, nor
    what a function that is passed may take and return.
    """
    flat = re.sub(r"\*\*?\w*: ?Any", "", revealed)
    depth_free = _without_nested(flat)
    return re.search(r"(^|: |-> |type\[)Any\b", depth_free) is not None


def _without_nested(revealed: str) -> str:
    """A type without what is in brackets inside of its parameters."""
    if not revealed.startswith(("def", "Overload(")):
        return revealed
    result, depth = "", 0
    inner = revealed.removeprefix("Overload(")
    for character in inner:
        depth += character in "(["
        if depth <= 1:
            result += character
        depth -= character in ")]"
    return result
