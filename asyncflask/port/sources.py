"""What has to be awaited: the request's body, saved uploads, and the calls of a test client."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from .names import Code, Function
from .options import Options
from .program import CLIENT_METHODS, Program

BODY = {"form", "files", "data", "values", "json"}
BODY_METHODS = {"get_json", "get_data"}
CLIENT_CALLS = {f"<client>.{method}" for method in CLIENT_METHODS}
#: Methods of the app that tests call, and that are `async def` in the async API.
APP_STEPS = {
    *("preprocess_request", "process_response", "full_dispatch_request", "dispatch_request"),
    *("finalize_request", "handle_exception", "handle_user_exception", "handle_http_exception"),
}
#: Context managers that may be entered with `async with` as well.
CONTEXTS = ("app_context", "test_request_context", "session_transaction")


def sources(program: Program, function: Function, options: Options) -> list[cst.CSTNode]:
    """Return the nodes of a function that need ``await``, and ``with`` that needs ``async with``.

    Args:
        program: The project.
        function: The function.
        options: Its steps say what is looked for.
    """
    found: list[cst.CSTNode] = []
    if options.has("await"):
        found += of_body(program, function)
    if options.has("tests") and function.code.source.is_test:
        # Of an `async def` teardown function, `with app.app_context()` cannot wait for the end.
        has_async_teardown = options.views == "all" and options.has("views")
        found += _of_client(program, function, _ENDS if has_async_teardown else ())
    return [node for node in found if not is_awaited(program, function.code, node)]


def of_body(program: Program, function: Function) -> Iterator[cst.CSTNode]:
    """Give what reads the body, and methods and `getattr` that may.

    Args:
        program: The project.
        function: The function.
    """
    code = function.code
    for node in function.attributes:
        name = node.attr.value
        is_body = (name in BODY and not _is_target(code, node)) or (
            name in BODY_METHODS and not _is_called(code, node)
        )
        if is_body and program.is_request(program.value(code, node.value)):
            yield node
    for call in function.calls:
        if _gets_attribute(program, code, call) or _is_body_method(program, code, call.func):
            yield call


def _is_body_method(program: Program, code: Code, func: cst.BaseExpression) -> bool:
    if not isinstance(func, cst.Attribute):
        return False
    owner, name = program.value(code, func.value), func.attr.value
    is_of_request = name in BODY_METHODS and program.is_request(owner)
    return is_of_request or (name == "save" and owner == "<upload>")


def _is_called(code: Code, node: cst.Attribute) -> bool:
    parent = code.parent(node)
    return isinstance(parent, cst.Call) and parent.func is node


def _gets_attribute(program: Program, code: Code, call: cst.Call) -> bool:
    """Return whether a call is `getattr(request, …)` of what may be the body."""
    if len(call.args) < 2 or program.value(code, call.func) != "builtins.getattr":
        return False
    owner, name = (arg.value for arg in call.args[:2])
    if isinstance(name, cst.SimpleString) and name.evaluated_value not in BODY | BODY_METHODS:
        return False
    return program.is_request(program.value(code, owner))


def _of_client(
    program: Program, function: Function, enters: tuple[str, ...]
) -> Iterator[cst.CSTNode]:
    code = function.code
    for call in function.calls:
        func = call.func
        is_step = isinstance(func, cst.Attribute) and func.attr.value in APP_STEPS
        if program.value(code, func) in CLIENT_CALLS or (
            is_step and isinstance(func, cst.Attribute) and program.is_app(code, func.value)
        ):
            yield call
    for node in function.withs:
        if node.asynchronous is None and _enters(program, code, node, enters):
            yield node


def _enters(program: Program, code: Code, node: cst.With, contexts: tuple[str, ...]) -> bool:
    values = [program.value(code, item.item) for item in node.items]
    return not _has_generator(program, code, node) and any(
        value == "<client>" or value.endswith(contexts) for value in values
    )


def _has_generator(program: Program, code: Code, node: cst.With) -> bool:
    """Return whether a `with` enters a context manager of the project that yields a client."""
    calls = (item.item for item in node.items if isinstance(item.item, cst.Call))
    functions = (program.called(code, call) for call in calls)
    return any(function is not None and function.is_generator for function in functions)


def _is_target(code: Code, node: cst.Attribute) -> bool:
    return isinstance(code.parent(node), cst.AssignTarget | cst.Del)


def is_awaited(program: Program, code: Code, node: cst.CSTNode) -> bool:
    """Return whether a node is awaited, by itself or by asyncio (`asyncio.gather(…)`).

    Args:
        program: The project.
        code: The node's file.
        node: The node.
    """
    parent = code.parent(node)
    if isinstance(parent, cst.Await):
        return True
    call = code.parent(parent) if isinstance(parent, cst.Arg) else None
    if isinstance(call, cst.Call):
        name = program.value(code, call.func)
        return name.startswith("asyncio.") or name.endswith(".create_task")
    return False


def obstacle(program: Program, code: Code, node: cst.CSTNode) -> str:
    """Return why ``await`` cannot be written at a node; ``""`` if it can.

    Args:
        program: The project.
        code: The node's file.
        node: The node, inside of a function.
    """
    if isinstance(node, cst.With):
        return (
            ""
            if _all_may_be_async(program, code, node)
            else "it enters several objects by one `with`"
        )
    if isinstance(node, cst.Attribute) and node.attr.value in BODY_METHODS:
        return f"`request.{node.attr.value}` is used as a value"
    if isinstance(node, cst.Call) and _gets_attribute(program, code, node):
        return "`getattr` reads the request"
    return _obstacle_above(code, node)


#: Inside of these nothing can be awaited.
_WITHOUT_AWAIT: dict[type[cst.CSTNode], str] = {
    cst.Lambda: "a lambda",
    cst.ClassDef: "the body of a class",
    cst.GeneratorExp: "a generator expression",
}


def _obstacle_above(code: Code, node: cst.CSTNode) -> str:
    """Return why nothing can be awaited at a node, because of what is around it."""
    below = node
    for above in code.ancestors(node):
        if isinstance(above, cst.FunctionDef):
            break
        # What a generator expression iterates over is made outside of it.
        is_iterated = (
            isinstance(above, cst.GeneratorExp)
            and below is above.for_in
            and _is_inside(code, node, above.for_in.iter)
        )
        if type(above) in _WITHOUT_AWAIT and not is_iterated:
            return f"nothing can be awaited in {_WITHOUT_AWAIT[type(above)]}"
        below = above
    return ""


def _is_inside(code: Code, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
    return node is outer or any(above is outer for above in code.ancestors(node))


def _all_may_be_async(program: Program, code: Code, node: cst.With) -> bool:
    values = [program.value(code, item.item) for item in node.items]
    return all(value == "<client>" or value.endswith(_ENDS) for value in values)


_ENDS = tuple(f".{name}()" for name in CONTEXTS)
