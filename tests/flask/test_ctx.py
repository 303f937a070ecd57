"""The two contexts: pushed and popped synchronously, entered again, copied, and released."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import importlib
import threading
import weakref
from contextlib import nullcontext
from io import BytesIO
from unittest import mock

import click
import flask as oracle
import pytest
from werkzeug.routing import BaseConverter

import asyncflask
import asyncflask.flask
from asyncflask.flask import (
    Flask,
    after_this_request,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
    url_for,
)
from asyncflask.flask.ctx import AppContext, RequestContext
from asyncflask.flask.globals import app_ctx, request_ctx
from asyncflask.flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    request_started,
    request_tearing_down,
)
from asyncflask.testing import TestClient

both = pytest.mark.parametrize("module", [asyncflask.flask, oracle], ids=["facade", "flask"])


@pytest.fixture
def ended(app):
    """Collect what ends with a request or with an app context."""
    seen = []
    app.teardown_request(lambda error: seen.append("request"))
    app.teardown_appcontext(lambda error: seen.append("app"))
    return seen


# -- what they are ---------------------------------------------------------------------------------


def test_their_classes_are_flasks(app):
    assert type(app.app_context()) is AppContext
    assert type(app.test_request_context()) is RequestContext
    assert type(app.request_context(app.test_request_context().request.environ)) is RequestContext


def test_a_request_context_shows_itself_as_in_flask(app):
    ctx = app.test_request_context("/x?y=1", method="PUT")

    assert repr(ctx) == "<RequestContext 'http://localhost/x?y=1' [PUT] of tests>"


def test_g_shows_its_app(app):
    with app.app_context():
        assert repr(g) == "<flask.g of 'tests'>"


def test_extensions_may_put_attributes_on_a_context_and_refer_to_it_weakly(app):
    ctx = app.test_request_context()
    ctx.of_an_extension = 42

    with ctx:
        assert request_ctx.of_an_extension == 42
        assert weakref.ref(request_ctx._get_current_object())() is ctx


def test_pushing_opens_the_session_and_then_matches(app):
    """Flask's order: a converter or a URL value preprocessor may look into the session."""
    seen = []
    original = app.session_interface.open_session

    class Noting(BaseConverter):
        def to_python(self, value):
            seen.append("match")
            return value

    app.url_map.converters["noting"] = Noting
    app.get("/<noting:name>", endpoint="x")(print)

    class Interface(type(app.session_interface)):
        def open_session(self, app, request):
            seen.append("session")
            return original(app, request)

    app.session_interface = Interface()

    with app.test_request_context("/Ada"):
        assert seen == ["session", "match"]
        assert (request.endpoint, request.view_args) == ("x", {"name": "Ada"})


def test_the_error_of_matching_is_kept(app):
    with app.test_request_context("/nowhere"):
        assert request.routing_exception.code == 404
        assert request.url_rule is None


# -- nesting ---------------------------------------------------------------------------------------


def test_a_request_inside_an_app_context_shares_its_g(app):
    with app.app_context():
        g.thing = 1
        with app.test_request_context():
            assert g.thing == 1


@pytest.mark.parametrize("how", ["client", "client that keeps", "context", "def", "async def"])
def test_a_request_inside_an_app_context_has_that_very_context(app, how):
    """Flask-SQLAlchemy keys its session by the context's id; others keep attributes on it."""
    seen = []

    def look():
        seen.append((app_ctx._get_current_object(), app_ctx.outer, request_ctx is app_ctx))
        app_ctx.inner = "inner"
        return ""

    async def look_async():
        return look()

    app.add_url_rule("/", view_func=look_async if how == "async def" else look, endpoint="x")
    with app.app_context() as ctx:
        ctx.outer = "outer"
        if how == "context":
            with app.test_request_context("/"):
                look()
        elif how == "client that keeps":
            with app.test_client() as client:
                client.get("/")
                assert app_ctx._get_current_object() is ctx
        else:
            app.test_client().get("/")

        assert seen == [(ctx, "outer", False)]
        assert (app_ctx._get_current_object(), ctx.inner) == (ctx, "inner")


def test_without_one_a_request_pushes_an_app_context_of_its_own(app, client):
    seen = []

    @app.get("/")
    def view():
        seen.append(app_ctx._get_current_object())
        return ""

    client.get("/")
    client.get("/")

    assert [type(ctx) for ctx in seen] == [AppContext] * 2
    assert seen[0] is not seen[1]


