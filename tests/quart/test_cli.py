"""The ``quart`` command is ``python -m asyncflask.quart``, or ``asyncflask --as-quart``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from .conftest import PROJECT

APP = """
import asyncflask.quart
import quart

app = quart.Quart(__name__)


@app.get("/")
async def index():
    return quart.Quart.__module__


@app.cli.command("kind")
async def kind():
    print(quart.current_app.__class__.__module__, quart.current_app.debug)
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.py").write_text(APP)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "asyncflask.quart", "--app", "shop", "kind"],
        ["-m", "asyncflask", "--as-quart", "--app", "shop", "kind"],
        ["-m", "asyncflask", "--app", "shop", "--as-quart", "kind"],
    ],
)
def test_commands_of_an_app_are_run(python, command):
    assert python(*command) == "asyncflask.quart.app False"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("command", [["asyncflask.quart"], ["asyncflask", "--as-quart"]])
def test_quarts_variables_are_read(python, command):
    answer = python("-m", *command, "kind", QUART_APP="shop", QUART_DEBUG="1")

    assert answer == "asyncflask.quart.app True"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("command", [["asyncflask.quart"], ["asyncflask", "--as-quart"]])
def test_commands_of_quarts_extensions_are_run(tmp_path, python, command):
    (tmp_path / "limits.py").write_text(
        "import click, quart\n@click.command()\ndef show():\n    print(quart.Quart.__module__)\n"
    )
    metadata = tmp_path / "limits-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: limits\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[quart.commands]\nlimits = limits:show\n")

    assert python("-m", *command, "--app", "shop", "limits") == "asyncflask.quart.app"


def test_the_version_is_quarts(python):
    output = python("-m", "asyncflask.quart", "--version")

    assert re.search(r"^Quart 0\.22\.0 \(on asyncflask .*\)$", output, re.MULTILINE)


@contextmanager
def server(folder, *command):
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    log = folder / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=output, cwd=folder, env=environ
        ) as process,
    ):
        try:
            yield url(log, process)
        finally:
            process.terminate()


def url(log, process):
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Running on (http://\S+:\d+)", log.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "asyncflask.quart", "--app", "shop", "run", "--port", "0"],
        ["-m", "asyncflask", "--as-quart", "--app", "shop", "run", "--port", "0"],
    ],
    ids=["quart run", "asyncflask --as-quart run"],
)
def test_run_answers_requests(tmp_path, command):
    with server(tmp_path, *command) as address:
        text = urllib.request.urlopen(address).read().decode()

    assert text == "asyncflask.quart.app"


SUITE = """
import asyncflask.quart
import pytest
import quart


@pytest.fixture
def app():
    app = quart.Quart(__name__)

    @app.get("/<name>")
    async def hello(name):
        return await quart.render_template_string("Hello {{ name }}", name=name)

    return app


async def test_a_request(app):
    assert quart is asyncflask.quart
    response = await app.test_client().get("/Ada")
    assert await response.get_data() == b"Hello Ada"
"""


def test_a_suite_that_imports_quart_runs_on_the_facade(python, tmp_path):
    (tmp_path / "test_shop.py").write_text(SUITE)
    options = ["-q", "-p", "no:cacheprovider", "-p", "asyncio", "-o", "asyncio_mode=auto"]
    plugin = ["-p", "asyncflask.quart.pytest_plugin"]
    # All other plugins take seconds to import.
    output = python("-m", "pytest", *plugin, *options, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert "1 passed" in output


def test_a_quartenv_file_is_read(python, tmp_path):
    pytest.importorskip("dotenv")
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / ".quartenv").write_text("QUART_APP=shop\n")

    assert python("-m", "asyncflask.quart", "kind") == "asyncflask.quart.app False"


# -- in this process -------------------------------------------------------------------------------


@pytest.fixture
def environ(monkeypatch):
    """The environment without the variables that the command reads and writes."""
    for name in ("DEBUG", "SKIP_DOTENV", "RUN_FROM_CLI"):
        for prefix in ("ASYNCFLASK", "FLASK", "QUART"):
            monkeypatch.setenv(f"{prefix}_{name}", "")  # It is restored at the end.
            monkeypatch.delenv(f"{prefix}_{name}")
    return monkeypatch


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (["--host", "0.0.0.0", "--port", "8000"], {"host": "0.0.0.0", "port": 8000}),
        (["--reload"], {"use_reloader": True}),
        (["--debug"], {"debug": True, "use_reloader": True}),
        (["--debug", "--no-reload"], {"debug": True}),
    ],
)
def test_run_calls_the_run_of_an_app_that_has_its_own(quart, module, options, expected):
    class Shop(quart.Quart):
        def run(self, **arguments):
            runs.append(arguments)

    runs = []
    group = module("cli").QuartGroup(create_app=lambda: Shop("shop"))
    result = CliRunner().invoke(group, ["run", *options])

    assert (result.exit_code, result.output) == (0, "")
    assert runs == [
        {
            "debug": False,
            "host": "127.0.0.1",
            "port": 5000,
            "certfile": None,
            "keyfile": None,
            "use_reloader": False,
            **expected,
        }
    ]


@pytest.mark.parametrize(
    ("value", "debug"), [("1", True), ("yes", True), ("0", False), ("no", False), (None, False)]
)
def test_the_flags_of_the_environment_are_read(module, environ, value, debug):
    if value is not None:
        environ.setenv("QUART_DEBUG", value)
        environ.setenv("QUART_SKIP_DOTENV", value)

    assert module("helpers").get_debug_flag() == debug
    assert module("helpers").get_load_dotenv() == (not debug)


def test_the_debug_option_is_kept_in_quarts_variable(module, environ, quart):
    seen = []
    group = module("cli").QuartGroup(create_app=lambda: quart.Quart("shop"))
    group.command("flag")(lambda: seen.append(os.environ.get("QUART_DEBUG")))
    CliRunner().invoke(group, ["--debug", "flag"])

    assert seen == ["1"]
    environ.setenv("QUART_DEBUG", "0")
    assert not module("helpers").get_debug_flag()


def test_a_dotenv_file_that_is_named_is_the_only_one(module, environ, tmp_path):
    environ.chdir(tmp_path)
    environ.setenv("OF_A_FILE", "")
    environ.delenv("OF_A_FILE")
    (tmp_path / ".env").write_text("OF_A_FILE=default")
    (tmp_path / "own.env").write_text("OF_A_FILE=own")

    assert not module("cli").load_dotenv(tmp_path / "missing.env")
    assert "OF_A_FILE" not in os.environ
    assert module("cli").load_dotenv(tmp_path / "own.env")
    assert os.environ["OF_A_FILE"] == "own"
