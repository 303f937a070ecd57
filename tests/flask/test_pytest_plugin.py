"""``pytest -p asyncflask.flask.pytest_plugin`` runs a suite that imports ``flask``, unchanged."""

from __future__ import annotations

import pytest

SUITE = """
import os
import subprocess
import sys

import asyncflask.flask
import flask
import pytest


@pytest.fixture
def client():
    app = flask.Flask(__name__)
    app.add_url_rule("/<name>", view_func=lambda name: f"Hello {name}")
    return app.test_client()


def test_flask_is_ours():
    assert flask is asyncflask.flask


def test_a_request(client):
    assert client.get("/Ada").text == "Hello Ada"


def test_child_processes_are_told():
    assert os.environ["ASYNCFLASK_AS_FLASK"] == sys.executable
"""
OPTIONS = ["-q", "-p", "no:cacheprovider", "-W", "error"]
#: Other plugins take long to import.
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_shop.py").write_text(SUITE)


@pytest.mark.usefixtures("suite")
def test_the_suite_runs_on_the_facade(python):
    output = python("-m", "pytest", "-p", "asyncflask.flask.pytest_plugin", *OPTIONS, **ALONE)

    assert "3 passed" in output


def test_loaded_after_flask_it_says_so(python, tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import flask\npytest_plugins = ['asyncflask.flask.pytest_plugin']\n"
    )

    with pytest.raises(AssertionError, match="Call it first of all"):
        python("-m", "pytest", *OPTIONS, **ALONE)