def test_an_app_context_may_end_under_a_request_that_a_client_keeps(app, ended):
    """The usual fixture. As in Flask, the client has pushed the app context a second time."""
    app.get("/")(lambda: "ok")
    with app.test_client() as client:
        with app.app_context():
            assert client.get("/").text == "ok"
        assert (request.path, bool(current_app)) == ("/", True)
        assert ended == ["request"]

    assert ended == ["request", "request", "app"]
    assert not has_app_context()


def test_a_request_without_an_app_context_goes_on(app, ended):
    app.secret_key = "secret"
    outer, ctx = app.app_context(), app.test_request_context("/x")
    outer.push()
    ctx.push()
    outer.pop()

    assert (has_app_context(), has_request_context()) == (False, True)
    assert [bool(proxy) for proxy in (current_app, g, app_ctx, request_ctx)] == [False] * 3 + [True]
    session["k"] = 1
    assert (request.path, request.get_json(silent=True), session["k"]) == ("/x", None, 1)
    with pytest.raises(
        RuntimeError, match=r"^Working outside of application context: `current_app`"
    ):
        current_app.name
    with pytest.raises(RuntimeError, match=r"^Working outside of application context: `g`"):
        g.x
    ctx.pop()
    assert ended == ["app", "request"]


def test_signals_and_teardown_come_in_flasks_order(app, client):
    """The app context begins before the request and ends after it, in which it is not seen."""
    seen = []

    def note(name):
        here = "app"[: 3 * has_app_context()], "request"[: 7 * has_request_context()]
        seen.append(f"{name}: {' '.join(filter(None, here))}".strip())

    app.add_url_rule("/", view_func=lambda: "", endpoint="x")
    app.teardown_request(lambda error: note("teardown_request"))
    app.teardown_appcontext(lambda error: note("teardown_appcontext"))
    with (
        appcontext_pushed.connected_to(lambda app: note("pushed"), app),
        appcontext_popped.connected_to(lambda app: note("popped"), app),
        request_started.connected_to(lambda app: note("started"), app),
    ):
        client.get("/")
        alone, seen[:] = list(seen), []
        with app.app_context():
            client.get("/")

    assert alone == [
        *("pushed: app", "started: app request", "teardown_request: app request"),
        *("teardown_appcontext: app", "popped:"),
    ]
    assert seen == [
        *("pushed: app", "started: app request", "teardown_request: app request"),
        *("teardown_appcontext: app", "popped:"),
    ]


def test_each_push_and_pop_sends_a_signal(app):
    seen = []
    ctx = app.app_context()
    with (
        appcontext_pushed.connected_to(lambda app: seen.append("pushed"), app),
        appcontext_popped.connected_to(lambda app: seen.append("popped"), app),
        ctx,
        ctx,
    ):
        pass

    assert seen == ["pushed", "pushed", "popped", "popped"]


def test_app_contexts_of_two_apps_around_a_request(app):
    other = Flask("other")
    with app.app_context() as mine, other.app_context():
        g.thing = "of the other"
        with app.test_request_context("/x"):
            assert app_ctx._get_current_object() is not mine
            assert (current_app.name, "thing" in g) == ("tests", False)
            with other.app_context():
                assert (current_app.name, request.path) == ("other", "/x")
        assert (current_app.name, g.thing) == ("other", "of the other")


def test_a_stream_keeps_the_app_context_of_its_request(app, ended):
    @app.get("/")
    def view():
        g.thing = "kept"

        def body():
            yield "a"
            yield g.thing

        return app.response_class(stream_with_context(body()))

    with app.app_context() as ctx:
        response = app.test_client().get("/")
        ctx.of_an_extension = 1
    assert ended == []

    assert response.text == "akept"
    assert ended == ["request", "app"]


def test_copies_in_tasks_of_an_async_view_have_its_app_context(app, client):
    @app.get("/x")
    async def view():
        g.thing, mine = 1, app_ctx._get_current_object()

        @copy_current_request_context
        async def later():
            return app_ctx._get_current_object() is mine, g.thing, request.path

        async def nested():
            with app.app_context() as ctx:
                await asyncio.sleep(0)
                return app_ctx._get_current_object() is ctx, "thing" in g, request.path

        copied = await asyncio.create_task(later())
        first, second = await asyncio.gather(nested(), nested())
        return [copied, first, second, [g.thing]]

    assert client.get("/x").json == [
        [True, 1, "/x"],
        [True, False, "/x"],
        [True, False, "/x"],
        [1],
    ]


