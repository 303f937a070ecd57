"""Each folder of ``golden/`` has a project before and after, the options, and the report.

``ASYNCFLASK_WRITE_GOLDEN=1`` writes ``after/`` and ``report.txt``; read the difference then.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Port

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/options.txt"))


def _options(case: str) -> list[str]:
    return (GOLDEN / case / "options.txt").read_text().split()


def _files(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


@pytest.fixture
def project(case: str, tmp_path: Path) -> Path:
    """A copy of the project before."""
    return shutil.copytree(GOLDEN / case / "before", tmp_path / "project")


@pytest.mark.parametrize("case", CASES)
def test_a_project_and_the_report_are_as_in_the_golden_files(
    case: str, project: Path, port: Port
) -> None:
    report = port(*_options(case), "--write", "project").output

    if "ASYNCFLASK_WRITE_GOLDEN" in os.environ:
        shutil.rmtree(GOLDEN / case / "after", ignore_errors=True)
        shutil.copytree(project, GOLDEN / case / "after")
        (GOLDEN / case / "report.txt").write_text(report)
    assert _files(project) == _files(GOLDEN / case / "after")
    assert report == (GOLDEN / case / "report.txt").read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_changes_nothing(case: str, project: Path, port: Port) -> None:
    port(*_options(case), "--write", "project")
    once = _files(project)

    again = port(*_options(case), "--write", "project").output

    assert _files(project) == once
    assert "Nothing to change" in again


@pytest.mark.parametrize("case", CASES)
def test_without_write_no_file_changes(case: str, project: Path, port: Port) -> None:
    before = _files(project)

    shown = port(*_options(case), "project").output

    assert _files(project) == before
    assert "+++ project/" in shown
