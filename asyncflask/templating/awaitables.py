"""What keeps a template from using a coroutine as a value.

A coroutine is true, and prints as ``<coroutine object …>``: ``{% if user.is_authenticated %}`` with
an ``async def`` property would be true for every user. In an environment with ``enable_async``
Jinja awaits the values of attributes, subscripts, calls, filters and tests. Everywhere else the
compiled template checks the type of each value where it is used, and refuses an awaitable with an
error that shows the expression.

``checked_code.py`` compiles the checks into templates; ``checked_filters.py`` has them for filters
that read attributes. Here is the check itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NoReturn, TypeVar, cast

from jinja2 import Undefined
from jinja2.runtime import LoopContext
from markupsafe import Markup
from werkzeug.local import LocalProxy

from ..exceptions import UnawaitedAccess

T = TypeVar("T")

# How an expression is used, which says what is refused there.
VALUE = "value"  # printed, tested, compared, iterated …: any awaitable
ASYNC_VALUE = "async value"  # the same with `enable_async`: asynchronous generators are iterated
BASE = "base"  # called, an argument of a call, `b` in `a.b.c`: coroutines, but not tasks
OWNER = "owner"  # `a` in `a.b`: nothing, for what is found there is checked
PASSED = "passed"  # it gets another name, which is checked where it is used: nothing

#: The operators of templates, and the special methods that Python may call for each. The operand of
#: one is a value whose use is the operator's name.
OPERATORS = {
    "eq": ("__eq__",),
    "ne": ("__ne__", "__eq__"),
    "lt": ("__lt__", "__gt__"),
    "gt": ("__gt__", "__lt__"),
    "lteq": ("__le__", "__ge__"),
    "gteq": ("__ge__", "__le__"),
    "in": ("__contains__",),  # of the container; what is looked for in it is compared
    "notin": ("__contains__",),
    "neg": ("__neg__",),
    "pos": ("__pos__",),
    **{
        name: (f"__{name}__", f"__r{name}__")
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
    },
}
_SPECIAL_METHODS = sorted({name for names in OPERATORS.values() for name in names})

#: Types known not to be awaitable, and to have no operator that is ``async def``. Compiled
#: templates look here first; `checked` adds to it.
PLAIN: set[type] = {str, Markup, int, float, bool, type(None), list, dict, tuple, LoopContext}
_PLAIN_MAX = 1000  # An app may make types at run time; not all are kept alive here.


def checked(value: T, expression: str, place: str, use: str = VALUE) -> T:
    """Return a value that a template uses, if it is not an awaitable.

    Args:
        value: The value of an expression.
        expression: The expression as in the template, for the error message.
        place: The template's name and the line, for the error message.
        use: How it is used.

    Returns:
        ``value``.

    Raises:
        UnawaitedAccess: It is an awaitable, or an operand whose operator is ``async def``.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if issubclass(kind, CoroutineType) or (kind is GeneratorType and inspect.isawaitable(value)):
        # Otherwise Python warns that it was never awaited.
        cast("CoroutineType[Any, Any, Any]", value).close()
        _refuse(value, expression, place)
    if issubclass(kind, Undefined):
        _check_owner(cast(Undefined, value), expression, place)
        return value
    if use == BASE and issubclass(kind, LocalProxy):
        return value  # Looking at its object may count as access, as with the session.
    return _checked_object(value, kind, expression, place, use)


def _checked_object(value: T, kind: type, expression: str, place: str, use: str) -> T:
    shown_kind = value.__class__  # A proxy has the class of its object; unbound, its own.
    if kind is GeneratorType or issubclass(shown_kind, LocalProxy):
        return value
    if issubclass(shown_kind, AsyncGeneratorType):
        refused = use == VALUE
    else:
        # What defines `__html__`, as `request.form` does, is shown in its own way, or refuses.
        refused = hasattr(shown_kind, "__await__") and not hasattr(shown_kind, "__html__")
        if use in OPERATORS:
            _check_operand(shown_kind, expression, place, OPERATORS[use])
        if not refused and kind is shown_kind:
            _remember_plain(kind)
    if refused and use != BASE:
        _refuse(value, expression, place)
    return value


def _remember_plain(kind: type) -> None:
    """Add a type that is not awaitable to PLAIN, unless an operator of it is ``async def``."""
    if len(PLAIN) < _PLAIN_MAX and not _async_methods(kind, _SPECIAL_METHODS):
        PLAIN.add(kind)


def _check_owner(undefined: Undefined, expression: str, place: str) -> None:
    """Refuse a value that is undefined because its owner is a coroutine, not its result."""
    owner, name = undefined._undefined_obj, undefined._undefined_name
    if isinstance(owner, CoroutineType):
        owner.close()
        of_owner = expression.removesuffix(f".{name}").removesuffix(f"[{name!r}]")
        _refuse(owner, of_owner, place)


def _async_methods(kind: type, names: Iterable[str]) -> list[str]:
    return [name for name in names if inspect.iscoroutinefunction(getattr(kind, name, None))]


def _check_operand(kind: type, expression: str, place: str, names: Iterable[str]) -> None:
    """Refuse an operand whose operator returns a coroutine.

    The result cannot be checked instead: ``in`` and ``!=`` have converted it to a bool.
    """
    methods = _async_methods(kind, names)
    if methods:
        raise UnawaitedAccess(
            f"{place}: `{expression}` is used with an operator, and `{kind.__name__}.{methods[0]}`"
            " is `async def`: its coroutine counts as true whatever its result is.\n\n"
            "A template's operator cannot wait. Give the class a method with a name"
            " (`async def equals(self, other)`), which `await render_template_async(...)` awaits"
            " where it is called, or await the operator in the view and pass its result:"
            " `equal=await (a == b)`."
        )


def _refuse(value: object, expression: str, place: str) -> NoReturn:
    if isinstance(value, AsyncGeneratorType):
        what = "an asynchronous generator, which a plain `for` cannot iterate over"
    else:
        kind = "coroutine" if inspect.iscoroutine(value) else type(value).__name__
        what = f"an un-awaited {kind}, which counts as true whatever its result is"
    raise UnawaitedAccess(
        f"{place}: `{expression}` is {what}.\n\n"
        "Render the template with `await render_template_async(...)` (for a text:"
        " `await render_template_string_async(...)`), which awaits attributes, items, calls,"
        ' filters and tests; in a `def` view set `jinja_options = {"enable_async": True}` on the'
        " app's class.\nA value that the view passes to the template has to be awaited in the view:"
        " `name=await value`."
    )