def test_a_url_is_built_in_a_request_of_the_app_also_inside_a_context_of_another(app):
    app.get("/here", endpoint="here")(lambda: "")
    with app.test_request_context("/"), Flask("other").app_context():
        assert app.url_for("here") == "/here"


NAMES_ON_BOTH = ("connection", "endpoint", "blueprints", "websocket", "user", "response", "error")


@both
@pytest.mark.parametrize(
    ("which", "name"),
    [
        *(("app_ctx", name) for name in (*NAMES_ON_BOTH, "request", "session", "scope")),
        *(("request_ctx", name) for name in NAMES_ON_BOTH),
    ],
)
def test_an_app_may_set_any_attribute_on_a_context(module, which, name):
    app = module.Flask("app", static_folder=None)
    app.secret_key = "only here"
    ctx = getattr(importlib.import_module(f"{module.__name__}.globals"), which)
    found = []

    @app.before_request
    def before():
        found.append(getattr(ctx, name, None))
        setattr(ctx, name, "mine")

    @app.teardown_request
    def teardown(error):
        found.append(getattr(ctx, name))

    @app.get("/")
    async def index():
        module.session["seen"] = 1
        return module.request.path

    @app.get("/error")
    def error():
        raise ZeroDivisionError

    app.register_error_handler(404, lambda error: (module.url_for("index"), 404))
    app.register_error_handler(ZeroDivisionError, lambda error: getattr(ctx, name))
    client = app.test_client()

    answers = [client.get(path).text for path in ("/", "/nowhere", "/error")]
    assert answers == ["/", "/", "mine"]
    assert found == [None, "mine"] * 3


@both
def test_an_app_context_has_nothing_of_a_request(module):
    app = module.Flask("app")
    with app.test_request_context("/"):
        ctx = importlib.import_module(f"{module.__name__}.globals").app_ctx
        for name in ("request", "session", "websocket"):
            assert not hasattr(ctx, name)
        with pytest.raises(AttributeError, match="has no attribute 'session'"):
            ctx.session
        ctx.session = "a session of a database"
        assert ctx.session == "a session of a database"
        del ctx.session
        assert not hasattr(ctx, "session")


@pytest.mark.parametrize("failing", ["teardown_request", "teardown_appcontext", "receiver"])
def test_everything_of_a_context_ends_in_spite_of_an_error(app, ended, failing):
    def fail(*args, **kwargs):
        raise ZeroDivisionError(failing)

    app.get("/")(lambda: "index")
    connect = {"receiver": request_tearing_down.connected_to(fail, app)}.get(failing, nullcontext())
    if failing != "receiver":
        getattr(app, failing)(fail)
    with connect, pytest.raises(ZeroDivisionError, match=failing):
        app.test_client().get("/")

    assert ended == ["request", "app"]
    assert not has_app_context()


@both
def test_a_url_is_built_with_the_adapter_of_the_current_context_whichever_apps_it_is(module):
    app, other = module.Flask("app"), module.Flask("other")
    for each in (app, other):
        each.add_url_rule("/here", "here", lambda: "")
    app.config["SERVER_NAME"] = "app.example"

    with app.test_request_context("/", base_url="http://app.example/shop"), other.app_context():
        assert [module.url_for("here"), other.url_for("here")] == ["/shop/here", "/shop/here"]
        assert module.url_for("here", _external=True) == "http://app.example/shop/here"
        assert module.render_template_string("{{ url_for('here') }}") == "/shop/here"
    with app.app_context():
        assert other.url_for("here") == "http://app.example/here"
        with other.app_context(), pytest.raises(RuntimeError, match="SERVER_NAME"):
            module.url_for("here")


@both
def test_an_app_context_without_a_url_adapter_builds_no_urls(module):
    app = module.Flask("app")
    app.config["SERVER_NAME"] = "app.example"
    ctx = app.app_context()
    ctx.url_adapter = None

    with ctx, pytest.raises(RuntimeError, match="SERVER_NAME"):
        module.url_for("static", filename="x")
    with app.app_context():
        assert module.url_for("static", filename="x") == "http://app.example/static/x"


