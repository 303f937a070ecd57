"""Stubs of subclasses that override each public method of a package's classes, as that has it.

The signatures are read from the package that is installed: they are what its users write down.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

#: each package that a facade stands for, and the facade
FACADES = {"flask": "asyncflask.flask", "quart": "asyncflask.quart"}
#: the decorators that are part of a signature
_KINDS = ("property", "cached_property", "classmethod", "staticmethod", "setter", "overload")


def all_stubs(package: str) -> dict[str, str]:
    """The texts of the stubs of a package and of its facade, by the names of their files."""
    return stubs(package, package) | stubs(package, FACADES[package])


def stubs(package: str, base: str) -> dict[str, str]:
    """The texts of stubs with a package's signatures, by the names of their files.

    Args:
        package: The package whose signatures they are: ``"flask"``.
        base: The package of the classes that are extended: ``"flask"`` or ``"asyncflask.flask"``.
    """
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    facades = {} if base == package else FACADES
    texts = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [_subclass(each) for each in tree.body if isinstance(each, ast.ClassDef)]
        classes = [each for each in classes if each.body]
        if not classes:
            continue
        module = [package, *(part for part in parts if part != "__init__")]
        inside = module if parts[-1] == "__init__" else module[:-1]
        head = [*_head(tree, inside, facades), _import(".".join(module), tree, facades)]
        stub = ast.Module(body=[*_used(head, classes), *classes], type_ignores=[])
        name = "_".join((base.replace(".", "_"), *parts))
        texts[f"{name}.pyi"] = ast.unparse(ast.fix_missing_locations(stub)) + "\n"
    return texts


def methods(text: str) -> dict[int, str]:
    """The method that each line of a stub belongs to: ``"Flask.run"``."""
    found = {}
    for cls in ast.parse(text).body:
        if isinstance(cls, ast.ClassDef):
            for each in cls.body:
                assert isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                first = min([each.lineno, *(one.lineno for one in each.decorator_list)])
                for line in range(first, (each.end_lineno or first) + 1):
                    found[line] = f"{cls.name.removeprefix('My')}.{each.name}"
    return found


def _subclass(cls: ast.ClassDef) -> ast.ClassDef:
    body: list[ast.stmt] = []
    overloaded = set()
    for each in cls.body:
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        public = not each.name.startswith("_") or each.name == "__call__"
        kinds = [one for one in each.decorator_list if ast.unparse(one).endswith(_KINDS)]
        if any(ast.unparse(one).endswith("overload") for one in kinds):
            overloaded.add(each.name)
        elif each.name in overloaded:
            continue  # A stub has no implementation of overloads.
        if public and not cls.name.startswith("_"):
            body.append(_stub(each, kinds))
    base = ast.Name(cls.name, ast.Load())
    return ast.ClassDef(f"My{cls.name}", bases=[base], keywords=[], body=body, decorator_list=[])


def _stub(function: ast.stmt, kinds: list[ast.expr]) -> ast.stmt:
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    anything = ast.Constant(...)
    function.body = [ast.Expr(anything)]
    function.decorator_list = kinds
    function.args.defaults = [anything for _ in function.args.defaults]
    function.args.kw_defaults = [each and anything for each in function.args.kw_defaults]
    return function


def _head(tree: ast.Module, inside: list[str], facades: dict[str, str]) -> list[ast.stmt]:
    """The imports and type variables of a module, with the names of the facades."""
    head: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.If):
            head += _head(ast.Module(node.body, []), inside, facades)
        elif isinstance(node, ast.Import):
            head.append(node)
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else []
            name = ".".join([*above, *([node.module] if node.module else [])])
            head.append(ast.ImportFrom(_renamed(name, facades), node.names, 0))
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith(
            ("t.TypeVar(", "TypeVar(", "t.ParamSpec(", "ParamSpec(")
        ):
            head.append(node)
    return head


def _import(module: str, tree: ast.Module, facades: dict[str, str]) -> ast.ImportFrom:
    """The import of what a module defines itself."""
    names = [each.name for each in tree.body if isinstance(each, ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and "Var(" not in ast.unparse(node):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [each.id for each in targets if isinstance(each, ast.Name)]
    return ast.ImportFrom(_renamed(module, facades), [ast.alias(each) for each in names], 0)


def _renamed(module: str, facades: dict[str, str]) -> str:
    package, dot, rest = module.partition(".")
    return facades.get(package, package) + dot + rest


def _used(head: list[ast.stmt], classes: list[ast.ClassDef]) -> list[ast.stmt]:
    """Imports of those names that are used alone: others may be private ones of defaults."""
    tree = ast.Module(body=[*head, *classes], type_ignores=[])
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    for node in head:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [
                each for each in node.names if (each.asname or each.name).split(".")[0] in names
            ]
    return [each for each in head if getattr(each, "names", True)]
