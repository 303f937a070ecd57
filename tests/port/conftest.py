from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from asyncflask.cli import cli

#: What the tool reads and writes: not tests of asyncflask.
collect_ignore = ["golden", "apps"]

Port: TypeAlias = Callable[..., Result]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Port:
    """``asyncflask port``, run in a temporary folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, status: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["port", *args], catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result

    return run
