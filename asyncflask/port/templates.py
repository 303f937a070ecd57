"""Templates that read the request's body: ``{{ request.form.name }}``.

A template cannot await. In an ``async def`` view such a template is rendered in the request's
thread, where ``request`` is the synchronous one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import libcst as cst

from .names import Function
from .program import Program
from .project import walk
from .sources import BODY, BODY_METHODS

_NAMES = "|".join(sorted(BODY | BODY_METHODS))
#: Between `{{ }}` or `{% %}`.
BODY_READ = re.compile(r"\{[{%](?:(?!%\}|\}\}).)*\brequest\s*\.\s*(?:" + _NAMES + r")\b", re.DOTALL)
OTHER = re.compile(r"\{%-?\s*(?:extends|include|import|from)\s+[\"']([^\"']+)[\"']")
SUFFIXES = {".html", ".htm", ".xml", ".txt", ".jinja", ".jinja2", ".j2"}
RENDER = {"asyncflask.render_template", "flask.render_template", "quart.render_template"}


def body_templates(paths: Iterable[Path]) -> frozenset[str]:
    """Return the names of templates that read the body, themselves or in another template.

    Args:
        paths: The files and folders of the project.
    """
    texts = {name: text for path in paths for name, text in _templates(path)}
    found = {name for name, text in texts.items() if BODY_READ.search(text)}
    while True:
        more = {name for name, text in texts.items() if found & set(OTHER.findall(text))}
        if more <= found:
            return frozenset(found)
        found |= more


def _templates(path: Path) -> Iterator[tuple[str, str]]:
    folder = path if path.is_dir() else path.parent
    for file in walk(folder):
        if file.suffix in SUFFIXES and "templates" in file.parts:
            last = len(file.parts) - 1 - file.parts[::-1].index("templates")
            name = "/".join(file.parts[last + 1 :])
            yield name, file.read_text(encoding="utf-8", errors="replace")


def renderings(program: Program, function: Function, names: frozenset[str]) -> list[cst.Call]:
    """Return the calls of a function that render one of some templates.

    Args:
        program: The project.
        function: The function.
        names: The names of the templates.
    """
    return [
        call
        for call in function.calls
        if names
        and program.value(function.code, call.func) in RENDER
        and call.args
        and isinstance(first := call.args[0].value, cst.SimpleString)
        and first.evaluated_value in names
    ]
