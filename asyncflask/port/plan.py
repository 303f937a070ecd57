"""Which functions become ``async def``, and what is awaited in them.

A function that awaits something is ``async def``, and so is each one that calls it. Functions that
hang together in this way become ``async def`` together, or stay ``def`` together. They stay if one
of them has to (:mod:`.limits`), or blocks: a ``def`` view runs in a worker thread, where it may
read the body and block. They change in any case if an ``async def`` function calls one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from .blocking import BlockingCalls
from .limits import DefLimits
from .names import Code, Function
from .options import Options
from .program import Program
from .report import Kind, Note
from .roles import OF_APP
from .sources import obstacle, sources
from .templates import renderings


@dataclass
class Plan:
    """What the step changes."""

    converted: set[Function] = field(default_factory=set)
    awaited: list[tuple[Code, cst.CSTNode]] = field(default_factory=list)
    #: Calls that are awaited with `ensure_async`: of what a decorator decorates, of templates.
    wrapped: list[tuple[Code, cst.Call]] = field(default_factory=list)


def make_plan(program: Program, options: Options, notes: list[Note]) -> Plan:
    """Decide what becomes ``async def``.

    Args:
        program: The project.
        options: What is asked for.
        notes: Gets what stays, and why.
    """
    return _Planner(program, options, notes).plan()


class _Planner:
    def __init__(self, program: Program, options: Options, notes: list[Note]) -> None:
        self._program = program
        self._options = options
        self._notes = notes
        self._limits = DefLimits(program, options)
        self._blocking = BlockingCalls(program)
        self._stays: set[Function] = set()
        #: What is to be awaited in each function.
        self._nodes: dict[Function, list[cst.CSTNode]] = {}
        for function in program.all_functions:
            if found := sources(program, function, options):
                self._nodes[function] = found

    def plan(self) -> Plan:
        plan = Plan()
        wanted = self._wanted()
        wrappers = self._limits.decorators.of_views
        # Those with wrappers first: a view stays if its decorator does.
        for group in sorted(self._groups(wanted), key=lambda group: not group & set(wrappers)):
            converted = self._decide(group)
            plan.converted |= converted
            self._stays |= group - converted
        for function in list(plan.converted):
            around = self._limits.decorators.of(function)
            plan.converted |= {one.function for one in around if not one.function.is_async}
        for function in plan.converted:
            if function in wrappers:
                plan.wrapped += [(function.code, call) for call in wrappers[function].calls]
        for function in self._program.all_functions:
            if function in plan.converted or function.is_async:
                rendered = renderings(self._program, function, self._options.templates)
                plan.wrapped += [(function.code, call) for call in rendered]
                nodes = [*self._nodes.get(function, []), *self._calls(function, plan.converted)]
                for node in nodes:
                    self._await(plan, function, node)
        return plan

    def _wanted(self) -> set[Function]:
        """Return the ``def`` functions that await something, and all that call them."""
        todo = [function for function in self._nodes if not function.is_async]
        if self._options.views == "all" and self._options.has("views"):
            todo += [
                function
                for function, role in self._limits.roles.items()
                if role in OF_APP and not function.is_async
            ]
        wanted: set[Function] = set()
        while todo:
            function = todo.pop()
            if function not in wanted and not function.is_async:
                wanted.add(function)
                callers = self._limits.callers.get(function, [])
                todo += [caller for caller, _, _ in callers if caller is not None]
                todo += self._limits.linked(function)
        return wanted

    def _groups(self, wanted: set[Function]) -> list[set[Function]]:
        """Return the functions that hang together, in the order of the files."""
        neighbours: dict[Function, set[Function]] = {function: set() for function in wanted}
        for function in wanted:
            callers = self._limits.callers.get(function, [])
            linked = [caller for caller, _, _ in callers] + self._limits.linked(function)
            for other in linked:
                if other in neighbours:
                    neighbours[function].add(other)
                    neighbours[other].add(function)
        groups: list[set[Function]] = []
        left = [function for function in self._program.all_functions if function in wanted]
        seen: set[Function] = set()
        for start in left:
            if start in seen:
                continue
            group, todo = set[Function](), [start]
            while todo:
                one = todo.pop()
                if one not in group:
                    group.add(one)
                    todo += neighbours[one]
            seen |= group
            groups.append(group)
        return groups

    def _decide(self, group: set[Function]) -> set[Function]:
        """Return the functions of a group that become ``async def``."""
        reasons = {
            function: why
            for function in group
            if (why := self._limits.reason(function, self._of(function, group)))
            or (why := self._reason_of_wrappers(function))
        }
        if self._is_forced(group):
            for function, why in reasons.items():
                text = f"`{function.short_name}` is awaited, but {why}: rewrite it"
                self._note(Kind.UNKNOWN, function, text)
            return group - set(reasons)
        if not reasons and self._options.views == "awaiting":
            reasons = {function: why for function in group if (why := self._blocks(function))}
        if not reasons:
            return group
        self._note_stays(group, reasons)
        return set()

    def _blocks(self, function: Function) -> str:
        if function.code.source.is_test:
            return ""
        around = [wrapper.function for wrapper in self._limits.decorators.of(function)]
        for one in (function, *around):
            blocking = self._blocking.first(one)
            if blocking is not None:
                it = "it" if one is function else f"its decorator's `{one.short_name}`"
                return f"{it} calls {blocking.library} ({blocking.place}), which blocks"
        return ""

    def _reason_of_wrappers(self, function: Function) -> str:
        for wrapper in self._limits.decorators.of(function):
            inner = wrapper.function
            if inner in self._stays:
                return f"its decorator `{wrapper.decorator.short_name}` stays `def`"
            if why := self._limits.reason(inner, list(wrapper.calls)):
                return f"its decorator's `{inner.short_name}` stays `def`: {why}"
        return ""

    def _of(self, function: Function, group: set[Function]) -> list[cst.CSTNode]:
        return [*self._nodes.get(function, []), *self._calls(function, group)]

    def _is_forced(self, group: set[Function]) -> bool:
        """Return whether an ``async def`` function calls one of a group."""
        return any(
            caller is not None and caller.is_async
            for function in group
            for caller, _, _ in self._limits.callers.get(function, [])
        )

    def _calls(self, function: Function, converted: set[Function]) -> list[cst.CSTNode]:
        """Return the calls of functions that become ``async def``."""
        found: list[cst.CSTNode] = []
        for call in function.calls:
            callee = self._program.called(function.code, call)
            if callee in converted and not isinstance(function.code.parent(call), cst.Await):
                found.append(call)
        return found

    def _await(self, plan: Plan, function: Function, node: cst.CSTNode) -> None:
        why = obstacle(self._program, function.code, node)
        if why:
            text = f"`{function.short_name}` is `async def`, but {why}: rewrite it"
            self._notes.append(
                Note(Kind.UNKNOWN, text, function.code.source.path, function.code.line(node))
            )
        else:
            plan.awaited.append((function.code, node))

    def _note_stays(self, group: set[Function], reasons: dict[Function, str]) -> None:
        """Note each function of a group that the app or pytest calls, with the first reason."""
        entries = [function for function in group if function in self._limits.roles]
        order = {function: place for place, function in enumerate(self._program.all_functions)}
        first = min(reasons, key=lambda function: order[function])
        for function in entries or [first]:
            cause = function if function in reasons else first
            why = reasons[cause]
            where = "" if cause is function else f" (in `{cause.short_name}`)"
            if function.code.source.is_test and function in self._nodes:
                text = f"`{function.short_name}` has to await, but {why}{where}: rewrite it"
                self._note(Kind.UNKNOWN, function, text)
            else:
                self._note(Kind.STAYS_DEF, function, f"`{function.short_name}`: {why}{where}")

    def _note(self, kind: Kind, function: Function, text: str) -> None:
        self._notes.append(Note(kind, text, function.code.source.path, function.line))
