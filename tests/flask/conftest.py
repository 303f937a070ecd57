from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from asyncflask.flask import Flask

PROJECT = Path(__file__).parents[2]
BEGIN = "import asyncflask.flask\nasyncflask.flask.install()\n"


@pytest.fixture
def app():
    app = Flask("tests", root_path=str(Path(__file__).parent))
    app.secret_key = "secret"
    app.testing = True
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def python(tmp_path):
    """Run Python in a process and a folder of its own, and return its output."""

    def python(*args, **environ):
        environ = {
            **{name: value for name, value in os.environ.items() if "FLASK" not in name},
            "PYTHONPATH": str(PROJECT),
            **environ,
        }
        done = subprocess.run(
            [sys.executable, *args], capture_output=True, text=True, cwd=tmp_path, env=environ
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return python


def evaluate(questions, *, begin=BEGIN):
    """Answer all ``questions``, expressions by name, in one process that called install()."""
    code = (
        f"{begin}import json as j, sys\nprint(j.dumps([repr(eval(q)) for q in j.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(list(questions)),
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(questions, json.loads(done.stdout), strict=True))
