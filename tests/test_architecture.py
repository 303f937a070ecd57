"""The package's structure: imports run downward, ``__init__.py`` files only re-export names.

The table of floors is that of ``docs/explanation/design.md``. Imports under ``TYPE_CHECKING`` and
inside functions count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

PACKAGE = Path(__file__).parent.parent / "asyncflask"

#: A unit is a module in the package's root, or a folder. It imports from lower floors, and from
#: its own floor as long as this makes no circle.
FLOORS = {
    1: "_package_alias _contextvars _invalidation typing exceptions signals resources logging"
    " concurrency routing",
    2: "_fast protocol json config datastructures debughelpers views middleware port",
    3: "wrappers wsgi server cli",
    4: "context ctx sessions templating sse debug testing",
    5: "dispatch helpers",
    6: "sansio serving app blueprints",
    7: "globals flask quart channels",
    8: "__init__ __main__",
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}

#: modules and folders that do not compare the scope type (design D5) …
ONE_PIPELINE = (
    *("ctx.py", "context", "app.py"),
    *("sansio", "dispatch", "serving"),
)
#: … except in the table of the differences
SCOPE_TYPES = {"scope_types.py"}
#: Comparisons that are still there. What is sent to the server at the end differs (`asgi.py`).
COMPARES_SCOPE_TYPES = {"context/connection.py": 2, "ctx.py": 1, "serving/asgi.py": 4}

#: Private names that a unit reads on other objects: {unit: {name: reason}}.
PRIVATE_NAMES_OF_OTHERS = {
    "ctx": {"_AppCtxGlobals": "Flask's name"},
    "debug": {
        "_current_frames": "sys: the only way to see what another thread does",
    },
    "dispatch": {"_ctx": "the request's context, which users have no name for"},
    "flask": {
        "_AppCtxGlobals": "Flask's name",
        "_default_template_ctx_processor": "Flask's name",
        "_lazy_sha1": "Flask's name",
        "_render": "Flask's name",
        "_stream": "Flask's name",
        "_cached_data": "Werkzeug's name",
        "_cached_json": "Werkzeug's name",
    },
    "globals": {
        "_AppCtxGlobals": "Flask's name",
    },
    "quart": {
        "_AppCtxGlobals": "Flask's name",
    },
    "templating": {
        "_undefined_name": "Jinja's: what an undefined value says of itself",
        "_undefined_obj": "Jinja's: what an undefined value says of itself",
    },
    "routing": {
        "_converters": "Werkzeug's: the converters of a rule",
        "_matcher": "Werkzeug's: the StateMachineMatcher of a map",
        "_root": "Werkzeug's: the root of its StateMachineMatcher",
    },
    "sansio": {
        "_AppCtxGlobals": "Flask's name",
        "_default_template_ctx_processor": "Flask's name",
    },
}

#: Imports for type checkers alone that run upward or make a circle: {file: {target: reason}}.
FOR_CHECKERS = {
    "flask/globals.py": dict.fromkeys(
        ("flask/app.py", "flask/ctx.py", "flask/wrappers.py"),
        "the types of the proxies, which those modules re-export under Flask's names",
    ),
    "quart/globals.py": dict.fromkeys(
        ("quart/app.py", "quart/ctx.py", "quart/wrappers/__init__.py"), "the types of the proxies"
    ),
    "quart/typing.py": dict.fromkeys(
        ("quart/app.py", "quart/wrappers/__init__.py"), "the protocols of Quart's classes"
    ),
    "quart/asgi.py": {"quart/app.py": "an app names the classes that serve it"},
    "quart/testing/client.py": {"quart/app.py": "an app names its test client"},
    "quart/testing/connections.py": {"quart/app.py": "a test connects to an app"},
    "quart/testing/utils.py": {"quart/app.py": "an app knows its host"},
    "flask/json/__init__.py": {"flask/wrappers.py": "jsonify() is in Flask's json"},
    "dispatch/protocols.py": {"dispatch/plan.py": "an app has the plans that are made of it"},
    "sansio/blueprints.py": {"sansio/app.py": "a blueprint is registered on an app"},
    "sansio/blueprint_setup.py": dict.fromkeys(
        ("sansio/app.py", "sansio/blueprints.py"), "a blueprint is registered on an app"
    ),
    "json/__init__.py": {
        "wrappers/__init__.py": "jsonify() is in Flask's json, and returns a response"
    },
}

#: Names of Quart, which its facade has with Quart's parameters, or awaited.
QUARTS_NAMES = [
    "AppContext",
    "Body",
    "Environment",
    "FileBody",
    "FileStorage",
    "FormDataParser",
    "RequestContext",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "TestApp",
    "Websocket",
    "WebsocketContext",
    "WebsocketDisconnectError",
    "after_this_request",
    "after_this_websocket",
    "copy_current_app_context",
    "copy_current_request_context",
    "copy_current_websocket_context",
    "decode_headers",
    "dump",
    "dumps",
    "encode_headers",
    "find_package",
    "flash",
    "get_debug_flag",
    "get_load_dotenv",
    "jsonify",
    "load_dotenv",
    "loads",
    "locate_app",
    "make_push_promise",
    "make_response",
    "render_template",
    "render_template_string",
    "run_sync",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "traceback_response",
    "url_for",
    "with_appcontext",
]

#: Top-level names that several modules define, and why: {name: reason}.
DEFINED_TWICE = {
    # Flask's names, which the facade has as different objects than the async API.
    "Flask": "the facade's is called through WSGI as well, and its methods are `def`",
    "Blueprint": "the facade's send_static_file() is `def`",
    "Request": "the facade's is Werkzeug's, made of an environ; the async API's is awaited",
    "Response": "the facade's is a WSGI application",
    "View": "the facade's view function is always `def`, so that decorators of Flask can wrap it",
    "MethodView": "as View, of which both are subclasses",
    "FlaskGroup": "the facade's has the facade's run_command and version",
    "run_command": "the facade's starts Werkzeug's server",
    "send_file": "the facade's uses the server's wsgi.file_wrapper",
    "send_from_directory": "the facade's calls its send_file",
    **dict.fromkeys(QUARTS_NAMES, "the facade for Quart has Quart's"),
    # Both facades.
    "install": "each facade takes the place of another package",
    "main": "each command is another group's",
    # Names of others, in another sense.
    "Config": "an app's configuration (Flask) and a server's (uvicorn)",
}


@cache
def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def _forget_trees() -> Iterator[None]:
    yield
    _tree.cache_clear()


def _unit(path: Path) -> str:
    """Name of the top-level module or folder that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def _imported(path: Path) -> list[tuple[int, str]]:
    """Line and absolute dotted name of everything that a file imports from the package."""
    tree = _tree(path)
    excepted = FOR_CHECKERS.get(str(path.relative_to(PACKAGE)), {})
    for_checkers = _for_checkers(tree) if excepted else set()
    return [
        (line, name)
        for node, line, name in _imports(tree, path)
        if node not in for_checkers or str(_target(name).relative_to(PACKAGE)) not in excepted
    ]


