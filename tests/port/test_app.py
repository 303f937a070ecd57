"""An app of over 1,000 lines: its tests pass before, and ported in each way.

``apps/library`` is written for this test, as a Flask app is: blueprints, class-based views,
decorators around decorators, helpers in other modules, uploads, streams, templates, SQLite.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Port, RunTests

APP = Path(__file__).parent / "apps" / "library"
ASYNC = ["--to", "async"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(APP, tmp_path / "project")


def test_the_app_has_over_a_thousand_lines() -> None:
    assert sum(len(path.read_text().splitlines()) for path in APP.rglob("*.py")) > 1000


LOOP_SCOPE = ["-o", "asyncio_default_fixture_loop_scope=function"]


@pytest.fixture(scope="module")
def passed_before(tmp_path_factory: pytest.TempPathFactory, run_tests: RunTests) -> int:
    """How many tests pass on Flask."""
    passed, output = run_tests(
        shutil.copytree(APP, tmp_path_factory.mktemp("before") / "project"), *LOOP_SCOPE
    )
    assert passed >= 50, output
    return passed


@pytest.mark.parametrize(
    "options",
    [[], ASYNC, [*ASYNC, "--views", "all"]],
    ids=["facade", "async", "all views"],
)
def test_the_tests_pass_before_and_after(
    options: list[str], passed_before: int, project: Path, port: Port, run_tests: RunTests
) -> None:
    port(*options, "--write", "project")

    passed, output = run_tests(project, *LOOP_SCOPE)
    assert passed == passed_before, output
    for path in project.rglob("*.py"):
        assert "from flask" not in path.read_text()
    assert "Nothing to change" in port(*options, "project").output
