"""What calls a function: the app (views, hooks, error handlers), pytest or unittest."""

from __future__ import annotations

from enum import Enum

import libcst as cst

from .names import Code, Function
from .program import Program, decorator_names
from .scopes import dotted_name


class Role(Enum):
    """What a function is for the framework; the value is what the report calls it."""

    VIEW = "view"
    HOOK = "hook"
    HANDLER = "error handler"
    #: It is called where nothing is awaited.
    SYNC = "function that the app calls without `await`"
    TEST = "test"
    FIXTURE = "fixture"
    #: pytest or unittest calls it, and awaits nothing.
    SET_UP = "function that pytest or unittest calls without `await`"


OF_APP = {Role.VIEW, Role.HOOK, Role.HANDLER}
OF_TESTS = {Role.TEST, Role.FIXTURE}

ROUTES = {"route", "get", "post", "put", "delete", "patch", "websocket"}
HOOKS = {
    *("before_request", "after_request", "teardown_request", "teardown_appcontext"),
    *("before_app_request", "after_app_request", "teardown_app_request"),
    *("before_websocket", "after_websocket", "teardown_websocket"),
}
HANDLERS = {"errorhandler", "app_errorhandler", "register_error_handler"}
SYNC = {
    *("context_processor", "app_context_processor", "shell_context_processor"),
    *("template_filter", "template_global", "template_test", "command"),
    *("app_template_filter", "app_template_global", "app_template_test"),
    *("url_value_preprocessor", "app_url_value_preprocessor", "url_defaults", "app_url_defaults"),
}
VIEW_CLASSES = {
    f"{module}.views.{name}"
    for module in ("flask", "quart", "asyncflask")
    for name in ("View", "MethodView")
}
VIEW_METHODS = {
    *("get", "post", "put", "delete", "patch", "head", "options", "dispatch_request"),
}
TEST_CASES = {"unittest.TestCase", "unittest.case.TestCase"}
ASYNC_TEST_CASE = "unittest.IsolatedAsyncioTestCase"
SET_UP = {"setUp": "asyncSetUp", "tearDown": "asyncTearDown"}
#: Functions of tests that are called where nothing is awaited: what may await instead.
SYNC_SET_UP = {
    "setUpClass": "`asyncSetUp`",
    "tearDownClass": "`asyncTearDown`",
    "setUpModule": "`asyncSetUp`",
    "tearDownModule": "`asyncTearDown`",
    **{
        f"{when}_{of}": "a fixture (`@pytest.fixture(autouse=True)`)"
        for when in ("setup", "teardown")
        for of in ("method", "class", "function", "module")
    },
}


def roles(program: Program) -> dict[Function, Role]:
    """Return the functions that the app, pytest or unittest calls.

    Args:
        program: The project.
    """
    found: dict[Function, Role] = {}
    for function in program.all_functions:
        if (role := _of_definition(program, function)) is not None:
            found[function] = role
    for code in program.codes:
        places: list[Code | Function] = [code, *code.functions]
        for call in (call for place in places for call in place.calls):
            _add_registered(program, code, call, found)
    return found


def is_for_templates(function: Function) -> bool:
    """Return whether templates call a function, by its decorators.

    Args:
        function: The function.
    """
    names = (name.rpartition(".")[2] for name in decorator_names(function))
    return any("template" in name or "context_processor" in name for name in names if name in SYNC)


def _of_definition(program: Program, function: Function) -> Role | None:
    for decorator in function.node.decorators:
        if (role := _of_decorator(program, function.code, decorator.decorator)) is not None:
            return role
    if (role := _of_method(program, function)) is not None:
        return role
    name = function.node.name.value
    if not function.code.source.is_test or function.outer is not None:
        return None
    if name in SYNC_SET_UP or name.startswith("pytest_"):
        return Role.SET_UP
    return Role.TEST if name.startswith("test") else None


def _of_method(program: Program, function: Function) -> Role | None:
    """Return the role of a method, by the bases of its class."""
    if function.cls is None:
        return None
    name, bases = function.node.name.value, program.all_bases(function.cls)
    if name in VIEW_METHODS and bases & VIEW_CLASSES:
        return Role.VIEW
    if name in {*SET_UP, *SET_UP.values()} and bases & {*TEST_CASES, ASYNC_TEST_CASE}:
        return Role.FIXTURE
    return None


def _of_decorator(program: Program, code: Code, node: cst.BaseExpression) -> Role | None:
    func = node.func if isinstance(node, cst.Call) else node
    name = dotted_name(func).rpartition(".")[2]
    if name == "fixture":
        return Role.FIXTURE
    if name == "after_this_request":
        return Role.HOOK
    if not isinstance(func, cst.Attribute):
        return None
    if name in ROUTES and isinstance(node, cst.Call) and (name == "route" or _has_path(node)):
        return Role.VIEW
    return _of_name(name)


def _of_name(name: str) -> Role | None:
    if name in HOOKS:
        return Role.HOOK
    if name in HANDLERS:
        return Role.HANDLER
    return Role.SYNC if name in SYNC else None


def _has_path(call: cst.Call) -> bool:
    """Return whether the first argument is a rule, as in `@app.get("/")`."""
    first = call.args[0].value if call.args else None
    return isinstance(first, cst.SimpleString) and str(first.evaluated_value)[:1] in {"/", ""}


def _add_registered(
    program: Program, code: Code, call: cst.Call, found: dict[Function, Role]
) -> None:
    """Add a function that is an argument: `app.add_url_rule("/", view_func=index)`."""
    if not isinstance(call.func, cst.Attribute):
        return
    name = call.func.attr.value
    role = Role.VIEW if name in {"add_url_rule", "add_websocket"} else _of_name(name)
    if role is None:
        return
    for arg in call.args:
        function = program.functions.get(program.value(code, arg.value))
        if function is not None:
            found.setdefault(function, role)


def registered_arguments(program: Program, code: Code, call: cst.Call) -> bool:
    """Return whether a call registers the functions among its arguments with the app.

    Args:
        program: The project.
        code: The call's file.
        call: The call.
    """
    found: dict[Function, Role] = {}
    _add_registered(program, code, call, found)
    return bool(found)