@pytest.mark.parametrize("entered", ["push", "with"])
def test_a_request_context_whose_push_fails(app, ended, entered):
    """As in Flask it is pushed all the same, for pop(); `with` ends it."""

    class Failing(type(app.session_interface)):
        def open_session(self, app, request):
            raise ZeroDivisionError("no store")

    app.session_interface = Failing()
    ctx = app.test_request_context("/x")
    if entered == "with":
        with pytest.raises(ZeroDivisionError, match="no store"), ctx:
            pass
    else:
        with pytest.raises(ZeroDivisionError, match="no store"):
            ctx.push()
        assert request.path == "/x"
        ctx.pop()

    assert ended == ["request", "app"]
    assert not has_app_context()


@pytest.mark.parametrize("how", ["subclass", "instance"])
def test_a_custom_app_context_is_used_everywhere(how):
    class Own(Flask):
        def app_context(self):
            ctx = super().app_context()
            ctx.tenant = "shop"
            return ctx

    app = Own(__name__) if how == "subclass" else Flask(__name__)
    if how == "instance":
        original = app.app_context

        def app_context():
            ctx = original()
            ctx.tenant = "shop"
            return ctx

        app.app_context = app_context
    app.get("/")(lambda: app_ctx.tenant)
    app.cli.command("tenant")(lambda: click.echo(app_ctx.tenant))

    with app.test_request_context():
        assert app_ctx.tenant == "shop"
    assert app.test_client().get("/").text == "shop"
    assert app.test_cli_runner().invoke(args=["tenant"]).output == "shop\n"


@pytest.mark.parametrize("how", ["subclass", "instance"])
def test_a_custom_url_adapter_without_a_request_is_used(how):
    def create_url_adapter(app, request):
        if request is None:
            return app.url_map.bind("shop.test")
        return Flask.create_url_adapter(app, request)

    class Own(Flask):
        pass

    app = Own(__name__)
    app.get("/", endpoint="index")(lambda: app_ctx.url_adapter.server_name)
    if how == "subclass":
        Own.create_url_adapter = create_url_adapter
    else:
        app.create_url_adapter = lambda request: create_url_adapter(app, request)

    with app.app_context():
        assert url_for("index") == "http://shop.test/"
    assert app.test_client().get("/").text == "shop.test"


def test_a_context_matches_with_the_url_adapter_that_was_set(app):
    app.get("/page/<int:number>", endpoint="page")(lambda number: str(number))

    with app.test_request_context("/page/1") as context:
        context.url_adapter = app.url_map.bind("shop.test", path_info="/page/2")
        context.match_request()

        assert context.request.view_args == {"number": 2}
        assert app.dispatch_request() == "2"


def test_options_are_answered_where_create_url_adapter_is_replaced(app):
    """It is called before the context is pushed, which then matches with what it returned."""

    class Own(Flask):
        def create_url_adapter(self, request):
            return super().create_url_adapter(request)

    own = Own("own", root_path=app.root_path)
    own.get("/")(lambda: "the view")

    response = own.test_client().options("/")

    assert (response.text, sorted(response.allow)) == ("", ["GET", "HEAD", "OPTIONS"])


def test_a_request_of_another_app_has_its_own_g(app):
    with app.app_context():
        g.thing = 1
        with Flask("other").test_request_context():
            assert "thing" not in g


def test_an_app_context_inside_a_request_has_its_own_g_and_shows_the_request(app):
    with app.test_request_context("/x"):
        g.thing = 1
        with app.app_context():
            assert "thing" not in g
            assert request.path == "/x"


def test_another_apps_context_inside_a_request_shows_the_request(app):
    other = Flask("other")

    with app.test_request_context("/x"):
        session["k"] = 1
        with other.app_context():
            assert current_app.name == "other"
            assert (request.path, session["k"]) == ("/x", 1)


def test_a_request_inside_a_request_of_its_app_shares_its_g(app, ended):
    @app.get("/inner")
    def inner():
        return g.thing

    with app.test_request_context():
        g.thing = "shared"
        assert app.test_client().get("/inner").text == "shared"
        assert ended == ["request"]

    assert ended == ["request", "request", "app"]


