"""The page on databases: each of its blocks is a test module, on the facade and on the async API.

Flask-SQLAlchemy imports ``flask``, so the modules run in a process where that is the facade.
"""

from __future__ import annotations

import re

import pytest

from .documents import AUTO, BLOCK, PROJECT, QUIET

PAGE = "docs/how-to/use-flask-sqlalchemy.md"
FLASK = re.compile(r"^from flask import", re.MULTILINE)
TEST = re.compile(r"^(async )?def test_", re.MULTILINE)
#: Close the connections in the apps' pools, which would be a warning at the end.
CONFTEST = """
import pytest
import sqlalchemy

engines = set()
sqlalchemy.event.listen(
    sqlalchemy.Engine, "engine_connect", lambda connection: engines.add(connection.engine)
)


@pytest.fixture(scope="session", autouse=True)
def closed_engines():
    yield
    for engine in engines:
        if not engine.dialect.is_async:
            engine.dispose()
"""


def modules():
    """Return the page's Python by files: the files that it names, and each block with tests."""
    page = BLOCK.findall((PROJECT / PAGE).read_text())
    found = [(name, code) for name, language, code in page if language == "python"]
    return {name or f"test_{number}.py": code for number, (name, code) in enumerate(found)}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("api", ["asyncflask.flask", "asyncflask"])
def test_the_blocks_pass(api, tmp_path, run_pytest):
    for name, code in {**modules(), "conftest.py": CONFTEST}.items():
        (tmp_path / name).write_text(FLASK.sub(f"from {api} import", code))

    options = (*QUIET, *AUTO, "-W", "error")
    plugin = "asyncflask.flask.pytest_plugin"
    imported = ("flask_sqlalchemy", "sqlalchemy.ext.asyncio")
    done = run_pytest(*options, cwd=tmp_path, plugin=plugin, modules=imported)

    assert done.returncode == 0, done.stdout


def test_each_block_has_a_test():
    codes = {name: code for name, code in modules().items() if name.startswith("test_")}

    assert len(codes) > 10
    assert not [name for name, code in codes.items() if not TEST.search(code)]
