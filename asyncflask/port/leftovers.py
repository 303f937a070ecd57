"""What a port leaves as it is: names of Flask in strings, calls and attributes of another kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from .extensions import used_extensions
from .names import Code, Function
from .options import Options
from .program import CLIENT_METHODS, Program
from .report import Kind, Note
from .scopes import dotted_name
from .sources import is_awaited, of_body
from .targets import new_name

#: A module, or a name in one, as the argument of `mock.patch` has it.
DOTTED = re.compile(r"(flask|quart)(\.[A-Za-z_]\w*)+")
#: Functions that import what their first argument names.
IMPORTING = {"importlib.import_module", "pytest.importorskip", "builtins.__import__"}
#: Attributes of Flask's app and request that the async API does not have: what to write instead.
ATTRIBUTES = {
    "wsgi_app": "wrap `app.asgi_app` with ASGI middleware; `asyncflask.middleware.proxy_fix` is in"
    " the place of Werkzeug's ProxyFix",
}


def note_leftovers(program: Program, options: Options, notes: list[Note]) -> None:
    """Note what no step changes.

    Args:
        program: The project, after the other steps.
        options: ``to`` is the target.
        notes: Gets the notes.
    """
    for code in program.codes:
        found = [*_names_in_strings(program, code, options)]
        if options.to == "async":
            found += _of_async_api(program, code, options)
            found += _of_request_classes(program, code)
        for node, text in found:
            notes.append(Note(Kind.UNKNOWN, text, code.source.path, code.line(node)))


def _names_in_strings(
    program: Program, code: Code, options: Options
) -> Iterator[tuple[cst.CSTNode, str]]:
    if options.to == "flask" and used_extensions(program):
        return  # After `install()` the names are those of the facade.
    package = "asyncflask" if options.to == "async" else "asyncflask.flask"
    for string in code.strings:
        name = str(string.evaluated_value)
        old = name.partition(".")[0]
        is_name = DOTTED.fullmatch(name) is not None or (
            name in {"flask", "quart"} and _is_imported(program, code, string)
        )
        if is_name and (old == "flask" or options.to == "async"):
            new = new_name(name, package)
            if new:
                yield string, f'{string.value} is a name of {old.capitalize()}: write "{new}"'


def _is_imported(program: Program, code: Code, string: cst.CSTNode) -> bool:
    call = code.parent(code.parent(string) or string)
    return isinstance(call, cst.Call) and program.value(code, call.func) in IMPORTING


def _of_async_api(
    program: Program, code: Code, options: Options
) -> Iterator[tuple[cst.CSTNode, str]]:
    places: list[Code | Function] = [code, *code.functions]
    for place in places:
        for node in place.attributes:
            if node.attr.value in ATTRIBUTES:
                text = f"`{dotted_name(node) or node.attr.value}` does not exist in the async API"
                yield node, f"{text}: {ATTRIBUTES[node.attr.value]}"
        is_left = place is code or not code.source.is_test
        if options.has("tests"):
            for call in place.calls:
                if text := _unawaited(program, code, call, is_left):
                    yield call, text
            for node in place.attributes:
                if _is_method_as_value(program, code, node):
                    name = f"`{dotted_name(node) or node.attr.value}`"
                    yield node, f"{name} is used as a value: what calls it has to await it"


def _of_request_classes(program: Program, code: Code) -> Iterator[tuple[cst.CSTNode, str]]:
    for function in code.functions:
        is_of_request = function.cls is not None and program.is_request(function.cls)
        if is_of_request and not function.is_async and any(of_body(program, function)):
            text = (
                f"`{function.short_name}` reads the body, and `self` is the asynchronous request,"
                " in `def` views as well: write an `async def` method, or a function of `request`"
            )
            yield function.node.name, text


def _unawaited(program: Program, code: Code, call: cst.Call, is_left: bool) -> str:
    """Return what is to be written for a call of a test client that nothing awaits."""
    func = call.func
    if is_awaited(program, code, call):
        return ""
    if isinstance(func, cst.Call) and _is_of_client(program, code, func):
        return "what `getattr` gives of the test client has to be awaited: rewrite it"
    if not isinstance(func, cst.Attribute) or func.attr.value not in CLIENT_METHODS:
        return ""
    written = f"{dotted_name(func.value) or '…'}.{func.attr.value}(…)"
    if program.value(code, func.value) == "<client>":
        return f"`{written}` of the test client has to be awaited: rewrite it" if is_left else ""
    if _may_be_client(program, code, call, func.value):
        return f"`await {written}`, if this is the test client"
    return ""


def _may_be_client(program: Program, code: Code, call: cst.Call, owner: cst.BaseExpression) -> bool:
    """Return whether an object that is not known may be a test client, by its name or its use."""
    if not code.source.is_test or program.is_known(program.value(code, owner)):
        return False
    is_named = dotted_name(owner).rpartition(".")[2].lower().endswith("client")
    return is_named or _begins_with_path(call)


def _is_of_client(program: Program, code: Code, call: cst.Call) -> bool:
    is_getattr = program.value(code, call.func) == "builtins.getattr"
    return is_getattr and bool(call.args) and program.value(code, call.args[0].value) == "<client>"


def _begins_with_path(call: cst.Call) -> bool:
    """Return whether the first argument is a path, as in `browser.get("/")`."""
    first = call.args[0].value if call.args else None
    return isinstance(first, cst.SimpleString) and str(first.evaluated_value).startswith("/")


def _is_method_as_value(program: Program, code: Code, node: cst.Attribute) -> bool:
    """Return whether a method of a test client is handed on: `partial(client.get, "/")`."""
    is_method = node.attr.value in CLIENT_METHODS
    return (
        is_method
        and isinstance(code.parent(node), cst.Arg)
        and program.value(code, node.value) == "<client>"
    )
