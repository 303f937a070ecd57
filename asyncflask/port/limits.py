"""Why a function has to stay ``def``: it is called, or written, where nothing can be awaited."""

from __future__ import annotations

import functools

import libcst as cst

from .decorators import Decorators
from .names import Code, Function
from .options import Options
from .program import Program, decorator_names
from .roles import OF_APP, SYNC_SET_UP, Role, registered_arguments, roles
from .scopes import dotted_name
from .sources import obstacle

#: Decorators that leave a helper as it is.
HARMLESS = {"staticmethod", "classmethod", "wraps", "override"}
#: Decorators with which reading an attribute calls the function.
PROPERTIES = {"property", "cached_property", "functools.cached_property"}


class DefLimits:
    """What the functions of a project are, and which of them have to stay ``def``.

    Args:
        program: The project.
        options: Its steps.
    """

    def __init__(self, program: Program, options: Options) -> None:
        self._program = program
        self._options = options
        self.roles = roles(program)
        #: Calls of functions of the project: the function around each, or None.
        self.callers: dict[Function, list[tuple[Function | None, Code, cst.CSTNode]]] = {}
        #: Functions that are used as values: the place.
        self._values: dict[Function, tuple[Code, cst.CSTNode]] = {}
        self.decorators = Decorators(program, self.roles)
        for code in program.codes:
            self._read_calls(None, code, code.calls)
            self._read_values(code)
            for function in code.functions:
                self._read_calls(function, code, function.calls)
                self._read_properties(function)

    def reason(self, function: Function, nodes: list[cst.CSTNode]) -> str:
        """Return why a function has to stay ``def``; ``""`` if it may become ``async def``.

        Args:
            function: The function.
            nodes: Its nodes that would be awaited.
        """
        if function.is_async:
            return ""
        role = self.roles.get(function)
        for reason_of in (self._of_role, self._of_decorators, self._of_use):
            if why := reason_of(function, role):
                return why
        obstacles = (obstacle(self._program, function.code, node) for node in nodes)
        return next(filter(None, obstacles), "")

    def _of_role(self, function: Function, role: Role | None) -> str:
        if role is Role.SYNC:
            return f"it is a {role.value}"
        if role is Role.SET_UP:
            instead = SYNC_SET_UP.get(function.node.name.value, "a fixture")
            return f"it is a {role.value} (what awaits may move to {instead})"
        if role in OF_APP and not self._options.has("views"):
            return "the step `views` is not among those of --only"
        if function.is_generator and role is not Role.FIXTURE:
            return "it is a generator"
        return ""

    def _of_use(self, function: Function, role: Role | None) -> str:
        if role is not None or function in self.decorators.of_views:
            return ""  # The framework calls it, and awaits it.
        name = function.node.name.value
        if name.startswith("__"):
            return "Python calls it"
        if function in self._values:
            code, node = self._values[function]
            return f"it is handed on as a value in {code.source.path}:{code.line(node)}"
        callers = [
            caller
            for one in (function, *self.linked(function))
            for caller, _, _ in self.callers.get(one, [])
        ]
        if None in callers:
            return "it is called when a module is imported"
        if not callers and not function.code.source.is_test:
            return "the command sees no call of it"
        return ""

    def _of_decorators(self, function: Function, role: Role | None) -> str:
        for wrapper in self.decorators.of(function):
            if wrapper.function not in self.decorators.of_views and not wrapper.function.is_async:
                name = wrapper.decorator.node.name.value
                return f"its decorator `{name}` is used for other functions than views, too"
        for decorator in function.node.decorators:
            node = decorator.decorator
            func = node.func if isinstance(node, cst.Call) else node
            if self._program.value(function.code, func) in self._program.classes:
                name = dotted_name(func)
                return f"its decorator `{name}` is a class, which calls it without `await`"
        if role is not None or function in self.decorators.of_views:
            return ""
        for name in decorator_names(function):
            if name.rpartition(".")[2] not in HARMLESS:
                return f"it has the decorator `@{name}`"
        return ""

    def _read_calls(self, caller: Function | None, code: Code, calls: list[cst.Call]) -> None:
        for call in calls:
            callee = self._program.called(code, call)
            if callee is not None:
                self.callers.setdefault(callee, []).append((caller, code, call))

    def _read_properties(self, function: Function) -> None:
        """Add the places where an attribute calls a function."""
        for node in function.attributes:
            found = self._program.functions.get(self._program.value(function.code, node))
            if found is not None and not PROPERTIES.isdisjoint(decorator_names(found)):
                self.callers.setdefault(found, []).append((function, function.code, node))

    def _read_values(self, code: Code) -> None:
        nodes: list[cst.Name | cst.Attribute] = [
            *code.names,
            *code.attributes,
            *(node for function in code.functions for node in function.attributes),
        ]
        for node in nodes:
            if _is_value(code, node):
                function = self._program.functions.get(self._program.value(code, node))
                if function is not None and not (
                    self._is_registered(code, node) or self._is_of_fixture(code, node)
                ):
                    self._values.setdefault(function, (code, node))
                    if isinstance(code.parent(node), cst.Arg) and not code.source.is_test:
                        # It may be called there: `sorted(names, key=function)`.
                        around = code.function_around(node)
                        self.callers.setdefault(function, []).append((around, code, node))

    def _is_registered(self, code: Code, node: cst.CSTNode) -> bool:
        call = code.parent(code.parent(node) or node)
        return isinstance(call, cst.Call) and registered_arguments(self._program, code, call)

    def _is_of_fixture(self, code: Code, node: cst.CSTNode) -> bool:
        """Return whether a fixture returns a function, which tests call by the fixture's name."""
        if not isinstance(code.parent(node), cst.Return | cst.Yield):
            return False
        around = code.function_around(node)
        return any(fixture is around for fixture in self._program.fixtures.values())

    def linked(self, function: Function) -> list[Function]:
        """Return the methods of the same name in base classes and subclasses.

        Args:
            function: A function.
        """
        if function.cls is None:
            return []
        name = function.node.name.value
        others = (f"{cls}.{name}" for cls in self._relatives.get(function.cls, ()))
        found = [self._program.functions[one] for one in others if one in self._program.functions]
        return [*found, *self._called_with.get(function, ())]

    @functools.cached_property
    def _called_with(self) -> dict[Function, list[Function]]:
        """The methods of other subclasses that the same call of the base class calls."""
        groups = self._program.implementations.values()
        return {
            function: [one for one in group if one is not function]
            for group in groups
            if any(one in self.callers for one in group)
            for function in group
        }

    @functools.cached_property
    def _relatives(self) -> dict[str, list[str]]:
        """The base classes and the subclasses of each class of the project."""
        found: dict[str, list[str]] = {}
        for cls in self._program.classes:
            for base in sorted(self._program.all_bases(cls) & self._program.classes.keys()):
                found.setdefault(cls, []).append(base)
                found.setdefault(base, []).append(cls)
        return found


def _is_value(code: Code, node: cst.Name | cst.Attribute) -> bool:
    """Return whether a name is read as a value: not called, imported, defined or a decorator."""
    parent = code.parent(node)
    match parent:
        case cst.Call():
            return parent.func is not node
        case cst.Attribute():
            return False
        case cst.Arg():
            return parent.value is node
        case cst.FunctionDef() | cst.ClassDef() | cst.Param() | cst.ImportAlias() | cst.AsName():
            return False
        case cst.Decorator():
            return False
    return dotted_name(node) != ""
