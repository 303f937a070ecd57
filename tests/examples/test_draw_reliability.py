"""The figures of reliability are those of the recorded results."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from .documents import PROJECT


@pytest.fixture
def command():
    path = PROJECT / "docs/draw_reliability.py"
    spec = importlib.util.spec_from_file_location("draw_reliability", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_page_is_as_the_records_are(command):
    assert command.PAGE.read_text(encoding="utf-8") == command.page(), "run `make diagrams`"


def test_each_figure_has_its_date_and_its_command(command):
    for figure in command.figures():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", figure.date), figure
        assert re.match(r"make \w+|python -m \w+", figure.command), figure
        assert re.search(r"\d", figure.result), figure
