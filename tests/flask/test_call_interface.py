"""How an app is called, and what may replace ``Flask.__call__``."""

from __future__ import annotations

import functools
import inspect
from unittest import mock

import flask as oracle
import pytest
from werkzeug.test import Client, create_environ, run_wsgi_app

import asyncflask
from asyncflask.flask import Flask, Response, request
from asyncflask.testing import TestApp, TestClient
from asyncflask.testing.asgi_connection import ASGIConnection

seen: list[str] = []
original = Flask.__call__


def wrapper(self, environ, start_response):
    """The wrapper that Sentry puts there."""
    seen.append(environ["PATH_INFO"])
    return original(self, environ, start_response)


def of_any_arguments(self, *args, **kwargs):
    environ, _ = args
    seen.append(environ["PATH_INFO"])
    return original(self, *args, **kwargs)


@functools.wraps(original)
def with_the_signature_of_the_original(self, *args):
    environ, start_response = args
    return wrapper(self, environ, start_response)


def named(self, environ, start_response, **kwargs):
    return wrapper(self, environ, start_response)


class Delegate:
    """A callable object in the place of a function, as wrapt makes them."""

    __wrapped__ = original
    __code__ = original.__code__

    def __get__(self, instance, owner):
        return functools.partial(wrapper, instance)

    def __call__(self, *args):
        return wrapper(*args)


WRAPPERS = [wrapper, of_any_arguments, with_the_signature_of_the_original, named, Delegate()]


@pytest.fixture
def app():
    seen.clear()
    return made(Flask)


def made(cls):
    app = cls("app", static_folder=None)
    app.get("/def")(lambda: request.path)

    @app.get("/async")
    async def view():
        return request.path

    @app.websocket("/ws")
    async def ws():
        await asyncflask.websocket.send("sent")

    app.started = []
    app.before_serving(lambda: app.started.append("startup"))
    return app


async def serve(app):
    """Call an app over WSGI and ASGI, with a websocket, and with a lifespan."""
    assert Client(app, Response).get("/def").text == "/def"
    client = TestClient(app, Response)
    assert (await client.get("/def")).text == "/def"
    assert (await client.get("/async")).text == "/async"
    assert (await client.get("/nowhere")).status_code == 404
    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "sent"
    async with TestApp(app):
        assert app.started == ["startup"]


