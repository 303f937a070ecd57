"""``app.mount(prefix, other)``: ASGI and WSGI applications below a prefix, sharing the session."""

from __future__ import annotations

import asyncio
import functools
import threading

import flask
import pytest

import asyncflask
import asyncflask.flask as facade
from asyncflask import Flask, _contextvars, g, session, websocket
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


# -- paths -----------------------------------------------------------------------------------------


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


@pytest.fixture(params=["async", "facade", "Flask", "asgi", "wsgi"])
def any_app(request):
    """An application of each kind that may be mounted."""
    if request.param == "async":
        other = Flask("tests.other")
        other.add_url_rule("/", "index", lambda: "index", methods=["GET", "POST"])
        return other
    if request.param in ("facade", "Flask"):
        return old_app({"facade": facade, "Flask": flask}[request.param])
    return _answering(b"asgi") if request.param == "asgi" else _wsgi_answer


def _wsgi_answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"wsgi"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_the_prefix_alone_leads_to_the_slash(app, client, any_app, method):
    app.mount("/old", any_app)

    answer = await client.open("/old?a=b&c=%C3%A9", method=method, data=b"x" * 100_000)

    assert (answer.status_code, answer.location) == (308, "/old/?a=b&c=%C3%A9")
    assert ("/old/" in answer.text) == (method != "HEAD")
    assert (await client.get("/old/")).status_code == 200


async def test_the_redirect_of_a_mount_keeps_the_root_of_the_outer_app(app, client, any_app):
    app.mount("/sh op", any_app)

    answer = await client.get("/sh%20op", base_url="http://localhost/below", data=b"x")

    assert answer.location == "/below/sh%20op/"


async def test_the_redirect_of_a_mount_does_not_ask_for_the_host(app, client, any_app):
    app.mount("/old", any_app)

    answer = await client.get("/old", headers={"Host": "my_app"}, scope_base={"root_path": "//x"})

    assert answer.location == "/x/old/"


async def test_a_mount_inside_a_mount_is_redirected_too(app, client, any_app):
    middle = Flask("tests.middle")
    middle.mount("/inner", any_app)
    app.mount("/outer", middle)

    assert (await client.get("/outer/inner")).location == "/outer/inner/"


async def test_a_websocket_at_the_prefix_is_not_redirected(app, client):
    other = Flask("tests.other")

    @other.websocket("/")
    async def echo():
        await websocket.send(websocket.root_path)

    app.mount("/ws", other)

    async with client.websocket("/ws/") as connection:
        assert await connection.receive() == "/ws"


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
    """Return the route that middleware around ``app`` sees when the response starts."""
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
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def test_an_app_of_the_async_api_is_awaited_with_a_context_of_its_own(app, client):
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


async def test_middleware_put_around_a_mounted_app_later_is_called(app, client):
    other = facade.Flask("tests.other", root_path="/nowhere")
    app.mount("/other", other)
    inner, paths = other.asgi_app, []

    async def middleware(scope, receive, send):
        paths.append(scope["path"])
        await inner(scope, receive, send)

    other.asgi_app = middleware
    await client.get("/other/x")

    assert paths == ["/other/x"]


async def test_an_exception_of_a_wsgi_application_reaches_the_server(app, client):
    def broken(environ, start_response):
        raise ValueError("broken")

    app.mount("/broken", broken)

    with pytest.raises(ValueError, match="broken"):
        await client.get("/broken/")
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def test_an_invalid_status_is_refused(app, client):
    def odd(environ, start_response):
        start_response("fine", [])
        return []

    app.mount("/odd", odd)

    with pytest.raises(ValueError, match="'fine', which does not begin with three digits"):
        await client.get("/odd/")


async def test_the_interface_may_be_given(app, client):
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


def _noted(name, log, **mounts):
    """An app of asyncflask that records its startup and shutdown."""
    other = Flask(f"tests.{name}", root_path="/nowhere")
    other.before_serving(lambda: log.append(f"{name} up"))
    other.after_serving(lambda: log.append(f"{name} down"))
    for prefix, inner in mounts.items():
        other.mount(f"/{prefix}", inner)
    return other


async def test_an_app_that_is_mounted_twice_is_started_once(app):
    log = []
    other = _noted("other", log)
    app.mount("/a", other)
    app.mount("/b", other)
    app.mount("/c", other.asgi_app, "asgi")

    for _ in range(2):
        async with TestApp(app):
            log.append("serving")

    assert log == ["other up", "serving", "other down"] * 2


async def test_an_app_that_two_mounted_apps_mount_is_started_once(app):
    log = []
    shared = _noted("shared", log)
    app.mount("/left", _noted("left", log, shared=shared))
    app.mount("/good", _noted("right", log, shared=shared))

    async with TestApp(app):
        pass

    assert log == ["left up", "shared up", "right up", "right down", "shared down", "left down"]


async def test_apps_that_mount_each_other_are_started_once(app):
    log = []
    other = _noted("other", log, back=app)
    app.mount("/other", other)

    async with TestApp(app):
        pass

    assert log == ["other up", "other down"]


