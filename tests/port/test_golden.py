"""Each folder of ``golden/`` has a project before and after, the options, and the report.

``ASYNCFLASK_WRITE_GOLDEN=1`` writes ``after/`` and ``report.txt``; read the difference then.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Port, RunTests

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/options.txt"))
#: Cases whose tests pass as they are after the port.
WITH_TESTS = ["all_views", "quart_chat", "test_styles", "unittests", "values"]


def _options(case: str) -> list[str]:
    return (GOLDEN / case / "options.txt").read_text().split()


def _files(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def _copy(case: str, stage: str, folder: Path) -> Path:
    return shutil.copytree(GOLDEN / case / stage, folder / "project")


@pytest.mark.parametrize("case", CASES)
def test_a_project_and_the_report_are_as_in_the_golden_files(
    case: str, tmp_path: Path, port: Port
) -> None:
    project = _copy(case, "before", tmp_path)

    report = port(*_options(case), "--write", "project").output

    if "ASYNCFLASK_WRITE_GOLDEN" in os.environ:
        shutil.rmtree(GOLDEN / case / "after", ignore_errors=True)
        shutil.copytree(project, GOLDEN / case / "after")
        (GOLDEN / case / "report.txt").write_text(report)
    assert _files(project) == _files(GOLDEN / case / "after")
    assert report == (GOLDEN / case / "report.txt").read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_changes_nothing(case: str, tmp_path: Path, port: Port) -> None:
    project = _copy(case, "after", tmp_path)

    again = port(*_options(case), "--write", "project").output

    assert _files(project) == _files(GOLDEN / case / "after")
    assert "Nothing to change" in again


def test_without_write_the_diff_is_shown_and_no_file_changes(tmp_path: Path, port: Port) -> None:
    project = _copy("unittests", "before", tmp_path)
    before = _files(project)

    shown = port("--to", "async", "project").output

    assert _files(project) == before
    assert "+++ project/test_app.py\n" in shown
    assert "\n+    async def test_index(self):\n" in shown


@pytest.mark.parametrize("case", WITH_TESTS)
def test_the_ported_tests_of_a_project_pass(case: str, tmp_path: Path, run_tests: RunTests) -> None:
    passed, output = run_tests(_copy(case, "after", tmp_path))

    assert passed > 0, output
