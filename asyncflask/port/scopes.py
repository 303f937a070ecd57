"""The scopes of a parsed file: what each of its names is bound to.

One walk finds the scopes, the node around each node, and the nodes that :mod:`.names` reads.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
from collections.abc import Callable, Iterable

import libcst as cst

#: Fields of nodes that have white space, brackets and operators.
_WITHOUT_NAMES = {
    *("lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "comma", "trailing_comma"),
    *("semicolon", "equal", "operator", "dot", "colon", "asynchronous", "indent", "separator"),
    *("header", "footer", "leading_lines", "lines_after_decorators", "trailing_whitespace"),
}
#: Fields in the order of the source, where that is not the order of the class's definition.
_ORDER: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.IfExp: ("body", "test", "orelse"),
    cst.ExceptHandler: ("type", "name", "body"),
    cst.ExceptStarHandler: ("type", "name", "body"),
    cst.MatchCase: ("pattern", "guard", "body"),
}
#: What the walk hands to :mod:`.names`, apart from names.
_NOTED = {
    *(cst.FunctionDef, cst.ClassDef, cst.Import, cst.ImportFrom, cst.Call, cst.Attribute),
    *(cst.SimpleString, cst.Await, cst.With, cst.Return, cst.Yield, cst.Assign, cst.AnnAssign),
    *(cst.NamedExpr, cst.For, cst.CompFor),
}


class Scope:
    """A module, class, function, lambda or comprehension, and the names that it binds.

    Args:
        prefix: What a name bound here begins with: `view.<locals>.`.
        parent: The scope around it.
        node: The node that makes the scope.
    """

    def __init__(self, prefix: str, parent: Scope | None, node: cst.CSTNode) -> None:
        self.prefix = prefix
        self.node = node
        self.parent = parent
        #: The first import of a name; `""` for a name that is bound in another way.
        self.names: dict[str, str] = {}
        #: Names that `global` and `nonlocal` bind in another scope.
        self.elsewhere: dict[str, Scope] = {}
        #: The innermost function around what is written here.
        self.function: cst.FunctionDef | None = parent.function if parent is not None else None
        if isinstance(node, cst.FunctionDef):
            self.function = node

    @property
    def visible(self) -> Scope | None:
        """The scope in which a name is looked up that this one does not bind."""
        above = self.parent
        while above is not None and isinstance(above.node, cst.ClassDef):
            above = above.parent
        return above

    def bind(self, name: str, imported: str = "") -> None:
        """Bind a name.

        Args:
            name: The name.
            imported: What it is imported from.
        """
        names = self.elsewhere.get(name, self).names
        names[name] = names.get(name) or imported

    def qualified_name(self, name: str, module: str) -> str:
        """Return what a name stands for; ``""`` if nothing binds it.

        Args:
            name: The name.
            module: The name of the scope's module.
        """
        scope: Scope | None = self
        while scope is not None:
            scope = scope.elsewhere.get(name, scope)
            if name in scope.names:
                return scope.names[name] or f"{module}.{scope.prefix}{name}"
            scope = scope.visible
        return f"builtins.{name}" if hasattr(builtins, name) else ""


class Scopes:
    """The scopes of a file.

    Args:
        tree: The file.
    """

    def __init__(self, tree: cst.Module) -> None:
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        #: Nodes in the order of the source, each with the scope in which it is written.
        self.nodes: list[tuple[cst.CSTNode, Scope]] = []
        self._of: dict[cst.CSTNode, Scope] = {}
        self._visits: dict[type[cst.CSTNode], Callable[..., None]] = {
            cst.Name: self._visit_name,
            cst.Attribute: self._visit_attribute,
            cst.Arg: self._visit_arg,
            cst.FunctionDef: self._visit_function,
            cst.Lambda: self._visit_lambda,
            cst.ClassDef: self._visit_class,
            cst.Import: self._visit_import,
            cst.ImportFrom: self._visit_import_from,
            cst.Global: self._visit_global,
            cst.Nonlocal: self._visit_nonlocal,
            cst.NamedExpr: self._visit_named,
            **dict.fromkeys(
                (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp),
                self._visit_comprehension,
            ),
            **dict.fromkeys(_BINDING, self._visit_binding),
        }
        self._visit_all(tree, Scope("", None, tree))

    def of(self, node: cst.CSTNode) -> Scope | None:
        """Return the scope of a name, ``None`` of one that is an attribute or a keyword.

        Args:
            node: A name of the file's tree.
        """
        return self._of.get(node)

    # PERF: libcst's visitors call four functions for each field of each node, white space
    # included, and make all nodes again. Its own provider of scopes walks twice.
    def _visit(self, node: cst.CSTNode, above: cst.CSTNode, scope: Scope) -> None:
        self.parents[node] = above
        kind = type(node)
        if kind in _NOTED:
            self.nodes.append((node, scope))
        visit = self._visits.get(kind)
        if visit is None:
            self._visit_all(node, scope)
        else:
            visit(node, scope)

    def _visit_all(self, node: cst.CSTNode, scope: Scope) -> None:
        self._visit_fields(node, _fields_with_names(type(node)), scope)

    def _visit_fields(self, node: cst.CSTNode, names: Iterable[str], scope: Scope) -> None:
        for name in names:
            value = getattr(node, name)
            if isinstance(value, cst.CSTNode):
                self._visit(value, node, scope)
            elif isinstance(value, tuple | list):
                for item in value:
                    self._visit(item, node, scope)

    def _visit_name(self, node: cst.Name, scope: Scope) -> None:
        self._of[node] = scope
        self.nodes.append((node, scope))

    def _visit_attribute(self, node: cst.Attribute, scope: Scope) -> None:
        self._visit(node.value, node, scope)
        self._note_plain(node.attr, node, scope)

    def _visit_arg(self, node: cst.Arg, scope: Scope) -> None:
        if node.keyword is not None:
            self._note_plain(node.keyword, node, scope)
        self._visit(node.value, node, scope)

    def _note_plain(self, name: cst.Name, above: cst.CSTNode, scope: Scope) -> None:
        """Note a name that is no variable."""
        self.parents[name] = above
        self.nodes.append((name, scope))

    # -- what makes a scope ------------------------------------------------------------------------

    def _visit_function(self, node: cst.FunctionDef, scope: Scope) -> None:
        name = node.name.value
        scope.bind(name)
        self._visit_fields(node, ("decorators", "name"), scope)
        inner = Scope(f"{scope.prefix}{name}.<locals>.", scope, node)
        self._visit_fields(node, ("type_parameters",), inner)
        self._visit_params(node, scope, inner)
        self._visit_fields(node, ("returns",), scope)
        self._visit(node.body, node, inner)

    def _visit_lambda(self, node: cst.Lambda, scope: Scope) -> None:
        inner = Scope(f"{scope.prefix}<lambda>.<locals>.", scope, node)
        self._visit_params(node, scope, inner)
        self._visit(node.body, node, inner)

    def _visit_params(self, node: cst.FunctionDef | cst.Lambda, scope: Scope, inner: Scope) -> None:
        """Bind the parameters; what they are annotated with is looked up around the function."""
        params = node.params
        self.parents[params] = node
        for param in (
            *(*params.posonly_params, *params.params, params.star_arg),
            *(*params.kwonly_params, params.star_kwarg),
        ):
            if isinstance(param, cst.Param):
                self.parents[param] = params
                inner.bind(param.name.value)
                self._visit(param.name, param, inner)
                self._visit_fields(param, ("annotation", "default"), scope)

    def _visit_class(self, node: cst.ClassDef, scope: Scope) -> None:
        name = node.name.value
        scope.bind(name)
        self._visit_fields(node, ("decorators", "name", "bases", "keywords"), scope)
        inner = Scope(f"{scope.prefix}{name}.", scope, node)
        self._visit_fields(node, ("type_parameters", "body"), inner)

    def _visit_comprehension(self, node: cst.BaseSimpleComp | cst.DictComp, scope: Scope) -> None:
        inner = Scope(f"{scope.prefix}<comprehension>.", scope, node)
        first = node.for_in
        self.parents[first] = node
        self.nodes.append((first, scope))
        self._visit(first.iter, first, scope)
        _bind(first.target, inner)
        self._visit_fields(first, ("target", "ifs", "inner_for_in"), inner)
        made = ("key", "value") if isinstance(node, cst.DictComp) else ("elt",)
        self._visit_fields(node, made, inner)

    # -- what binds names --------------------------------------------------------------------------

    def _visit_binding(self, node: cst.CSTNode, scope: Scope) -> None:
        for name in _BINDING[type(node)]:
            _bind(getattr(node, name), scope)
        self._visit_all(node, scope)

    def _visit_named(self, node: cst.NamedExpr, scope: Scope) -> None:
        outer = scope
        while isinstance(outer.node, cst.BaseComp) and outer.parent is not None:
            outer = outer.parent
        _bind(node.target, outer)
        self._visit(node.target, node, outer)
        self._visit(node.value, node, scope)

    def _visit_import(self, node: cst.Import, scope: Scope) -> None:
        for alias in node.names:
            name, bound = alias.evaluated_name, alias.evaluated_alias
            first = name.partition(".")[0]
            scope.bind(bound or first, name if bound else first)

    def _visit_import_from(self, node: cst.ImportFrom, scope: Scope) -> None:
        if isinstance(node.names, cst.ImportStar):
            return
        module = "." * len(node.relative) + (dotted_name(node.module) if node.module else "")
        between = "" if module.endswith(".") else "."
        for alias in node.names:
            name = alias.evaluated_name
            scope.bind(alias.evaluated_alias or name, f"{module}{between}{name}")

    def _visit_global(self, node: cst.Global, scope: Scope) -> None:
        module = scope
        while module.parent is not None:
            module = module.parent
        for item in node.names:
            scope.elsewhere[item.name.value] = module

    def _visit_nonlocal(self, node: cst.Nonlocal, scope: Scope) -> None:
        for item in node.names:
            above = scope.visible
            while above is not None and item.name.value not in above.names:
                above = above.visible
            if above is not None:
                scope.elsewhere[item.name.value] = above


#: Nodes that bind names, and the fields that have them.
_BINDING: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.AssignTarget: ("target",),
    cst.AnnAssign: ("target",),
    cst.AugAssign: ("target",),
    cst.For: ("target",),
    cst.CompFor: ("target",),
    cst.AsName: ("name",),
    cst.MatchAs: ("name",),
    cst.MatchStar: ("name",),
    cst.MatchMapping: ("rest",),
    cst.TypeAlias: ("name",),
    cst.TypeVar: ("name",),
    cst.TypeVarTuple: ("name",),
    cst.ParamSpec: ("name",),
}


def _bind(target: cst.CSTNode | None, scope: Scope) -> None:
    """Bind the names of a target: those of a tuple each, those of `a.b` and `a[b]` not."""
    match target:
        case cst.Name(value=name):
            scope.bind(name)
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                _bind(element.value, scope)


@functools.cache
def _fields_with_names(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """Return the fields of a node in which names may be, in the order of the source."""
    found = _ORDER.get(kind) or tuple(field.name for field in dataclasses.fields(kind))
    return tuple(
        name for name in found if name not in _WITHOUT_NAMES and not name.startswith("whitespace")
    )


def dotted_name(node: cst.CSTNode) -> str:
    """Return ``a.b.c`` of nested attributes, ``""`` of anything else.

    Args:
        node: The node.

    Returns:
        The name.
    """
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{dotted_name(node.value)}.{node.attr.value}"
    return ""
