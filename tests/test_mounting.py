"""``app.mount(prefix, other)``: ASGI and WSGI applications below a prefix, sharing the session."""

from __future__ import annotations

import threading

import flask
import pytest

import asyncflask
import asyncflask.flask as facade
from asyncflask import Flask, g, session
from asyncflask.testing import TestApp


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "shared"
    app.testing = True
    app.get("/who")(who)
    return app


async def who():
    return session.get("who", "nobody")


@pytest.fixture
def client(app):
    return app.test_client()


def old_app(module):
    """Return an app of the facade, or of Flask itself, with the same views."""
    old = module.Flask(__name__)
    old.secret_key = "shared"

    @old.get("/")
    def index():
        return f"{module.request.script_root}|{module.request.path}|{module.url_for('index')}"

    @old.route("/login", methods=["POST"])
    def login():
        module.session["who"] = module.request.form["who"]
        return "in"

    @old.get("/who")
    def who():
        return module.session.get("who", "nobody")

    @old.get("/stream")
    def stream():
        return module.Response(str(threading.get_ident()) for _ in range(2))

    return old


@pytest.fixture(params=[facade, flask], ids=["facade", "Flask"])
def mounted(request, app):
    old = old_app(request.param)
    app.mount("/old", old)
    return old


# -- where it answers ------------------------------------------------------------------------------


@pytest.mark.usefixtures("mounted")
async def test_it_sees_the_prefix_as_its_root(client):
    assert (await client.get("/old/")).text == "/old|/|/old/"


@pytest.mark.usefixtures("mounted")
async def test_the_root_of_the_outer_app_is_kept(client):
    answer = await client.get("/old/", base_url="http://localhost/below")

    assert answer.text == "/below/old|/|/below/old/"


@pytest.mark.usefixtures("mounted")
async def test_only_whole_segments_count(client):
    assert (await client.get("/older")).status_code == 404
    assert (await client.get("/who")).text == "nobody"


@pytest.mark.usefixtures("mounted")
async def test_the_prefix_alone_leads_to_the_slash(client):
    answer = await client.get("/old")

    assert answer.status_code == 308
    assert answer.location in ("/old/", "http://localhost/old/")


async def test_the_longest_prefix_wins(app, client):
    app.mount("/a", _answering(b"outer"))
    app.mount("/a/b/", _answering(b"inner"))

    assert (await client.get("/a/x")).data == b"outer"
    assert (await client.get("/a/b/x")).data == b"inner"


