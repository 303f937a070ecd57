"""The steps ``views``, ``await`` and ``tests``: ``async def`` and ``await`` where the plan says."""

from __future__ import annotations

import libcst as cst

from .edits import Edit, Edits, expression
from .imported import name_for
from .names import Code
from .options import Options
from .plan import make_plan
from .program import Program
from .report import Note
from .unittests import change_test_cases


def add_awaits(program: Program, options: Options, notes: list[Note]) -> dict[Code, Edits]:
    """Write ``async def`` and ``await``.

    Args:
        program: The project.
        options: What is asked for.
        notes: Gets what is left.

    Returns:
        The changes, by file.
    """
    plan = make_plan(program, options, notes)
    edits = {code: Edits() for code in program.codes}
    for function in plan.converted:
        edits[function.code].add(function.node, _make_async)
    for code, node in plan.awaited:
        if isinstance(node, cst.With):
            edits[code].add(node, _make_async)
        elif _needs_parentheses(code, node):
            edits[code].add(node, _await_in_parentheses)
        else:
            edits[code].add(node, _with_await)
    for code, call in plan.wrapped:
        if isinstance(call.func, cst.Call):
            edits[code].add(call.func, _with_ensure_async)
        else:
            name = name_for(code, "asyncflask.current_app", edits[code])
            edits[code].add(call.func, _ensured(name))
        edits[code].add(
            call, _await_in_parentheses if _needs_parentheses(code, call) else _with_await
        )
    change_test_cases(program, plan.converted, edits)
    return edits


def _ensured(current_app: str) -> Edit:
    """Return an edit that makes `current_app.ensure_async(view)` of `view`."""

    def edit(node: cst.CSTNode) -> cst.CSTNode:
        func = cst.parse_expression(f"{current_app}.ensure_async")
        return cst.Call(func, [cst.Arg(expression(node))])

    return edit


def _with_ensure_async(node: cst.CSTNode) -> cst.CSTNode:
    """Change `current_app.ensure_sync(view)`."""
    assert isinstance(node, cst.Call)
    return node.with_deep_changes(node.func, attr=cst.Name("ensure_async"))


def _make_async(node: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(node, cst.FunctionDef | cst.With)
    return node.with_changes(asynchronous=cst.Asynchronous())


def _with_await(node: cst.CSTNode) -> cst.CSTNode:
    return cst.Await(expression(node))


def _await_in_parentheses(node: cst.CSTNode) -> cst.CSTNode:
    return cst.Await(expression(node), lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _needs_parentheses(code: Code, node: cst.CSTNode) -> bool:
    """Return whether something is called or read on a node: ``request.form["name"]``."""
    match code.parent(node):
        case cst.Attribute() | cst.Subscript():
            return True
        case cst.Call(func=func):
            return func is node
    return False
