from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from asyncflask.flask import Flask
from tests.conftest import PROJECT as PROJECT
from tests.conftest import run_python

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
    return partial(run_python, tmp_path, "FLASK")


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
