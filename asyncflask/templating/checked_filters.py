"""Jinja's filters that read attributes or call other filters and tests, with a check of each value.

In an environment with ``enable_async`` they await what they read.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any, TypeAlias

from jinja2 import Environment, Undefined
from jinja2.async_utils import auto_aiter, auto_await
from jinja2.exceptions import FilterArgumentError
from jinja2.filters import FILTERS, prepare_map
from jinja2.runtime import Context

from .awaitables import ASYNC_VALUE, BASE, PLAIN, checked

#: what a filter iterates over
Values: TypeAlias = Iterable[object] | AsyncIterable[object] | None


class _Checking:
    """A wrapper of an environment, or of an object that has one; it refuses un-awaited attributes.

    Jinja's filters read attributes by ``environment.getitem()``, and never await them.
    """

    def __init__(self, target: Any, filter_name: str) -> None:
        self._target = target
        self._filter = filter_name
        self._place = f"In the filter {filter_name!r}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    @property
    def environment(self) -> _Checking:
        return _Checking(self._target.environment, self._filter)

    def getitem(self, obj: object, argument: object) -> object:
        expression = f"{type(obj).__name__}.{argument}"
        return checked(self._target.getitem(obj, argument), expression, self._place)

    def call_filter(self, name: str, value: object, *args: Any, context: object = None) -> object:
        context = getattr(context, "_target", context)
        result = self._target.call_filter(name, value, *args, context=context)
        return checked(result, f"…|{name}", self._place)

    def call_test(
        self, name: str, value: object, args: object, kwargs: object, context: object
    ) -> object:
        context = getattr(context, "_target", context)
        result = self._target.call_test(name, value, args, kwargs, context)
        return checked(result, f"… is {name}", self._place)


def _checking(name: str) -> Callable[..., Any]:
    """Wrap one of Jinja's filters whose first argument is, or has, an environment."""
    own: Any = FILTERS[name]
    use = ASYNC_VALUE if name in ("join", "select", "reject") else BASE

    @functools.wraps(own)  # also Jinja's marks, which say what it is called with
    def apply(source: object, value: object, *args: Any, **kwargs: Any) -> object:
        if hasattr(value, "__iter__") and not isinstance(value, (str, dict, Undefined)):
            value = _each(name, value, use)
        return own(_Checking(source, name), value, *args, **kwargs)

    return apply


def _each(name: str, values: Iterable[object], use: str) -> Iterable[object]:
    """Check the items: those of a list at once, those of an iterator when they are taken."""
    is_list = type(values) in (list, tuple, set)
    if is_list and PLAIN.issuperset(map(type, values)):
        return values
    place = f"In the filter {name!r}"
    each = (checked(value, "an item of the list", place, use) for value in values)
    return list(each) if is_list else each


def _make_awaiting(name: str) -> Callable[..., Any]:
    """Make a filter that awaits the items it reads in an environment with ``enable_async``."""
    own: Any = FILTERS[name]
    synchronous = _checking(name)
    apply_async = _map if name == "map" else functools.partial(_choose, name)

    @functools.wraps(own)
    def apply(context: Context, value: Values, *args: Any, **kwargs: Any) -> object:
        if context.environment.is_async:
            return apply_async(context, value, args, kwargs)
        return synchronous(context, value, *args, **kwargs)

    return apply


async def _map(
    context: Context, values: Values, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> AsyncIterator[Any]:
    apply: Any = prepare_map(context, args, dict(kwargs))
    if not args and "attribute" in kwargs:
        apply = functools.partial(
            _attribute, context.environment, kwargs["attribute"], kwargs.get("default")
        )
    looks_up = not args or args[0] == "attr"
    async for item in auto_aiter(values or ()):
        yield await auto_await(apply(await _result(item, looks_up)))


async def _choose(
    name: str, context: Context, values: Values, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> AsyncIterator[Any]:
    """The filters ``select``, ``reject``, ``selectattr`` and ``rejectattr``."""
    environment = context.environment
    looks_up = name.endswith("attr")
    if looks_up and not args:
        raise FilterArgumentError("Missing parameter for attribute name")
    attribute = args[0] if looks_up else None
    test = args[1:] if looks_up else args
    wanted = name.startswith("select")
    async for item in auto_aiter(values or ()):
        item = await _result(item, looks_up)
        value = await _attribute(environment, attribute, None, item)
        if test:
            value = environment.call_test(test[0], value, test[1:], kwargs, context)
        if bool(await auto_await(value)) is wanted:
            yield item


async def _result(item: object, looks_up: bool) -> object:
    """Await an item of a list, but not a task whose own attributes are looked up."""
    if inspect.iscoroutine(item) or not looks_up:
        return await auto_await(item)
    return item


async def _attribute(
    environment: Environment, attribute: str | int | None, default: object, item: object
) -> object:
    """Look up an attribute by Jinja's rules: dots separate names, numbers are indexes."""
    parts = attribute.split(".") if isinstance(attribute, str) else [attribute]
    for part in parts if attribute is not None else ():
        index = int(part) if isinstance(part, str) and part.isdigit() else part
        item = await auto_await(environment.getitem(item, index))
        if default is not None and isinstance(item, Undefined):
            item = default
    return item


#: Replacements of Jinja's own filters.
CHECKED_FILTERS = {
    **{name: _checking(name) for name in ("sort", "unique", "min", "max", "groupby", "sum")},
    "join": _checking("join"),
    **{
        name: _make_awaiting(name)
        for name in ("map", "select", "reject", "selectattr", "rejectattr")
    },
}