def test_the_app_context_that_was_there_outlives_the_request(app, ended):
    with app.app_context():
        with app.test_request_context():
            pass

        assert ended == ["request"]
    assert ended == ["request", "app"]


def test_a_worker_leased_for_an_async_function_without_a_server_is_released_with_its_loop(app):
    async def ask():
        return await current_app.ensure_async(lambda: current_app.name)()

    with app.app_context():
        answers = [app.ensure_sync(ask)() for _ in range(2)]

        assert answers == ["tests", "tests"]
        assert (app.workers.busy, app.workers.parked) == (0, 0)


def test_entered_again_it_ends_with_the_last_exit(app, ended):
    ctx = app.test_request_context()

    with ctx:
        with ctx:
            assert request_ctx._get_current_object() is ctx
        assert ended == []
    assert ended == ["request", "app"]


def test_app_and_request_context_may_be_entered_again_inside_a_view(app, client, ended):
    @app.get("/")
    def view():
        with app_ctx._get_current_object(), request_ctx._get_current_object():
            return request.path

    assert client.get("/").text == "/"
    assert ended == ["request", "app"]


def test_a_context_used_a_second_time_is_pushed_again(app, ended):
    ctx = app.test_request_context("/x")

    for _ in range(2):
        with ctx:
            assert request.path == "/x"
    assert ended == ["request", "app"] * 2


def test_popping_another_context_is_refused(app):
    outer, inner = app.app_context(), app.app_context()
    with outer, inner, pytest.raises(AssertionError, match="Pop contexts in the reverse order"):
        outer.pop()


def test_signals_tell_of_pushes_and_pops(app):
    seen = []
    with (
        appcontext_pushed.connected_to(lambda app: seen.append("pushed"), app),
        appcontext_popped.connected_to(lambda app: seen.append("popped"), app),
        app.app_context(),
    ):
        assert seen == ["pushed"]

    assert seen == ["pushed", "popped"]


def test_a_failing_push_leaves_nothing_behind(app):
    def fail(app):
        raise ZeroDivisionError("of a receiver")

    with appcontext_pushed.connected_to(fail, app), pytest.raises(ZeroDivisionError, match="of a"):
        app.app_context().push()

    assert not has_app_context()


# -- other contexts and threads --------------------------------------------------------------------


def test_pushed_here_it_may_be_popped_in_a_copied_context(app, ended):
    """As a generator does that a server iterates in another context: no token is needed."""

    def push_and_pop():
        ctx = app.test_request_context()
        ctx.push()
        contextvars.copy_context().run(ctx.pop)
        return ended

    assert contextvars.copy_context().run(push_and_pop) == ["request", "app"]
    assert not has_app_context()


def test_a_thread_sees_no_context_of_its_maker(app):
    seen = []
    with app.test_request_context():
        thread = threading.Thread(target=lambda: seen.append((bool(request), bool(current_app))))
        thread.start()
        thread.join()

    assert seen == [(False, False)]


def test_a_copied_request_context_is_there_in_a_thread_after_the_request(app, client):
    begin, seen, threads = threading.Event(), [], []
    app.secret_key = "secret"

    @app.get("/<name>")
    def view(name):
        session["name"] = name
        g.name = name

        @copy_current_request_context
        def later():
            begin.wait(10)
            seen.append((request.path, session["name"], "name" in g, current_app.name))

        threads.append(threading.Thread(target=later))
        threads[0].start()
        return ""

    client.get("/Ada")
    begin.set()
    threads[0].join()

    assert seen == [("/Ada", "Ada", False, "tests")]


def test_a_copy_does_not_close_what_the_request_uploaded(app, client):
    @app.post("/")
    def view():
        file = request.files["file"]
        copy_current_request_context(lambda: None)()
        return file.read()

    assert client.post("/", data={"file": (BytesIO(b"kept"), "x")}).text == "kept"


def test_uploads_are_closed_with_the_request(app, client):
    files = []

    @app.post("/")
    def view():
        files.append(request.files["file"])
        return ""

    client.post("/", data={"file": (BytesIO(b"x"), "x")})

    assert files[0].closed


@pytest.mark.parametrize("function", [after_this_request, copy_current_request_context])
def test_outside_of_a_request_functions_on_it_say_so(app, function):
    with app.app_context(), pytest.raises(RuntimeError, match="no request context is active"):
        function(print)


