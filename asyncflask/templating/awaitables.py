"""What keeps a template from using a coroutine as a value.

A coroutine is true, and prints as ``<coroutine object …>``: ``{% if user.is_authenticated %}`` with
an ``async def`` property would be true for every user. In an environment with ``enable_async``
Jinja awaits the values of attributes, subscripts, calls, filters and tests. Everywhere else the
compiled template checks the type of each value where it is used, and refuses an awaitable with an
error that shows the expression.

The check is compiled into the template (Jinja's ``code_generator_class``), so an environment that
overrides ``getattr()`` or ``call()``, such as Jinja's sandbox, is checked as well.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

from jinja2 import Environment, Undefined, nodes
from jinja2.async_utils import auto_aiter, auto_await
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import FilterArgumentError
from jinja2.filters import FILTERS, prepare_map
from jinja2.runtime import Context, LoopContext
from markupsafe import Markup
from werkzeug.local import LocalProxy

from ..exceptions import UnawaitedAccess

T = TypeVar("T")

#: what a filter iterates over
Values: TypeAlias = Iterable[object] | AsyncIterable[object] | None

#: Of compiled code in a cache; to be changed with what :class:`CheckedCodeGenerator` writes.
CODE_MARK = "asyncflask 3"

# How an expression is used, which says what is refused there.
_VALUE = "value"  # printed, tested, compared, iterated …: any awaitable
_ASYNC_VALUE = "async value"  # the same with `enable_async`: asynchronous generators are iterated
_BASE = "base"  # called, an argument of a call, `b` in `a.b.c`: coroutines, but not tasks
_OWNER = "owner"  # `a` in `a.b`: nothing, for what is found there is checked
_PASSED = "passed"  # it gets another name, which is checked where it is used: nothing

#: The operators of templates, and the special methods that Python may call for each. The operand of
#: one is a value whose use is the operator's name.
_METHODS = {
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
_OPERATOR_METHODS = sorted({name for names in _METHODS.values() for name in names})
_ARITHMETIC: dict[type[nodes.Expr], str] = {
    nodes.Add: "add",
    nodes.Sub: "sub",
    nodes.Mul: "mul",
    nodes.Div: "truediv",
    nodes.FloorDiv: "floordiv",
    nodes.Mod: "mod",
    nodes.Pow: "pow",
    nodes.Neg: "neg",
    nodes.Pos: "pos",
}

#: Types known not to be awaitable, and to have no operator that is ``async def``. Compiled
#: templates look here first; `checked` adds to it.
PLAIN: set[type] = {str, Markup, int, float, bool, type(None), list, dict, tuple, LoopContext}
_PLAIN_MAX = 1000  # An app may make types at run time; not all are kept alive here.


def checked(value: T, expression: str, place: str, use: str = _VALUE) -> T:
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
    if use == _BASE and issubclass(kind, LocalProxy):
        return value  # Looking at its object may count as access, as with the session.
    return _checked_object(value, kind, expression, place, use)


def _checked_object(value: T, kind: type, expression: str, place: str, use: str) -> T:
    shown_kind = value.__class__  # A proxy has the class of its object; unbound, its own.
    if kind is GeneratorType or issubclass(shown_kind, LocalProxy):
        return value
    if issubclass(shown_kind, AsyncGeneratorType):
        refused = use == _VALUE
    else:
        # What defines `__html__`, as `request.form` does, is shown in its own way, or refuses.
        refused = hasattr(shown_kind, "__await__") and not hasattr(shown_kind, "__html__")
        if use in _METHODS:
            _check_operand(shown_kind, expression, place, _METHODS[use])
        if not refused and kind is shown_kind:
            _remember_plain(kind)
    if refused and use != _BASE:
        _refuse(value, expression, place)
    return value


def _remember_plain(kind: type) -> None:
    """Add a type that is not awaitable to PLAIN, unless an operator of it is ``async def``."""
    if len(PLAIN) < _PLAIN_MAX and not _async_methods(kind, _OPERATOR_METHODS):
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


# -- compiled templates ----------------------------------------------------------------------------


class CheckedCodeGenerator(CodeGenerator):
    """Compiles templates whose expressions are checked where their values are used."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """Compile a template; first find how each of its expressions is used.

        Args:
            node: The template.
            frame: Jinja's frame; ``None`` for a template.
        """
        self._uses = dict(_uses(node, self.environment.is_async))
        _keep_from_folding(node, self.environment)
        self.writeline(f"from {__name__} import PLAIN as plain_types, checked")
        super().visit_Template(node, frame)

    def _visit_checked(
        self, node: nodes.Expr, frame: Frame, visit: Callable[..., None], **kwargs: Any
    ) -> None:
        is_async = self.environment.is_async
        use = self._uses.get(id(node), _ASYNC_VALUE if is_async else _VALUE)
        name = frame.symbols.ref(node.name) if isinstance(node, nodes.Name) else None
        if use is _OWNER or (use is _PASSED and (is_async or name)):
            visit(node, frame, **kwargs)
            return
        # PERF: a call of checked() for each value would cost three times as much.
        value = name or self.temporary_identifier()
        self.write(f"({value} if type({value if name else f'{value} := '}")
        if name:
            # Undefined values have a type of their own, so for most values one test is enough.
            self.write(") in plain_types else checked(")
            visit(node, frame, **kwargs)
        else:
            visit(node, frame, **kwargs)
            self.write(f") in plain_types else checked({value}")
        template = "a template string" if self.name is None else f"the template {self.name!r}"
        place = f"In line {node.lineno} of {template}"
        use = (
            _BASE if use is _PASSED else use
        )  # A call may receive a coroutine; a name is checked later.
        self.write(f", {_text(node)!r}, {place!r}, {use!r}))")

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        """Compile a variable."""
        if node.ctx == "load":
            self._visit_checked(node, frame, super().visit_Name)
        else:
            super().visit_Name(node, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """Compile an attribute."""
        if _is_of_loop(node, frame):
            super().visit_Getattr(node, frame)
        else:
            self._visit_checked(node, frame, super().visit_Getattr)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """Compile a subscript."""
        self._visit_checked(node, frame, super().visit_Getitem)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Compile a call."""
        kwargs = {"forward_caller": True} if forward_caller else {}
        if _is_of_loop(node.node, frame) and _has_constants_alone(node):
            super().visit_Call(node, frame, **kwargs)
        else:
            self._visit_checked(node, frame, super().visit_Call, **kwargs)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        """Compile a filter."""
        self._visit_checked(node, frame, super().visit_Filter)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        """Compile a test."""
        self._visit_checked(node, frame, super().visit_Test)


