"""The page of the package's files is up to date, and says what each of them is for."""

from __future__ import annotations

import importlib.util

import pytest

from .documents import PROJECT


@pytest.fixture(scope="module")
def command():
    spec = importlib.util.spec_from_file_location("draw_tree", PROJECT / "docs/draw_tree.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_as_the_files_are(command):
    assert command.PAGE.read_text() == command.page(), "run `make diagrams`"


def test_every_file_says_what_it_is_for(command):
    silent = [path for path in command.PACKAGE.rglob("*.py") if not command.first_line(path)]

    assert not silent
