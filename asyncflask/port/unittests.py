"""Tests of unittest: ``setUp`` that awaits is ``asyncSetUp``, of an ``IsolatedAsyncioTestCase``."""

from __future__ import annotations

import libcst as cst

from .edits import Edit, Edits, expression, renamed_to
from .names import Code, Function
from .program import Program
from .roles import ASYNC_TEST_CASE, SET_UP, TEST_CASES

_NEW = ASYNC_TEST_CASE.rpartition(".")[2]


def change_test_cases(program: Program, converted: set[Function], edits: dict[Code, Edits]) -> None:
    """Change the classes of which methods became ``async def``.

    Args:
        program: The project.
        converted: The functions that become ``async def``.
        edits: Has the edits of calls that are awaited; gets those of the classes.
    """
    roots: set[str] = set()
    for function in converted:
        if function.cls is None or function.cls not in program.classes:
            continue
        bases = program.all_bases(function.cls)
        if not bases & {*TEST_CASES, ASYNC_TEST_CASE}:
            continue
        roots |= {cls for cls in {function.cls, *bases} if cls in program.classes}
        name = function.node.name
        if name.value in SET_UP:
            edits[function.code].add(name, renamed_to(SET_UP[name.value]))
            _change_super(function, edits[function.code])
    for cls in sorted(roots):
        _change_base(program, cls, edits)


def _change_super(function: Function, edits: Edits) -> None:
    """Change `super().setUp()`, which is a call of unittest's method or of a converted one."""
    for call in function.calls:
        match call.func:
            case cst.Attribute(value=cst.Call(func=cst.Name(value="super")), attr=attr):
                if attr.value in SET_UP:
                    edits.add(attr, renamed_to(SET_UP[attr.value]))
                    if not edits.has(call):
                        edits.add(call, lambda node: cst.Await(expression(node)))


def _change_base(program: Program, cls: str, edits: dict[Code, Edits]) -> None:
    code, node = program.classes[cls]
    for base in node.bases:
        if program.value(code, base.value) not in TEST_CASES:
            continue
        if isinstance(base.value, cst.Attribute):
            edits[code].add(base.value.attr, renamed_to(_NEW))
        elif isinstance(base.value, cst.Name):
            _change_import(code, base.value.value, edits[code])


def _change_import(code: Code, name: str, edits: Edits) -> None:
    """Import the other class under the name that the file uses."""
    for node in code.imports:
        if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                if (alias.evaluated_alias or alias.evaluated_name) == name and not edits.has(alias):
                    edits.add(alias, _imported_as(name))


def _imported_as(name: str) -> Edit:
    def edit(node: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(node, cst.ImportAlias)
        return node.with_changes(name=cst.Name(_NEW), asname=cst.AsName(cst.Name(name)))

    return edit
