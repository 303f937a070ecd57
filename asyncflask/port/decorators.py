"""Decorators of the project: the function that they put in the place of a view, and call it in."""

from __future__ import annotations

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
        decorates_others: set[Function] = set()
        for function in program.all_functions:
            for decorator in self._decorators(function):
                self._of.setdefault(function, []).extend(self._wrappers_of(decorator))
                if roles.get(function) not in OF_APP:
                    decorates_others.add(decorator)
        #: Wrappers that stand for views, hooks and error handlers alone.
        self.of_views = {
            wrapper.function: wrapper
            for wrappers in self._of.values()
            for wrapper in wrappers
            if wrapper.decorator not in decorates_others
        }

    def of(self, function: Function) -> list[Wrapper]:
        """Return the wrappers around a function.

        Args:
            function: A decorated function.
        """
        return self._of.get(function, [])

    def _decorators(self, function: Function) -> Iterator[Function]:
        for decorator in function.node.decorators:
            node = decorator.decorator
            func = node.func if isinstance(node, cst.Call) else node
            found = self._program.functions.get(self._program.value(function.code, func))
            if found is not None:
                yield found

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
    return (
        isinstance(call.func, cst.Name)
        and code.qualified_name(call.func) in names
        and not isinstance(code.parent(call), cst.Await)
    )


def _is_within(function: Function, outer: Function) -> bool:
    around = function.outer
    while around is not None and around is not outer:
        around = around.outer
    return around is outer
