from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import asyncflask.flask
from asyncflask import Flask, current_app, g
from asyncflask._contextvars import current
from asyncflask.cli import (
    AppGroup,
    FlaskGroup,
    NoAppException,
    ScriptInfo,
    pass_script_info,
    with_appcontext,
)
from asyncflask.cli.context import CommandLoop

Write = Callable[[str, str], Path]
APP = "from asyncflask import Flask\napp = Flask({!r})\ndef make(name): return Flask(name)\n"


@pytest.fixture
def app() -> Flask:
    return Flask("shop")


@pytest.fixture
def info(app: Flask) -> ScriptInfo:
    return ScriptInfo(create_app=lambda: app)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("shop_one.py", "one"),
        ("shop_one", "one"),
        ("shop_one:app", "one"),
        ("shop_one.py:make('two')", "two"),
        ("shop_one:make('a:b')", "a:b"),
    ],
)
def test_app_is_loaded_by_import_path(write: Write, path: str, name: str) -> None:
    write("shop_one.py", APP.format("one"))
    info = ScriptInfo(app_import_path=path)

    assert info.load_app().import_name == name
    assert info.load_app() is info.load_app()


@pytest.mark.parametrize("file", ["wsgi.py", "app.py"])
def test_default_files_are_tried(write: Write, file: str) -> None:
    write(file, APP.format(file))

    assert ScriptInfo().load_app().import_name == file


def test_wsgi_wins_over_app(write: Write) -> None:
    write("wsgi.py", APP.format("wsgi"))
    write("app.py", APP.format("app"))

    assert ScriptInfo().load_app().import_name == "wsgi"


def test_no_app_at_all_says_what_to_do() -> None:
    with pytest.raises(NoAppException, match=r"--app module:name.*FLASK_APP") as error:
        ScriptInfo().load_app()

    assert error.value.exit_code == 2


