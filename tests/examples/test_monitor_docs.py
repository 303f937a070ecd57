"""The page on monitoring: each of its blocks is a test, and passes.

The tools patch other modules and have global state, so they run in processes of their own.
"""

from __future__ import annotations

import re

import pytest

from .documents import AUTO, PROJECT, QUIET

PAGE = "docs/how-to/monitor.md"
ASYNC, FACADE = "on the async API", "on the facade"
#: What the tools import, most of it Sentry if it is installed.
IMPORTED = (
    "aiohttp",
    "arq.worker",
    "asyncpg",
    "celery.app",
    "sentry_sdk",
    "sqlalchemy.ext.asyncio",
)
TOOLS = ("Sentry", "OpenTelemetry", "Prometheus", "structlog", "Correlation ids")


def blocks():
    """Return the page's blocks by their headings."""
    found = {}
    for part in re.split(r"^### ", (PROJECT / PAGE).read_text(), flags=re.MULTILINE)[1:]:
        (code,) = re.findall(r"^```python\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        found[part.partition("\n")[0]] = code
    return found


def test_each_tool_is_shown_on_both():
    assert set(blocks()) == {f"{tool} {where}" for tool in TOOLS for where in (ASYNC, FACADE)}


@pytest.mark.parametrize(
    ("where", "transport"), [(ASYNC, None), (FACADE, "wsgi"), (FACADE, "asgi")]
)
@pytest.mark.parametrize("tools", [TOOLS[:1], TOOLS[1:]], ids=["Sentry", "others"])
def test_the_blocks_pass(tools, where, transport, tmp_path, run_pytest):
    """Sentry runs alone, because it would report the errors of the other tools' tests."""
    for tool in tools:
        name = re.sub(r"\W", "_", tool.lower())
        (tmp_path / f"test_{name}.py").write_text(blocks()[f"{tool} {where}"])
    plugin = "asyncflask.flask.pytest_plugin" if where == FACADE else ""
    environ = {} if transport is None else {"ASYNCFLASK_TEST_TRANSPORT": transport}

    done = run_pytest(*QUIET, *AUTO, cwd=tmp_path, plugin=plugin, modules=IMPORTED, **environ)

    assert done.returncode == 0, done.stdout
    assert f"{len(tools)} passed" in done.stdout
