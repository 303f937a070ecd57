"""The example of a migration: one suite passes after each step, and each step is a small one."""

from __future__ import annotations

import difflib
import shutil
import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise

import httpx
import pytest
import websockets
from click.testing import CliRunner

from asyncflask.cli import cli

# The example's own tests and their fixture, which run here after each step.
from examples.migration.test_notes import *  # noqa: F403

from .documents import PROJECT
from .serving import served

FOLDER = PROJECT / "examples" / "migration"
STEPS = sorted(path.name for path in FOLDER.glob("?-*"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Return a function that serves a step, once for all of its tests."""
    urls = {}
    with ExitStack() as stack:

        def serve(step):
            if step not in urls:
                database = tmp_path_factory.mktemp(step) / "notes.sqlite"
                command = ["-m", "examples.migration", step[0], "--port", "0"]
                urls[step] = stack.enter_context(served(*command, NOTES_DATABASE=str(database)))
            return urls[step]

        yield serve


@pytest.fixture(params=STEPS)
def url(request, servers):
    """The address of the app after each step, for the example's tests."""
    return servers(request.param)


def code(step):
    return (FOLDER / step / "notes.py").read_text()


def test_the_first_step_is_what_the_command_writes(tmp_path, monkeypatch):
    shutil.copy(FOLDER / STEPS[0] / "notes.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # The command sets it; afterwards it is gone.

    result = CliRunner().invoke(cli, ["port", "--write", "notes.py"], catch_exceptions=False)

    assert result.exit_code == 0, result.output
    assert (tmp_path / "notes.py").read_text() == code(STEPS[1])


@pytest.mark.parametrize(("before", "after"), list(pairwise(STEPS)))
def test_a_step_changes_few_lines(before, after):
    diff = difflib.unified_diff(code(before).splitlines(), code(after).splitlines(), n=0)
    changed = [line for line in diff if line[0] in "+-" and line[:3] not in ("+++", "---")]

    assert 0 < len(changed) <= 30, "\n".join(changed)


async def test_the_last_step_sends_new_notes_over_a_websocket(servers):
    url = servers(STEPS[-1])
    address = url.replace("http", "ws", 1) + "/live"
    async with (
        websockets.connect(address, proxy=None) as first,
        websockets.connect(address, proxy=None) as second,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        await client.post("/notes", data={"text": "Hello"})

        assert [await first.recv(), await second.recv()] == ["Hello", "Hello"]


def test_the_command_asks_for_a_step():
    done = subprocess.run(
        [sys.executable, "-m", "examples.migration"], cwd=PROJECT, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "python -m examples.migration {1,2,3,4}" in done.stderr
