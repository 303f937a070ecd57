"""The path of a WSGI environ."""

from __future__ import annotations

from typing import ClassVar

import flask as oracle
import pytest
from werkzeug.routing import BaseConverter, Map, Rule, Submount

import asyncflask
from asyncflask import flask
from asyncflask.testing import TestClient
from asyncflask.testing.asgi_connection import ASGIConnection


def answer(module, script_name: str, path_info: str) -> tuple[int, str]:
    """Call an app of Flask or asyncflask with an environ whose paths are passed as they are."""
    app = module.Flask("app")

    @app.route("/")
    @app.route("/<path:path>")
    def view(path: str = "") -> str:
        return f"{path} at {module.request.path}, root {module.url_for('view')}"

    environ = app.test_request_context("/").request.environ
    environ |= {"SCRIPT_NAME": script_name, "PATH_INFO": path_info}
    with app.request_context(environ):
        response = app.full_dispatch_request()
    return response.status_code, response.get_data(as_text=True)


@pytest.mark.parametrize("path_info", ["", "/", "page", "/page", "@evil.test", "?a=b", "a/b"])
@pytest.mark.parametrize("script_name", ["", "/", "/app", "/app/"])
def test_the_path_is_flasks_with_and_without_slashes(script_name, path_info):
    """Test clients omit the first slash of PATH_INFO, and so does gunicorn behind "/app/"."""
    assert answer(flask, script_name, path_info) == answer(oracle, script_name, path_info)


def test_the_test_client_takes_a_path_without_a_slash():
    app = flask.Flask("app")
    app.get("/page")(lambda: "page")

    assert app.test_client().get("page").text == "page"
    assert app.test_client().get("no-page").status_code == 404


@pytest.mark.parametrize(
    ("path", "changed", "status", "text"),
    [
        ("/old", {"PATH_INFO": "/new"}, 200, "GET /new at /new"),
        ("/new", {"SCRIPT_NAME": "/shop"}, 200, "GET /new at /shop/new"),
        ("/new", {"REQUEST_METHOD": "PUT"}, 405, None),
        ("/new", {}, 200, "GET /new at /new"),
    ],
)
@pytest.mark.parametrize("transport", ["wsgi", "asgi"])
async def test_what_the_constructor_of_a_request_class_changes_is_matched(
    transport, path, changed, status, text
):
    class Changing(flask.Request):
        def __init__(self, environ, *args, **kwargs):
            environ.update(changed)
            super().__init__(environ, *args, **kwargs)

    app = flask.Flask("app")
    app.request_class = Changing

    @app.get("/new")
    def new():
        return f"{flask.request.method} {flask.request.path} at {flask.url_for('new')}"

    if transport == "wsgi":
        response = app.test_client().get(path)
    else:
        response = await TestClient(app, asyncflask.Response).get(path)

    assert response.status_code == status
    assert text is None or response.text == text


@pytest.mark.parametrize("root", ["", "/app"])
@pytest.mark.parametrize("target", ["@evil.test", "?a=b", "page"])
async def test_an_asgi_request_without_a_path_is_refused(root, target):
    """CVE-2026-54282: `@evil.test` is no path below this host."""
    app = flask.Flask("app")
    app.get("/<path:path>")(lambda path: path)
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": target,
        "root_path": root,
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 80),
    }
    async with ASGIConnection(app.asgi_app, scope) as connection:
        connection.put({"type": "http.request", "body": b"", "more_body": False})

        assert (await connection.take())["status"] == 400


# -- maps that are not asyncflask's ----------------------------------------------------------------

both = pytest.mark.parametrize("module", [flask, oracle], ids=["facade", "flask"])


class Digits(BaseConverter):
    regex = "[0-9]+"


def lower_the_path(self, environ, *args, **kwargs):
    """A map of an app may override ``bind_to_environ``."""
    adapter = Map.bind_to_environ(self, environ, *args, **kwargs)
    adapter.path_info = adapter.path_info.lower()
    return adapter


def answers(app, *paths, **kwargs):
    client = app.test_client()
    found = (client.get(path, **kwargs) for path in paths)
    return [(answer.status_code, answer.status_code == 200 and answer.text) for answer in found]


@both
def test_a_map_of_werkzeugs_may_be_assigned(module):
    app = module.Flask("app", static_folder=None)
    app.url_map = Map(strict_slashes=False)
    app.url_map.converters["digits"] = Digits
    app.add_url_rule("/a/<digits:n>", "a", lambda n: f"n={n} {module.url_for('a', n=n)}")

    assert answers(app, "/a/12", "/a/12/", "/a/x", "/b") == [
        (200, "n=12 /a/12"),
        (200, "n=12 /a/12"),
        (404, False),
        (404, False),
    ]
    assert app.test_client().post("/a/12").status_code == 405
    assert set(app.test_client().options("/a/12").allow) == {"HEAD", "GET", "OPTIONS"}


