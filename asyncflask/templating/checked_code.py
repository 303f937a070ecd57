"""Templates compiled with a check of each value where it is used.

The check is compiled into the template (Jinja's ``code_generator_class``), so an environment that
overrides ``getattr()`` or ``call()``, such as Jinja's sandbox, is checked as well.

PERF: most values are checked by their type, in the template's own code: a call of ``checked()`` for
each would cost three times as much. Where no value can be an awaitable, nothing is compiled.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame

from .awaitables import ASYNC_VALUE, BASE, OWNER, PASSED, VALUE, checked

T = TypeVar("T")

#: Of compiled code in a cache; to be changed with what :class:`CheckedCodeGenerator` writes.
CODE_MARK = "asyncflask 4"

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
        self.writeline(f"from {checked.__module__} import PLAIN as plain_types, checked")
        super().visit_Template(node, frame)

    def _visit_checked(
        self, node: nodes.Expr, frame: Frame, visit: Callable[..., None], **kwargs: Any
    ) -> None:
        is_async = self.environment.is_async
        use = self._uses.get(id(node), ASYNC_VALUE if is_async else VALUE)
        name = frame.symbols.ref(node.name) if isinstance(node, nodes.Name) else None
        if use is OWNER or (use is PASSED and (is_async or name)):
            visit(node, frame, **kwargs)
            return
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
            BASE if use is PASSED else use
        )  # A call may receive a coroutine; a name is checked later.
        self.write(f", {_text(node)!r}, {place!r}, {use!r}))")

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        """Compile a variable.

        Args:
            node: The variable, read or assigned.
            frame: Jinja's frame.
        """
        if node.ctx == "load":
            self._visit_checked(node, frame, super().visit_Name)
        else:
            super().visit_Name(node, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """Compile an attribute.

        Args:
            node: The attribute, as in ``a.b``.
            frame: Jinja's frame.
        """
        if _is_of_loop(node, frame):
            super().visit_Getattr(node, frame)
        else:
            self._visit_checked(node, frame, super().visit_Getattr)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """Compile a subscript.

        Args:
            node: The subscript, as in ``a[b]``.
            frame: Jinja's frame.
        """
        self._visit_checked(node, frame, super().visit_Getitem)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Compile a call.

        Args:
            node: The call.
            frame: Jinja's frame.
            forward_caller: Whether it passes ``caller``, as that of a ``{% call %}`` block.
        """
        kwargs = {"forward_caller": True} if forward_caller else {}
        if _is_of_loop(node.node, frame) and _has_constants_alone(node):
            super().visit_Call(node, frame, **kwargs)
        else:
            self._visit_checked(node, frame, super().visit_Call, **kwargs)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        """Compile a filter.

        Args:
            node: The filter with its value.
            frame: Jinja's frame.
        """
        self._visit_checked(node, frame, super().visit_Filter)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        """Compile a test.

        Args:
            node: The test with its value.
            frame: Jinja's frame.
        """
        self._visit_checked(node, frame, super().visit_Test)


def _is_of_loop(node: nodes.Expr, frame: Frame) -> bool:
    """Return whether an expression is an attribute of a loop's ``loop``.

    That is Jinja's own object, which a template cannot replace. Its attributes are no
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
        yield id(argument), PASSED if is_async else BASE
    for assignment in template.find_all(nodes.Assign):
        yield id(assignment.node), PASSED
    for block in template.find_all(nodes.With):
        for value in block.values:
            yield id(value), PASSED
    for operator, operand in _operands(template):
        yield id(operand), operator
    for test in template.find_all(nodes.Test):
        if test.name in ("defined", "undefined"):
            yield id(test.node), BASE


def _bases(template: nodes.Template) -> Iterator[tuple[int, str]]:
    """Find the expressions on which an attribute or item is looked up, or that are called."""
    lookups: Any = template.find_all((nodes.Getattr, nodes.Getitem))
    for lookup in lookups:
        is_lookup = isinstance(lookup.node, (nodes.Getattr, nodes.Getitem))
        yield id(lookup.node), BASE if is_lookup else OWNER
    for call in template.find_all(nodes.Call):
        yield id(call.node), BASE


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


def _applied(node: nodes.Call | nodes.Filter | nodes.Test) -> str:
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