def _for_checkers(tree: ast.Module) -> set[ast.AST]:
    """The nodes under ``if TYPE_CHECKING:``."""
    return {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }


def _imports(tree: ast.Module, path: Path) -> Iterator[tuple[ast.AST, int, str]]:
    own = ("asyncflask", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "asyncflask":
                    yield node, node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = [*own[: -node.level]] if node.level else []
            base += (node.module or "").split(".") if node.module else []
            if base and base[0] == "asyncflask":
                for alias in node.names:
                    yield node, node.lineno, ".".join([*base, alias.name])


@cache
def _target(name: str) -> Path:
    """File that defines a dotted name of the package."""
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
        for node in ast.walk(_tree(path)):
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


def _init_files() -> list[Path]:
    return [path for path in _files() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", _init_files(), ids=_show)
def test_init_files_only_re_export_names(path: Path):
    """An ``__init__.py`` has imports, ``__all__`` and ``__version__``; ``json`` mirrors Flask's.

    ``__getattr__`` imports names that are imported late.
    """
    if path.parent.name == "json":
        pytest.skip("flask.json defines its functions in __init__.py, and the names are Flask's")
    body = _tree(path).body
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
            or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
            or (isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
        )
    ]

    assert not odd


def _one_pipeline_files() -> list[Path]:
    found: list[Path] = []
    for name in ONE_PIPELINE:
        path = PACKAGE / name
        if path.exists():
            found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path for path in found if path.name not in SCOPE_TYPES]