def _is_of_loop(node: nodes.Expr, frame: Frame) -> bool:
    """Return whether an expression is an attribute of a loop's ``loop``.

    PERF: that is Jinja's own object, which a template cannot replace. Its attributes are no
    coroutines, and its methods return one of their arguments or a bool, so no check is compiled.
    """
    return (
        bool(frame.loop_frame)
        and isinstance(node, nodes.Getattr)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "loop"
    )


def _has_constants_alone(call: nodes.Call) -> bool:
    """Return whether all arguments of a call are literals, as in ``loop.cycle("odd", "even")``."""
    arguments = (*call.args, *(pair.value for pair in call.kwargs))
    stars = (call.dyn_args, call.dyn_kwargs)
    return stars == (None, None) and all(isinstance(one, nodes.Const) for one in arguments)


def _uses(template: nodes.Template, is_async: bool) -> Iterator[tuple[int, str]]:
    """Find the expressions that are not used as values in the place where they are written."""
    yield from _bases(template)
    # In a synchronous template no function can await its argument.
    for argument in _arguments(template):
        yield id(argument), _PASSED if is_async else _BASE
    for assignment in template.find_all(nodes.Assign):
        yield id(assignment.node), _PASSED
    for block in template.find_all(nodes.With):
        for value in block.values:
            yield id(value), _PASSED
    for operator, operand in _operands(template):
        yield id(operand), operator
    for test in template.find_all(nodes.Test):
        if test.name in ("defined", "undefined"):
            yield id(test.node), _BASE


def _bases(template: nodes.Template) -> Iterator[tuple[int, str]]:
    """Find the expressions on which an attribute or item is looked up, or that are called."""
    lookups: Any = template.find_all((nodes.Getattr, nodes.Getitem))
    for lookup in lookups:
        is_lookup = isinstance(lookup.node, (nodes.Getattr, nodes.Getitem))
        yield id(lookup.node), _BASE if is_lookup else _OWNER
    for call in template.find_all(nodes.Call):
        yield id(call.node), _BASE


def _arguments(template: nodes.Template) -> Iterator[nodes.Expr]:
    """Find the arguments of calls, and the items of lists, tuples and dictionaries."""
    for call in template.find_all(nodes.Call):
        yield from (*call.args, *(pair.value for pair in call.kwargs))
    literals: Any = template.find_all((nodes.List, nodes.Tuple))
    for literal in literals:
        yield from literal.items
    for pair in template.find_all(nodes.Pair):
        yield pair.value


