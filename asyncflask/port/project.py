"""The files of a project: where they are, what their modules are called, and their bytes."""

from __future__ import annotations

import functools
import io
import os
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Folders that hold no source of the project; so do those that begin with a dot.
SKIPPED = {"__pycache__", "build", "dist", "node_modules", "site-packages", "venv", "env"}


@dataclass(frozen=True)
class Source:
    """A Python file, as it is or as a step has changed it."""

    path: Path
    #: Dotted name under which the project imports it.
    module: str
    #: The name from the given path on, where folders without ``__init__.py`` count as well.
    other_name: str
    content: bytes

    @property
    def text(self) -> str:
        """Its text, for people."""
        encoding, _ = tokenize.detect_encoding(io.BytesIO(self.content).readline)
        return self.content.decode(encoding)

    @property
    def is_package(self) -> bool:
        """Whether it is an ``__init__.py``."""
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        """The package that its relative imports begin with."""
        return self.module if self.is_package else self.module.rpartition(".")[0]

    @functools.cached_property
    def is_test(self) -> bool:
        """Whether pytest or unittest loads it as tests."""
        name = self.path.name
        return (
            name == "conftest.py"
            or name.startswith("test_")
            or name.endswith("_test.py")
            or bool({"tests", "test"} & set(self.other_name.split(".")))
            or self.path.parent.name in {"tests", "test"}
        )


def read_project(paths: Iterable[Path]) -> list[Source]:
    """Read the Python files below some paths, each once.

    Args:
        paths: Files and folders.

    Returns:
        The files, in the order of their paths.

    Raises:
        OSError: A file cannot be read.
    """
    found: dict[Path, Source] = {}
    for base in paths:
        for path in sorted(_python_files(base)):
            found.setdefault(path.resolve(), _source(path, base))
    return list(found.values())


def _python_files(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
    else:
        yield from (path for path in walk(base) if path.suffix == ".py")


def walk(base: Path) -> Iterator[Path]:
    """Return the files below a folder, without those of environments, caches and the like.

    Args:
        base: The folder.
    """
    for folder, folders, files in os.walk(base):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith(".")
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        yield from (Path(folder, name) for name in files)


def _source(path: Path, base: Path) -> Source:
    root = path.resolve().parent
    while (root / "__init__.py").exists() and root != root.parent:
        root = root.parent
    below = path.resolve().parent if base.is_file() else base.resolve()
    module = _module(path.resolve().relative_to(root))
    other = _module(path.resolve().relative_to(below))
    return Source(path, module or path.resolve().parent.name, other, path.read_bytes())


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
