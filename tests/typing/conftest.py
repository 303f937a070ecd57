"""What mypy and pyright say about code that a user writes, one process of each for all files.

The files are the probes beside this one, the Python of README and quickstart, the examples, a
``reveal_type`` of each name that Flask's own types know (:mod:`revealed`), and subclasses with the
signatures that Flask and Quart have (:mod:`overridden`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

#: The folders of what is checked.
CHECKED = ("probes", "documents", "revealed", "overridden", "examples")
#: README and quickstart show functions without annotations; all else of `--strict` holds for them.
MYPY = """\
[mypy]
strict = True
python_version = 3.11

[mypy-documents.*,examples.*]
disallow_untyped_defs = False
disallow_incomplete_defs = False
disallow_untyped_calls = False
disallow_untyped_decorators = False
disallow_subclassing_any = False

[mypy-flask_login.*,flask_smorest.*,flask_wtf.*,wtforms.*]
ignore_missing_imports = True

# The types of extensions name the classes of Flask itself.
[mypy-examples.extensions.*]
ignore_errors = True

# Quart's types name files of this package.
[mypy-aiofiles.*]
ignore_missing_imports = True

[mypy-probes.marked]
enable_error_code = deprecated
"""
PYRIGHT = {
    "include": ["probes", "documents", "examples"],
    # The types of extensions name the classes of Flask itself, and flask-smorest has none.
    "exclude": ["revealed", "overridden", "examples/extensions", "examples/api/books.py"],
    "typeCheckingMode": "standard",
    "pythonVersion": "3.11",
    "reportDeprecated": "none",
    "executionEnvironments": [
        {"root": ".", "extraPaths": [str(PROJECT)]},
    ],
}


@dataclass
class Findings:
    """What one checker found: per file and line, the names of its rules; and notes' texts."""

    errors: dict[str, dict[int, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    notes: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    texts: list[str] = field(default_factory=list)

    def of(self, file: str) -> str:
        """The errors of a file or folder, one a line; empty if there are none."""
        return "\n".join(text for text in self.texts if text.startswith(file))


def _missing(module: str) -> None:
    reason = f"{module} is not installed: pip install -r requirements/dev.txt"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that is checked."""
    # Imported here: pytest imports a conftest.py by its path, not as part of a package.
    documents = _load(HERE.parent / "examples" / "documents.py")
    revealed = _load(HERE / "revealed.py")
    folder = tmp_path_factory.mktemp("typing")
    shutil.copytree(HERE / "probes", folder / "probes")
    shutil.copytree(PROJECT / "examples", folder / "examples")
    (folder / "documents").mkdir()
    for document in ("README.md", "docs/tutorial/quickstart.md", "docs/reference/typing.md"):
        for number, section in enumerate(documents.sections(document)):
            name = f"{Path(document).stem}_{number}.py".lower()
            (folder / "documents" / name).write_text(section.python)
    (folder / "revealed").mkdir()
    for package in revealed.PACKAGES:
        path = folder / "revealed" / f"{package.replace('.', '_')}.py"
        path.write_text(revealed.module_of(package))
    overridden = _load(HERE / "overridden.py")
    (folder / "overridden").mkdir()
    for package in overridden.FACADES:
        for name, text in overridden.all_stubs(package).items():
            (folder / "overridden" / name).write_text(text)
    for name in ("probes", "documents", "revealed", "overridden"):
        (folder / name / "__init__.py").touch()
    (folder / "mypy.ini").write_text(MYPY)
    (folder / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    return folder


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(f"typing_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there.
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def mypy(code: Path) -> Findings:
    """What ``mypy --strict`` says."""
    if importlib.util.find_spec("mypy") is None:
        _missing("mypy")
    packages = [f"-p{name}" for name in CHECKED]
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", *packages]
    command += ["--cache-dir", str(PROJECT / ".mypy_cache"), "--show-error-codes"]
    done = subprocess.run(
        command,
        cwd=code,
        # The copies come first: PROJECT has a folder `examples` as well.
        env={**os.environ, "MYPYPATH": f"{code}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = Findings()
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(\S+\.pyi?):(\d+): (error|note): (.*?)(?:  \[([\w-]+)\])?", line)
        if match is None:
            continue
        file, number, kind, text, rule = match.groups()
        # mypy's cache has the paths of an earlier run.
        file = re.sub(rf"^.*?(?=(?:{'|'.join(CHECKED)})/)", "", file)
        if kind == "note":
            found.notes[file].setdefault(int(number), text)
        else:
            found.texts.append(f"{file}:{number}: {text} [{rule}]")
            found.errors[file].setdefault(int(number), []).append(rule)
    return found


@pytest.fixture(scope="session")
def pyright(code: Path) -> Findings:
    """What pyright says in its standard mode. PyPI's basedpyright has it, and its own Node.js."""
    if importlib.util.find_spec("basedpyright") is None:
        _missing("basedpyright")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", str(code)]
    command += ["--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=code, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = Findings()
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] != "error":
            continue
        file = str(Path(each["file"]).resolve().relative_to(code.resolve()))
        number = each["range"]["start"]["line"] + 1
        rule = each.get("rule", "syntax")
        found.texts.append(f"{file}:{number}: {each['message']} [{rule}]")
        found.errors[file].setdefault(number, []).append(rule)
    return found
