from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from asyncflask.cli import cli
from tests.forks import runner

#: What the tool reads and writes: not tests of asyncflask.
collect_ignore = ["golden", "apps"]

Port: TypeAlias = Callable[..., Result]
RunTests: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Port:
    """``asyncflask port``, run in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    # The command group sets it, as Flask's does; afterwards it is as it was.
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")

    def run(*args: str, status: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["port", *args], catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture(scope="session")
def run_tests() -> Iterator[RunTests]:
    """Run a project's tests in a process of its own.

    It returns how many pass, 0 if others do not; and pytest's output.
    """
    with runner("pytest_asyncio.plugin") as run_pytest:

        def run(folder: Path, *options: str) -> tuple[int, str]:
            done = run_pytest("-q", "-p", "no:cacheprovider", *options, ".", cwd=folder)
            found = re.search(r"(\d+) passed in", done.stdout)
            passed = int(found[1]) if found is not None and done.returncode == 0 else 0
            return passed, done.stdout

        yield run
