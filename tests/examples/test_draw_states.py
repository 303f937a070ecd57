"""The page of ASGI messages is up to date, and shows all of the tables."""

from __future__ import annotations

import importlib.util
import re

import pytest

from asyncflask.protocol import asgi_state

from .documents import PROJECT


@pytest.fixture
def command():
    spec = importlib.util.spec_from_file_location("draw_states", PROJECT / "docs/draw_states.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_as_the_tables_are(command):
    assert command.PAGE.read_text() == command.page(), "run `make diagrams`"


def test_every_step_of_every_table_is_drawn(command):
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (.+)$", command.page(), re.MULTILINE))
    tables = asgi_state.TABLES.values()

    assert drawn == {
        (state, after, event)
        for table in tables
        for state, row in table.items()
        for event, after in row.items()
    }
