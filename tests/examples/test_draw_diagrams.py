"""Each diagram of a page is drawn for the site."""

from __future__ import annotations

import importlib.util

import pytest

from .documents import PROJECT


@pytest.fixture
def command():
    spec = importlib.util.spec_from_file_location(
        "draw_diagrams", PROJECT / "docs/draw_diagrams.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_diagram_is_drawn_and_no_other(command):
    assert set(command.sources()) == set(command.FOLDER.glob("*.svg")), "run `make diagrams`"


def test_a_drawing_is_a_picture_that_loads_nothing(command):
    for path in command.FOLDER.glob("*.svg"):
        text = path.read_text(encoding="utf-8")

        assert text.startswith("<svg ")
        assert "<script" not in text
        assert "@import" not in text
        assert f'id="diagram-{path.stem}"' in text
