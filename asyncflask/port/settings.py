"""pytest's settings: ``async def`` tests run in pytest-asyncio's auto mode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import libcst as cst

from .names import Code, Function
from .project import Source
from .report import Kind, Note
from .scopes import dotted_name

#: Files of pytest's settings, in the order in which pytest looks for them, and their section.
SECTIONS = {
    "pytest.ini": "[pytest]",
    "pyproject.toml": "[tool.pytest.ini_options]",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
NEWLINE = "\n"
#: One loop a test; where a fixture of several tests awaits, one loop for all.
LOOP_SCOPES = {
    "function": {"asyncio_default_fixture_loop_scope": "function"},
    "session": {
        "asyncio_default_fixture_loop_scope": "session",
        "asyncio_default_test_loop_scope": "session",
    },
}
MODE = re.compile(r"^\s*asyncio_mode\s*=\s*[\"']?(\w+)", re.MULTILINE)


def change_settings(
    paths: Iterable[Path], codes: Iterable[Code], notes: list[Note]
) -> list[tuple[Source, Source]]:
    """Switch pytest-asyncio's auto mode on, if there are ``async def`` tests of pytest.

    Args:
        paths: The files and folders of the project.
        codes: Its files, after the other steps.
        notes: Gets what is left to do.

    Returns:
        The file of the settings, as it was and as it is now; nothing if it has the mode.
    """
    folders = list(dict.fromkeys(path if path.is_dir() else path.parent for path in paths))
    functions = [one for code in codes if code.source.is_test for one in code.functions]
    if not folders or not any(map(_is_async_test, functions)):
        return []
    _note_requirement(folders, notes)
    wide = next(filter(_is_wide_fixture, functions), None)
    settings = {"asyncio_mode": "auto", **LOOP_SCOPES["session" if wide else "function"]}
    for path, section in _sections(folders):
        text = _text_of(path)
        if MODE.search(text):
            _note_settings(path, text, settings if wide else {}, notes)
            return []
        return [_pair(path, text, _inserted(text, section, _written(path, settings)))]
    return [_new_section(folders[0], settings)]


def _sections(folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Give the files that have settings of pytest, each with the head of its section."""
    for folder in folders:
        for name, section in SECTIONS.items():
            if section in _text_of(folder / name).splitlines():
                yield folder / name, section


def _new_section(folder: Path, settings: Mapping[str, str]) -> tuple[Source, Source]:
    """Return the file that gets the settings in a project without any."""
    pyproject = folder / "pyproject.toml"
    if pyproject.exists():
        text = _text_of(pyproject)
        lines = _written(pyproject, settings)
        new = f"{text.rstrip()}\n\n[tool.pytest.ini_options]\n{lines}\n".lstrip()
        return _pair(pyproject, text, new)
    ini = folder / "pytest.ini"
    return _pair(ini, "", f"[pytest]\n{_written(ini, settings)}\n")


def _is_async_test(function: Function) -> bool:
    return (
        function.is_async and function.cls is None and function.node.name.value.startswith("test")
    )


def _is_wide_fixture(function: Function) -> bool:
    """Return whether a function is an `async def` fixture that lives longer than one test."""
    calls = (decorator.decorator for decorator in function.node.decorators)
    return function.is_async and any(
        arg.keyword is not None
        and arg.keyword.value == "scope"
        and isinstance(arg.value, cst.SimpleString)
        and arg.value.evaluated_value != "function"
        for call in calls
        if isinstance(call, cst.Call) and dotted_name(call.func).rpartition(".")[2] == "fixture"
        for arg in call.args
    )


def _written(path: Path, settings: Mapping[str, str]) -> str:
    quote = '"' if path.suffix == ".toml" else ""
    return "\n".join(f"{name} = {quote}{value}{quote}" for name, value in settings.items())


def _note_settings(path: Path, text: str, wanted: Mapping[str, str], notes: list[Note]) -> None:
    """Note what differs from the settings that the project has chosen."""
    mode = MODE.search(text)
    if mode is not None and mode[1] != "auto":
        what = f"has `asyncio_mode = {mode[1]}`: write `auto`, or mark the `async def` tests"
        notes.append(Note(Kind.TODO, what, path))
    missing = [f"`{name} = {value}`" for name, value in wanted.items() if name not in text]
    if missing:
        what = f"`async def` fixtures live longer than one test: write {' and '.join(missing)}"
        notes.append(Note(Kind.TODO, what, path))


def _inserted(text: str, section: str, line: str) -> str:
    """Put a line below the section's."""
    end = "\r\n" if "\r\n" in text else "\n"
    before, _, after = text.partition(section)
    return f"{before}{section}{end}{line.replace(NEWLINE, end)}{after or end}"


def _note_requirement(folders: list[Path], notes: list[Note]) -> None:
    texts = (_text_of(path) for folder in folders for path in _requirements(folder))
    if not any("pytest-asyncio" in text for text in texts):
        notes.append(Note(Kind.TODO, "The tests need pytest-asyncio: add it to what they require"))


def _requirements(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini"))
    yield from sorted(folder.glob("*requirements*.txt"))
    yield from sorted(folder.glob("requirements/*.txt"))


def _text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""


def _pair(path: Path, old: str, new: str) -> tuple[Source, Source]:
    before, after = (Source(path, "", "", text.encode()) for text in (old, new))
    return before, after
