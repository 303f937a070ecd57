"""The extensions that a project uses, and whether they run on asyncflask.

``extensions.json`` is written by ``python -m tests.compat``, with the page
``docs/reference/extensions.md``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib.resources import files

import libcst as cst

from .names import Code
from .program import Program
from .report import Kind, Note

#: Packages that import `flask` and whose name does not begin with it: {package: distribution}.
OTHER_NAMES = {"apiflask": "apiflask", "pytest_flask": "pytest-flask"}
#: What replaces an extension of Quart; `docs/how-to/migrate-from-quart.md` has the table.
QUART = {
    "quart_auth": "Flask-Login",
    "quart_babel": "Flask-Babel",
    "quart_bcrypt": "Flask-Bcrypt",
    "quart_compress": "Flask-Compress",
    "quart_cors": "Flask-CORS",
    "quart_csrf": "Flask-WTF",
    "quart_db": "the driver itself, opened in `while_serving`",
    "quart_events": "`asyncflask.sse`",
    "quart_flask_patch": "`asyncflask.flask.install()`",
    "quart_httpauth": "Flask-HTTPAuth",
    "quart_jwt_extended": "Flask-JWT-Extended",
    "quart_minify": "Flask-Minify",
    "quart_motor": "the driver itself, opened in `while_serving`",
    "quart_rate_limiter": "Flask-Limiter",
    "quart_redis": "the driver itself, opened in `while_serving`",
    "quart_schema": "Flask-Smorest or Flask-Pydantic",
    "quart_session": "Flask-Session",
    "quart_sqlalchemy": "the driver itself, opened in `while_serving`",
    "quart_tasks": "a task of a `while_serving` generator",
    "quart_trio": "nothing: the loop is asyncio's",
    "quart_uploads": "`await request.files` and `werkzeug.utils.secure_filename`",
    "quart_wtf": "Flask-WTF",
}
PAGE = "docs/reference/extensions.md"


@functools.cache
def results() -> dict[str, dict[str, str]]:
    """Return the results by distribution: ``facade``, ``async``, ``quart``, as in "9 of 9"."""
    text = files(__package__).joinpath("extensions.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def used_extensions(program: Program) -> dict[str, tuple[Code, cst.CSTNode]]:
    """Return the packages of Flask's extensions that a project imports, with the first place.

    Args:
        program: The project.
    """
    return _imported(program, lambda name: name.startswith("flask_") or name in OTHER_NAMES)


def note_extensions(program: Program, to: str, notes: list[Note]) -> None:
    """Note each extension, and whether it runs.

    Args:
        program: The project.
        to: ``flask`` or ``async``.
        notes: Gets the notes.
    """
    for name, (code, node) in used_extensions(program).items():
        distribution = OTHER_NAMES.get(name, name.replace("_", "-"))
        text = f"{distribution}: {_measured(distribution, to)}"
        notes.append(Note(Kind.EXTENSION, text, code.source.path, code.line(node)))
    for name, (code, node) in _imported(program, lambda name: name.startswith("quart_")).items():
        instead = QUART.get(name, "not known")
        text = f"{name}: {_measured_on_quart(name)}; without Quart's API, take: {instead}"
        notes.append(Note(Kind.EXTENSION, text, code.source.path, code.line(node)))


def _measured_on_quart(name: str) -> str:
    passed = results().get(name.replace("_", "-"), {}).get("quart")
    if passed is None:
        return f"not tried on asyncflask.quart; see {PAGE}"
    return f"{passed} of its own tests pass on asyncflask.quart"


def _measured(distribution: str, to: str) -> str:
    found = results().get(distribution, {})
    if to == "async":
        if "async" in found:
            return f"{found['async']} checks pass on the async API; see {PAGE}#on-the-async-api"
        return f"not tried on the async API; see {PAGE}"
    if "facade" in found:
        return f"{found['facade']} of its own tests pass on the facade"
    return f"not tried; see {PAGE}"


def _imported(
    program: Program, wanted: Callable[[str], bool]
) -> dict[str, tuple[Code, cst.CSTNode]]:
    found: dict[str, tuple[Code, cst.CSTNode]] = {}
    own = {code.source.module.partition(".")[0] for code in program.codes}
    for code in program.codes:
        for node in code.imports:
            if isinstance(node, cst.Import):
                names = [alias.evaluated_name for alias in node.names]
            else:
                names = [] if node.relative else [code.module_of(node)]
            for name in names:
                top = name.partition(".")[0]
                if wanted(top) and top not in own:
                    found.setdefault(top, (code, node))
    return found