def test_has_context(app):
    assert (has_app_context(), has_request_context()) == (False, False)
    with app.app_context():
        assert (has_app_context(), has_request_context()) == (True, False)
    with app.test_request_context():
        assert (has_app_context(), has_request_context()) == (True, True)


def test_after_this_request_runs_before_the_apps_functions(app, client):
    app.after_request(lambda response: (response.headers.add("X", "app"), response)[1])

    @app.get("/")
    def view():
        after_this_request(lambda response: (response.headers.add("X", "this"), response)[1])
        return ""

    assert client.get("/").headers.getlist("X") == ["this", "app"]
    assert client.get("/").headers.getlist("X") == ["this", "app"]


# -- what is set and deleted -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_request_that_is_set_is_the_one_that_views_see(app, client, kind):
    def look():
        return f"{request.path} {request.args['x']}"

    async def look_async():
        form = await asyncflask.request.form
        return f"{look()} {asyncflask.request.path} {form['a']}"

    @app.before_request
    def replace():
        builder = app.test_request_context("/other?x=1", method="POST", data={"a": "b"})
        other = builder.request
        other.url_rule, other.view_args = request.url_rule, request.view_args
        assert asyncflask.request.path == "/"
        request_ctx.request = other

    app.add_url_rule("/", view_func=look if kind == "def" else look_async, endpoint="x")

    assert client.get("/").text == {"def": "/other 1", "async def": "/other 1 /other b"}[kind]


def test_a_request_can_be_deleted_and_patched(app):
    with app.test_request_context("/x") as ctx:
        before = ctx.request
        with mock.patch.object(request_ctx, "request") as other:
            assert request._get_current_object() is other
        assert ctx.request is request._get_current_object() is before
        del ctx.request
        assert not request
        ctx.request = before


@pytest.mark.parametrize(
    ("kind", "name"), [("app", "g"), ("app", "url_adapter"), ("request", "url_adapter")]
)
def test_a_patch_of_a_context_ends_with_what_was_there(app, kind, name):
    of = {"app": app_ctx, "request": request_ctx}[kind]
    with app.test_request_context("/"):
        before, other = getattr(of, name), {}
        with mock.patch.object(of, name, other):
            assert getattr(of, name) is other
        assert getattr(of, name) is before


def test_g_of_an_app_context_may_be_set(app):
    with app.app_context() as ctx:
        ctx.g = {"k": 1}
        with app.test_request_context():
            assert g["k"] == 1


def test_view_args_set_by_a_hook_are_those_of_the_view(app, client):
    app.get("/<name>")(lambda name: name)

    @app.before_request
    def replace():
        request.view_args = {"name": "other"}

    assert client.get("/first").text == "other"


def test_a_request_context_that_was_not_pushed_has_no_g(app):
    with pytest.raises(AttributeError, match="has no 'g' before it is pushed"):
        app.test_request_context().g


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["app_context", "test_request_context"])
def test_a_context_is_freed_when_it_is_left(app, kind):
    gc.collect()
    gc.disable()
    try:
        ctx = getattr(app, kind)()
        with ctx:
            g.thing = 1
            bool(request)
        freed = weakref.ref(ctx)
        del ctx
        assert freed() is None
    finally:
        gc.enable()


def test_flasks_name_of_the_opened_session_is_no_access():
    app = Flask("app")
    app.secret_key = "key"
    with app.test_request_context() as ctx:
        assert not ctx._session.accessed
        assert ctx.session is ctx._session
        assert ctx._session.accessed
        ctx._session = other = asyncflask.flask.sessions.SecureCookieSession()
        assert ctx.session is other


async def test_what_an_overridden_app_context_sets_is_there_in_websockets():
    class App(asyncflask.flask.Flask):
        def app_context(self):
            context = super().app_context()
            context.g.tenant = "shop"
            return context

    app = App("app")

    @app.websocket("/async")
    async def talk():
        await asyncflask.websocket.send(asyncflask.flask.g.tenant)

    @app.websocket("/def")
    def talk_in_a_thread():
        asyncflask.websocket.send(asyncflask.flask.g.tenant)

    for path in ("/async", "/def"):
        async with TestClient(app).websocket(path) as connection:
            assert await connection.receive() == "shop"