@pytest.mark.parametrize("replacement", WRAPPERS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_replaced_call_is_wsgis_and_asgi_is_served_through_it(
    app, replacement, monkeypatch
):
    monkeypatch.setattr(Flask, "__call__", replacement)
    await serve(app)

    assert seen == ["/def", "/def", "/async", "/nowhere"]


async def test_a_replacement_that_was_removed_is_not_called(app):
    with mock.patch.object(Flask, "__call__", wrapper):
        pass
    await serve(app)

    assert Flask.__call__ is original
    assert seen == []


@pytest.mark.parametrize("replacement", WRAPPERS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_subclass_may_define_it(replacement):
    seen.clear()
    await serve(made(type("App", (Flask,), {"__call__": replacement})))

    assert seen == ["/def", "/def", "/async", "/nowhere"]


async def test_a_mixin_may_define_it():
    seen.clear()

    class Mixin:
        def __call__(self, environ, start_response):
            seen.append("mixin")
            return super().__call__(environ, start_response)

    class App(Mixin, Flask):
        pass

    class Derived(App):
        def __call__(self, environ, start_response):
            seen.append("derived")
            return super().__call__(environ, start_response)

    await serve(made(Derived))

    assert seen == ["derived", "mixin"] * 4


async def test_a_subclass_may_know_of_both_interfaces():
    calls = []

    class App(Flask):
        def __call__(self, environ, start_response, send=None):
            calls.append("WSGI" if send is None else environ["type"])
            return super().__call__(environ, start_response, send)

    await serve(made(App))

    assert calls == [
        *["WSGI", "http", "WSGI", "http", "WSGI", "http", "WSGI", "websocket", "lifespan"],
    ]


async def test_a_subclass_may_know_of_asgi_alone():
    calls = []

    class App(Flask):
        async def __call__(self, scope, receive, send):
            calls.append(scope["type"])
            await super().__call__(scope, receive, send)

    await serve(made(App))

    assert calls == ["http", "http", "http", "websocket", "lifespan"]


async def test_wrappers_of_wrappers_are_called_in_order(app, monkeypatch):
    inner = Flask.__call__

    def first(self, environ, start_response):
        seen.append("first")
        return inner(self, environ, start_response)

    monkeypatch.setattr(Flask, "__call__", first)
    outer = Flask.__call__

    def second(self, environ, start_response):
        seen.append("second")
        return outer(self, environ, start_response)

    monkeypatch.setattr(Flask, "__call__", second)
    await TestClient(app, Response).get("/def")

    assert seen == ["second", "first"]


@pytest.mark.parametrize("where", ["instance", "subclass", "class"])
async def test_a_replaced_wsgi_app_is_called_on_asgi(where, monkeypatch):
    seen.clear()

    def wsgi_app(self, environ, start_response):
        seen.append(environ["PATH_INFO"])
        return inner(self, environ, start_response)

    inner = Flask.wsgi_app
    cls = type("App", (Flask,), {"wsgi_app": wsgi_app} if where == "subclass" else {})
    app = made(cls)
    if where == "class":
        monkeypatch.setattr(Flask, "wsgi_app", wsgi_app)
    if where == "instance":
        app.wsgi_app = functools.partial(wsgi_app, app)
    await serve(app)

    assert seen == ["/def", "/def", "/async", "/nowhere"]


def scope(path):
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }


@pytest.mark.parametrize("replaced", [False, True])
async def test_an_asgi_2_server_is_answered(app, replaced, monkeypatch):
    """Uvicorn calls an app whose ``__call__`` is a ``def`` function as an ASGI 2 application."""
    if replaced:
        monkeypatch.setattr(Flask, "__call__", wrapper)

    async def asgi_3(scope, receive, send):
        await app(scope)(receive, send)

    async with ASGIConnection(asgi_3, scope("/async")) as connection:
        connection.put({"type": "http.request", "body": b"", "more_body": False})

        assert (await connection.take())["status"] == 200
        assert (await connection.take())["body"] == b"/async"
    assert seen == ["/async"] * replaced


def test_a_call_of_no_interface_says_how_to_serve_the_app(app):
    environ = app.test_request_context("/").request.environ
    with pytest.raises(TypeError, match=r"with one dict.*app\(environ, start_response\)"):
        app(environ)
    with pytest.raises(TypeError, match=r"granian --interface asgi shop:app"):
        app(object(), object())


def test_the_signature_is_flasks():
    assert [*inspect.signature(Flask.__call__).parameters] == [
        *inspect.signature(oracle.Flask.__call__).parameters
    ]
    assert run_wsgi_app(Flask("a"), Flask("a").test_request_context().request.environ)[1] == (
        "404 NOT FOUND"
    )


REFUSED = "refuses its websockets (/live, /chat/<room>)"


@pytest.mark.parametrize(
    ("environ", "warnings"),
    [
        ({"wsgi.multithread": True}, 1),  # hypercorn, which does not name itself
        ({"SERVER_SOFTWARE": "gunicorn/99"}, 1),
        ({"SERVER_SOFTWARE": "Werkzeug/99", "wsgi.multithread": True}, 0),  # `flask run` says it
        ({}, 0),  # a test client
    ],
)
def test_a_wsgi_server_that_refuses_websockets_is_named_once(environ, warnings, caplog):
    app = Flask("shop")
    app.websocket("/live")(lambda: None)
    app.websocket("/chat/<room>", endpoint="chat")(lambda room: None)
    for _ in range(2):
        assert run_wsgi_app(app, create_environ("/") | environ)[1] == "404 NOT FOUND"

    assert [REFUSED in text for text in caplog.messages] == [True] * warnings
    assert ["hypercorn asgi:shop:app" in text for text in caplog.messages] == [True] * warnings


def test_an_app_without_websockets_may_be_called_by_wsgi(caplog):
    app = Flask("shop")
    run_wsgi_app(app, create_environ("/") | {"wsgi.multithread": True})

    assert caplog.messages == []


UPGRADE = {"HTTP_CONNECTION": "Upgrade", "HTTP_UPGRADE": "websocket"}


def app_with_rules_for_websockets(module):
    """An app as Flask-Sock makes it: its views take the socket out of the environ."""
    app = module.Flask("shop", root_path=".")
    blueprint = module.Blueprint("rooms", __name__, url_prefix="/rooms")

    def view(name="all"):
        return f"{name} by {module.request.environ['test.socket']}"

    async def native():
        return view()

    app.route("/live", websocket=True)(view)
    app.route("/page", endpoint="page")(view)
    app.route("/pages/<name>", endpoint="pages")(view)
    app.route("/async", websocket=True)(native)
    blueprint.route("/<name>", websocket=True, endpoint="room")(view)
    app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize(
    "path", ["/live", "/async", "/rooms/tea", "/page", "/pages/2", "/pages/2/", "/nothing"]
)
@pytest.mark.parametrize(
    "upgrade",
    [
        *(UPGRADE, {}, {"HTTP_UPGRADE": "h2c"}, {"HTTP_UPGRADE": "websocket"}),
        {"HTTP_CONNECTION": "keep-alive, Upgrade", "HTTP_UPGRADE": "WebSocket"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_a_wsgi_request_for_a_websocket_gets_the_answer_of_flask(path, upgrade, method):
    answers = []
    for module in (oracle, asyncflask.flask):
        app = app_with_rules_for_websockets(module)
        environ = create_environ(path, method=method) | upgrade | {"test.socket": "hand"}
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        answers.append((status, b"".join(body), sorted(headers.get("Allow", "").split(", "))))

    assert answers[0] == answers[1]


def test_a_websocket_view_is_still_refused_by_wsgi():
    app = Flask("shop")
    app.websocket("/live")(lambda: None)

    assert run_wsgi_app(app, create_environ("/live") | UPGRADE)[1] == "400 BAD REQUEST"


def test_a_wsgi_view_for_websockets_is_not_named_as_refused(caplog):
    app = app_with_rules_for_websockets(asyncflask.flask)
    run_wsgi_app(app, create_environ("/") | {"wsgi.multithread": True})

    assert caplog.messages == []
