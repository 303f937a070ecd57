"""The page of the embedded server has every setting with its default."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "server.md"


@pytest.mark.parametrize("settings", [Config, Limits])
def test_every_setting_is_there_with_its_default(settings):
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]*)`? \|", PAGE.read_text(), re.MULTILINE))
    fields = {
        field.name: repr(field.default)
        for field in dataclasses.fields(settings)
        if field.name != "limits"
    }

    assert {name: rows.get(name, "").strip() for name in fields} == fields
