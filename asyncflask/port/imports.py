"""The step ``imports``: ``flask`` and ``quart`` become ``asyncflask`` or ``asyncflask.flask``.

Only the import changes. The names in the rest of the file stay: ``import flask`` becomes
``import asyncflask.flask as flask``.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from .edits import Edits
from .names import Code, Function
from .options import Options
from .program import Program
from .report import Kind, Note
from .targets import new_name


def change_imports(program: Program, options: Options, notes: list[Note]) -> dict[Code, Edits]:
    """Change the imports of a project.

    Args:
        program: The project.
        options: ``to`` is the target.
        notes: Gets what is left.

    Returns:
        The changes, by file.
    """
    step = _Imports(options, notes)
    return {code: step.change(code, program) for code in program.codes}


class _Imports:
    def __init__(self, options: Options, notes: list[Note]) -> None:
        self._notes = notes
        self._package = "asyncflask" if options.to == "async" else "asyncflask.flask"
        self._old = {"flask"} if options.to == "flask" else {"flask", "asyncflask.flask", "quart"}

    def change(self, code: Code, program: Program) -> Edits:
        edits = Edits()
        for node in code.imports:
            if isinstance(node, cst.Import):
                self._change_import(code, node, edits)
            elif not node.relative and self._is_old(code.module_of(node)):
                self._change_from(code, node, edits)
        self._check_attributes(code)
        return edits

    def _is_old(self, module: str) -> bool:
        return any(module == old or module.startswith(f"{old}.") for old in self._old)

    def _change_from(self, code: Code, node: cst.ImportFrom, edits: Edits) -> None:
        module = code.module_of(node)
        if isinstance(node.names, cst.ImportStar):
            if new := new_name(module, self._package):
                edits.add(node, lambda n: n.with_changes(module=_dotted(new)))
            return
        by_module: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            old = f"{module}.{alias.evaluated_name}"
            new = new_name(old, self._package)
            if not new:
                self._note_missing(code, node, old)
            target, _, name = (new or old).rpartition(".")
            by_module.setdefault(target, []).append(_renamed(alias, name))
        if list(by_module) == [module]:
            return
        if len(by_module) == 1:
            (target,) = by_module
            changed = by_module[target]
            edits.add(node, lambda n: n.with_changes(module=_dotted(target), names=changed))
            return
        self._split(code, node, by_module, edits)

    def _split(
        self,
        code: Code,
        node: cst.ImportFrom,
        by_module: dict[str, list[cst.ImportAlias]],
        edits: Edits,
    ) -> None:
        """Make an import of each module; the first one keeps the comments."""
        line = code.parent(node)
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1:
            text = (
                f"what this imports from `{code.module_of(node)}` is in several modules of"
                " asyncflask: write it on a line of its own and run again; it was left"
            )
            self._notes.append(Note(Kind.UNKNOWN, text, code.source.path, code.line(node)))
            return
        (first, *rest) = by_module
        edits.add(
            node,
            lambda n: n.with_changes(
                module=_dotted(first), names=_with_commas(by_module[first], node)
            ),
        )
        others = [
            cst.SimpleStatementLine([cst.ImportFrom(_dotted(module), _plain(by_module[module]))])
            for module in rest
        ]
        edits.add(line, lambda n: cst.FlattenSentinel[cst.CSTNode]([n, *others]))

    def _change_import(self, code: Code, node: cst.Import, edits: Edits) -> None:
        aliases: list[cst.ImportAlias] = []
        changed = False
        for alias in node.names:
            name = alias.evaluated_name
            # `import asyncflask.flask` is there for `asyncflask.flask.install()`.
            bound = alias.evaluated_alias
            if not self._is_old(name) or (name == "asyncflask.flask" and bound is None):
                aliases.append(alias)
                continue
            new = new_name(name, self._package)
            if not new:
                self._note_missing(code, node, name)
                aliases.append(alias)
                continue
            changed = True
            aliases += self._aliases(alias, name, new, bound)
        if changed:
            edits.add(node, lambda n: n.with_changes(names=_with_commas(aliases, node)))

    def _aliases(
        self, alias: cst.ImportAlias, name: str, new: str, bound: str | None
    ) -> list[cst.ImportAlias]:
        """Return what an import becomes; `import flask.views` binds `flask`."""
        if bound is not None:
            return [alias.with_changes(name=_dotted(new))]
        root = name.partition(".")[0]
        asname = cst.AsName(cst.Name(root))
        first = cst.ImportAlias(_dotted(new_name(root, self._package)), asname)
        return [first] if root == name else [first, cst.ImportAlias(_dotted(new))]

    def _check_attributes(self, code: Code) -> None:
        """Note attributes of the module, as ``flask.Flask``, that asyncflask does not have."""
        places: list[Code | Function] = [code, *code.functions]
        for node in (attribute for place in places for attribute in place.attributes):
            if not isinstance(node.value, cst.Name):
                continue
            name = f"{code.qualified_name(node.value)}.{node.attr.value}"
            is_name = name.count(".") == 1 and name not in self._old
            if is_name and self._is_old(name) and not new_name(name, self._package):
                self._note_missing(code, node, name)

    def _note_missing(self, code: Code, node: cst.CSTNode, name: str) -> None:
        text = f"`{name}` has no counterpart in {self._package}; it was left"
        self._notes.append(Note(Kind.UNKNOWN, text, code.source.path, code.line(node)))


def _dotted(name: str) -> cst.Attribute | cst.Name:
    node = cst.parse_expression(name)
    assert isinstance(node, (cst.Attribute, cst.Name)), name
    return node


def _renamed(alias: cst.ImportAlias, name: str) -> cst.ImportAlias:
    """Return an alias of another name, bound to what it was bound to."""
    if name == alias.evaluated_name:
        return alias
    bound = alias.evaluated_alias or alias.evaluated_name
    asname = cst.AsName(cst.Name(bound)) if bound != name else None
    return alias.with_changes(name=cst.Name(name), asname=asname)


def _with_commas(
    aliases: Sequence[cst.ImportAlias], node: cst.Import | cst.ImportFrom
) -> list[cst.ImportAlias]:
    """Give the names commas: between them, and at the end where the old import had one."""
    assert not isinstance(node.names, cst.ImportStar)
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    between = [
        alias if isinstance(alias.comma, cst.Comma) else alias.with_changes(comma=comma)
        for alias in aliases[:-1]
    ]
    return [*between, aliases[-1].with_changes(comma=node.names[-1].comma)]


def _plain(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    *first, last = (alias.with_changes(comma=comma) for alias in aliases)
    return [*first, last.with_changes(comma=cst.MaybeSentinel.DEFAULT)]
