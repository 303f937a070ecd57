"""One parsed file: its tree, its scopes, its functions, and what each name in it stands for."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from .project import Source
from .scopes import Scope, Scopes, dotted_name


@dataclass(eq=False)
class Function:
    """A ``def`` or ``async def`` of the project."""

    name: str
    code: Code
    node: cst.FunctionDef
    #: Qualified name of the class of which it is a method.
    cls: str | None
    #: The function around it.
    outer: Function | None
    calls: list[cst.Call] = field(default_factory=list)
    attributes: list[cst.Attribute] = field(default_factory=list)
    results: list[cst.BaseExpression] = field(default_factory=list)
    withs: list[cst.With] = field(default_factory=list)
    is_generator: bool = False

    @property
    def is_async(self) -> bool:
        """Whether it is ``async def``."""
        return self.node.asynchronous is not None

    @property
    def line(self) -> int:
        """The line of its ``def``."""
        return self.code.line(self.node.name)

    @property
    def params(self) -> list[cst.Param]:
        """Its parameters that may be given by position or by name."""
        given = self.node.params
        return [*given.posonly_params, *given.params, *given.kwonly_params]

    @property
    def short_name(self) -> str:
        """Its name in its module."""
        return self.name.removeprefix(f"{self.code.source.module}.").replace(".<locals>", "")

    def __hash__(self) -> int:
        return id(self)


@dataclass(eq=False)
class Binding:
    """A variable that gets the value of an expression."""

    target: cst.BaseExpression
    value: cst.BaseExpression
    #: The variable gets an item of the value, as in a ``for`` loop.
    is_item: bool = False


class Code:
    """A parsed file.

    Args:
        source: The file.

    Raises:
        cst.ParserSyntaxError: It is not Python, or of a newer version.
        UnicodeDecodeError: Its bytes are not text in its encoding.
    """

    def __init__(self, source: Source) -> None:
        wrapper = MetadataWrapper(cst.parse_module(source.content), unsafe_skip_copy=True)
        self.source = source
        self.tree = wrapper.module
        self._wrapper = wrapper
        self._scopes = Scopes(wrapper.module)
        self._parents = self._scopes.parents
        self.functions: list[Function] = []
        #: The functions, by their nodes.
        self.function_at: dict[cst.CSTNode | None, Function] = {}
        self.classes: dict[str, cst.ClassDef] = {}
        self.bindings: list[Binding] = []
        self.imports: list[cst.Import | cst.ImportFrom] = []
        #: Calls and attributes outside of functions.
        self.calls: list[cst.Call] = []
        self.attributes: list[cst.Attribute] = []
        self.withs: list[cst.With] = []
        self.awaits: list[cst.Await] = []
        self.names: list[cst.Name] = []
        self.strings: list[cst.SimpleString] = []
        reader = _Reader(self)
        for node, scope in self._scopes.nodes:
            reader.read(node, scope)

    def line(self, node: cst.CSTNode) -> int:
        """Return the line on which a node begins.

        Args:
            node: The node.

        Returns:
            The number of the line, from 1.
        """
        # PERF: positions take a third of the time, and only notes need them.
        return int(self._wrapper.resolve(PositionProvider)[node].start.line)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Return the node around another one.

        Args:
            node: The node.

        Returns:
            The node around it; ``None`` for the module.
        """
        return self._parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Return the nodes around another one, the innermost first.

        Args:
            node: The node.

        Returns:
            The nodes.
        """
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

    def class_around(self, node: cst.CSTNode) -> str:
        """Return the qualified name of the innermost class around a node; ``""`` without one.

        Args:
            node: The node.

        Returns:
            The name.
        """
        cls = next((one for one in self.ancestors(node) if isinstance(one, cst.ClassDef)), None)
        return self.qualified_name(cls.name) if cls is not None else ""

    def function_around(self, node: cst.CSTNode) -> Function | None:
        """Return the innermost function around a node; ``None`` without one.

        Args:
            node: The node.

        Returns:
            The function.
        """
        functions = (self.function_at.get(above) for above in self.ancestors(node))
        return next(filter(None, functions), None)

    def qualified_name(self, node: cst.Name) -> str:
        """Return what a name stands for: ``flask.request``, ``shop.db.get_db``; else ``""``.

        Args:
            node: The name.

        Returns:
            The qualified name.
        """
        scope = self._scopes.of(node)
        if scope is None:
            return ""
        return self.absolute(scope.qualified_name(node.value, self.source.module))

    def absolute(self, name: str) -> str:
        """Return the name of a relative import with its package.

        Args:
            name: The name, which may begin with dots.

        Returns:
            The name.
        """
        level = len(name) - len(name.lstrip("."))
        if not level:
            return name
        parts = self.source.package.split(".")
        return ".".join([*parts[: len(parts) - level + 1], name[level:]]).strip(".")

    @functools.cached_property
    def star_imports(self) -> list[str]:
        """The modules of which the file imports everything."""
        return [
            self.module_of(node)
            for node in self.imports
            if isinstance(node, cst.ImportFrom) and isinstance(node.names, cst.ImportStar)
        ]

    def module_of(self, node: cst.ImportFrom) -> str:
        """Return the absolute name of the module of ``from … import``.

        Args:
            node: The import.

        Returns:
            The name.
        """
        dotted = dotted_name(node.module) if node.module is not None else ""
        return self.absolute("." * len(node.relative) + dotted)


class _Reader:
    """Collects the functions, calls and variables of a file."""

    def __init__(self, code: Code) -> None:
        self.code = code
        #: The innermost function around the current node.
        self.function: Function | None = None
        self.scope: Scope | None = None

    def read(self, node: cst.CSTNode, scope: Scope) -> None:
        """Note what a node is.

        Args:
            node: One of the nodes of :class:`Scopes`.
            scope: Where it is written.
        """
        self.scope = scope
        self.function = self.code.function_at.get(scope.function)
        getattr(self, f"visit_{type(node).__name__}")(node)

    @property
    def place(self) -> Function | Code:
        """The function, or the module."""
        return self.function or self.code

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        around = self.scope.node if self.scope is not None else None
        cls = self.code.qualified_name(around.name) if isinstance(around, cst.ClassDef) else None
        name = self.code.qualified_name(node.name)
        function = Function(name, self.code, node, cls, self.function)
        self.code.functions.append(function)
        self.code.function_at[node] = function

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.code.classes[self.code.qualified_name(node.name)] = node

    def visit_Import(self, node: cst.Import) -> None:
        self.code.imports.append(node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self.code.imports.append(node)

    def visit_Call(self, node: cst.Call) -> None:
        self.place.calls.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.place.attributes.append(node)

    def visit_Name(self, node: cst.Name) -> None:
        self.code.names.append(node)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self.code.strings.append(node)

    def visit_Await(self, node: cst.Await) -> None:
        self.code.awaits.append(node)

    def visit_With(self, node: cst.With) -> None:
        self.place.withs.append(node)
        for item in node.items:
            if item.asname is not None:
                self._bind(item.asname.name, item.item)

    def visit_Return(self, node: cst.Return) -> None:
        if self.function is not None and node.value is not None:
            self.function.results.append(node.value)

    def visit_Yield(self, node: cst.Yield) -> None:
        if self.function is None:
            return
        self.function.is_generator = True
        if isinstance(node.value, cst.BaseExpression):
            self.function.results.append(node.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._bind_each(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._bind(node.target, node.value)

    def visit_For(self, node: cst.For) -> None:
        self._bind(node.target, node.iter, is_item=True)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._bind(node.target, node.iter, is_item=True)

    def _bind_each(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        """Bind `a, b = x, y` as two assignments."""
        if (
            isinstance(target, cst.Tuple | cst.List)
            and isinstance(value, cst.Tuple | cst.List)
            and len(target.elements) == len(value.elements)
        ):
            for one, of_one in zip(target.elements, value.elements, strict=True):
                self._bind_each(one.value, of_one.value)
        else:
            self._bind(target, value)

    def _bind(
        self, target: cst.BaseExpression, value: cst.BaseExpression, is_item: bool = False
    ) -> None:
        if is_item and isinstance(target, cst.Tuple) and target.elements:
            target = target.elements[-1].value  # of `for name, file in request.files.items()`
        self.code.bindings.append(Binding(target, value, is_item))
