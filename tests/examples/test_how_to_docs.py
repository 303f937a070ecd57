"""The how-to pages that show a whole app: their files and tests are run as a reader runs them.

A page's files are written into a folder: each block under a line with a file's name, and each other
Python block as a test module. ``flask`` is the facade there, because some of the pages use
extensions that import it.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from tests.services import postgresql

from .documents import AUTO, BLOCK, PROJECT, QUIET

NAMES = [
    *("authentication", "background-work", "cors", "streaming-and-events", "uploads"),
    *("use-sqlalchemy", "use-websockets", "validation", "write-an-extension"),
]
#: the page whose extension imports ``quart``
QUART_SCHEMA = "docs/how-to/use-quart-schema.md"
PAGES = [*(f"docs/how-to/{name}.md" for name in NAMES), QUART_SCHEMA]
FACADE, QUART = "asyncflask.flask.pytest_plugin", "asyncflask.quart.pytest_plugin"
TEST = re.compile(r"^(async )?def test_", re.MULTILINE)


def files(page):
    """Return the files of a page: those that it names, and each other block of Python."""
    stem = Path(page).stem.replace("-", "_")
    blocks = BLOCK.findall((PROJECT / page).read_text())
    shown = [block for block in blocks if block[0] or block[1] == "python"]
    return {name or f"test_{stem}_{n}.py": code for n, (name, _, code) in enumerate(shown)}


def write(page, folder):
    """Write a page's files into a folder."""
    for name, code in files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)


@pytest.fixture
def run(run_pytest):
    """Write a page's files into a folder, and run pytest there."""

    def run(page, folder, plugin="", **variables):
        write(page, folder)
        options = (*QUIET, *AUTO, "-W", "error")
        imported = ("sqlalchemy.ext.asyncio",) if plugin == FACADE else ()
        done = run_pytest(*options, cwd=folder, plugin=plugin, modules=imported, **variables)
        assert done.returncode == 0, done.stdout

    return run


@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", PAGES)
def test_the_tests_of_a_page_pass(page, tmp_path, run):
    run(page, tmp_path, QUART if page == QUART_SCHEMA else FACADE)


@pytest.mark.timeout(180)
def test_the_tests_of_sqlalchemy_pass_with_postgresql(tmp_path, run):
    # PostgreSQL's own user cannot read a folder of pytest's.
    with tempfile.TemporaryDirectory(prefix="asyncflask-how-to-") as folder:
        server = postgresql(Path(folder))
        server.start()
        try:
            url = server.url.replace("postgresql:", "postgresql+asyncpg:")
            run("docs/how-to/use-sqlalchemy.md", tmp_path, DATABASE_URL=url)
        finally:
            server.kill()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("line", [0, 1, 2])
def test_the_commands_of_the_page_on_extensions_pass(line, tmp_path, run):
    """On Flask itself, and on the facade with each transport."""
    page = "docs/how-to/write-an-extension.md"
    text = (PROJECT / page).read_text()
    commands = re.findall(r"^\$ (?:(\w+)=(\w+) )?python -m pytest(.*)$", text, re.MULTILINE)
    variable, value, options = commands[line]
    plugin = options.removeprefix(" -p ")
    assert " " not in plugin

    run(page, tmp_path, plugin, **({variable: value} if variable else {}))


@pytest.mark.parametrize("page", PAGES)
def test_each_block_of_a_page_is_used(page):
    modules = {name: code for name, code in files(page).items() if name.endswith(".py")}
    tests = {name: code for name, code in modules.items() if name.startswith("test_")}

    assert tests
    assert not [name for name, code in tests.items() if not TEST.search(code)]
    for name in modules.keys() - tests.keys() - {"conftest.py"}:
        imported = rf"^(from|import) {name.removesuffix('.py')}\b"
        assert any(re.search(imported, code, re.MULTILINE) for code in modules.values()), name
