"""pytest's settings: ``async def`` tests run in pytest-asyncio's auto mode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .names import Code
from .project import Source
from .report import Kind, Note

#: Files of pytest's settings, in the order in which pytest looks for them, and their section.
SECTIONS = {
    "pytest.ini": "[pytest]",
    "pyproject.toml": "[tool.pytest.ini_options]",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
NEWLINE = "\n"
INI = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
TOML = 'asyncio_mode = "auto"\nasyncio_default_fixture_loop_scope = "function"'
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
    if not folders or not any(_has_async_tests(code) for code in codes):
        return []
    _note_requirement(folders, notes)
    for folder in folders:
        for name, section in SECTIONS.items():
            text = _text_of(folder / name)
            if section in text.splitlines():
                return _changed(folder / name, text, section, notes)
    pyproject = folders[0] / "pyproject.toml"
    if pyproject.exists():
        text = _text_of(pyproject)
        new = f"{text.rstrip()}\n\n[tool.pytest.ini_options]\n{TOML}\n".lstrip()
        return [_pair(pyproject, text, new)]
    return [_pair(folders[0] / "pytest.ini", "", f"[pytest]\n{INI}\n")]


def _has_async_tests(code: Code) -> bool:
    return code.source.is_test and any(
        function.is_async and function.cls is None and function.node.name.value.startswith("test")
        for function in code.functions
    )


def _changed(path: Path, text: str, section: str, notes: list[Note]) -> list[tuple[Source, Source]]:
    if mode := MODE.search(text):
        if mode[1] != "auto":
            what = f"has `asyncio_mode = {mode[1]}`: write `auto`, or mark the `async def` tests"
            notes.append(Note(Kind.TODO, what, path))
        return []
    line = TOML if path.suffix == ".toml" else INI
    return [_pair(path, text, _inserted(text, section, line))]


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
