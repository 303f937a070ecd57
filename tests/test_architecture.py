"""The package's structure: imports run downward, ``__init__.py`` files only re-export names.

The table of floors is that of ``docs/explanation/design.md``. Imports under ``TYPE_CHECKING`` and
inside functions count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

PACKAGE = Path(__file__).parent.parent / "asyncflask"

#: A unit is a module in the package's root, or a folder. It imports from lower floors, and from
#: its own floor as long as this makes no circle.
FLOORS = {
    1: "_current typing exceptions signals resources environment watching logging unawaited"
    " concurrency routing streams",
    2: "protocol json config datastructures views loading jinja_awaitables jinja",
    3: "wrappers wsgi server cli",
    4: "context ctx sessions templating files sse debug debughelpers mounting testing",
    5: "dispatch asgi helpers",
    6: "sansio app blueprints",
    7: "globals flask",
    8: "__init__ __main__",
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}

#: where HTTP and websocket may not be told apart (design D5)
ONE_PIPELINE = (
    *("context.py", "ctx.py", "app.py"),
    *("sansio", "dispatch"),
)


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _unit(path: Path) -> str:
    """Name of the top-level module or folder that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that a file imports from the package."""
    own = ("asyncflask", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "asyncflask":
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = [*own[: -node.level]] if node.level else []
            base += (node.module or "").split(".") if node.module else []
            if base and base[0] == "asyncflask":
                for alias in node.names:
                    yield node.lineno, ".".join([*base, alias.name])


def _target(name: str) -> Path:
    """File that a dotted name of the package stands in."""
    parts = name.split(".")[1:]
    for end in range(len(parts), 0, -1):
        path = PACKAGE.joinpath(*parts[:end])
        if path.with_suffix(".py").exists():
            return path.with_suffix(".py")
        if (path / "__init__.py").exists():
            return path / "__init__.py"
    return PACKAGE / "__init__.py"


def _show(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def test_every_module_has_a_floor():
    missing = {_unit(path) for path in _files()} - set(FLOOR_OF)

    assert not missing


def test_imports_run_downward():
    wrong = []
    for path in _files():
        here = _unit(path)
        for line, name in _imported(path):
            there = _unit(_target(name))
            if FLOOR_OF[there] > FLOOR_OF[here]:
                wrong.append(
                    f"{_show(path)}:{line} imports {name} (floor {FLOOR_OF[there]})"
                    f" from floor {FLOOR_OF[here]}"
                )

    assert not wrong, "\n".join(wrong)


def test_units_of_one_floor_make_no_circle():
    graph: dict[str, set[str]] = {}
    for path in _files():
        here = _unit(path)
        targets = {_unit(_target(name)) for _, name in _imported(path)}
        graph.setdefault(here, set()).update(t for t in targets if t != here)

    circles = [unit for unit in graph if _reaches(graph, unit, unit)]

    assert not circles, f"circles through {circles}"


def test_imports_inside_a_folder_make_no_circle():
    graph: dict[Path, set[Path]] = {}
    for path in _files():
        targets = {_target(name) for _, name in _imported(path)}
        graph[path] = {t for t in targets if _unit(t) == _unit(path) and t != path}

    circles = [_show(path) for path in graph if _reaches(graph, path, path)]

    assert not circles, f"circles through {circles}"


def _reaches(graph: dict[T, set[T]], start: T, goal: T) -> bool:
    seen: set[T] = set()
    todo = list(graph[start])
    while todo:
        node = todo.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            todo += graph.get(node, ())
    return False


def test_protocol_knows_h11_wsproto_and_exceptions_alone():
    allowed = {"h11", "wsproto", "__future__"}
    wrong = []
    for path in sorted((PACKAGE / "protocol").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            wrong += [
                f"{_show(path)}:{node.lineno} imports {name}"
                for name in names
                if name.partition(".")[0] not in allowed | _standard_library()
            ]

    assert not wrong, "\n".join(wrong)


def _standard_library() -> set[str]:
    import sys

    return set(sys.stdlib_module_names) - {"asyncio"}


def _faces() -> list[Path]:
    return [path for path in _files() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", _faces(), ids=_show)
def test_faces_only_hand_names_on(path: Path):
    """An ``__init__.py`` has imports, ``__all__`` and ``__version__``; ``json`` mirrors Flask's."""
    if path.parent.name == "json":
        pytest.skip("flask.json defines its functions in __init__.py, and the names are Flask's")
    body = ast.parse(path.read_text()).body
    odd = [
        ast.unparse(node).splitlines()[0]
        for node in body
        if not (
            isinstance(node, (ast.Import, ast.ImportFrom))
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]) in {"__all__", "__version__"}
            )
        )
    ]

    assert not odd


def _one_pipeline_files() -> list[Path]:
    found: list[Path] = []
    for name in ONE_PIPELINE:
        path = PACKAGE / name
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path for path in found if path.name != "lanes.py"]


@pytest.mark.parametrize("path", _one_pipeline_files(), ids=_show)
def test_only_the_lanes_tell_http_from_websocket(path: Path):
    """No comparison with the name of a kind of connection outside ``dispatch/lanes.py``."""
    kinds = {"http", "websocket"}
    wrong = [
        f"{_show(path)}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and any(
            isinstance(side, ast.Constant) and side.value in kinds
            for side in (node.left, *node.comparators)
        )
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", _files(), ids=_show)
def test_every_file_says_what_stands_in_it(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text()))
