"""The how-to's code for the wire client works, and each of its names is explained."""

from __future__ import annotations

import re
import sys

import pytest

from asyncflask.testing import WireClient

from .documents import PROJECT, load, sections

PAGE = "docs/how-to/test.md"


@pytest.fixture
def section():
    return next(section for section in sections(PAGE) if section.title == "On the wire")


async def test_the_tests_of_the_section_pass(section, tmp_path):
    module = load(section, tmp_path)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        await test()
    del sys.modules["documented_app"]

    assert len(tests) == 2


def test_every_name_of_the_client_is_explained():
    text = (PROJECT / PAGE).read_text()
    part = text.partition("## On the wire")[2].partition("\n## ")[0]
    names = {name for name in dir(WireClient) if not name.startswith("_")} - {"patience"}

    assert not names - set(re.findall(r"\w+", part))
