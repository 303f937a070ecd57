"""All files of the project: what a name stands for across modules, and what a value is.

A value is written as text: the dotted name of what is called or read (``sqlite3.connect()`` is what
that function returns), and these:

- ``<request>``: the request of Flask, Quart or asyncflask
- ``<upload>``, ``<uploads>``: an uploaded file, and several
- ``<client>``, ``<response>``: a test client, and what it returns
"""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from .names import Code, Function
from .scopes import dotted_name
from .targets import exists, new_name

REQUESTS = {
    f"{module}.request": "<request>"
    for module in ("flask", "quart", "asyncflask")
    for module in (module, f"{module}.globals")
}
CLIENT_CLASSES = {
    "flask.testing.FlaskClient",
    "asyncflask.testing.TestClient",
    "quart.testing.QuartClient",
    "quart.typing.TestClientProtocol",
}
REQUEST_CLASSES = {
    f"{module}.Request"
    for module in ("flask", "quart", "asyncflask")
    for module in (module, f"{module}.wrappers")
}
APP_CLASSES = {
    f"{module}.{name}"
    for module in ("flask", "asyncflask", "asyncflask.flask", "quart")
    for name in ("Flask", "Quart")
}
#: What a parameter with an annotation is.
ANNOTATED = {
    **dict.fromkeys(CLIENT_CLASSES, "<client>"),
    **dict.fromkeys(REQUEST_CLASSES, "<request>"),
    "werkzeug.datastructures.FileStorage": "<upload>",
}
CLIENT_METHODS = {
    *("get", "post", "put", "patch", "delete", "head", "options", "trace", "open"),
}
#: What an expression on the left returns.
RETURNED = {
    "<request>.files[]": "<upload>",
    "<request>.files.get()": "<upload>",
    "<request>.files.getlist()": "<uploads>",
    "<request>.files.values()": "<uploads>",
    "<request>.files.items()": "<uploads>",
    "<uploads>[]": "<upload>",
    **{f"<client>.{method}()": "<response>" for method in CLIENT_METHODS},
    **{f"{module}.make_response()": "<response>" for module in ("quart", "asyncflask")},
}
#: Longest name that is followed: variables may be defined by each other.
LONGEST = 300
#: Most passes over the variables; each finds what the pass before has made known.
PASSES = 6


