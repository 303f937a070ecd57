"""Which functions become ``async def``, and what is awaited in them.

A function that awaits something is ``async def``, and so is each one that calls it. Functions that
hang together in this way become ``async def`` together, or stay ``def`` together. They stay if one
of them has to (:mod:`.limits`), or blocks: a ``def`` view runs in a worker thread, where it may
read the body and block. They change in any case if an ``async def`` function calls one of them.

Tests follow afterwards, each on its own: where one cannot change, the others do.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import libcst as cst

from .blocking import BlockingCalls
from .limits import DefLimits
from .names import Code, Function
from .options import Options
from .program import Program
from .report import Kind, Note
from .roles import OF_APP, is_for_templates
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

    Returns:
        The plan.
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
        #: Wrappers of which a decorated function stays ``def`` and is called.
        self._pinned: set[Function] = set()
        self._reasons: dict[Function, str] = {}
        #: What is to be awaited in each function.
        self._nodes: dict[Function, list[cst.CSTNode]] = {}
        for function in program.all_functions:
            if function.is_async and self._is_run_in_thread(function):
                continue
            if found := sources(program, function, options):
                self._nodes[function] = found
            elif function not in self._limits.roles and self._renders(function):
                self._nodes[function] = []

    def _is_run_in_thread(self, function: Function) -> bool:
        """Return whether a `def` function runs an `async def` one: it has Flask's request, too."""
        for caller, code, call in self._limits.callers.get(function, []):
            run = code.parent(code.parent(call) or call)
            if caller is None or caller.is_async or not isinstance(run, cst.Call):
                continue
            name = self._program.value(code, run.func)
            if name == "asyncio.run" or name.endswith("run_until_complete"):
                return True
        return False

    def _renders(self, function: Function) -> bool:
        """Return whether a function renders a template that reads the body."""
        return bool(renderings(self._program, function, self._options.templates))

    def plan(self) -> Plan:
        wanted = self._wanted()
        notes = list(self._notes)
        while True:
            converted = self._convert(wanted)
            # The caller of a decorated function calls the wrapper, and would have to await it.
            pinned = {
                wrapper.function
                for function in self._program.all_functions
                if function not in converted and self._limits.callers.get(function)
                for wrapper in self._limits.decorators.of(function)
                if wrapper.function in converted
            }
            if not pinned:
                return self._finish(converted)
            self._pinned |= pinned
            self._notes[:] = notes

    def _convert(self, wanted: set[Function]) -> set[Function]:
        """Return the functions that become ``async def``."""
        converted: set[Function] = set()
        self._stays = set(self._pinned)
        wrappers = set(self._limits.decorators.of_views)
        tests = {function for function in wanted if function.code.source.is_test}
        # Those with wrappers first: a view stays if its decorator does.
        for group in sorted(self._groups(wanted - tests), key=lambda group: not group & wrappers):
            of_group = self._decide(group)
            converted |= of_group
            self._stays |= group - of_group
        stays = wanted - tests - converted
        converted |= (tests := self._decide_tests(tests, converted))
        self._note_stays_in_tests(tests, stays)
        todo = list(converted)
        while todo:
            around = [one.function for one in self._limits.decorators.of(todo.pop())]
            new = {one for one in around if not one.is_async} - converted
            converted |= new
            todo += new  # A wrapper may have a decorator, too.
        return converted

    def _finish(self, converted: set[Function]) -> Plan:
        """Add what is awaited."""
        plan = Plan(converted)
        wrappers = self._limits.decorators.of_views
        for function in self._program.all_functions:
            if function in converted or function.is_async:
                if function in wrappers and not function.is_async:
                    plan.wrapped += [(function.code, call) for call in wrappers[function].calls]
                rendered = renderings(self._program, function, self._options.templates)
                plan.wrapped += [(function.code, call) for call in rendered]
                for node in self._of(function, converted):
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
                todo += self._called_through_wrappers(function)
        return wanted

    def _called_through_wrappers(self, function: Function) -> list[Function]:
        """Return functions that share a decorator with another one, and are called."""
        names = {wrapper.decorator for wrapper in self._limits.decorators.of(function)}
        return [one for name in names for one in self._called_by_decorator.get(name, ())]

    @functools.cached_property
    def _called_by_decorator(self) -> dict[Function, list[Function]]:
        """The functions that have a decorator and are called, by their decorators."""
        found: dict[Function, list[Function]] = {}
        for one in self._program.all_functions:
            if self._limits.callers.get(one):
                for wrapper in self._limits.decorators.of(one):
                    found.setdefault(wrapper.decorator, []).append(one)
        return found

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
            return group - self._stay_in_spite(group, reasons)
        if not reasons and self._options.views == "awaiting":
            reasons = {function: why for function in group if (why := self._blocks(function))}
        if not reasons:
            return group
        self._note_stays(group, reasons)
        return set()

    def _decide_tests(self, tests: set[Function], converted: set[Function]) -> set[Function]:
        """Return the functions of tests that become ``async def``.

        Args:
            tests: Those that may have to await something.
            converted: The functions of the app that become ``async def``.
        """
        todo = [function for function in tests if self._of(function, converted)]
        wanted: set[Function] = set()
        while todo:
            function = todo.pop()
            if function in tests and function not in wanted:
                wanted.add(function)
                callers = self._limits.callers.get(function, [])
                todo += [caller for caller, _, _ in callers if caller is not None]
                todo += self._limits.linked(function)
        stays = set()
        for function in wanted:
            if why := self._limits.reason(function, self._of(function, wanted | converted)):
                text = f"`{function.short_name}` has to await, but {why}: rewrite it"
                self._note(Kind.UNKNOWN, function, text)
                stays.add(function)
        return wanted - stays

    def _note_stays_in_tests(self, tests: set[Function], stays: set[Function]) -> None:
        """Note calls of functions that need Flask's request, in tests that have the other one."""
        for function in tests:
            for call in function.calls:
                callee = self._program.called(function.code, call)
                if callee in stays and callee is not None:
                    text = (
                        f"`{callee.short_name}` stays `def`: write"
                        f" `await app.ensure_async({callee.node.name.value})(…)`"
                    )
                    path, line = function.code.source.path, function.code.line(call)
                    self._notes.append(Note(Kind.UNKNOWN, text, path, line))

    def _stay_in_spite(self, group: set[Function], reasons: dict[Function, str]) -> set[Function]:
        """Return those that stay though ``async def`` code calls some: they, and their callers."""
        stay: set[Function] = set()
        todo = list(reasons)
        while todo:
            function = todo.pop()
            if function in group and function not in stay:
                stay.add(function)
                callers = self._limits.callers.get(function, [])
                todo += [caller for caller, _, _ in callers if caller is not None]
        for function in stay:
            why = reasons.get(function, "it calls one that stays `def`")
            if self._is_forced({function}):
                text = (
                    f"`{function.short_name}` is called by `async def` code, but {why}: rewrite it"
                )
                self._note(Kind.UNKNOWN, function, text)
            else:
                self._note(Kind.STAYS_DEF, function, f"`{function.short_name}`: {why}")
        return stay

    def _blocks(self, function: Function) -> str:
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
                return f"its decorator's `{inner.short_name}` stays `def`"
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
            if cause is not function:
                why = f"{why} (in `{cause.short_name}`)"
            # A later pass has found that a decorator stays because this function does.
            why = self._reasons.setdefault(function, why)
            if is_for_templates(function):
                text = (
                    f"`{function.short_name}` reads the body, but {why}: render in `async def`"
                    " views with `await current_app.ensure_async(render_template)(…)`"
                )
                self._note(Kind.UNKNOWN, function, text)
            else:
                self._note(Kind.STAYS_DEF, function, f"`{function.short_name}`: {why}")

    def _note(self, kind: Kind, function: Function, text: str) -> None:
        self._notes.append(Note(kind, text, function.code.source.path, function.line))
