"""The front page of the site, and the table that it shares with README: the ways in."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import pytest

from .documents import PROJECT, blocks

FRONT = "docs/index.md"
TABLE = re.compile(r"^<!-- ways in: .*?-->\n(.*?)^<!-- end of ways in -->$", re.M | re.S)
CODE = re.compile(r"`([^`]+)`")


def rows(document: str) -> list[list[str]]:
    """Return the cells of the table, with links as the front page writes them."""
    (table,) = TABLE.findall((PROJECT / document).read_text())
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[c.strip() for c in line.replace("](docs/", "](")[1:-1].split("|")] for line in lines]


def column(title: str) -> list[str]:
    """Return the code in a column of the table."""
    head, *body = rows(FRONT)
    return [code for row in body for code in CODE.findall(row[head.index(title)])]


def test_readme_has_the_same_table() -> None:
    assert rows("README.md") == rows(FRONT)


def test_the_table_has_the_four_ways() -> None:
    head, *body = rows(FRONT)

    assert head == ["You have", "Import", "Start it with", "Read"]
    assert len(body) >= 4
    assert all("](" in row[-1] for row in body)


@pytest.mark.parametrize("statement", sorted(set(column("Import"))))
def test_the_import_of_a_way_works(statement: str) -> None:
    module, name = re.fullmatch(r"from ([\w.]+) import (\w+)", statement).groups()

    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize("command", sorted(set(column("Start it with"))))
def test_the_command_of_a_way_exists(command: str) -> None:
    program, *options = command.split()
    # In a process of its own: `--as-flask` replaces what is imported.
    result = subprocess.run(
        [sys.executable, "-m", program, *options, "--help"], capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
    assert "Usage: " in result.stdout


def test_it_shows_the_app_of_readme() -> None:
    (front,) = [code for codes in blocks(FRONT).values() for code in codes]
    (readme,) = blocks("README.md")["Start"]

    assert readme.startswith(front.rstrip())
