from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from asyncflask.config.environment import PREFIXES


@pytest.fixture(autouse=True)
def untouched_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what commands write into the environment, and forget the modules they import."""
    before, modules, path = dict(os.environ), set(sys.modules), list(sys.path)
    for name in before:
        if name.startswith(PREFIXES):
            del os.environ[name]
    monkeypatch.chdir(tmp_path)
    yield
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def untouched_server_logs() -> Iterator[None]:
    """Undo the logging configuration of a command that serves."""
    loggers = [logging.getLogger(name) for name in ("asyncflask.server", "asyncflask.access")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the current directory."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()
