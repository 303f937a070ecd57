"""The configuration, files beside the app, and commands."""

import asyncio
import json
import os
import tempfile
import tomllib
from pathlib import Path

import click
from quart import Quart, current_app

from .recorded import body


class Settings:
    SHOP = "tea"
    DEBUG = False
    lower = "ignored"


def create_app():
    folder = Path(tempfile.mkdtemp())
    (folder / "static").mkdir()
    (folder / "static" / "style.css").write_text("a {}")
    (folder / "templates").mkdir()
    (folder / "templates" / "page.html").write_text("{{ config.SHOP }}")
    (folder / "settings.toml").write_text('SHOP = "from toml"\n')
    (folder / "settings.json").write_text(json.dumps({"NUMBERS": [1, 2]}))
    (folder / "settings.cfg").write_text("CFG = 1\n")
    (folder / "text.txt").write_text("resource")
    app = Quart(__name__, root_path=str(folder), instance_path=str(folder / "instance"))
    app.config.from_object(Settings)

    @app.cli.command("greet")
    @click.argument("name")
    def greet(name):
        click.echo(f"Hello, {name} {app.config['SHOP']}")

    @app.cli.command("late")
    @click.option("--times", default=1)
    def late(times):
        click.echo("late " * times)

    @app.get("/config")
    async def config():
        return {key: str(current_app.config[key]) for key in ("SHOP", "TESTING", "DEBUG")}

    return app


async def answers(app):
    client = app.test_client()
    yield "object", await body(await client.get("/config"))
    yield "lower", "lower" in app.config
    app.config.from_file("settings.toml", load=tomllib.load, text=False)
    app.config.from_file("settings.json", load=json.load)
    app.config.from_pyfile("settings.cfg")
    yield "files", [app.config["SHOP"], app.config["NUMBERS"], app.config["CFG"]]
    os.environ.update(
        QUART_LIMIT="3", QUART_NAMES='["a"]', QUART_NESTED__KEY="true", SHOP_LIMIT="4"
    )
    app.config.from_prefixed_env()
    yield "environment", [app.config["LIMIT"], app.config["NAMES"], app.config["NESTED"]]
    app.config.from_prefixed_env("SHOP")
    yield "prefix", app.config["LIMIT"]
    yield "namespace", app.config.get_namespace("SHOP")
    app.config.from_mapping({"A": 1, "b": 2}, C=3)
    yield "mapping", [app.config["A"], "b" in app.config, app.config["C"]]
    async with await app.open_resource("text.txt", "r") as file:
        yield "resource", await file.read()
    async with await app.open_resource("text.txt") as file:
        yield "bytes", (await file.read()).decode()
    response = await client.get("/static/style.css")
    yield "static", [await body(response), response.content_type, response.cache_control.max_age]
    yield "no static", (await client.get("/static/none.css")).status_code
    defaults = [
        *("MAX_CONTENT_LENGTH", "BODY_TIMEOUT", "RESPONSE_TIMEOUT", "SEND_FILE_MAX_AGE_DEFAULT"),
        *(
            "BACKGROUND_TASK_SHUTDOWN_TIMEOUT",
            "PREFER_SECURE_URLS",
            "MAX_COOKIE_SIZE",
            "SERVER_NAME",
        ),
        *(
            "SESSION_COOKIE_NAME",
            "PERMANENT_SESSION_LIFETIME",
            "MAX_FORM_PARTS",
            "APPLICATION_ROOT",
        ),
    ]
    yield "defaults", {key: str(app.config[key]) for key in defaults}
    yield "names", [app.name, app.import_name, app.debug, app.testing, app.has_static_folder]
    runner = app.test_cli_runner()
    yield "command", (await asyncio.to_thread(runner.invoke, args=["greet", "ada"])).output
    yield "option", (await asyncio.to_thread(runner.invoke, args=["late", "--times", "2"])).output
