"""A name of asyncflask in a file: the one that it has, or a new import."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from .edits import Edit, Edits
from .names import Code
from .scopes import dotted_name


def name_for(code: Code, name: str, edits: Edits) -> str:
    """Return how a file writes a name; import it if the file does not have it.

    Args:
        code: The file.
        name: As ``asyncflask.current_app``.
        edits: Gets the import.
    """
    module, _, last = name.rpartition(".")
    imports = list(_imports_at_top(code))
    for node in imports:
        is_from = isinstance(node, cst.ImportFrom) and code.module_of(node) == module
        if is_from and (found := _name_in(node, last)) is not None:
            return found
    for node in imports:
        if isinstance(node, cst.Import) and (found := _name_in(node, module)) is not None:
            return f"{found}.{last}"
    _add_import(code, module, last, edits)
    return last


def _imports_at_top(code: Code) -> Iterator[cst.Import | cst.ImportFrom]:
    """Give the imports of a file that are in no function, class or condition."""
    for node in code.imports:
        if isinstance(code.parent(code.parent(node) or node), cst.Module):
            yield node


def _name_in(node: cst.Import | cst.ImportFrom, imported: str) -> str | None:
    """Return the name that an import gives to ``imported``; ``None`` if it does not import that."""
    if isinstance(node.names, cst.ImportStar):
        return None
    for alias in node.names:
        if alias.evaluated_name == imported:
            return alias.evaluated_alias or imported
    return None


def _add_import(code: Code, module: str, name: str, edits: Edits) -> None:
    for node in _imports_at_top(code):
        if (
            isinstance(node, cst.ImportFrom)
            and code.module_of(node) == module
            and not isinstance(node.names, cst.ImportStar)
        ):
            if not edits.has(node):
                edits.add(node, _with_name(name))
            return
    if not edits.has(code.tree):
        edits.add(code.tree, _with_import(f"from {module} import {name}\n"))


def _with_name(name: str) -> Edit:
    def edit(node: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(node, cst.ImportFrom)
        assert not isinstance(node.names, cst.ImportStar)
        last = node.names[-1]
        end = last.comma
        between: cst.Comma | cst.MaybeSentinel = cst.Comma(
            whitespace_after=cst.SimpleWhitespace(" ")
        )
        if isinstance(end, cst.Comma) and len(node.names) > 1:
            between = node.names[-2].comma  # one name a line
        names = [*node.names[:-1], last.with_changes(comma=between)]
        return node.with_changes(names=[*names, cst.ImportAlias(cst.Name(name), comma=end)])

    return edit


def _with_import(text: str) -> Edit:
    def edit(node: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(node, cst.Module)
        place = 0
        while place < len(node.body) and comes_first(node.body[place]):
            place += 1
        line = cst.parse_module(text).body[0]
        return node.with_changes(body=[*node.body[:place], line, *node.body[place:]])

    return edit


def comes_first(statement: cst.CSTNode) -> bool:
    """Return whether a statement is a docstring or imports from ``__future__``.

    Args:
        statement: A statement of a module.
    """
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    first = statement.body[0]
    if isinstance(first, cst.Expr):
        return isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)
    return (
        isinstance(first, cst.ImportFrom)
        and first.module is not None
        and dotted_name(first.module) == "__future__"
    )
