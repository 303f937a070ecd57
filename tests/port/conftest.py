from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from asyncflask.cli import cli
from tests.conftest import PROJECT

#: What the tool reads and writes: not tests of asyncflask.
collect_ignore = ["golden", "apps"]

Port: TypeAlias = Callable[..., Result]


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


def run_tests(folder: Path, *options: str) -> tuple[int, str]:
    """Run a project's tests in a process of their own.

    Returns:
        How many pass, 0 if others do not; and pytest's output.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "."],
        cwd=folder,
        # Without the plugins of the other tests, which take seconds to import.
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "pytest_asyncio.plugin",
        },
        capture_output=True,
        text=True,
    )
    found = re.search(r"(\d+) passed in", done.stdout)
    passed = int(found[1]) if found is not None and done.returncode == 0 else 0
    return passed, done.stdout + done.stderr