@both
def test_a_map_may_be_assigned_after_the_first_request(module):
    app = module.Flask("app", static_folder=None)
    app.add_url_rule("/old", "view", lambda: "seen")
    before = answers(app, "/old", "/new")
    app.url_map = Map([Rule("/new", endpoint="view")])

    assert before == [(200, "seen"), (404, False)]
    assert answers(app, "/old", "/new") == [(404, False), (200, "seen")]

    app.url_map = module.Flask.url_map_class([module.Flask.url_rule_class("/x", endpoint="view")])

    assert answers(app, "/new", "/x") == [(404, False), (200, "seen")]


@both
@pytest.mark.parametrize("base", ["werkzeug", "own"])
def test_the_apps_class_of_maps_may_have_its_own_way_of_matching(module, base):
    class Lowering(Map if base == "werkzeug" else module.Flask.url_map_class):
        bind_to_environ = lower_the_path

    class App(module.Flask):
        url_map_class = Lowering

    app = App("app", static_folder=None)
    app.add_url_rule("/page", "page", lambda: module.request.path)

    assert answers(app, "/PAGE", "/page") == [(200, "/PAGE"), (200, "/page")]


@both
def test_a_map_may_be_a_property_that_chooses_one_for_each_request(module):
    class App(module.Flask):
        maps: ClassVar = {"a": Map([Rule("/", endpoint="a")]), "b": Map([Rule("/", endpoint="b")])}
        tenant = "a"

        @property
        def url_map(self):
            return self.maps[self.tenant]

        @url_map.setter
        def url_map(self, value):
            pass

    app = App("app", static_folder=None)
    app.view_functions.update(a=lambda: "a", b=lambda: "b")
    seen = answers(app, "/")
    app.tenant = "b"

    assert (seen, answers(app, "/")) == ([(200, "a")], [(200, "b")])


@both
def test_werkzeugs_rules_and_hosts_are_matched(module):
    app = module.Flask("app", static_folder=None)
    app.url_map = Map(host_matching=True)
    app.url_map.add(Rule("/", endpoint="ada", host="ada.test", methods=["GET"]))
    app.url_map.add(Submount("/sub", [Rule("/<int:n>", endpoint="n", host="<name>.test")]))
    app.view_functions.update(ada=lambda: "ada", n=lambda n, name: f"{n} of {name}")

    assert answers(app, "/", "/sub/1", base_url="http://ada.test") == [
        (200, "ada"),
        (200, "1 of ada"),
    ]
    assert answers(app, "/", "/sub/1", base_url="http://bob.test") == [
        (404, False),
        (200, "1 of bob"),
    ]


@both
@pytest.mark.parametrize("base", ["werkzeug", "own"])
def test_the_apps_class_of_rules_may_be_derived_from_either(module, base):
    class Rules(Rule if base == "werkzeug" else module.Flask.url_rule_class):
        def get_converter(self, name, converter, args, kwargs):
            return super().get_converter(name, "int" if name == "id" else converter, args, kwargs)

    class App(module.Flask):
        url_rule_class = Rules

    app = App("app", static_folder=None)
    app.add_url_rule("/<id>", "show", lambda id: f"{id + 1}")

    assert answers(app, "/41", "/x") == [(200, "42"), (404, False)]
    assert app.test_client().options("/1").status_code == 200


@pytest.mark.parametrize("given", ["assigned", "class"])
async def test_the_async_api_takes_a_map_of_werkzeugs_too(given):
    class App(asyncflask.Flask):
        url_map_class = Map

    app = App("app", static_folder=None) if given == "class" else asyncflask.Flask("app")
    app.url_map = app.url_map if given == "class" else Map()

    @app.get("/a/<int:n>")
    async def on_loop(n):
        return f"n={n} {asyncflask.url_for('on_loop', n=n)}"

    @app.get("/b/<int:n>")
    def in_worker(n):
        return f"n={n} {asyncflask.request.path}"

    @app.websocket("/ws/<name>")
    async def greet(name):
        await asyncflask.websocket.send(f"Hello {name}")

    client = app.test_client()

    assert (await client.get("/a/1")).text == "n=1 /a/1"
    assert (await client.get("/b/1")).text == "n=1 /b/1"
    assert (await client.get("/a/x")).status_code == 404
    assert (await client.post("/a/1")).status_code == 405
    async with client.websocket("/ws/Ada") as connection:
        assert await connection.receive() == "Hello Ada"


async def test_a_facade_app_with_werkzeugs_map_serves_asgi():
    app = flask.Flask("app")
    app.url_map = Map()
    app.get("/a/<int:n>")(lambda n: f"n={n}")
    client = TestClient(app, app.response_class)

    assert (await client.get("/a/1")).text == "n=1"
    assert (await client.get("/a/x")).status_code == 404
