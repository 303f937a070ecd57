"""Methods that a class calls and only its subclasses have."""

from __future__ import annotations

from pathlib import Path

from .conftest import Port

APP = """\
from flask import Flask, request
from flask.views import View


class Page(View):
    def dispatch_request(self):
        return self.render()


class Search(Page):
    def render(self):
        return request.values["q"]


class Help(Page):
    def render(self):
        {help}
        return "help"


app = Flask(__name__)
app.add_url_rule("/search", view_func=Search.as_view("search"))
app.add_url_rule("/help", view_func=Help.as_view("help"))
"""


def test_methods_of_subclasses_change_with_the_call_in_their_base(
    tmp_path: Path, port: Port
) -> None:
    path = tmp_path / "app.py"
    path.write_text(APP.format(help="pass"))

    port("--to", "async", "--write", "app.py")

    assert path.read_text().count("async def render") == 2
    assert "return await self.render()" in path.read_text()


def test_a_method_that_blocks_keeps_those_that_the_same_call_calls(
    tmp_path: Path, port: Port
) -> None:
    path = tmp_path / "app.py"
    path.write_text("import time\n" + APP.format(help="time.sleep(1)"))

    report = port("--to", "async", "--write", "app.py").output

    assert "async def" not in path.read_text()
    assert "`Page.dispatch_request`: it calls time.sleep (app.py:18), which blocks" in report
