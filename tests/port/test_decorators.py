"""Decorators of the project around views, and functions that are called through them."""

from __future__ import annotations

from pathlib import Path

from .conftest import Port

APP = """\
import functools
import time
from flask import Flask, request

app = Flask(__name__)


def guarded(view):
    @functools.wraps(view)
    def inner(*args):
        return view(*args)

    return inner


@app.post("/")
@guarded
def index():
    return request.form["a"]


@app.get("/other")
@guarded
def other():
    {other}
    return "other"


@app.get("/both")
def both():
    {both}
    return other()
"""


def ported(port: Port, folder: Path, **bodies: str) -> tuple[str, str]:
    """Return the ported file and the report."""
    path = folder / "app.py"
    path.write_text(APP.format(**{"other": "pass", "both": "pass"} | bodies))
    report = port("--to", "async", "--write", "app.py").output
    return path.read_text(), report


def test_a_view_that_is_called_through_its_decorator_is_awaited(tmp_path: Path, port: Port) -> None:
    code, _ = ported(port, tmp_path)

    assert "async def inner" in code
    assert "return await app" not in code
    assert "return await current_app.ensure_async(view)(*args)" in code
    assert "async def both():\n    pass\n    return await other()" in code


def test_a_decorator_stays_def_around_a_view_that_is_called_by_one_that_blocks(
    tmp_path: Path, port: Port
) -> None:
    code, report = ported(port, tmp_path, both="time.sleep(1)")

    assert "async def" not in code
    assert "`both`: it calls time.sleep" in report
    assert "`index`: its decorator's `guarded.inner` stays `def`" in report


def test_a_view_that_is_called_by_ensure_sync_is_awaited(tmp_path: Path, port: Port) -> None:
    path = tmp_path / "app.py"
    code = APP.replace("return view(*args)", "return app.ensure_sync(view)(*args)")
    path.write_text(code.format(other="pass", both="pass"))

    port("--to", "async", "--write", "app.py")

    assert "async def inner" in path.read_text()
    assert "return await app.ensure_async(view)(*args)" in path.read_text()
    assert "from asyncflask import Flask, request\n" in path.read_text()
