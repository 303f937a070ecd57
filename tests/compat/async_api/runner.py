"""Tests extensions for Flask on the async API: ``asyncflask.Flask`` with ``async def`` views.

Each ``check_*.py`` beside this file tests the documented features of one extension. They run in an
environment of their own, with asyncflask installed as ``flask``: pytest loads
``asyncflask.flask.pytest_plugin`` before all other plugins. The docstring of a check describes, after
its first line, the differences from code for Flask; the page of the documentation shows them.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
EXTENSIONS = sorted(
    path.stem.removeprefix("check_").replace("_", "-") for path in HERE.glob("check_flask_*.py")
)


def make_environment(cache: Path, project: Path) -> Path:
    """Create the environment with all extensions if it does not exist; return its Python."""
    wanted = HERE / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / "venv" / f"async-api-{version}"
    python, mark = folder / "bin" / "python", folder / "conformance.stamp"
    stamp = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != stamp:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(wanted)], check=True)
        mark.write_text(stamp)
    install = [str(python), "-m", "pip", "install", "-q", "-e", str(project)]
    subprocess.run(install, check=True)
    return python


def check(python: str | Path, names: list[str], project: Path = PROJECT) -> dict[str, Any]:
    """Run the checks of some extensions with a Python that has them installed.

    Args:
        python: The interpreter.
        names: Such as ``flask-login``.
        project: The working directory.

    Returns:
        By name: how many checks there are, how many passed, and why the others did not.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            *(str(python), "-m", "pytest", "-q", "-p", "asyncflask.flask.pytest_plugin"),
            *("-c", os.devnull, "--rootdir", str(project), "-p", "no:cacheprovider"),
            *("--import-mode=importlib", "-o", "python_files=check_*.py", "-W", "error"),
            *("-W", "default::DeprecationWarning"),  # of the extensions themselves
            *("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"),
            *("--timeout=60", "-o", "junit_family=xunit1", "--junit-xml", str(report)),
            *(str(file_of(name)) for name in names),
        ]
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
        subprocess.run(command, cwd=project, env=environ)
        return read_report(report, names)


def read_report(report: Path, names: list[str]) -> dict[str, Any]:
    """Return the counts of a JUnit report."""
    found: dict[str, Any] = {name: {"passed": 0, "total": 0, "worse": {}} for name in names}
    if not report.exists():
        return found
    for case in ElementTree.parse(report).iter("testcase"):
        module = case.get("classname", "").rpartition(".")[2]
        of = found.get(module.removeprefix("check_").replace("_", "-"))
        if of is None:
            continue
        of["total"] += 1
        trouble = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        if trouble:
            of["worse"][case.get("name")] = (case.find(trouble[0]).get("message") or "")[:200]
        else:
            of["passed"] += 1
    return found


def file_of(name: str) -> Path:
    """Return the file with an extension's checks."""
    return HERE / f"check_{name.replace('-', '_')}.py"


def notes_of(name: str) -> str:
    """Return the differences from code for Flask, from the docstring of the checks."""
    text = ast.get_docstring(ast.parse(file_of(name).read_text())) or ""
    return text.partition("\n")[2].strip()
