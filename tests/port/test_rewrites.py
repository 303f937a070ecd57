"""Single statements, as they are before a port and after it, and what the report says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Port

APP = """\
from quart import Quart, make_response, render_template, request

app = Quart(__name__)

{before}

@app.get("/")
async def index():
    {statement}
    return ""
"""

GUARD = """\
def guarded(view):
    @functools.wraps(view)
    def inner(*args):
        return view(*args)

    return inner
"""

VIEW = """\
app = Flask(__name__)


@app.post("/")
@guarded
def index():
    return request.form["a"]
"""


def ported(port: Port, folder: Path, **files: str) -> tuple[dict[str, str], str]:
    """Return the files after the port to the async API, and the report."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    report = port("--to", "async", "--write", ".").output
    return {name: (folder / f"{name}.py").read_text() for name in files}, report


# -- imports ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from quart import *", "from asyncflask import *"),
        ("from flask.views import *", "from asyncflask.views import *"),
        ("import flask.views", "import asyncflask as flask, asyncflask.views"),
        ("import quart.views as views", "import asyncflask.views as views"),
        (
            "from quart import Markup as M, g",
            "from markupsafe import Markup as M\nfrom asyncflask import g",
        ),
        (
            "from quart.ctx import RequestContext",
            "from asyncflask.ctx import Context as RequestContext",
        ),
    ],
)
def test_an_import_keeps_the_names_that_it_binds(
    before: str, after: str, tmp_path: Path, port: Port
) -> None:
    files, _ = ported(port, tmp_path, app=f"{before}\n")

    assert files["app"] == f"{after}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import quart.nothing", "`quart.nothing` has no counterpart in asyncflask; it was left"),
        ("from flask import nothing", "`flask.nothing` has no counterpart in asyncflask"),
        ("from flask import Markup, g; a = 1", "write it on a line of its own and run again"),
    ],
)
def test_an_import_that_cannot_be_changed_is_left_and_named(
    line: str, said: str, tmp_path: Path, port: Port
) -> None:
    files, report = ported(port, tmp_path, app=f"{line}\n")

    assert files["app"].partition(" import ")[2] == f"{line}\n".partition(" import ")[2]
    assert "  app.py:1: " in report
    assert said in report


# -- a name that a file needs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "imported", "name"),
    [
        pytest.param(
            '"""Guards."""\nfrom __future__ import annotations\n',
            "from __future__ import annotations\nfrom asyncflask import current_app\n",
            "current_app",
            id="nothing of it is imported",
        ),
        pytest.param(
            "from flask import *\n",
            "from asyncflask import *\n",
            "current_app",
            id="everything is imported",
        ),
        pytest.param(
            "from flask import *\nfrom flask import g\n",
            "from asyncflask import g, current_app\n",
            "current_app",
            id="everything and a name are imported",
        ),
        pytest.param(
            "import flask\n", "import asyncflask as flask\n", "flask.current_app", id="module"
        ),
        pytest.param(
            "from flask import current_app as app\n",
            "from asyncflask import current_app as app\n",
            "app",
            id="another name",
        ),
        pytest.param(
            "from flask import (\n    g,\n    request,\n)\n",
            "    g,\n    request,\n    current_app,\n)\n",
            "current_app",
            id="a name a line",
        ),
    ],
)
def test_a_decorator_gets_the_app_however_its_file_imports(
    before: str, imported: str, name: str, tmp_path: Path, port: Port
) -> None:
    view = f"from flask import Flask, request\nfrom guard import guarded\n\n{VIEW}"
    files, _ = ported(port, tmp_path, app=view, guard=f"{before}import functools\n\n\n{GUARD}")

    assert imported in files["guard"]
    assert f"return await {name}.ensure_async(view)(*args)" in files["guard"]