async def test_a_mounted_app_that_does_not_start_lets_the_others_shut_down(app):
    log = []
    broken = _noted("broken", log)

    @broken.before_serving
    async def fail():
        raise LookupError("no database")

    app.mount("/longer-prefix", _noted("good", log))
    app.mount("/broken", broken)

    with pytest.raises(LookupError, match="no database"):
        async with TestApp(app):
            raise AssertionError("it serves")
    assert log == ["good up", "broken up", "good down"]


async def test_all_mounted_apps_are_shut_down_if_one_of_them_fails(app, caplog):
    log = []
    for name in ("first", "second"):
        other = _noted(name, log)
        other.after_serving(functools.partial(_fail, name))
        app.mount(f"/{name}", other)

    with pytest.raises(LookupError, match="first"):
        async with TestApp(app):
            log.clear()
    assert log == ["first down", "second down"]
    assert "The shutdown of a mounted application failed." in caplog.text


def _fail(name):
    raise LookupError(name)


# -- the lifespan of other ASGI applications -------------------------------------------------------


class Foreign:
    """An ASGI application that records its arguments."""

    def __init__(self, startup="complete", shutdown="complete"):
        self.log = []
        self.answers = {"startup": startup, "shutdown": shutdown}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan":
            self.log.append(scope.get("state"))
            await _answering(b"foreign")(scope, receive, send)
            return
        assert _contextvars.context_var.get() is None
        if self.answers["startup"] == "raise":
            raise LookupError("startup")
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            self.log.append(step)
            scope["state"]["pool"] = "the pool"
            message = {"type": f"lifespan.{step}.{self.answers[step]}"}
            await send(message | {"message": "no pool"} if "failed" in message["type"] else message)


async def test_a_foreign_lifespan_runs_if_it_is_asked_for(app):
    foreign = Foreign()
    app.mount("/x", foreign, lifespan=True)
    app.mount("/y", foreign)

    for _ in range(2):
        async with TestApp(app) as running:
            answer = await running.test_client().get("/y/")
        assert answer.data == b"foreign"

    assert foreign.log == ["startup", {"pool": "the pool"}, "shutdown"] * 2


@pytest.mark.parametrize("lifespan", [False, True])
async def test_a_mounted_app_learns_that_the_server_stops(app, lifespan):
    other = Flask("tests.other", root_path="/nowhere")
    wrapped = (lambda *args: other(*args)) if lifespan else other
    app.mount("/x", wrapped, interface="asgi", lifespan=lifespan)

    for _ in range(2):
        async with app.test_app():
            assert not other.stopping.is_set()
            app.stopping.set()
            await other.stopping.wait()


async def test_a_foreign_lifespan_does_not_run_unasked(app):
    foreign = Foreign()
    app.mount("/x", foreign)

    async with TestApp(app) as running:
        await running.test_client().get("/x/")

    assert foreign.log == [{}]


async def test_the_foreign_state_is_added_to_the_outer_one(app):
    foreign = Foreign()
    app.mount("/x", foreign, lifespan=True)

    @app.before_serving
    async def note():
        app.lifespan_state["ours"] = 1

    async with TestApp(app) as running:
        await running.test_client().get("/x/")

    assert foreign.log[1] == {"ours": 1, "pool": "the pool"}


@pytest.mark.parametrize(
    ("startup", "match"),
    [
        ("failed", r"mounted at '/x' did not start. The app failed in startup. no pool"),
        ("raise", r"lifespan=True has no lifespan, or failed .*LookupError\('startup'\).*omit"),
    ],
)
async def test_a_foreign_startup_that_fails_fails_the_outer_one(app, startup, match):
    log = []
    app.mount("/longer", _noted("other", log))
    app.mount("/x", Foreign(startup=startup), lifespan=True)

    with pytest.raises(RuntimeError, match=match):
        async with TestApp(app):
            raise AssertionError("it serves")
    assert log == ["other up", "other down"]
    assert [task for task in asyncio.all_tasks() if "Lifespan" in repr(task)] == []


async def test_a_foreign_shutdown_that_fails_fails_the_outer_one(app):
    app.mount("/x", Foreign(shutdown="failed"), lifespan=True)

    with pytest.raises(RuntimeError, match=r"mounted at ./x. did not shut down cleanly.*no pool"):
        async with TestApp(app):
            pass


def test_a_wsgi_application_has_no_lifespan(app):
    with pytest.raises(ValueError, match="a WSGI application has no lifespan"):
        app.mount("/x", _wsgi_answer, lifespan=True)


async def test_middleware_of_the_outer_app_is_called(app, client):
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
def test_an_invalid_prefix_is_refused(app, prefix):
    with pytest.raises(ValueError, match="must begin with a slash and have more characters"):
        app.mount(prefix, flask.Flask("tests.other", root_path="/nowhere"))


@pytest.mark.parametrize("other", [object(), lambda one: None, lambda a, b, c: None])
def test_an_application_of_unknown_interface_is_refused(app, other):
    with pytest.raises(TypeError, match="it is not clear whether"):
        app.mount("/other", other)


def test_a_facade_app_has_no_mounts():
    with pytest.raises(RuntimeError, match="DispatcherMiddleware"):
        facade.Flask("tests.other", root_path="/nowhere").mount(
            "/a", flask.Flask("x", root_path="/")
        )
