from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from asyncflask import Flask
from asyncflask.cli import FlaskGroup, cli, run_command, show_server_banner
from asyncflask.cli.broken import broken_app

Write = Callable[[str, str], Path]


def view(**values: Any) -> str:
    return ""


def group_of(app: Flask) -> FlaskGroup:
    return FlaskGroup(create_app=lambda: app)


@pytest.fixture
def app() -> Flask:
    app = Flask("shop", static_folder=None)
    app.route("/b/<int:x>", endpoint="zebra", methods=["GET", "POST"])(view)
    app.route("/c", endpoint="ant", methods=["DELETE"])(view)
    app.websocket("/a", endpoint="mouse")(view)
    return app


def routes(runner: CliRunner, app: Flask, *args: str) -> list[list[str]]:
    result = runner.invoke(group_of(app), ["routes", *args])
    assert result.exit_code == 0, result.output
    return [line.split(maxsplit=1) for line in result.output.splitlines()]


def test_routes_are_a_table(runner: CliRunner, app: Flask) -> None:
    output = runner.invoke(group_of(app), ["routes"]).output

    assert output == (
        "Endpoint  Methods    Rule\n"
        "--------  ---------  ----------\n"
        "ant       DELETE     /c\n"
        "mouse     WS         /a\n"
        "zebra     GET, POST  /b/<int:x>\n"
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("endpoint", ["ant", "mouse", "zebra"]),
        ("methods", ["ant", "zebra", "mouse"]),
        ("rule", ["mouse", "zebra", "ant"]),
        ("match", ["zebra", "ant", "mouse"]),
        ("domain", ["zebra", "ant", "mouse"]),
    ],
)
def test_routes_are_sorted(runner: CliRunner, app: Flask, sort: str, order: list[str]) -> None:
    assert [row[0] for row in routes(runner, app, "--sort", sort)[2:]] == order


def test_all_methods_are_shown_when_asked_for(runner: CliRunner, app: Flask) -> None:
    rows = dict(routes(runner, app, "--all-methods"))

    assert rows["zebra"].startswith("GET, HEAD, OPTIONS, POST")
    assert rows["mouse"].startswith("WS ")


def test_subdomains_get_a_column(runner: CliRunner, app: Flask) -> None:
    app.route("/d", endpoint="sub", subdomain="api")(view)

    rows = dict(routes(runner, app, "-s", "domain"))

    assert rows["Endpoint"].split() == ["Methods", "Subdomain", "Rule"]
    assert rows["sub"].split() == ["GET", "api", "/d"]


def test_hosts_get_a_column(runner: CliRunner) -> None:
    app = Flask("shop", static_folder=None, host_matching=True)
    app.route("/", endpoint="home", host="example.org")(view)

    rows = dict(routes(runner, app))

    assert rows["Endpoint"].split() == ["Methods", "Host", "Rule"]
    assert rows["home"].split() == ["GET", "example.org", "/"]


def test_no_routes(runner: CliRunner) -> None:
    app = Flask("shop", static_folder=None)

    assert runner.invoke(group_of(app), ["routes"]).output == "No routes were registered.\n"


# -- shell -----------------------------------------------------------------------------------------


def shell(runner: CliRunner, app: Flask, *lines: str) -> str:
    result = runner.invoke(group_of(app), ["shell"], input="\n".join([*lines, ""]))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def no_readline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "__interactivehook__", raising=False)


def test_shell_knows_app_and_context(runner: CliRunner, app: Flask) -> None:
    app.shell_context_processor(lambda: {"answer": 42})

    output = shell(runner, app, "g.x = answer", "f'{app.name}-{g.x}'")

    assert "'shop-42'" in output


def test_shell_takes_await(runner: CliRunner, app: Flask) -> None:
    output = shell(
        runner,
        app,
        "import asyncio",
        "x = await asyncio.sleep(0, 'waited')",
        "f'{app.name}-{x}'",
    )

    assert "'shop-waited'" in output


def test_shell_shows_errors_and_goes_on(runner: CliRunner, app: Flask) -> None:
    output = shell(runner, app, "1/0", "'still' + ' here'")

    assert "ZeroDivisionError" in output
    assert "'still here'" in output


def test_exit_ends_the_shell(runner: CliRunner, app: Flask) -> None:
    result = runner.invoke(group_of(app), ["shell"], input="raise SystemExit(3)\n")

    assert result.exit_code == 3


