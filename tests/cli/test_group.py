from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from asyncflask import Flask, current_app, g
from asyncflask._contextvars import current
from asyncflask.cli import AppGroup, FlaskGroup, ScriptInfo, cli, main, with_appcontext

Write = Callable[[str, str], Path]

APP = """
from asyncflask import Flask, current_app
import click
app = Flask("shop")

@app.cli.command()
@click.option("--count", default=1)
async def greet(count):
    "Greet somebody."
    click.echo(f"{current_app.name} {count} {current_app.debug}")
"""


class Entry:
    """An installed command, as importlib.metadata shows it."""

    def __init__(self, name: str, made: Callable[[], click.Command]) -> None:
        self.name = name
        self.value = f"plugin:{name}"
        self.load = made


@pytest.fixture
def info() -> ScriptInfo:
    return ScriptInfo(create_app=lambda: Flask("shop"))


def test_command_of_an_app_group_has_a_context(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group")

    @group.command()
    def inside() -> None:
        click.echo(current_app.name)

    @group.command(with_appcontext=False)
    def outside() -> None:
        click.echo(str(current()))

    assert runner.invoke(group, ["inside"], obj=info).output == "shop\n"
    assert runner.invoke(group, ["outside"], obj=info).output == "None\n"


def test_async_command_without_context_is_run(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group")

    @group.command("outside", with_appcontext=False)
    @click.pass_context
    async def outside(ctx: click.Context) -> None:
        await asyncio.sleep(0)
        click.echo(f"{ctx.info_name} {current()}")

    assert runner.invoke(group, ["outside"], obj=info).output == "outside None\n"


def test_parentheses_may_be_omitted(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group")

    @group.group
    def sub() -> None:
        """Do something below."""

    @sub.command
    def show() -> None:
        click.echo(current_app.name)

    assert isinstance(sub, AppGroup)
    assert runner.invoke(group, ["sub", "show"], obj=info).output == "shop\n"


def test_group_function_may_be_async(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group")

    @group.group("sub")
    async def sub() -> None:
        await asyncio.sleep(0)
        click.echo("sub")

    @sub.command("show")
    async def show() -> None:
        click.echo("show")

    assert runner.invoke(group, ["sub", "show"], obj=info).output == "sub\nshow\n"


def test_command_made_elsewhere_may_be_async(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group")

    @click.command()
    async def elsewhere() -> None:
        click.echo("ran")

    group.add_command(elsewhere)

    assert runner.invoke(group, ["elsewhere"], obj=info).output == "ran\n"


def test_commands_of_the_app_are_found_and_listed(runner: CliRunner, write: Write) -> None:
    write("app.py", APP)

    assert runner.invoke(cli, ["greet", "--count", "3"]).output == "shop 3 False\n"

    page = runner.invoke(cli, ["--help"]).output

    names = {line.split()[0] for line in page.partition("Commands:\n")[2].splitlines()}
    of_packages = {entry.name for entry in importlib.metadata.entry_points(group="flask.commands")}

    assert names == {"greet", "new", "port", "routes", "run", "shell"} | of_packages
    assert "Greet somebody." in page


def test_help_leaves_no_context_behind(runner: CliRunner, write: Write) -> None:
    write("app.py", APP)

    assert "greet" in runner.invoke(cli, ["--help"]).output
    assert current() is None


@pytest.mark.parametrize("args", [["--app", "hello:app"], ["-A", "hello.py"]])
def test_app_option(runner: CliRunner, write: Write, args: list[str]) -> None:
    write("hello.py", APP)

    assert runner.invoke(cli, [*args, "greet"]).output == "shop 1 False\n"


def test_app_is_named_by_the_environment(
    runner: CliRunner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("hello.py", APP)
    monkeypatch.setenv("FLASK_APP", "nowhere")
    monkeypatch.setenv("ASYNCFLASK_APP", "hello")

    assert runner.invoke(cli, ["greet"]).output == "shop 1 False\n"
    assert "greet" in runner.invoke(cli, ["--help"]).output
    assert "greet" in runner.invoke(cli, []).output


def test_debug_option_reaches_the_factory(runner: CliRunner, write: Write) -> None:
    write("app.py", APP)

    assert runner.invoke(cli, ["--debug", "greet"]).output == "shop 1 True\n"
    assert runner.invoke(cli, ["--no-debug", "greet"]).output == "shop 1 False\n"


def test_the_options_default_does_not_replace_debug_of_the_environment(
    runner: CliRunner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("app.py", APP)
    monkeypatch.setenv("FLASK_DEBUG", "1")

    assert runner.invoke(cli, ["greet"]).output == "shop 1 True\n"


def test_options_of_app_commands_read_flasks_environment_names(
    runner: CliRunner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("app.py", APP)
    monkeypatch.setenv("FLASK_GREET_COUNT", "7")

    assert runner.invoke(cli, ["greet"]).output == "shop 7 False\n"


def test_dotenv_files_name_the_app(runner: CliRunner, write: Write) -> None:
    write("hello.py", APP)
    write(".flaskenv", "FLASK_APP=hello\nFLASK_DEBUG=1")

    assert runner.invoke(cli, ["greet"]).output == "shop 1 True\n"


def test_env_file_wins_over_the_default_files(runner: CliRunner, write: Write) -> None:
    write("hello.py", APP)
    write(".env", "FLASK_APP=nowhere")
    write("given", "FLASK_APP=hello")

    assert runner.invoke(cli, ["-e", "given", "greet"]).output == "shop 1 False\n"


def test_env_file_without_python_dotenv(
    runner: CliRunner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("given", "A=1")
    monkeypatch.setitem(sys.modules, "dotenv", None)

    result = runner.invoke(cli, ["-e", "given", "routes"])

    assert result.exit_code == 2
    assert "pip install python-dotenv" in result.output


def test_dotenv_files_can_be_skipped(
    runner: CliRunner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".env", "LOADED=1")
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")

    runner.invoke(cli, ["routes"])

    assert "LOADED" not in os.environ


def test_missing_app_is_an_error_of_usage(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["greet"])

    assert result.exit_code == 2
    assert "Error: No app was named" in result.output
    assert "No such command 'greet'" in result.output
    assert "Traceback" not in result.output


def test_a_missing_app_that_quart_would_find_is_explained(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUART_APP", "shop:app")

    result = runner.invoke(cli, ["routes"])

    assert "FLASK_APP. QUART_APP='shop:app', which Quart reads, is not read here." in result.output


def test_help_survives_an_app_that_cannot_be_loaded(runner: CliRunner, write: Write) -> None:
    write("app.py", "1/0")

    result = runner.invoke(cli, ["--help"])

    assert result.exit_code == 0
    assert "ZeroDivisionError" in result.output
    assert "Serve the app" in result.output


def test_help_names_a_missing_app(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--help"])

    assert result.exit_code == 0
    assert "Error: No app was named" in result.output


def test_app_run_while_importing_does_not_serve(runner: CliRunner, write: Write) -> None:
    write("app.py", APP + "\napp.run()\n")

    result = runner.invoke(cli, ["greet"])

    assert result.exit_code == 0
    assert result.output.endswith("shop 1 False\n")


def test_parameters_and_the_command_share_a_context(runner: CliRunner) -> None:
    app = Flask("shop")
    group = FlaskGroup(create_app=lambda: app)
    ended: list[str] = []

    def remember(ctx: click.Context, param: click.Parameter, value: str) -> str:
        g.word = value
        return value

    @app.cli.command()
    @click.argument("word", callback=remember)
    async def show(word: str) -> None:
        click.echo(g.word)

    @app.teardown_appcontext
    async def close(error: BaseException | None) -> None:
        ended.append(g.word)

    assert runner.invoke(group, ["show", "kept"]).output == "kept\n"
    assert ended == ["kept"]
    assert current() is None


def test_context_of_another_app_is_not_used(runner: CliRunner) -> None:
    app = Flask("inner")
    group = FlaskGroup(create_app=lambda: app)

    @app.cli.command()
    def show() -> None:
        click.echo(current_app.name)

    with Flask("outer").app_context():
        assert runner.invoke(group, ["show"]).output == "inner\n"
        assert current_app.name == "outer"


def test_context_of_the_same_app_is_used(runner: CliRunner) -> None:
    app = Flask("shop")
    info = ScriptInfo(create_app=lambda: app)

    @app.cli.command()
    def show() -> None:
        click.echo(g.word)

    with app.app_context():
        g.word = "kept"
        assert runner.invoke(FlaskGroup(), ["show"], obj=info).output == "kept\n"


def test_default_commands_and_version_can_be_left_out() -> None:
    group = FlaskGroup(add_default_commands=False, add_version_option=False)

    assert group.commands == {}
    assert "version" not in [param.name for param in group.params]


def test_custom_group_keeps_its_callback_and_parameters(runner: CliRunner) -> None:
    @click.group(
        cls=FlaskGroup, create_app=lambda: Flask("shop"), params=[click.Option(["--loud"])]
    )
    def manage(loud: str) -> None:
        click.echo(f"loud {loud}")

    @manage.command()
    def show() -> None:
        click.echo(current_app.name)

    assert runner.invoke(manage, ["--loud", "yes", "show"]).output == "loud yes\nshop\n"


def test_version_names_the_packages_that_a_bug_report_needs(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--version"])

    names = [line.split()[0] for line in result.output.splitlines()]

    assert names == ["Python", "asyncflask", "Werkzeug", "hypercorn"]


def test_version_in_a_source_tree(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)

    assert "asyncflask (not installed)" in runner.invoke(cli, ["--version"]).output


def entry_points(monkeypatch: pytest.MonkeyPatch, **groups: list[Entry]) -> None:
    def find(*, group: str) -> list[Entry]:
        return groups.get(group.partition(".")[0], [])

    monkeypatch.setattr(importlib.metadata, "entry_points", find)


def command(text: str) -> Callable[[], click.Command]:
    @click.command()
    @with_appcontext
    def show() -> None:
        click.echo(f"{text} {current_app.name}")

    return lambda: show


def test_commands_of_packages_are_found(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups of both frameworks are read, and asyncflask's wins."""
    entry_points(
        monkeypatch,
        flask=[Entry("db", command("flask")), Entry("only", command("flask"))],
        asyncflask=[Entry("db", command("ours"))],
    )
    group = FlaskGroup(create_app=lambda: Flask("shop"))

    assert runner.invoke(group, ["db"]).output == "ours shop\n"
    assert runner.invoke(group, ["only"]).output == "flask shop\n"


def test_a_broken_package_does_not_remove_other_commands(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise ImportError("No module named 'flask'")

    entry_points(monkeypatch, flask=[Entry("bad", broken), Entry("good", command("good"))])
    group = FlaskGroup(create_app=lambda: Flask("shop"))

    result = runner.invoke(group, ["good"])

    # click before 8.2 mixes both streams.
    assert "good shop" in result.output.splitlines()
    assert "'bad' of 'plugin:bad' (flask.commands) could not be loaded" in result.output


def test_a_command_of_a_package_is_imported_after_the_app(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = []

    def create_app() -> Flask:
        imported.append("app")
        return Flask("shop")

    def load() -> click.Command:
        imported.append("package")
        return command("plugin")()

    entry_points(monkeypatch, flask=[Entry("db", load)])
    group = FlaskGroup(create_app=create_app)

    assert runner.invoke(group, ["db"]).output == "plugin shop\n"
    assert imported == ["app", "package"]


def test_an_own_command_imports_no_package(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> click.Command:
        raise AssertionError("imported")

    entry_points(monkeypatch, flask=[Entry("db", load)])

    result = runner.invoke(FlaskGroup(create_app=lambda: Flask("shop")), ["routes"])

    assert "static" in result.output
    assert "db" not in result.output


def test_a_package_may_replace_an_own_command(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_points(monkeypatch, flask=[Entry("routes", command("plugin"))])

    result = runner.invoke(FlaskGroup(create_app=lambda: Flask("shop")), ["routes"])

    assert result.output == "plugin shop\n"


def test_a_command_of_a_package_runs_though_the_app_cannot_be_made(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def new() -> None:
        click.echo("made")

    def create_app() -> Flask:
        raise ValueError("no configuration")

    entry_points(monkeypatch, flask=[Entry("new", lambda: new)])

    assert runner.invoke(FlaskGroup(create_app=create_app), ["new"]).output == "made\n"


def test_main_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["asyncflask", "--version"])

    with pytest.raises(SystemExit, match="0"):
        main()
