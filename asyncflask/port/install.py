"""``asyncflask.flask.install()`` at the top of the app's module, where extensions are used.

An extension imports ``flask``. After the call it gets the facade.
"""

from __future__ import annotations

import libcst as cst

from .edits import Edits
from .extensions import used_extensions
from .imported import comes_first
from .names import Code
from .options import Options
from .program import APP_CLASSES, Program
from .report import Note
from .scopes import dotted_name

CALL = "asyncflask.flask.install"


def add_install(program: Program, options: Options, notes: list[Note]) -> dict[Code, Edits]:
    """Add the call, before everything that imports an extension.

    Args:
        program: The project.
        options: The target makes no difference.
        notes: Gets nothing.

    Returns:
        The changes, by file.
    """
    edits: dict[Code, Edits] = {}
    if not used_extensions(program):
        return edits
    by_module = {code.source.module: code for code in program.codes}
    makers = [code for code in program.codes if _makes_an_app(program, code)]
    firsts = (
        # Tests that make apps of their own, as those of an extension, import no app's module.
        _loaded_before(program, code)
        if code.source.is_test
        # Of a package, Python runs `__init__.py` first.
        else by_module.get(code.source.module.partition(".")[0], code)
        for code in makers
    )
    for code in dict.fromkeys(firsts):
        if not _has_call(code):
            edits[code] = Edits()
            edits[code].add(code.tree, _insert)
    return edits


def _loaded_before(program: Program, test: Code) -> Code:
    """Return what pytest loads first of a folder of tests, or the test itself."""
    conftests = [
        code
        for code in program.codes
        if code.source.path.name == "conftest.py"
        and test.source.path.is_relative_to(code.source.path.parent)
    ]
    return min(conftests, key=lambda code: len(code.source.path.parts), default=test)


def _makes_an_app(program: Program, code: Code) -> bool:
    calls = [*code.calls, *(call for function in code.functions for call in function.calls)]
    return any(
        (cls := program.value(code, call.func)) in APP_CLASSES
        or (cls in program.classes and bool(program.all_bases(cls) & APP_CLASSES))
        for call in calls
    )


def _has_call(code: Code) -> bool:
    return any(dotted_name(call.func) == CALL for call in code.calls)


def _insert(module: cst.CSTNode) -> cst.CSTNode:
    """Put the lines below the docstring and imports from ``__future__``."""
    assert isinstance(module, cst.Module)
    body = list(module.body)
    place = 0
    while place < len(body) and comes_first(body[place]):
        place += 1
    lines = list(cst.parse_module(f"import asyncflask.flask\n\n{CALL}()\n").body)
    if place:
        lines[0] = lines[0].with_changes(leading_lines=[cst.EmptyLine()])
    rest = body[place:]
    if rest and _touches(rest[0]):
        empty = cst.EmptyLine(indent=False)
        rest[0] = rest[0].with_changes(leading_lines=[empty, *rest[0].leading_lines])
    changed = module.with_changes(body=[*body[:place], *lines, *rest])
    return changed if body else changed.with_changes(has_trailing_newline=True)


def _touches(
    statement: cst.SimpleStatementLine | cst.BaseCompoundStatement,
) -> bool:
    """Return whether there is no empty line above a statement."""
    lines = statement.leading_lines
    return not lines or lines[0].comment is not None