def _operands(template: nodes.Template) -> Iterator[tuple[str, nodes.Expr]]:
    """Find the operands of comparisons and of arithmetic, each with its operator's name."""
    for comparison in template.find_all(nodes.Compare):
        left = comparison.expr
        for compared in comparison.ops:
            # Of `a < b < c` the operand in the middle has two; its last one is looked at.
            of_left = "eq" if compared.op in ("in", "notin") else compared.op
            for operator, operand in ((of_left, left), (compared.op, compared.expr)):
                yield from ((operator, one) for one in _outcomes(operand))
            left = compared.expr
    arithmetic: Any = template.find_all(tuple(_ARITHMETIC))
    for node in arithmetic:
        sides = (node.node,) if isinstance(node, nodes.UnaryExpr) else (node.left, node.right)
        for operand in sides:
            yield from ((_ARITHMETIC[type(node)], one) for one in _outcomes(operand))


def _outcomes(node: nodes.Expr | None) -> Iterator[nodes.Expr]:
    """Find the expressions one of which is an expression's value."""
    if isinstance(node, (nodes.And, nodes.Or)):
        yield from _outcomes(node.left)
        yield from _outcomes(node.right)
    elif isinstance(node, nodes.CondExpr):
        yield from _outcomes(node.expr1)
        yield from _outcomes(node.expr2)
    elif node is not None:
        yield node


def _keep_from_folding(template: nodes.Template, environment: Environment) -> None:
    """Prevent Jinja from calling ``async def`` filters and tests while it compiles a template.

    Applied to a constant they would be called, and the coroutine would become the constant.
    """
    eval_context = nodes.EvalContext(environment)
    # Innermost first: an expression around one that is not constant is not constant either.
    applied: Any = template.find_all((nodes.Filter, nodes.Test))
    for node in reversed(list(applied)):
        if node.node is not None and _returns_coroutine(node, eval_context):
            # A call is never a constant for Jinja.
            itself = nodes.ImportedName(f"{__name__}.itself")
            node.node = nodes.Call(itself, [node.node], [], None, None, lineno=node.lineno)


def _returns_coroutine(node: nodes.Filter | nodes.Test, eval_context: nodes.EvalContext) -> bool:
    """Return whether a filter or test is ``async def``, or returns a coroutine for a constant."""
    environment = eval_context.environment
    registry = environment.filters if isinstance(node, nodes.Filter) else environment.tests
    if _is_async(registry.get(node.name)):
        return True
    try:
        result = node.as_const(eval_context)
    except nodes.Impossible:
        return False
    if inspect.iscoroutine(result):
        result.close()
    return inspect.isawaitable(result)


def _is_async(func: object) -> bool:
    while isinstance(func, functools.partial):
        func = func.func
    called = getattr(type(func), "__call__", None)  # noqa: B004  # the method itself is wanted
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(called)


def itself(value: T) -> T:
    """Return the value, in a call that Jinja does not evaluate when it compiles.

    Args:
        value: Any value.
    """
    return value


# -- expressions as text ---------------------------------------------------------------------------


def _text(node: object) -> str:
    """Return an expression as in a template, for an error message."""
    if isinstance(node, nodes.Call) and _is_itself(node):
        return _text(node.args[0])
    write = _TEXTS.get(type(node))
    return "…" if write is None else write(node)


def _is_itself(node: nodes.Call) -> bool:
    callee = node.node
    return isinstance(callee, nodes.ImportedName) and callee.importname == f"{__name__}.itself"


def _applied(node: Any) -> str:
    arguments = ", ".join(map(_text, node.args)) + ("…" if node.kwargs else "")
    return f"({arguments})" if arguments else ""


def _filtered(node: nodes.Filter) -> str:
    source = "" if node.node is None else _text(node.node)
    return f"{source}|{node.name}{_applied(node)}"


_TEXTS: dict[type, Callable[[Any], str]] = {
    nodes.Name: lambda node: str(node.name),
    nodes.Const: lambda node: repr(node.value),
    nodes.Getattr: lambda node: f"{_text(node.node)}.{node.attr}",
    nodes.Getitem: lambda node: f"{_text(node.node)}[{_text(node.arg)}]",
    nodes.Call: lambda node: f"{_text(node.node)}{_applied(node) or '()'}",
    nodes.Filter: _filtered,
    nodes.Test: lambda node: f"{_text(node.node)} is {node.name}{_applied(node)}",
}


# -- filters that read attributes or call other filters and tests ----------------------------------


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
    use = _ASYNC_VALUE if name in ("join", "select", "reject") else _BASE

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
