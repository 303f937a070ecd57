"""The ``flask`` command is ``python -m asyncflask.flask``, or ``asyncflask --as-flask``."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import contextmanager
from importlib.metadata import EntryPoint

import flask.cli
import pytest
from click.testing import CliRunner

from asyncflask.flask import cli as facade
from asyncflask.flask.cli import FlaskGroup, ScriptInfo, run_command, show_server_banner

from .conftest import PROJECT

SHOP = """
import flask

app = flask.Flask(__name__)


@app.get("/")
def index():
    return f"{flask.Flask.__module__}, {flask.request.environ.get('SERVER_SOFTWARE')}"


@app.cli.command()
def kind():
    print(flask.Flask.__module__)
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in [name for name in os.environ if "FLASK" in name]:
        monkeypatch.delenv(name)
    yield
    for name in [name for name in os.environ if "FLASK" in name]:
        del os.environ[name]  # commands write there


@pytest.fixture
def served(monkeypatch):
    """Collect the arguments with which ``run`` calls Werkzeug's server."""
    calls = []
    monkeypatch.setattr(
        facade, "run_simple", lambda *args, **options: calls.append((args, options))
    )
    return calls


def run(app, *args):
    group = FlaskGroup(create_app=lambda: app)
    result = CliRunner().invoke(group, [*args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


# -- run -------------------------------------------------------------------------------------------


def test_the_options_of_run_are_flasks_with_their_defaults():
    theirs = {p.name: (p.secondary_opts, p.default) for p in flask.cli.run_command.params}
    ours = {p.name: (p.secondary_opts, p.default) for p in run_command.params}

    assert {name: ours[name] for name in theirs} == theirs


def test_run_serves_with_werkzeug_as_flask_does(app, served):
    run(app, "run")

    assert served == [
        (
            ("127.0.0.1", 5000, app),
            {
                "use_reloader": False,
                "use_debugger": False,
                "threaded": True,
                "ssl_context": None,
                "extra_files": None,
                "exclude_patterns": None,
            },
        )
    ]


def test_run_passes_its_options_on(app, served):
    run(app, "run", "-h", "::1", "-p", "80", "--without-threads", "--extra-files", "a:b")
    (args, options) = served[0]

    assert args[:2] == ("::1", 80)
    assert (options["threaded"], options["extra_files"]) == (False, ["a", "b"])


@pytest.mark.parametrize(
    ("args", "reloader", "debugger"),
    [
        (["--debug"], True, True),
        (["--debug", "--no-reload"], False, True),
        (["--debug", "--no-debugger"], True, False),
        (["--debugger"], False, True),
    ],
)
def test_debug_mode_turns_reloader_and_debugger_on(app, served, args, reloader, debugger):
    run(app, "run", *args)
    options = served[0][1]

    assert (options["use_reloader"], options["use_debugger"]) == (reloader, debugger)
    assert app.debug == ("--debug" in args)


def test_the_environment_gives_options(app, served, monkeypatch):
    monkeypatch.setenv("FLASK_RUN_PORT", "8000")
    monkeypatch.setenv("FLASK_RUN_WITH_THREADS", "false")
    run(app, "run")

    assert served[0][0][1] == 8000
    assert served[0][1]["threaded"] is False


def test_an_ssl_context_is_passed_on(app, served, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    monkeypatch.setattr(ssl, "made_for_tests", context, raising=False)
    run(app, "run", "--cert", "ssl:made_for_tests")

    assert served[0][1]["ssl_context"] is context


def test_an_app_that_cannot_be_loaded_ends_the_command(served):
    def create_app():
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        run_command.main([], obj=ScriptInfo(create_app=create_app), standalone_mode=False)
    assert not served


def test_in_the_reloader_it_is_served_as_its_error(served, monkeypatch, capsys):
    """The debugger shows the error until an edit fixes it."""
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")

    def create_app():
        raise ValueError("no database")

    run_command.main([], obj=ScriptInfo(create_app=create_app), standalone_mode=False)
    app = served[0][0][2]

    assert "ValueError: no database" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no database"):
        app({}, None)


def test_the_banner_names_flask(capsys):
    show_server_banner(True, "shop")

    assert capsys.readouterr().out == (
        " * Serving Flask app 'shop' on asyncflask\n * Debug mode: on\n"
    )


@pytest.mark.parametrize(("debug", "path"), [(None, "shop"), (True, None)])
def test_a_line_of_the_banner_may_be_omitted(capsys, debug, path):
    show_server_banner(debug, path)

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_child_of_the_reloader_has_no_banner(capsys, monkeypatch):
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    show_server_banner(True, "shop")

    assert capsys.readouterr().out == ""


def test_a_banner_that_was_replaced_is_seen(app, served, monkeypatch, capsys):
    """The usual recipe for silence: ``flask.cli.show_server_banner = lambda *args: None``."""
    monkeypatch.setattr(facade, "show_server_banner", lambda *args: None)
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *args, **options: None)
    run(app, "run")
    del os.environ["FLASK_RUN_FROM_CLI"]
    app.run()

    assert capsys.readouterr().out == ""


WEBSOCKETS = "the app's websockets (/live, /chat/<room>) need an ASGI server"


@pytest.mark.usefixtures("served")
def test_run_says_that_it_serves_no_websockets(app):
    assert "websockets" not in run(app, "run")
    app.websocket("/live")(lambda: None)
    app.websocket("/chat/<room>", endpoint="chat")(lambda room: None)

    assert WEBSOCKETS in run(app, "run")


def test_an_app_that_runs_itself_says_so_too(app, monkeypatch, capsys):
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *args, **options: None)
    app.websocket("/live")(lambda: None)
    app.websocket("/chat/<room>", endpoint="chat")(lambda room: None)
    app.run()

    assert WEBSOCKETS in capsys.readouterr().out


def test_a_child_of_the_reloader_does_not_repeat_it(app, monkeypatch, capsys):
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *args, **options: None)
    app.websocket("/live")(lambda: None)
    app.run()

    assert capsys.readouterr().out == ""


