"""Decorators of the project: the function that they put in the place of a view, and call it in."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from .names import Code, Function
from .program import Program
from .roles import OF_APP, Role


@dataclass(frozen=True, eq=False)
class Wrapper:
    """The inner function of a decorator."""

    decorator: Function
    function: Function
    #: The calls of what was decorated.
    calls: list[cst.Call]


class Decorators:
    """The decorators of a project that call what they decorate.

    Args:
        program: The project.
        roles: What its functions are.
    """

    def __init__(self, program: Program, roles: dict[Function, Role]) -> None:
        self._program = program
        self._wrappers: dict[Function, list[Wrapper]] = {}
        #: The wrappers of each decorated function.
        self._of: dict[Function, list[Wrapper]] = {}
        decorated: dict[Function, set[Function]] = {}
        for function in program.all_functions:
            for decorator in (*self._decorators(function), *self._of_class(function, roles)):
                self._of.setdefault(function, []).extend(self._wrappers_of(decorator))
                decorated.setdefault(decorator, set()).add(function)
        #: Wrappers that stand for views, hooks and error handlers alone.
        self.of_views = self._find_those_of_views(decorated, roles)

    def _find_those_of_views(
        self, decorated: dict[Function, set[Function]], roles: dict[Function, Role]
    ) -> dict[Function, Wrapper]:
        found = {
            wrapper.function: wrapper for wrappers in self._of.values() for wrapper in wrappers
        }
        while True:
            # A decorator may decorate the wrapper of another one.
            others = {
                wrapper
                for wrapper, of in found.items()
                if any(
                    roles.get(one) not in OF_APP and one not in found
                    for one in decorated[of.decorator]
                )
            }
            if not others:
                return found
            found = {wrapper: of for wrapper, of in found.items() if wrapper not in others}

    def of(self, function: Function) -> list[Wrapper]:
        """Return the wrappers around a function.

        Args:
            function: A decorated function.
        """
        return self._of.get(function, [])

    def _decorators(self, function: Function) -> Iterator[Function]:
        for decorator in function.node.decorators:
            yield from self._decorator(function.code, decorator.decorator)

    def _decorator(self, code: Code, node: cst.BaseExpression) -> Iterator[Function]:
        func = node.func if isinstance(node, cst.Call) else node
        found = self._program.functions.get(self._program.value(code, func))
        if found is not None:
            yield found

    def _of_class(self, function: Function, roles: dict[Function, Role]) -> Iterator[Function]:
        """Return the decorators of a class-based view: its attribute `decorators`."""
        if function.cls is None or roles.get(function) is not Role.VIEW:
            return
        for cls in (function.cls, *sorted(self._program.all_bases(function.cls))):
            for code, element in self._of_classes.get(cls, ()):
                yield from self._decorator(code, element)

    @functools.cached_property
    def _of_classes(self) -> dict[str, list[tuple[Code, cst.BaseExpression]]]:
        """What classes have in their attribute `decorators`."""
        found: dict[str, list[tuple[Code, cst.BaseExpression]]] = {}
        for code in self._program.codes:
            for binding in code.bindings:
                match binding.target, binding.value:
                    case (
                        cst.Name(value="decorators") as target,
                        cst.List(elements=elements) | cst.Tuple(elements=elements),
                    ):
                        owner = code.qualified_name(target).rpartition(".")[0]
                        of_class = found.setdefault(owner, [])
                        of_class += [(code, element.value) for element in elements]
        return found

    def _wrappers_of(self, decorator: Function) -> list[Wrapper]:
        if decorator not in self._wrappers:
            inner = [one for one in decorator.code.functions if _is_within(one, decorator)]
            given = {
                f"{one.name}.<locals>.{param.name.value}"
                for one in (decorator, *inner)
                for param in one.params
            }
            self._wrappers[decorator] = [
                Wrapper(decorator, one, calls)
                for one in inner
                if (calls := [call for call in one.calls if _calls_one_of(one.code, call, given)])
            ]
        return self._wrappers[decorator]


def _calls_one_of(code: Code, call: cst.Call, names: set[str]) -> bool:
    func = call.func
    match func:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="ensure_sync")), args=[arg]):
            func = arg.value
    return (
        isinstance(func, cst.Name)
        and code.qualified_name(func) in names
        and not isinstance(code.parent(call), cst.Await)
    )


def _is_within(function: Function, outer: Function) -> bool:
    around = function.outer
    while around is not None and around is not outer:
        around = around.outer
    return around is outer