# -- Quart -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('await make_response("")', 'make_response("")'),
        ('await app.send_static_file("a")', 'app.send_static_file("a")'),
        ("await response.freeze()", "response.freeze()"),
        ("await response.data", "response.data"),
        ("await request.get_data()", "await request.get_data()"),
    ],
)
def test_what_needs_no_await_loses_it(before: str, after: str, tmp_path: Path, port: Port) -> None:
    files, _ = ported(port, tmp_path, app=APP.format(before="", statement=before))

    assert f"\n    {after}\n" in files["app"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("await build().freeze()", "`await ….freeze()`: remove `await` if it is a response's"),
        ("render_template('a')", "`render_template(…)` returns at once"),
        ("asyncio.gather(make_response(''))", "`make_response(…)` returns at once"),
        ("client.cookie_jar", "use `client.get_cookie(key)`"),
        ("app.config.from_prefixed_env('QUART_')", "is not read: `FLASK_…` is"),
    ],
)
def test_what_may_have_to_change_is_named(
    statement: str, said: str, tmp_path: Path, port: Port
) -> None:
    _, report = ported(port, tmp_path, app=APP.format(before="", statement=statement))

    assert said in report


@pytest.mark.parametrize(
    "statement",
    [
        'app.config["QUART_ROOM"] = "lobby"',
        'app.config.setdefault("QUART_ROOM", "lobby")',
        "await (await make_response('')).make_conditional(request)",
    ],
)
def test_what_may_stay_is_not_named(statement: str, tmp_path: Path, port: Port) -> None:
    _, report = ported(port, tmp_path, app=APP.format(before="", statement=statement))

    assert "app.py" not in report


@pytest.mark.parametrize(
    "registered", ["@app.template_filter()", "@app.context_processor", '@app.template_test("loud")']
)
def test_a_page_whose_code_is_async_is_named(registered: str, tmp_path: Path, port: Port) -> None:
    """A plain call cannot await what the template uses."""
    before = f"{registered}\nasync def shout(text=''):\n    return {{}}\n"
    statement = 'await render_template("a.html")'
    files, report = ported(port, tmp_path, app=APP.format(before=before, statement=statement))

    assert statement in files["app"]
    assert "`render_template` renders what is `async def`: write" in report


# -- settings of pytest ----------------------------------------------------------------------------

ASYNC_TEST = "async def test_it():\n    pass\n"


@pytest.mark.parametrize(
    ("mode", "is_named"), [("auto", False), ("strict", True)], ids=["auto", "strict"]
)
def test_a_mode_that_the_project_has_chosen_is_kept(
    mode: str, is_named: bool, tmp_path: Path, port: Port
) -> None:
    settings = f"[pytest]\nasyncio_mode = {mode}\n"
    (tmp_path / "pytest.ini").write_text(settings)
    _, report = ported(port, tmp_path, test_app=ASYNC_TEST)

    assert (tmp_path / "pytest.ini").read_text() == settings
    assert ("write `auto`, or mark the `async def` tests" in report) is is_named


WIDE_FIXTURE = (
    "import pytest\n\n\n@pytest.fixture(scope='module')\nasync def db():\n    yield 1\n\n\n"
)


def test_a_fixture_of_several_tests_needs_a_loop_that_lives_as_long(
    tmp_path: Path, port: Port
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    ported(port, tmp_path, test_app=WIDE_FIXTURE + ASYNC_TEST)

    settings = (tmp_path / "pyproject.toml").read_text()
    assert 'asyncio_default_fixture_loop_scope = "session"\n' in settings
    assert 'asyncio_default_test_loop_scope = "session"\n' in settings


def test_a_loop_that_the_project_has_to_choose_is_named(tmp_path: Path, port: Port) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    _, report = ported(port, tmp_path, test_app=WIDE_FIXTURE + ASYNC_TEST)

    assert "write `asyncio_default_fixture_loop_scope = session` and" in report


# -- names of Flask in strings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "is_named"),
    [
        ('patch("flask.url_for")', True),
        ('patch("flask.no_such_name")', False),
        ('import_module("flask")', True),
        ('print("flask")', False),
    ],
)
def test_a_name_of_flask_in_a_string_is_named(
    line: str, is_named: bool, tmp_path: Path, port: Port
) -> None:
    (tmp_path / "test_app.py").write_text(
        f"from importlib import import_module\nfrom unittest.mock import patch\n\n{line}\n"
    )
    report = port("--to", "flask", ".").output

    assert ("test_app.py:4: " in report and 'write "asyncflask.flask' in report) is is_named
