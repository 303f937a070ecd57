"""A test that takes `quart` runs on asyncflask's facade, and on the real Quart if it is there."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

import pytest

from asyncflask.config import environment
from tests.conftest import PROJECT as PROJECT
from tests.conftest import run_python


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
    return partial(run_python, tmp_path, "QUART")
