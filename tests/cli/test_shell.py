"""The shell at a terminal: IPython where it is installed, with ``await`` on the app's loop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="a terminal of POSIX")

Write = Callable[[str, str], Path]

APP = """
import asyncio
from asyncflask import Flask
app = Flask("shop")

async def answer():
    await asyncio.sleep(0)
    return "waited " + app.name

app.shell_context_processor(lambda: {"answer": answer})
"""


def test_ipython_takes_await_on_the_command_lines_loop(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    write("app.py", APP)
    ours, theirs = pty.openpty()
    environ = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "IPYTHONDIR": str(tmp_path),
        "TERM": "dumb",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncflask", "shell"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
    )
    os.close(theirs)

    shown = _read_until(ours, "In [1]")
    os.write(ours, b"x = await answer(); print(x.upper())\n")
    shown += _read_until(ours, "WAITED SHOP")
    os.write(ours, b"exit\n")
    process.wait(20)
    os.close(ours)

    assert "App: shop" in shown or "App: app" in shown
    assert process.returncode == 0


def _read_until(terminal: int, text: str) -> str:
    shown, end = "", time.monotonic() + 30
    while text not in shown:
        assert time.monotonic() < end, shown
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
