"""The two contexts: pushed and popped synchronously, entered again, copied, and let go."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref
from io import BytesIO

import pytest

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
)
from asyncflask.flask.ctx import AppContext, RequestContext
from asyncflask.flask.globals import app_ctx, request_ctx
from asyncflask.flask.signals import appcontext_popped, appcontext_pushed


@pytest.fixture
def ended(app):
    """Note what ends: of a request, or of an app context."""
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
    app.get("/<name>", endpoint="x")(print)
    original, create = app.session_interface.open_session, app.create_url_adapter

    class Interface(type(app.session_interface)):
        def open_session(self, app, request):
            seen.append("session")
            return original(app, request)

    app.session_interface = Interface()
    app.create_url_adapter = lambda request: (seen.append("match"), create(request))[1]

    with app.test_request_context("/Ada"):
        assert seen == ["session", "match"]
        assert (request.endpoint, request.view_args) == ("x", {"name": "Ada"})


def test_what_matching_raised_is_kept(app):
    with app.test_request_context("/nowhere"):
        assert request.routing_exception.code == 404
        assert request.url_rule is None


# -- nesting ---------------------------------------------------------------------------------------


def test_a_request_inside_an_app_context_shares_its_g(app):
    with app.app_context():
        g.thing = 1
        with app.test_request_context():
            assert g.thing == 1


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


def test_a_worker_leased_for_an_async_function_without_a_server_is_given_back_with_its_loop(app):
    async def ask():
        return await current_app.ensure_async(lambda: current_app.name)()

    with app.app_context():
        answers = [app.ensure_sync(ask)() for _ in range(2)]

        assert answers == ["tests", "tests"]
        assert app.workers.busy == 0


def test_entered_again_it_ends_with_the_last_exit(app, ended):
    ctx = app.test_request_context()

    with ctx:
        with ctx:
            assert app_ctx._get_current_object() is ctx
        assert ended == []
    assert ended == ["request", "app"]


def test_app_and_request_context_may_be_entered_again_inside_a_view(app, client, ended):
    @app.get("/")
    def view():
        with app_ctx._get_current_object(), request_ctx._get_current_object():
            return request.path

    assert client.get("/").text == "/"
    assert ended == ["request", "app"]


def test_used_a_second_time_it_is_pushed_anew(app, ended):
    ctx = app.test_request_context("/x")

    for _ in range(2):
        with ctx:
            assert request.path == "/x"
    assert ended == ["request", "app"] * 2


def test_popping_another_context_is_refused(app):
    outer, inner = app.app_context(), app.app_context()
    with outer, inner, pytest.raises(RuntimeError, match="Pop contexts in the reverse order"):
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


def test_what_a_failing_push_left_behind_is_undone(app):
    def fail(app):
        raise ZeroDivisionError("of a receiver")

    with appcontext_pushed.connected_to(fail, app), pytest.raises(ZeroDivisionError, match="of a"):
        app.app_context().push()

    assert not has_app_context()


# -- other contexts and threads --------------------------------------------------------------------


def test_pushed_here_it_may_be_popped_in_a_copied_context(app, ended):
    """What a generator does that a server iterates elsewhere: no token of a variable is needed."""

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
