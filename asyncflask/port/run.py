"""Run the steps on a project, one after another; return the changed files and the notes."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import libcst as cst

from .awaits import add_awaits
from .blocking import note_blocking_calls
from .edits import Edits
from .extensions import note_extensions
from .imports import change_imports
from .install import add_install
from .leftovers import note_leftovers
from .names import Code
from .options import Options
from .patterns import note_patterns
from .program import Program
from .project import Source
from .quart import change_quart
from .report import Kind, Note
from .settings import change_settings
from .templates import body_templates

Step: TypeAlias = Callable[[Program, Options, list[Note]], dict[Code, Edits]]

QUART, FLASK = (
    re.compile(rb"^\s*(from|import)\s+" + package + rb"\b", re.MULTILINE)
    for package in (b"quart", b"flask")
)


@dataclass
class Result:
    """What the steps have made of a project."""

    #: Pairs of a file as it was and as it is now, of the files that change.
    changed: list[tuple[Source, Source]]
    notes: list[Note] = field(default_factory=list)

    @property
    def has_broken_files(self) -> bool:
        """Whether files were left alone because they could not be parsed."""
        return any(note.kind is Kind.BROKEN for note in self.notes)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch Python's garbage collector off.

    PERF: the trees are millions of objects, which it would look through again and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collector()
def port(sources: Iterable[Source], options: Options, paths: Iterable[Path] = ()) -> Result:
    """Port a project; nothing is written.

    Args:
        sources: Its files.
        options: What is asked for.
        paths: Where templates and pytest's settings are looked for.

    Returns:
        The changed files and what was noticed.
    """
    before = list(sources)
    options = replace(options, templates=body_templates(paths))
    result = Result([])
    codes = _parsed(before, result.notes)
    program = Program(codes.values())
    for step in _steps(options):
        edits = step(program, options, result.notes)
        for code, of_file in edits.items():
            if of_file:
                new = replace(code.source, content=of_file.apply(code.tree))
                codes[code.source.path] = Code(new)
        if any(edits.values()):
            program = Program(codes.values())
    note_extensions(program, options.to, result.notes)
    note_leftovers(program, options, result.notes)
    if options.to == "async":
        note_blocking_calls(program, result.notes)
        note_patterns(program, result.notes)
    for source in before:
        now = codes[source.path].source if source.path in codes else source
        if now.content != source.content:
            result.changed.append((source, now))
    if options.to == "async" and options.has("tests"):
        result.changed += change_settings(paths, codes.values(), result.notes)
    return result


def target(
    sources: Iterable[Source], asked: Literal["flask", "async"] | None
) -> Literal["flask", "async"]:
    """Return the API to port to: by default the async API for Quart, the facade for Flask.

    A project that imports both is what more of its files import.

    Args:
        sources: The files of the project.
        asked: What the developer asks for; ``None``: nothing.
    """
    if asked is not None:
        return asked
    texts = [source.content for source in sources]
    # An extension of Flask may have a module for Quart.
    of_quart, of_flask = (
        sum(bool(imports.search(text)) for text in texts) for imports in (QUART, FLASK)
    )
    return "async" if of_quart and of_quart >= of_flask else "flask"


def _steps(options: Options) -> list[Step]:
    steps: list[Step] = []
    if options.to == "async" and options.has("quart"):
        steps.append(change_quart)
    if options.has("imports"):
        # First: lines that notes name do not move any more.
        steps += [add_install, change_imports]
    if options.to == "async" and options.steps & {"views", "await", "tests"}:
        steps.append(add_awaits)
    return steps


def _parsed(sources: Iterable[Source], notes: list[Note]) -> dict[object, Code]:
    codes: dict[object, Code] = {}
    for source in sources:
        try:
            code = Code(source)
        except cst.ParserSyntaxError as error:
            text = f"is not Python that can be parsed: {error.message}. Correct it and run again"
            notes.append(Note(Kind.BROKEN, text, source.path, error.raw_line))
        except (UnicodeDecodeError, SyntaxError, RecursionError) as error:
            text = f"cannot be read: {error}. Correct it and run again"
            notes.append(Note(Kind.BROKEN, text, source.path))
        else:
            if code.tree.bytes == source.content:
                codes[source.path] = code
                continue
            text = "would not keep its bytes (a byte order mark, or mixed ends of lines)"
            notes.append(Note(Kind.BROKEN, text, source.path))
    return codes
