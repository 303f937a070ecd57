"""CliRunner: an app's commands, without a shell."""

from __future__ import annotations

import click
import pytest

from asyncflask.app import Flask
from asyncflask.cli import ScriptInfo, with_appcontext
from asyncflask.globals import current_app


def make_app():
    app = Flask("shop")

    @app.cli.command("hello")
    @click.argument("name")
    def hello(name):
        click.echo(f"Hello {name} from {current_app.name}")

    return app


def test_a_command_of_the_app_is_run():
    result = make_app().test_cli_runner().invoke(args=["hello", "Ada"])

    assert result.output == "Hello Ada from shop\n"
    assert result.exit_code == 0


def test_any_command_gets_the_app():
    @click.command()
    @with_appcontext
    def name():
        click.echo(current_app.name)

    result = make_app().test_cli_runner().invoke(name)

    assert result.output == "shop\n"


def test_an_object_that_was_given_is_used_instead():
    @click.command()
    @click.pass_obj
    def show(info):
        click.echo(info.load_app().name)

    other = ScriptInfo(create_app=lambda: Flask("other"))
    result = make_app().test_cli_runner().invoke(show, obj=other)

    assert result.output == "other\n"


def test_options_go_to_clicks_runner():
    runner = make_app().test_cli_runner(env={"NAME": "value"})

    assert runner.make_env()["NAME"] == "value"


def test_arguments_in_the_place_of_the_command_are_refused():
    with pytest.raises(TypeError, match=r"the first is a command\. Write invoke\(args='routes'\)"):
        Flask("shop").test_cli_runner().invoke("routes")