# -- the group -------------------------------------------------------------------------------------


def test_the_commands_are_flasks(app):
    help_page = run(app, "--help")

    assert re.findall(r"^  (routes|run|shell)  ", help_page, re.MULTILINE) == [
        "routes",
        "run",
        "shell",
    ]


def test_version_names_the_version_of_flask(app):
    output = run(app, "--version")

    assert re.search(r"^Flask 3\.1\.3 \(on asyncflask .*\)$", output, re.MULTILINE)
    assert output.startswith("Python 3.")


def test_version_may_be_left_out(app):
    group = FlaskGroup(create_app=lambda: app, add_version_option=False)

    assert "--version" not in [opt for param in group.params for opt in param.opts]


def test_routes_are_listed(app):
    app.get("/x", endpoint="x")(lambda: "")

    assert re.search(r"^x +GET +/x$", run(app, "routes"), re.MULTILINE)


def test_the_installed_command_knows_the_option():
    """It is added above ``asyncflask.cli``, which does not know the app classes."""
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    main = EntryPoint("asyncflask", scripts["asyncflask"], "console_scripts").load()
    options = [opt for param in main.__globals__["cli"].params for opt in param.opts]

    assert options.count("--as-flask") == 1


# -- in processes of their own ---------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "asyncflask.flask", "--app", "shop", "kind"],
        ["-m", "asyncflask", "--as-flask", "--app", "shop", "kind"],
        ["-m", "asyncflask", "--app", "shop", "--as-flask", "kind"],
    ],
    ids=" ".join,
)
def test_an_unchanged_app_gets_the_facade(python, command):
    assert python(*command) == "asyncflask.flask.app"


@pytest.mark.usefixtures("shop")
def test_asyncflask_without_the_option_does_not_replace_flask(python):
    with pytest.raises(AssertionError, match=r"'app' is a flask\.app\.Flask"):
        python("-m", "asyncflask", "--app", "shop", "kind")


@pytest.fixture
def package(tmp_path):
    """A package that imports `flask` and has a command, as Flask-Limiter, installed in a folder."""
    folder = tmp_path / "site"
    metadata = folder / "limits-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: limits\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[flask.commands]\nlimits = limits:show\n")
    (folder / "limits.py").write_text(
        "import click, flask\n\n@click.command()\ndef show():\n    print(flask.Flask.__module__)\n"
    )
    return os.pathsep.join([str(PROJECT), str(folder)])


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("routes", "/static/<path:filename>"),
        ("limits", "asyncflask.flask.app"),
        ("--help", "greet"),
    ],
)
def test_an_app_may_call_install_although_a_package_with_commands_is_installed(
    python, package, tmp_path, command, shown
):
    """The commands of packages are imported after the app, so `install()` comes first."""
    (tmp_path / "app.py").write_text(
        "import asyncflask.flask\n"
        "asyncflask.flask.install()\n"
        "from flask import Flask\n"
        "app = Flask(__name__)\n"
        "app.cli.command('greet')(lambda: None)\n"
    )

    assert shown in python("-m", "asyncflask", "--app", "app", command, PYTHONPATH=package)


@contextmanager
def server(folder, *command):
    """Run a server as a process, and return the URL that it prints."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    log = folder / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=output, cwd=folder, env=environ
        ) as process,
    ):
        try:
            yield _url(log, process)
        finally:
            process.send_signal(signal.SIGINT)


def _url(log, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Running on (http://\S+:\d+)", log.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("command", "software"),
    [
        (["-m", "asyncflask.flask", "--app", "shop", "run", "--port", "0"], "Werkzeug/"),
        (["-m", "asyncflask", "--as-flask", "--app", "shop", "run", "--port", "0"], "None"),
    ],
    ids=["flask run", "asyncflask --as-flask run"],
)
def test_run_answers_requests(tmp_path, command, software):
    """Flask's command by WSGI and Werkzeug, asyncflask's by ASGI and hypercorn."""
    with server(tmp_path, *command) as url:
        text = urllib.request.urlopen(url).read().decode()

    assert text.startswith(f"asyncflask.flask.app, {software}")