@pytest.mark.parametrize("path", _one_pipeline_files(), ids=_show)
def test_only_the_table_of_scope_types_tells_http_from_websocket(path: Path):
    """Differences by scope type are read from the table, without a comparison."""
    wrong = [
        f"{_show(path)}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Compare) and _compares_scope_type(node)
    ]

    assert len(wrong) <= COMPARES_SCOPE_TYPES.get(str(path.relative_to(PACKAGE)), 0), wrong


def _compares_scope_type(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    if any(isinstance(side, ast.Constant) and side.value is None for side in sides):
        return False  # Whether there is one at all.
    return any(
        (isinstance(side, ast.Constant) and side.value in {"http", "websocket"})
        or _last_name(side) in {"scope_type", "HTTP", "WEBSOCKET"}
        or ast.unparse(side).endswith("scope_type.name")
        for side in sides
    )


def _last_name(node: ast.expr) -> str:
    """Name of a variable, or of the attribute that an expression ends with."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


# -- private names ---------------------------------------------------------------------------------


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_names(path: Path) -> tuple[set[str], dict[str, str]]:
    """Private names that a file defines, and those it reads on other objects, with the line."""
    own: set[str] = set()
    read: dict[str, str] = {}
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and _is_private(node.attr):
            owner = ast.unparse(node.value)
            if owner in {"self", "cls"} or owner.startswith("super()"):
                own.add(node.attr)
            else:
                read.setdefault(node.attr, f"{_show(path)}:{node.lineno} {owner}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ["asyncflask", *path.relative_to(PACKAGE).with_suffix("").parts][: -node.level]
            base += (node.module or "").split(".") if node.module else []
            for name in (alias.name for alias in node.names):
                target = _target(".".join([*base, name]))
                # A module's own name may be private: `from ._contextvars import current`.
                if _is_private(name) and _unit(target) != _unit(path) and target.stem != name:
                    read.setdefault(name, f"{_show(path)}:{node.lineno} imports {name}")
    return own, read


def test_no_folder_reads_private_attributes_of_another():
    own: dict[str, set[str]] = {}
    read: dict[tuple[str, str], str] = {}
    for path in _files():
        defined, others = _private_names(path)
        own.setdefault(_unit(path), set()).update(defined)
        read |= {(_unit(path), name): place for name, place in others.items()}

    wrong = [
        place
        for (unit, name), place in read.items()
        if name not in own[unit] and name not in PRIVATE_NAMES_OF_OTHERS.get(unit, {})
    ]

    assert not wrong, "\n".join(wrong)


# -- names defined twice ---------------------------------------------------------------------------


def _defined(paths: Iterable[Path]) -> tuple[dict[str, list[str]], set[str]]:
    """Return the files by the top-level names that they define, and the names that several have."""
    places: dict[str, list[str]] = {}
    for path in paths:
        for node in _tree(path).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                places.setdefault(node.name, []).append(_show(path))
    return places, {name for name, files in places.items() if len(set(files)) > 1}


def test_one_api_defines_each_name_once():
    """The facades have names of their own: Flask's and Quart's."""
    _, twice = _defined(path for path in _files() if _unit(path) not in ("flask", "quart"))

    assert twice == {"Config"}


def test_no_top_level_name_is_defined_in_two_modules_without_a_reason():
    places, twice = _defined(_files())
    wrong = [
        f"{name}: {', '.join(sorted(set(places[name])))}"
        for name in sorted(twice - set(DEFINED_TWICE))
    ]

    assert not wrong, "\n".join(wrong)
    assert twice == set(DEFINED_TWICE), "remove from the table what is defined once"


@pytest.mark.parametrize("path", _files(), ids=_show)
def test_every_file_has_a_docstring(path: Path):
    assert ast.get_docstring(_tree(path))
