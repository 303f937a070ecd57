"""The page on monitoring: each of its blocks is a test, and passes.

The tools patch other modules and have global state, so they run in processes of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from .documents import FEW_PLUGINS, PROJECT

PAGE = "docs/how-to/monitor.md"
PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
    *("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"),
]
ASYNC, FACADE = "on the async API", "on the facade"
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
def test_the_blocks_pass(tools, where, transport, tmp_path):
    """Sentry runs alone, because it would report the errors of the other tools' tests."""
    for tool in tools:
        name = re.sub(r"\W", "_", tool.lower())
        (tmp_path / f"test_{name}.py").write_text(blocks()[f"{tool} {where}"])
    plugin = ["-p", "asyncflask.flask.pytest_plugin"] if where == FACADE else []
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= FEW_PLUGINS
    if transport is not None:
        environ["ASYNCFLASK_TEST_TRANSPORT"] = transport

    done = subprocess.run(
        [*PYTEST, *plugin], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tools)} passed" in done.stdout