class Program:
    """The parsed files of the project.

    Args:
        codes: The files.
    """

    def __init__(self, codes: Iterable[Code]) -> None:
        self.codes = list(codes)
        #: What values begin with that are just names of the project, or of nothing known.
        self._own = ("?", *(f"{code.source.module}." for code in self.codes))
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, tuple[Code, cst.ClassDef]] = {}
        #: Functions that are fixtures of pytest, by the name that tests use.
        self.fixtures: dict[str, Function] = {}
        #: What variables, parameters and imported names stand for.
        self.aliases: dict[str, str] = {**REQUESTS, **RETURNED}
        for code in self.codes:
            self._add(code)
        #: Whether a class of another library may have what a class of the project lacks.
        self._knows_attributes = False
        #: The base classes of classes, until more variables are known.
        self._bases: dict[str, list[str]] = {}
        #: Methods that classes lack and subclasses have, which `self.method()` calls.
        self.implementations: dict[str, list[Function]] = {}
        for self._knows_attributes in (False, True):
            self._bases.clear()
            if self._knows_attributes:
                self._find_implementations()
            for _ in range(PASSES):
                before = len(self.aliases)
                self._bind_variables()
                if len(self.aliases) == before:
                    break

    @property
    def all_functions(self) -> list[Function]:
        """The functions, file by file."""
        return [function for code in self.codes for function in code.functions]

    # -- values ------------------------------------------------------------------------------------

    def value(self, code: Code, node: cst.CSTNode) -> str:
        """Return what an expression is; ``""`` if that is not known.

        Args:
            code: The expression's file.
            node: The expression.
        """
        match node:
            case cst.Name():
                return self.resolve(code.qualified_name(node) or _from_star(self, code, node.value))
            case cst.Attribute(value=inner, attr=attr):
                owner = self.value(code, inner)
                return self.resolve(f"{owner}.{attr.value}") if owner else f"?.{attr.value}"
            case cst.Call(func=cst.Name(value="super")):
                bases = (
                    self._bases_of(cls) if (cls := code.class_around(node)) in self.classes else []
                )
                return bases[0] if bases else ""
            case cst.Call(func=func):
                return self._returned(self.value(code, func))
            case cst.Subscript(value=inner):
                owner = self.value(code, inner)
                return self.resolve(f"{owner}[]") if owner else ""
            case cst.Await(expression=inner) | cst.NamedExpr(value=inner):
                return self.value(code, inner)
            case cst.BooleanOperation(left=left, right=right):
                return self.value(code, left) or self.value(code, right)
            case cst.IfExp(body=left, orelse=right):
                return self.value(code, left) or self.value(code, right)
        return ""

    def _returned(self, function: str) -> str:
        if function.endswith(".test_client"):
            return "<client>"
        if function in self.classes:
            return function  # an instance has the attributes of its class
        if function in CLIENT_CLASSES:
            return "<client>"
        return self.resolve(f"{function}()") if function else ""

    def resolve(self, name: str) -> str:
        """Follow imports, variables and base classes, until a name is where it is defined.

        Args:
            name: A dotted name.

        Returns:
            The qualified name of what is found.
        """
        for _ in range(20):
            new = self._follow(name)
            if new == name or len(new) > LONGEST:
                break
            name = new
        return name

    def _follow(self, name: str) -> str:
        if name in self.aliases:
            return self.aliases[name]
        if name in self.functions or name in self.classes:
            return name
        owner = name
        while "." in owner:
            owner = owner.rpartition(".")[0]
            rest = name[len(owner) :]
            if owner in self.aliases:
                return self.aliases[owner] + rest
            if owner in self.classes:
                return self._implemented(owner, rest) or self._inherited(owner, rest) or name
        return name

    def _inherited(self, cls: str, rest: str) -> str:
        member = rest.split(".")[1]
        if f"{cls}.{member}" in self.functions:
            return ""
        for base in self._bases_of(cls):
            own = f"{base}.{member}"
            is_other = base not in self.classes and self._knows_attributes
            if is_other or own in self.functions or own in self.aliases:
                return base + rest
            if base in self.classes and (found := self._inherited(base, rest)):
                return found
        return ""

    def _find_implementations(self) -> None:
        found: dict[str, list[Function]] = {}
        for function in self.all_functions:
            if function.cls in self.classes:
                for base in sorted(self.all_bases(function.cls) & self.classes.keys()):
                    name = f"{base}.{function.node.name.value}"
                    if self.resolve(name) not in self.functions:
                        found.setdefault(name, []).append(function)
        self.implementations = found

    def _implemented(self, cls: str, rest: str) -> str:
        """Return a method of a subclass, for one that the class calls and lacks."""
        member, _, more = rest[1:].partition(".")
        found = self.implementations.get(f"{cls}.{member}")
        return f"{found[0].name}{'.' * bool(more)}{more}" if found else ""

    def is_request(self, value: str) -> bool:
        """Return whether a value is the request, also `self` of a `request_class`.

        Args:
            value: What an expression stands for.
        """
        return value == "<request>" or self._is_a(value, REQUEST_CLASSES)

    def is_known(self, value: str) -> bool:
        """Return whether a value is something, and not just a variable of the project.

        Args:
            value: What an expression stands for.
        """
        return bool(value) and not value.startswith(self._own)

    def is_app(self, code: Code, node: cst.CSTNode) -> bool:
        """Return whether an expression is the app.

        Args:
            code: The expression's file.
            node: The expression.
        """
        value = self.value(code, node)
        last = dotted_name(node).rpartition(".")[2]
        return (
            value.removesuffix("()") in APP_CLASSES
            or self._is_a(value, APP_CLASSES)
            or last in {"app", "current_app"}
        )

    def _is_a(self, value: str, classes: set[str]) -> bool:
        return value in self.classes and not classes.isdisjoint(self.all_bases(value))

    def _bases_of(self, cls: str) -> list[str]:
        """Return the direct base classes of a class of the project."""
        if cls not in self._bases:
            code, node = self.classes[cls]
            found = (self.value(code, base.value) for base in node.bases)
            self._bases[cls] = [base for base in found if base and base != cls]
        return self._bases[cls]

    def all_bases(self, cls: str) -> set[str]:
        """Return the base classes of a class of the project, those of others included.

        Args:
            cls: The class's name, with its module.
        """
        found: set[str] = set()
        todo = [cls]
        while todo:
            one = todo.pop()
            if one in self.classes:
                todo += [base for base in self._bases_of(one) if base not in found]
            found.add(one)
        return found - {cls}

    def called(self, code: Code, call: cst.Call) -> Function | None:
        """Return the function of the project that a call calls.

        Args:
            code: The file of the call.
            call: The call.

        Returns:
            The function; ``None`` if it is not the project's.
        """
        value = self.value(code, call.func)
        if value in self.classes:
            value = self.resolve(f"{value}.__init__")
        return self.functions.get(value)

    # -- variables ---------------------------------------------------------------------------------

    def _add(self, code: Code) -> None:
        source = code.source
        if source.other_name and source.other_name != source.module:
            self.aliases.setdefault(source.other_name, source.module)
        for function in code.functions:
            self.functions.setdefault(function.name, function)
            if (name := _fixture_name(function)) is not None:
                self.fixtures.setdefault(name, function)
        self.classes |= {name: (code, node) for name, node in code.classes.items()}
        for node in code.imports:
            if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
                self._add_imported(code, node, node.names)

    def _add_imported(
        self, code: Code, node: cst.ImportFrom, names: Iterable[cst.ImportAlias]
    ) -> None:
        """Note names that others may import from this module."""
        module = code.module_of(node)
        for alias in names:
            name = alias.evaluated_alias or alias.evaluated_name
            here = f"{code.source.module}.{name}"
            target = f"{module}.{alias.evaluated_name}"
            if here != target:
                self.aliases.setdefault(here, target)

    def _bind_variables(self) -> None:
        for code in self.codes:
            for binding in code.bindings:
                value = self.value(code, binding.value)
                if binding.is_item:
                    value = "<upload>" if value == "<uploads>" else ""
                for variable in _variables(self, code, binding.target):
                    self._bind(variable, value)
            for call in code.calls:
                self._bind_arguments(code, call)
        for function in self.all_functions:
            self._bind_parameters(function)
            if function.cls is not None and self.is_request(function.cls):
                self._bind(f"<request>.{function.node.name.value}", function.name)
            for call in function.calls:
                self._bind_arguments(function.code, call)
            for result in function.results:
                self._bind(f"{function.name}()", self.value(function.code, result))

    def _bind(self, variable: str, value: str) -> None:
        is_itself = value == variable or value.startswith((f"{variable}.", f"{variable}("))
        is_known = value and not value.startswith(("?", "builtins.None"))
        if variable and is_known and not is_itself and variable not in self.aliases:
            self.aliases[variable] = value
            self._bases.clear()

    def _bind_parameters(self, function: Function) -> None:
        names = [param.name.value for param in function.params]
        if function.cls is not None and names and not _is_static(function):
            self._bind(f"{function.name}.<locals>.{names.pop(0)}", function.cls)
        for param in function.params:
            variable = f"{function.name}.<locals>.{param.name.value}"
            if param.annotation is not None:
                kind = self.value(function.code, param.annotation.annotation)
                self._bind(variable, ANNOTATED.get(kind, ""))
            if function.code.source.is_test and param.name.value in names:
                self._bind(variable, self._fixture(param.name.value))

    def _fixture(self, name: str) -> str:
        if name in self.fixtures:
            return self.resolve(f"{self.fixtures[name].name}()")
        return "<client>" if name == "client" else ""

    def _bind_arguments(self, code: Code, call: cst.Call) -> None:
        function = self.called(code, call)
        if function is None:
            return
        names = [param.name.value for param in function.params]
        if function.cls is not None and not _is_static(function):
            names = names[1:]
        positions = iter(names)
        for arg in call.args:
            if arg.star:
                break
            name = arg.keyword.value if arg.keyword is not None else next(positions, "")
            if name in names:
                variable = f"{function.name}.<locals>.{name}"
                self._bind(variable, self.value(code, arg.value))