def _answering(text):
    async def answering(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    return answering


@pytest.mark.usefixtures("mounted")
async def test_hooks_of_the_outer_app_do_not_run(app, client):
    calls = []
    app.before_request(lambda: calls.append("before"))
    await client.get("/old/")

    assert calls == []


# -- what tracing tools around the outer app see ---------------------------------------------------


async def _route_seen_around(app, path):
    """Return the route that middleware around ``app`` sees, from the start of the answer on."""
    seen, inner = [], app.asgi_app

    async def tracer(scope, receive, send):
        async def note(message):
            if message["type"].endswith("start"):
                seen.append(scope.get("route"))
            await send(message)

        try:
            await inner(scope, receive, note)
        finally:
            seen.append(scope.get("route"))

    app.asgi_app = tracer
    await app.test_client().get(path)
    assert seen[0] is seen[-1]
    return seen[-1]


@pytest.mark.parametrize("module", [facade, asyncflask], ids=["facade", "async API"])
async def test_a_mounted_request_can_be_named_by_its_rule(app, module):
    inner, middle = module.Flask("inner"), Flask("middle")
    inner.add_url_rule("/users/<int:id>", "user", lambda id: str(id))
    middle.mount("/b", inner)
    app.mount("/a", middle)

    route = await _route_seen_around(app, "/a/b/users/1")

    assert (route.path, route.path_format) == ("/a/b/users/<int:id>", "/a/b/users/<int:id>")
    assert str(route) == "/a/b/users/<int:id>"


async def test_a_facade_app_mounted_over_wsgi_can_be_named_by_its_rule(app):
    inner = facade.Flask("inner")
    inner.add_url_rule("/users/<int:id>", "user", lambda id: str(id))
    app.mount("/old", inner, interface="wsgi")

    route = await _route_seen_around(app, "/old/users/1")

    assert route.path_format == "/old/users/<int:id>"


async def test_a_mounted_request_that_fails_has_its_route(app):
    class Route:
        path = path_format = "/fails"

    async def failing(scope, receive, send):
        scope["route"] = Route()
        raise LookupError("here")

    app.mount("/other", failing)
    with pytest.raises(LookupError, match="here"):
        await _route_seen_around(app, "/other/fails")


@pytest.mark.parametrize("path", ["/plain/x", "/old/nowhere"])
@pytest.mark.usefixtures("mounted")
async def test_a_mounted_request_without_a_rule_has_no_route(app, path):
    app.mount("/plain", _answering(b""))

    assert await _route_seen_around(app, path) is None


# -- sessions --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mounted")
async def test_the_session_is_shared_where_secret_and_settings_agree(client):
    await client.post("/old/login", data={"who": "ada"})

    assert (await client.get("/who")).text == "ada"
    assert (await client.get("/old/who")).text == "ada"


async def test_the_session_is_not_shared_under_another_secret(mounted, client):
    mounted.secret_key = "another"
    await client.post("/old/login", data={"who": "ada"})

    assert (await client.get("/who")).text == "nobody"


# -- both interfaces -------------------------------------------------------------------------------


@pytest.mark.usefixtures("mounted")
async def test_a_synchronous_app_runs_off_the_loop(app, client):
    first, second = (await client.get("/old/stream")).text, str(threading.get_ident())

    assert second not in first
    assert app.workers.busy == 0


async def test_an_app_of_the_async_face_is_awaited_with_a_context_of_its_own(app, client):
    other = Flask("tests.other", root_path="/nowhere")

    @other.get("/")
    async def index():
        return f"{'seen' in g}"

    @app.before_request
    async def before():
        g.seen = True

    app.mount("/other", other)

    assert (await client.get("/other/")).text == "False"


async def test_websockets_reach_an_asgi_application_and_no_wsgi_one(app, client):
    other = Flask("tests.other", root_path="/nowhere")

    @other.websocket("/ws")
    async def echo():
        from asyncflask import websocket

        await websocket.send(await websocket.receive())

    app.mount("/other", other)
    app.mount("/old", old_app(flask))

    async with client.websocket("/other/ws") as connection:
        await connection.send("x")
        assert await connection.receive() == "x"
    with pytest.raises(Exception, match="403"):
        async with client.websocket("/old/ws"):
            pass


async def test_middleware_put_around_a_mounted_app_later_is_gone_through(app, client):
    other = facade.Flask("tests.other", root_path="/nowhere")
    app.mount("/other", other)
    inner, paths = other.asgi_app, []

    async def middleware(scope, receive, send):
        paths.append(scope["path"])
        await inner(scope, receive, send)

    other.asgi_app = middleware
    await client.get("/other/x")

    assert paths == ["/other/x"]


async def test_what_a_wsgi_application_raises_is_the_servers(app, client):
    def broken(environ, start_response):
        raise ValueError("broken")

    app.mount("/broken", broken)

    with pytest.raises(ValueError, match="broken"):
        await client.get("/broken/")
    assert app.workers.busy == 0


async def test_a_status_that_is_none_is_refused(app, client):
    def odd(environ, start_response):
        start_response("fine", [])
        return []

    app.mount("/odd", odd)

    with pytest.raises(ValueError, match="'fine', which does not begin with three digits"):
        await client.get("/odd/")


async def test_the_interface_may_be_said(app, client):
    def either(*args):
        args[1]("200 OK", [])
        return [b"wsgi"]

    app.mount("/either", either, interface="wsgi")

    assert (await client.get("/either/")).data == b"wsgi"


async def test_apps_of_ours_are_started_and_shut_down(app):
    log = []
    other = facade.Flask("tests.other", root_path="/nowhere")
    other.before_serving(lambda: log.append("up"))
    other.after_serving(lambda: log.append("down"))
    app.mount("/other", other)

    async with TestApp(app):
        log.append("serving")

    assert log == ["up", "serving", "down"]


async def test_middleware_of_the_outer_app_is_gone_through(app, client):
    seen = []
    inner = app.asgi_app

    async def middleware(scope, receive, send):
        seen.append(scope["path"])
        await inner(scope, receive, send)

    app.mount("/a", _answering(b"x"))
    app.asgi_app = middleware
    await client.get("/a/b")

    assert "/a/b" in seen


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/", "old", "//", "/a//b"])
def test_a_prefix_that_is_none_is_refused(app, prefix):
    with pytest.raises(ValueError, match="begins with a slash and is more than that"):
        app.mount(prefix, flask.Flask("tests.other", root_path="/nowhere"))


@pytest.mark.parametrize("other", [object(), lambda one: None, lambda a, b, c: None])
def test_what_does_not_show_its_interface_is_refused(app, other):
    with pytest.raises(TypeError, match="does not show"):
        app.mount("/other", other)


def test_a_facade_app_has_no_mounts():
    with pytest.raises(RuntimeError, match="DispatcherMiddleware"):
        facade.Flask("tests.other", root_path="/nowhere").mount(
            "/a", flask.Flask("x", root_path="/")
        )
