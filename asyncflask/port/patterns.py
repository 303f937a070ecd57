"""Code that may read the body in a way which the command cannot see or rewrite."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from .names import Function
from .program import Program
from .report import Kind, Note
from .sources import BODY

STREAMS = {
    "stream": "iterate `request.body` (`async for piece in request.body`)",
    "input_stream": "iterate `request.body` (`async for piece in request.body`)",
    "environ": "the async API has no environ: read `request.scope` and `request.headers`",
}
#: Functions that look at an object and do not read the body; `sources` reads `getattr`.
HARMLESS = {
    f"builtins.{name}" for name in ("isinstance", "hasattr", "getattr", "setattr", "delattr", "id")
}


def note_patterns(program: Program, notes: list[Note]) -> None:
    """Note such code in ``async def`` functions.

    Args:
        program: The project, after the other steps.
        notes: Gets the notes.
    """
    for code in program.codes:
        for read in code.attributes:
            name = read.attr.value
            if name in BODY and program.value(code, read.value) == "<request>":
                text = f"`request.{name}` outside of functions is not awaited: rewrite it"
                notes.append(Note(Kind.UNKNOWN, text, code.source.path, code.line(read)))
    for function in program.all_functions:
        if function.is_async:
            for node, text in _found(program, function):
                path, line = function.code.source.path, function.code.line(node)
                notes.append(Note(Kind.UNKNOWN, text, path, line))


def _found(program: Program, function: Function) -> Iterator[tuple[cst.CSTNode, str]]:
    code = function.code
    for node in function.attributes:
        name = node.attr.value
        if name in STREAMS and program.value(code, node.value) == "<request>":
            yield node, f"`request.{name}` in `{function.short_name}`: {STREAMS[name]}"
    # Tests hand the request on to what they test.
    for call in () if code.source.is_test else function.calls:
        callee = program.value(code, call.func)
        given = any(program.value(code, arg.value) == "<request>" for arg in call.args)
        is_harmless = callee in HARMLESS or callee.endswith(".make_conditional")
        if given and program.called(code, call) is None and not is_harmless:
            text = (
                f"`{function.short_name}` hands the request on: if {callee.lstrip('?.')}() reads"
                " the body, write `await request.data` before"
            )
            yield call, text
