"""Blueprints of either API on apps of either API."""

from __future__ import annotations

import flask as oracle
import pytest
from werkzeug.test import Client

import asyncflask
import asyncflask.flask
from asyncflask.flask import Blueprint, Flask, Response, render_template, request
from asyncflask.flask.blueprints import BlueprintSetupState
from asyncflask.flask.sansio.blueprints import Blueprint as SansioBlueprint
from asyncflask.testing import TestClient


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("b {}")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ request.path }}")
    return tmp_path


def make(cls, folder, **options):
    return cls(
        "shop",
        __name__,
        url_prefix="/shop",
        root_path=str(folder),
        static_folder="static",
        template_folder="templates",
        **options,
    )


def test_its_classes_are_flasks():
    assert issubclass(Blueprint, SansioBlueprint)
    assert Blueprint("b", __name__).make_setup_state(Flask("x"), {}).__class__ is (
        BlueprintSetupState
    )


@pytest.mark.parametrize("cls", [Blueprint, asyncflask.Blueprint], ids=["facade", "async"])
def test_static_files_and_templates_are_sent_on_a_facade_app(app, folder, cls):
    blueprint = make(cls, folder)
    blueprint.get("/page")(lambda: render_template("page.html"))
    app.register_blueprint(blueprint)
    client = Client(app, Response)

    with client.get("/shop/static/style.css") as response:
        assert (response.get_data(), response.mimetype) == (b"b {}", "text/css")
    assert client.get("/shop/page").get_data() == b"/shop/page"


async def test_static_files_and_templates_of_a_facade_blueprint_are_sent_on_an_async_app(folder):
    app = asyncflask.Flask(__name__)
    blueprint = make(Blueprint, folder)

    @blueprint.get("/page")
    async def page():
        return render_template("page.html")

    app.register_blueprint(blueprint)
    client = app.test_client()

    assert (await client.get("/shop/static/style.css")).text == "b {}"
    assert (await client.get("/shop/page")).text == "/shop/page"


def test_async_views_of_an_async_blueprint_run_on_a_facade_app(app, client):
    blueprint = asyncflask.Blueprint("shop", __name__)

    @blueprint.before_request
    async def before():
        request.environ["seen"] = "before"

    @blueprint.post("/")
    async def view():
        form = await asyncflask.request.form
        return f"{request.environ['seen']} {form['name']} {request.form['name']}"

    app.register_blueprint(blueprint)

    assert client.post("/", data={"name": "Ada"}).text == "before Ada Ada"


async def test_websockets_of_an_async_blueprint_run_on_a_facade_app(app):
    blueprint = asyncflask.Blueprint("chat", __name__)

    @blueprint.websocket("/echo")
    async def echo():
        await asyncflask.websocket.send(await asyncflask.websocket.receive())

    app.register_blueprint(blueprint)
    client = TestClient(app, Response)

    async with client.websocket("/echo") as websocket:
        await websocket.send("hello")
        assert await websocket.receive() == "hello"


def test_without_a_static_folder_none_can_be_sent():
    with pytest.raises(RuntimeError, match="has no static folder to send 'x' from"):
        Blueprint("b", __name__).send_static_file("x")


def test_the_age_of_static_files_may_be_its_own(app, folder):
    blueprint = make(Blueprint, folder)
    blueprint.get_send_file_max_age = lambda name: 42
    app.register_blueprint(blueprint)

    with app.test_client().get("/shop/static/style.css") as response:
        assert response.cache_control.max_age == 42


@pytest.mark.parametrize("module", [asyncflask.flask, oracle], ids=["facade", "flask"])
def test_a_handler_for_the_app_goes_through_the_apps_own_errorhandler(module):
    """Tools replace the setup methods of an app to wrap the functions that are registered."""
    seen = []

    class App(module.Flask):
        def errorhandler(self, code):
            seen.append(code)
            return super().errorhandler(code)

    app, bp = App("app", static_folder=None), module.Blueprint("bp", "bp")
    bp.app_errorhandler(404)(lambda error: ("nothing here", 404))
    app.register_blueprint(bp)

    assert seen == [404]
    assert app.test_client().get("/").text == "nothing here"