def test_shell_runs_the_startup_file(
    runner: CliRunner, app: Flask, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", str(write("startup.py", "started = 'yes'")))

    assert "'yes!'" in shell(runner, app, "started + '!'")


def test_shell_completes_the_apps_names(
    runner: CliRunner, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    readline = pytest.importorskip("readline")
    called = []
    monkeypatch.setattr(sys, "__interactivehook__", lambda: called.append(1), raising=False)
    before = readline.get_completer()
    app.shell_context_processor(lambda: {"long_name_of_mine": 1})

    shell(runner, app)
    complete = readline.get_completer()
    readline.set_completer(before)

    assert called == [1]
    assert complete("long_na", 0) == "long_name_of_mine"


def test_shell_without_readline(
    runner: CliRunner, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    monkeypatch.setattr(sys, "__interactivehook__", lambda: None, raising=False)

    assert "'shop'" in shell(runner, app, "app.name")


# -- run -------------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments that `run` called the server with."""
    calls: list[dict[str, Any]] = []

    def serve(app: Any, host: str, port: int, **options: Any) -> None:
        calls.append({"app": app, "host": host, "port": port, **options})

    monkeypatch.setattr("asyncflask.cli.serve.serve_locally", serve)
    return calls


def test_run_serves_the_app_at_flasks_address(
    runner: CliRunner, app: Flask, served: list[dict[str, Any]]
) -> None:
    result = runner.invoke(group_of(app), ["run"])

    assert result.exit_code == 0
    assert served[0]["app"] is app
    assert (served[0]["host"], served[0]["port"]) == ("127.0.0.1", 5000)
    assert served[0]["use_reloader"] is False


def test_run_reads_the_environment(
    runner: CliRunner,
    app: Flask,
    served: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLASK_RUN_PORT", "8000")
    monkeypatch.setenv("FLASK_RUN_HOST", "::1")
    monkeypatch.setenv("ASYNCFLASK_RUN_PORT", "9000")

    runner.invoke(group_of(app), ["run"])
    runner.invoke(group_of(app), ["run", "-p", "1"])

    assert [(call["host"], call["port"]) for call in served] == [("::1", 9000), ("::1", 1)]


@pytest.mark.parametrize(
    ("args", "reload", "debug"),
    [
        (["--debug", "run"], True, True),
        (["run", "--debug"], True, True),
        (["run", "--debug", "--no-reload"], False, True),
        (["run", "--reload"], True, False),
        (["run"], False, False),
    ],
)
def test_reloader_follows_debug(
    runner: CliRunner,
    app: Flask,
    served: list[dict[str, Any]],
    args: list[str],
    reload: bool,
    debug: bool,
) -> None:
    result = runner.invoke(group_of(app), args)

    assert served[0]["use_reloader"] is reload
    assert app.debug is debug
    assert f"Debug mode: {'on' if debug else 'off'}" in result.output


def test_run_passes_files_and_certificate_on(
    runner: CliRunner, app: Flask, served: list[dict[str, Any]], write: Write
) -> None:
    file = str(write("file", ""))

    tls = ["--cert", file, "--key", file]
    watch = ["--extra-files", f"{file}:b", "--exclude-patterns", "*.a:*.b"]
    runner.invoke(group_of(app), ["run", *tls, *watch])

    assert (served[0]["certfile"], served[0]["keyfile"]) == (file, file)
    assert served[0]["ssl_context"] is None
    assert served[0]["extra_files"] == [file, "b"]
    assert served[0]["exclude_patterns"] == ["*.a", "*.b"]


def test_port_out_of_range_is_an_error_of_usage(runner: CliRunner) -> None:
    result = runner.invoke(run_command, ["--port", "80000"])

    assert result.exit_code == 2
    assert "80000" in result.output


def test_run_without_an_app_is_an_error_of_usage(
    runner: CliRunner, served: list[dict[str, Any]]
) -> None:
    result = runner.invoke(cli, ["run"])

    assert result.exit_code == 2
    assert "No app was named" in result.output
    assert served == []


def test_a_program_that_cannot_be_loaded_is_an_error_at_the_start_only(
    runner: CliRunner,
    served: list[dict[str, Any]],
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A child of the reloader serves a substitute until the file is corrected."""
    write("app.py", "def")

    assert isinstance(runner.invoke(cli, ["run"]).exception, SyntaxError)

    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    result = runner.invoke(cli, ["run"])

    assert result.exit_code == 0
    assert "SyntaxError" in result.output
    start, body = asyncio.run(messages_of(served[0]["app"], "http"))
    assert start["status"] == 500
    assert b"SyntaxError" in body["body"]


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("http", ["http.response.start", "http.response.body"]),
        ("websocket", ["websocket.close"]),
        ("lifespan", ["lifespan.startup.complete", "lifespan.shutdown.complete"]),
    ],
)
async def test_a_broken_app_answers_every_kind_of_connection(kind: str, answers: list[str]) -> None:
    sent = await messages_of(broken_app(), kind)

    assert [message["type"] for message in sent] == answers


async def test_a_broken_app_shows_the_reason_escaped() -> None:
    start, body = await messages_of(broken_app("SyntaxError: '<b>'"), "http")

    assert start["status"] == 500
    assert b"SyntaxError: &#x27;&lt;b&gt;&#x27;" in body["body"]


async def messages_of(app: Any, kind: str) -> list[Any]:
    """Return the messages that an app sends for a scope type."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": kind}, receive, send)
    return sent


def test_banner_is_silent_in_a_child_of_the_reloader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show_server_banner(True, "shop:app")
    assert "'shop:app'" in capsys.readouterr().out

    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    show_server_banner(True, "shop:app")

    assert capsys.readouterr().out == ""


def test_banner_omits_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    show_server_banner(None, None)
    assert capsys.readouterr().out == ""

    show_server_banner(False, None)
    assert capsys.readouterr().out == " * Debug mode: off\n"
