"""The page of the command shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

from .conftest import Port

PAGE = (PROJECT / "docs/how-to/port.md").read_text()
EXAMPLE = re.compile(
    r"This is `(?P<name>[\w.]+)`:\n\n```text\n(?P<code>.*?)```\n\n"
    r"`asyncflask port (?P<args>[^`]+)` prints:\n\n```text\n(?P<output>.*?)```",
    re.DOTALL,
)
EXAMPLES = list(EXAMPLE.finditer(PAGE))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["args"])
def test_an_example_prints_what_the_page_shows(
    example: re.Match[str], tmp_path: Path, port: Port
) -> None:
    (tmp_path / example["name"]).write_text(example["code"])

    assert port(*example["args"].split()).output == example["output"]


def test_each_example_is_tried() -> None:
    assert len(EXAMPLES) == PAGE.count("prints:\n") > 0
