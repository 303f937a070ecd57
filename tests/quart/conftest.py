"""A test that takes `quart` runs on asyncflask's facade, and on the real Quart if it is there."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from asyncflask.config import environment

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _prefixes(monkeypatch):
    """Let the variables that later tests read begin with `QUART_` only if they ask for it."""
    monkeypatch.setattr(environment, "further_prefixes", [])


@pytest.fixture(params=["asyncflask.quart", "quart"])
def quart(request):
    return pytest.importorskip(request.param, reason="the real Quart is not installed")


@pytest.fixture
def module(quart):
    """Import a module of the package: `module("testing.utils")`."""
    return lambda name: importlib.import_module(f"{quart.__name__}.{name}")


@pytest.fixture
def app(quart):
    app = quart.Quart("tests", root_path=str(Path(__file__).parent))
    app.secret_key = "secret"
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def python(tmp_path):
    """Run Python in a process and a folder of its own, and return its output."""

    def python(*args, **environ):
        environ = {
            **{name: value for name, value in os.environ.items() if "QUART" not in name},
            "PYTHONPATH": str(PROJECT),
            **environ,
        }
        done = subprocess.run(
            [sys.executable, *args], capture_output=True, text=True, cwd=tmp_path, env=environ
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return python