def decorator_names(function: Function) -> list[str]:
    """Return the decorators of a function as they are written, without arguments.

    Args:
        function: The function.

    Returns:
        The dotted names.
    """
    found = []
    for decorator in function.node.decorators:
        node = decorator.decorator
        found.append(dotted_name(node.func if isinstance(node, cst.Call) else node))
    return found


def _from_star(program: Program, code: Code, name: str) -> str:
    """Return what a name is that the file has by `from … import *`; `""` if it has it not."""
    for module in code.star_imports:
        found = program.resolve(f"{module}.{name}")
        is_there = found != f"{module}.{name}" or found in {*program.functions, *program.classes}
        if is_there or (module.startswith(("flask", "quart")) and new_name(found, "asyncflask")):
            return found
        if module.startswith("asyncflask") and exists(found):
            return found
    return ""


def _variable(program: Program, code: Code, target: cst.BaseExpression) -> str:
    if isinstance(target, cst.Name):
        return code.qualified_name(target)
    if isinstance(target, cst.Attribute) and (owner := program.value(code, target.value)):
        return f"{owner}.{target.attr.value}"
    return ""


def _variables(program: Program, code: Code, target: cst.BaseExpression) -> list[str]:
    match target:
        case cst.Attribute(
            value=cst.Attribute(value=cst.Name(value="request"), attr=cst.Name(value="cls")),
            attr=attr,
        ) if code.source.is_test:
            # A fixture sets an attribute of each class that uses it.
            tests = (name for name, (of, _) in program.classes.items() if of.source.is_test)
            return [f"{cls}.{attr.value}" for cls in tests]
    return [_variable(program, code, target)]


def _fixture_name(function: Function) -> str | None:
    """Return the name by which tests use a fixture; `None` of other functions."""
    for decorator in function.node.decorators:
        node = decorator.decorator
        func = node.func if isinstance(node, cst.Call) else node
        if dotted_name(func).rpartition(".")[2] != "fixture":
            continue
        for arg in node.args if isinstance(node, cst.Call) else ():
            is_name = arg.keyword is not None and arg.keyword.value == "name"
            if is_name and isinstance(arg.value, cst.SimpleString):
                return str(arg.value.evaluated_value)
        return function.node.name.value
    return None


def _is_static(function: Function) -> bool:
    return "staticmethod" in decorator_names(function)
