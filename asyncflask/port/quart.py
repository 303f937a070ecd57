"""The step ``quart``: an ``await`` that is not needed goes, arguments and names get Flask's.

``docs/how-to/migrate-from-quart.md`` has the tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from .edits import Edits, renamed_to
from .names import Code
from .options import Options
from .program import Program
from .report import Kind, Note
from .roles import Role, is_for_templates, roles
from .scopes import dotted_name

_MODULES = ("quart", "quart.helpers", "quart.templating", "asyncflask")
RENDERING = {
    f"{module}.{name}"
    for module in _MODULES
    for name in (
        *("render_template", "render_template_string"),
        *("stream_template", "stream_template_string"),
    )
}
#: Functions that return at once.
AT_ONCE = RENDERING | {
    f"{module}.{name}"
    for module in _MODULES
    for name in ("make_response", "flash", "send_file", "send_from_directory")
}
#: Methods of the app that do.
APP_METHODS = {
    *("make_response", "send_static_file", "open_resource", "open_instance_resource"),
    *("update_template_context", "make_default_options_response"),
}
#: Methods and attributes of a response that do; a request has the first four as well.
RESPONSE_NAMES = {
    *("get_data", "get_json", "json", "data"),
    *("make_conditional", "add_etag", "freeze"),
}
ARGUMENTS = {
    "send_file": {
        "attachment_filename": "download_name",
        "add_etags": "etag",
        "cache_timeout": "max_age",
    },
    "send_from_directory": {"file_name": "path"},
}
#: What the report says of an attribute.
ATTRIBUTES = {
    "cookie_jar": "`client.cookie_jar` does not exist: use `client.get_cookie(key)`",
    "handle_request": "`handle_request` is not called: override `full_dispatch_request`",
    "handle_websocket": "`handle_websocket` is not called: override `full_dispatch_websocket`",
}


def change_quart(program: Program, options: Options, notes: list[Note]) -> dict[Code, Edits]:
    """Change what differs from Quart, apart from the imports.

    Args:
        program: The project.
        options: Unused.
        notes: Gets what is left.

    Returns:
        The changes, by file.
    """
    imported = (name for code in program.codes for name in _module_names(code))
    if not any(name.partition(".")[0] == "quart" for name in imported):
        return {}
    strings = (text.value for code in program.codes for text in code.strings)
    if not any("MAX_CONTENT_LENGTH" in text for text in strings):
        text = "Quart receives up to 16 MiB, asyncflask bodies of any size: set MAX_CONTENT_LENGTH"
        notes.append(Note(Kind.TODO, text))
    step = _Quart(program, notes)
    return {code: step.change(code) for code in program.codes}


def _module_names(code: Code) -> Iterator[str]:
    for node in code.imports:
        if isinstance(node, cst.Import):
            yield from (alias.evaluated_name for alias in node.names)
        else:
            yield code.module_of(node)


def _aliases_of(code: Code, modules: set[str]) -> Iterator[cst.ImportAlias]:
    for node in code.imports:
        is_from = isinstance(node, cst.ImportFrom) and code.module_of(node) in modules
        if is_from and not isinstance(node.names, cst.ImportStar):
            yield from node.names


class _Quart:
    def __init__(self, program: Program, notes: list[Note]) -> None:
        self._program = program
        self._notes = notes
        # Templates await what is `async def`: then the page is rendered by `render_template_async`.
        self._has_async_templates = any(
            function.is_async and role is Role.SYNC and is_for_templates(function)
            for function, role in roles(program).items()
        )

    def change(self, code: Code) -> Edits:
        edits = Edits()
        for node in code.awaits:
            self._change_await(code, node, edits)
        places = [code.calls, *(function.calls for function in code.functions)]
        for call in (call for calls in places for call in calls):
            self._change_arguments(code, call, edits)
            self._note_without_await(code, call)
        self._rename_class(code, edits)
        self._note_rest(code)
        return edits

    def _change_await(self, code: Code, node: cst.Await, edits: Edits) -> None:
        inner = node.expression
        func = inner.func if isinstance(inner, cst.Call) else inner
        name = self._program.value(code, func)
        if isinstance(inner, cst.Call) and name in RENDERING and self._has_async_templates:
            last = func.attr if isinstance(func, cst.Attribute) else func
            self._note(
                code,
                node,
                f"`{dotted_name(last)}` renders what is `async def`: write"
                f" `await {dotted_name(last)}_async(…)`, or make it `def`",
            )
            return
        if isinstance(inner, cst.Call) and name in AT_ONCE:
            edits.add(node, _without_await)
        elif isinstance(func, cst.Attribute):
            self._change_method(code, node, func, edits)

    def _change_method(
        self, code: Code, node: cst.Await, func: cst.Attribute, edits: Edits
    ) -> None:
        name = func.attr.value
        is_call = isinstance(node.expression, cst.Call)
        owner = self._program.value(code, func.value)
        if is_call and name in APP_METHODS:
            edits.add(node, _without_await)
        elif name in RESPONSE_NAMES and is_call == (name not in {"json", "data"}):
            if owner == "<request>":
                return
            if owner == "<response>" or _is_named_response(func.value):
                edits.add(node, _without_await)
            elif is_call:
                self._note(code, node, f"`await ….{name}()`: remove `await` if it is a response's")

    def _change_arguments(self, code: Code, call: cst.Call, edits: Edits) -> None:
        name = self._program.value(code, call.func)
        package, _, last = name.rpartition(".")
        renamed = ARGUMENTS.get(last, {}) if package in _MODULES else {}
        for arg in call.args:
            if arg.keyword is not None and arg.keyword.value in renamed:
                edits.add(arg.keyword, renamed_to(renamed[arg.keyword.value]))

    def _note_without_await(self, code: Code, call: cst.Call) -> None:
        """Note a coroutine that the code keeps or hands on: what awaits it, gets no coroutine."""
        if isinstance(code.parent(call), cst.Await):
            return
        name = self._program.value(code, call.func)
        of_response = name.removeprefix("<response>.") in RESPONSE_NAMES
        if (name in AT_ONCE and name.startswith("quart")) or of_response:
            written = dotted_name(call.func) or f"….{name.rpartition('.')[2]}"
            self._note(code, call, f"`{written}(…)` returns at once: await it nowhere else, either")

    def _rename_class(self, code: Code, edits: Edits) -> None:
        """Write `Flask` for `Quart`, unless the file has another `Flask`."""
        if any(code.qualified_name(name) == "flask.Flask" for name in code.names):
            return
        for alias in _aliases_of(code, {"quart", "quart.app"}):
            if alias.evaluated_name == "Quart":
                edits.add(alias.name, renamed_to("Flask"))
        for name in code.names:
            parent = code.parent(name)
            if isinstance(parent, cst.ImportAlias):
                continue
            if isinstance(parent, cst.Attribute) and parent.attr is name:
                is_old = self._program.value(code, parent) == "quart.Quart"
            else:
                is_old = self._program.value(code, name) in {"quart.Quart", "quart.app.Quart"}
            if is_old and name.value == "Quart":
                edits.add(name, renamed_to("Flask"))

    def _note_rest(self, code: Code) -> None:
        places = [code.attributes, *(function.attributes for function in code.functions)]
        for node in (node for nodes in places for node in nodes):
            name = node.attr.value
            if name in ATTRIBUTES:
                self._note(code, node, ATTRIBUTES[name])
            elif self._program.value(code, node) == "asyncio.CancelledError":
                self._note(
                    code,
                    node,
                    "a websocket whose client has gone raises `asyncflask.WebsocketDisconnect`"
                    " where it receives or sends, not `asyncio.CancelledError`",
                )
        for text in code.strings:
            if str(text.evaluated_value).startswith("QUART_") and not _is_key(code, text):
                self._note(code, text, f"{text.value} is not read: `FLASK_…` is")

    def _note(self, code: Code, node: cst.CSTNode, text: str) -> None:
        self._notes.append(Note(Kind.UNKNOWN, text, code.source.path, code.line(node)))


def _is_key(code: Code, node: cst.CSTNode) -> bool:
    """Return whether a string is a key of a mapping of the app: `app.config["QUART_…"]`."""
    for above in code.ancestors(node):
        match above:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="from_prefixed_env"))):
                return False
            case cst.Subscript(value=of) | cst.Call(func=cst.Attribute(value=of)):
                return dotted_name(of).rpartition(".")[2] in {"config", "extensions"}
            case cst.BaseStatement():
                break
    return False


def _is_named_response(node: cst.BaseExpression) -> bool:
    name = dotted_name(node).rpartition(".")[2]
    return "resp" in name or name in {"rv", "res"}


def _without_await(node: cst.CSTNode) -> cst.CSTNode:
    """Return the expression; of the parentheses around `await`, those that are needed."""
    assert isinstance(node, cst.Await)
    inner = node.expression
    code = cst.Module([]).code_for_node
    around = "".join(code(paren) for paren in (*node.lpar, *node.rpar))
    if "\n" in code(inner) or "#" in around:
        return inner.with_changes(lpar=[*node.lpar, *inner.lpar], rpar=[*inner.rpar, *node.rpar])
    return inner
