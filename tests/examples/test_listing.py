"""Every example is listed, has a short README, and starts by the command that is shown."""

from __future__ import annotations

import re

import httpx
import pytest

from .documents import PROJECT
from .serving import served

FOLDER = PROJECT / "examples"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
COMMANDS = sorted(path.parent.name for path in FOLDER.glob("*/__main__.py"))


def test_the_page_names_every_example():
    page = (PROJECT / "docs/tutorial/examples.md").read_text()
    listed = re.findall(r"^\| \[\w.*?\]\(../../examples/(\w+)/__init__.py\) \|.*\|$", page, re.M)

    assert sorted(listed) == NAMES
    assert set(re.findall(r"`python -m examples\.(\w+)", page)) == set(COMMANDS)


def test_the_readme_names_every_example():
    listed = re.findall(r"\]\((\w+)/README\.md\)", (FOLDER / "README.md").read_text())

    assert sorted(listed) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_readme_is_short_and_has_the_command(name):
    text = (FOLDER / name / "README.md").read_text()
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", text)

    assert len([line for line in text.splitlines() if line]) <= 18
    command = f"python -m examples.{name}" if name in COMMANDS else "make demo"
    assert f"$ {command}" in text
    assert all((FOLDER / name / link).exists() for link in links)


def test_the_command_serves_the_example():
    with served("-m", "examples.dashboard", "--port", "0") as url:
        assert "<h1>Dashboard</h1>" in httpx.get(f"{url}/", trust_env=False).text


@pytest.mark.parametrize("name", sorted({*COMMANDS} - {"dashboard", "migration"}))
def test_the_other_commands_do_the_same(name):
    """Without a process for each: importing SQLAlchemy takes long."""
    same = (FOLDER / "dashboard/__main__.py").read_text().replace("dashboard", name)

    assert (FOLDER / name / "__main__.py").read_text() == same


def test_the_packages_of_an_example_are_those_that_the_page_names():
    page = (PROJECT / "docs/tutorial/examples.md").read_text()
    named = dict(re.findall(r"^\$ pip install (.+?) +# examples\.(\w+)$", page, re.M))
    shown = {}
    for name in NAMES:
        text = (FOLDER / name / "README.md").read_text()
        for packages in re.findall(r"^\$ pip install (.+)$", text, re.M):
            shown[packages] = name

    assert named == shown