@pytest.mark.parametrize(("wanted", "debug"), [(True, True), (False, False)])
def test_debug_of_the_environment_is_set_on_the_app(
    monkeypatch: pytest.MonkeyPatch, app: Flask, wanted: bool, debug: bool
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app.debug = False

    ScriptInfo(create_app=lambda: app, set_debug_flag=wanted).load_app()

    assert app.debug is debug


def test_skip_dotenv_reaches_the_script_info(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")

    assert ScriptInfo().load_dotenv_defaults is False


def test_a_function_that_returns_no_app_ends_the_command(runner: CliRunner) -> None:
    def create_shop() -> None:
        Flask("shop")

    with pytest.raises(NoAppException, match=r"create_shop.* returned None .*`return app`"):
        ScriptInfo(create_app=create_shop).load_app()  # type: ignore[arg-type]  # the mistake
    result = runner.invoke(FlaskGroup(create_app=create_shop), ["routes"])  # type: ignore[arg-type]  # the mistake

    assert (result.exit_code, "create_shop" in result.output) == (2, True)


def test_script_info_is_passed_or_made(runner: CliRunner, info: ScriptInfo) -> None:
    @click.command()
    @pass_script_info
    def show(found: ScriptInfo) -> None:
        click.echo(str(found is info))

    assert runner.invoke(show, obj=info).output == "True\n"
    assert runner.invoke(show).output == "False\n"


def test_the_context_ends_with_the_command(runner: CliRunner, info: ScriptInfo) -> None:
    @click.command()
    @with_appcontext
    def show() -> None:
        click.echo(current_app.name)

    assert runner.invoke(show, obj=info).output == "shop\n"
    assert current() is None


def test_a_context_that_is_current_is_used(runner: CliRunner, app: Flask, info: ScriptInfo) -> None:
    @click.command()
    @with_appcontext
    def show() -> None:
        click.echo(g.word)

    with app.app_context():
        g.word = "kept"
        result = runner.invoke(show, obj=info)

        assert result.output == "kept\n"
        assert g.word == "kept"


def test_async_command_runs_in_the_context(runner: CliRunner, info: ScriptInfo) -> None:
    @click.command()
    @click.argument("word")
    @with_appcontext
    async def show(word: str) -> None:
        await asyncio.sleep(0)
        click.echo(f"{current_app.name} {word} {click.get_current_context().info_name}")

    assert runner.invoke(show, ["hi"], obj=info).output == "shop hi show\n"
    assert current() is None


def test_async_command_below_a_decorator_is_run(runner: CliRunner, info: ScriptInfo) -> None:
    @click.command()
    @with_appcontext
    @click.pass_context
    async def show(ctx: click.Context) -> None:
        click.echo(ctx.info_name)

    assert runner.invoke(show, obj=info).output == "show\n"


def test_teardown_runs_once_and_on_the_commands_loop(
    runner: CliRunner, app: Flask, info: ScriptInfo
) -> None:
    loops = []

    @app.teardown_appcontext
    async def close(error: BaseException | None) -> None:
        loops.append((asyncio.get_running_loop(), error, g.get("opened", None)))

    @click.command()
    @with_appcontext
    async def work() -> None:
        g.opened = asyncio.get_running_loop()

    result = runner.invoke(work, obj=info)

    assert result.exit_code == 0
    assert [(loop is opened, error) for loop, error, opened in loops] == [(True, None)]


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
def test_an_async_command_waits_for_its_background_tasks(runner: CliRunner, api: Any) -> None:
    """The command's loop ends with it, and would end the tasks without a word."""
    app = api.Flask(__name__)
    done: list[str] = []

    async def work(name: str) -> None:
        await asyncio.sleep(0.01)
        done.append(name)

    @app.cli.command()
    async def begin() -> None:
        app.add_background_task(work, "task")

    @app.teardown_appcontext
    def end(error: BaseException | None) -> None:
        done.append("teardown")

    result = runner.invoke(begin, obj=ScriptInfo(create_app=lambda: app))

    assert result.exit_code == 0, result.output
    assert done == ["task", "teardown", "teardown"]  # The task has a context of its own.


def test_what_an_async_command_opened_is_closed_in_its_thread(
    runner: CliRunner, app: Flask, info: ScriptInfo
) -> None:
    """A sqlite3 connection in `g` may be used in one thread only."""
    closed = []

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        g.pop("db").close()
        closed.append(True)

    @click.command()
    @with_appcontext
    async def work() -> None:
        g.db = sqlite3.connect(":memory:")

    result = runner.invoke(work, obj=info)

    assert result.exception is None
    assert closed == [True]


def test_context_pushed_by_the_caller_is_not_torn_down(
    runner: CliRunner, app: Flask, info: ScriptInfo
) -> None:
    ended: list[object] = []
    app.teardown_appcontext(ended.append)

    @click.command()
    @with_appcontext
    async def work() -> None:
        g.word = "set"

    with app.app_context():
        runner.invoke(work, obj=info)

        assert ended == []
        assert g.word == "set"
    assert ended == [None]


def test_error_of_an_async_command_passes_through(runner: CliRunner, info: ScriptInfo) -> None:
    @click.command()
    @with_appcontext
    async def fail() -> None:
        raise click.UsageError("no good")

    result = runner.invoke(fail, obj=info)

    assert result.exit_code == 2
    assert "no good" in result.output
    assert current() is None


def test_interrupted_async_command_cleans_up_and_aborts(
    runner: CliRunner, info: ScriptInfo
) -> None:
    """Ctrl-C: `finally` blocks run, and click says "Aborted!"."""

    @click.command()
    @with_appcontext
    async def wait() -> None:
        import signal

        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            click.echo("cleaned up")

    result = runner.invoke(wait, obj=info)

    assert result.exit_code == 1
    assert "cleaned up" in result.output
    assert "Aborted!" in result.output


async def test_async_command_can_be_invoked_where_a_loop_runs(
    runner: CliRunner, app: Flask, info: ScriptInfo
) -> None:
    seen = []

    @app.teardown_appcontext
    async def close(error: BaseException | None) -> None:
        seen.append(threading.current_thread())

    @click.command()
    @with_appcontext
    async def show() -> None:
        seen.append(threading.current_thread())
        click.echo(f"{current_app.name} {click.get_current_context().info_name}")

    result = runner.invoke(show, obj=info)

    assert result.output == "shop show\n"
    assert seen[0] is seen[1] is not threading.current_thread()
    assert not seen[0].is_alive()


def test_commands_of_one_line_share_one_loop(runner: CliRunner, info: ScriptInfo) -> None:
    group = AppGroup("group", chain=True)
    loops = []

    @group.command()
    async def one() -> None:
        loops.append(asyncio.get_running_loop())

    @group.command()
    async def two() -> None:
        loops.append(asyncio.get_running_loop())

    result = runner.invoke(group, ["one", "two"], obj=info)

    assert result.exit_code == 0
    assert loops[0] is loops[1]
    assert loops[0].is_closed()


def test_context_variables_of_the_caller_are_seen() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    loop = CommandLoop()

    async def read() -> str:
        return variable.get()

    variable.set("one")
    assert loop.run(read()) == "one"
    variable.set("two")
    assert loop.run(read()) == "two"
    loop.close()
    assert not loop.started
