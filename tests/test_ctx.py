"""Contexts: push and pop, what they share, and the functions that use the current one."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import threading
import weakref
from unittest import mock

import pytest

from asyncflask import (
    Flask,
    after_this_request,
    after_this_websocket,
    app_ctx,
    appcontext_popped,
    appcontext_pushed,
    copy_current_app_context,
    copy_current_request_context,
    copy_current_websocket_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    has_websocket_context,
    request,
    request_ctx,
    session,
    stream_with_context,
    url_for,
    websocket,
)
from asyncflask._contextvars import current
from asyncflask.exceptions import OutOfContext
from asyncflask.sessions import SecureCookieSession, SessionInterface


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.secret_key = "secret"
    app.testing = True
    return app


@pytest.fixture
def ran(app):
    """The teardown functions that ran, with the names of their errors."""
    ran = []
    app.teardown_request(lambda error: ran.append(f"request {type(error).__name__}"))
    app.teardown_appcontext(lambda error: ran.append(f"app {type(error).__name__}"))
    return ran


# -- push and pop ----------------------------------------------------------------------------------


def test_with_makes_the_app_current_and_ends_it(app, ran):
    with app.app_context() as ctx:
        inside = current_app._get_current_object(), current()

    assert inside == (app, ctx)
    assert current() is None
    assert ran == ["app NoneType"]


async def test_async_with_runs_sync_and_async_teardown_functions(app, ran):
    @app.teardown_appcontext
    async def later(error):
        await asyncio.sleep(0)
        ran.append("async")

    async with app.app_context():
        pass

    assert ran == ["async", "app NoneType"]


def test_with_runs_async_teardown_functions_where_no_loop_runs(app):
    ran = []

    @app.teardown_appcontext
    async def later(error):
        await asyncio.sleep(0)
        ran.append("async")

    with app.app_context():
        pass

    assert ran == ["async"]


async def test_with_on_a_running_loop_says_async_with_where_teardown_is_async(app):
    @app.teardown_appcontext
    async def later(error):
        pass

    with pytest.raises(RuntimeError, match="Write `async with`"):
        with app.app_context():
            pass
    assert current() is None


def test_the_error_of_the_block_goes_to_the_teardown_functions(app, ran):
    with pytest.raises(LookupError, match="inside"):
        with app.test_request_context():
            raise LookupError("inside")

    assert ran == ["request LookupError", "app LookupError"]


def test_pop_outside_of_an_exception_passes_none(app, ran):
    ctx = app.test_request_context()
    ctx.push()
    ctx.pop()

    assert ran == ["request NoneType", "app NoneType"]


def test_only_the_last_pop_ends_a_context_pushed_twice(app, ran):
    ctx = app.app_context()
    with ctx:
        with ctx:
            pass
        after_one = list(ran)

    assert after_one == []
    assert ran == ["app NoneType"]


def test_contexts_are_popped_in_reverse_order(app):
    outer, inner = app.app_context(), app.app_context()
    outer.push()
    inner.push()

    with pytest.raises(RuntimeError, match="reverse order of pushing") as caught:
        outer.pop()
    assert isinstance(caught.value, AssertionError)  # as in Flask
    inner.pop()
    outer.pop()
    assert current() is None


def test_a_context_that_is_not_pushed_cannot_be_popped(app):
    with pytest.raises(RuntimeError, match="current context is None"):
        app.app_context().pop()


def test_a_context_may_be_pushed_in_one_context_and_popped_in_another(app, ran):
    """No ContextVar token is used, because only its own Context may reset it."""
    ctx = app.app_context()
    elsewhere = contextvars.copy_context()
    elsewhere.run(ctx.push)
    elsewhere.copy().run(ctx.pop)

    assert ran == ["app NoneType"]


def test_nested_contexts_of_two_apps(app):
    other = Flask("other")
    with app.app_context():
        g.name = "outer"
        with other.app_context():
            inner = current_app.name, g.get("name")
        after = current_app.name, g.name

    assert inner == ("other", None)
    assert after == (app.name, "outer")


class TenantApp(Flask):
    """An app that puts something into each app context."""

    def app_context(self):
        context = super().app_context()
        context.tenant = context.g.tenant = "shop"
        return context


def tenants():
    return f"{g.get('tenant')} {getattr(app_ctx, 'tenant', None)}"


async def test_what_an_overridden_app_context_sets_is_there_in_requests_and_websockets():
    app = TenantApp("app")
    seen = []

    @app.get("/async")
    async def async_view():
        return tenants()

    @app.get("/def")
    def def_view():
        return tenants()

    @app.websocket("/")
    async def talk():
        await websocket.send(tenants())

    @app.teardown_appcontext
    async def note(error):
        seen.append(tenants())

    client = app.test_client()
    seen.append((await client.get("/async")).text)
    seen.append((await client.get("/def")).text)
    async with client.websocket("/") as connection:
        seen.append(await connection.receive())
    async with app.test_request_context("/"):
        seen.append(tenants())
    assert seen == ["shop shop"] * 8


async def test_an_app_context_replaced_on_the_app_counts_from_the_next_request():
    app = Flask("app")
    app.add_url_rule("/", "index", tenants)
    client = app.test_client()
    before = (await client.get("/")).text

    def with_tenant():
        context = Flask.app_context(app)
        context.g.tenant = "shop"
        return context

    app.app_context = with_tenant
    assert (before, (await client.get("/")).text) == ("None None", "shop None")


def test_a_request_context_inside_an_overridden_app_context_shares_its_g():
    app = TenantApp("app")

    with app.app_context():
        g.tenant = "another"
        with app.test_request_context("/"):
            assert g.tenant == "another"


async def test_a_request_context_inside_one_that_has_ended_gets_what_app_context_sets():
    """A task goes on after the context that it was started in."""
    app = TenantApp("app")

    async def work():
        await ended.wait()
        async with app.test_request_context("/"):
            return tenants()

    ended = asyncio.Event()
    async with app.app_context():
        g.tenant = "another"
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
    ended.set()

    assert await task == "shop shop"


async def test_overridden_app_and_request_contexts_both_count():
    class App(TenantApp):
        def request_context(self, *args):
            context = super().request_context(*args)
            context.language = "en"
            return context

    app = App("app")
    app.add_url_rule("/", "index", lambda: f"{tenants()} {app_ctx.language}")

    assert (await app.test_client().get("/")).text == "shop shop en"


def test_nested_contexts_of_one_app_have_a_g_of_their_own(app):
    with app.app_context():
        g.name = "outer"
        with app.app_context():
            inner = g.get("name")

    assert inner is None


async def test_a_context_whose_adapter_is_read_before_it_is_entered_knows_its_method(app):
    app.get("/read")(lambda: "the view")
    context = app.test_request_context("/read", method="OPTIONS")
    assert context.url_adapter is not None

    async with context:
        response = await app.full_dispatch_request()

    assert response.get_data() == b""
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]


def test_a_request_context_shares_the_g_of_the_app_context_around_it(app, ran):
    with app.app_context():
        g.name = "outer"
        with app.test_request_context():
            inner = g.name
            g.name = "inner"
        ended = list(ran)
        after = g.name

    assert (inner, after) == ("outer", "inner")
    assert ended == ["request NoneType"]
    assert ran == ["request NoneType", "app NoneType"]


@pytest.mark.parametrize("outer", ["app_context", "test_request_context"])
def test_contexts_that_share_g_are_one_app_context(app, outer):
    """Extensions keep what belongs to it by its identity, and remove that at its end."""
    with getattr(app, outer)() as context:
        context.kept = "by an extension"
        with app.test_request_context("/inner"):
            found = app_ctx._get_current_object(), app_ctx.kept, request_ctx.request.path

    assert found == (context, "by an extension", "/inner")


@pytest.mark.parametrize("copier", [copy_current_app_context, copy_current_request_context])
async def test_a_copy_in_a_task_has_the_app_context_of_the_view(app, copier):
    @app.get("/")
    async def show():
        @copier
        async def look():
            return app_ctx._get_current_object()

        return str(await asyncio.create_task(look()) is app_ctx._get_current_object())

    assert (await app.test_client().get("/")).text == "True"


def test_a_request_context_shares_the_g_of_the_request_around_it(app, ran):
    with app.test_request_context("/outer"):
        g.name = "outer"
        with app.test_request_context("/inner"):
            inner = request.path, g.name
            g.name = "inner"
        ended = list(ran)
        after = request.path, g.name

    assert (inner, after) == (("/inner", "outer"), ("/outer", "inner"))
    assert ended == ["request NoneType"]
    assert ran == ["request NoneType", "request NoneType", "app NoneType"]


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_request_context_in_a_view_shares_its_g(app, ran, kind):
    @app.get("/def")
    def show():
        g.name = "the view's"
        with app.test_request_context("/inner"):
            return g.get("name", "none") + request.path

    @app.get("/async def")
    async def show_async():
        g.name = "the view's"
        async with app.test_request_context("/inner"):
            return g.get("name", "none") + request.path

    response = await app.test_client().get(f"/{kind}")

    assert response.text == "the view's/inner"
    assert ran == ["request NoneType", "request NoneType", "app NoneType"]


async def test_a_request_context_in_a_task_that_outlives_the_view_is_torn_down_itself(app, ran):
    over, tasks = asyncio.Event(), []

    async def later():
        await over.wait()
        async with app.test_request_context("/later"):
            return g.get("name")

    @app.get("/")
    async def show():
        g.name = "the view's"
        tasks.append(asyncio.create_task(later()))
        return ""

    await app.test_client().get("/")
    ran.clear()
    over.set()

    assert await tasks[0] is None
    assert ran == ["request NoneType", "app NoneType"]


def test_a_context_that_is_pushed_again_shares_its_g_again(app, ran):
    context = app.app_context()
    with context:
        g.name = "Ada"
    ran.clear()

    with context, app.test_request_context():
        assert g.name == "Ada"
    assert ran == ["request NoneType", "app NoneType"]


def test_an_app_context_inside_a_request_still_shows_the_request(app):
    with app.test_request_context("/path"):
        g.name = "request"
        with app.app_context():
            inner = request.path, g.get("name"), has_request_context()

    assert inner == ("/path", None, True)


def test_another_apps_context_inside_a_request_does_not_show_it(app):
    with app.test_request_context("/path"), Flask("other").app_context():
        assert not has_request_context()


def test_nested_request_contexts(app):
    with app.test_request_context("/outer"):
        session["k"] = "outer"
        with app.test_request_context("/inner"):
            inner = request.path, session.get("k")
        after = request.path, session["k"]

    assert inner == ("/inner", None)
    assert after == ("/outer", "outer")


def test_signals_tell_of_pushed_and_popped_contexts(app):
    seen = []
    with appcontext_pushed.connected_to(lambda sender: seen.append("pushed"), app):
        with appcontext_popped.connected_to(lambda sender: seen.append("popped"), app):
            with app.app_context():
                seen.append("inside")

    assert seen == ["pushed", "inside", "popped"]


async def test_sync_and_async_receivers_are_called_for_a_pushed_context(app):
    seen = []

    async def async_receiver(sender):
        seen.append(current_app.name)

    with appcontext_pushed.connected_to(async_receiver, app):
        with appcontext_pushed.connected_to(lambda sender: seen.append(current_app.name), app):
            async with app.app_context():
                assert seen == [app.name, app.name]


def test_a_context_is_freed_by_its_last_reference(app):
    with app.test_request_context("/") as ctx:
        g.x = 1
        dead = weakref.ref(ctx)
        del ctx
    gc.disable()
    try:
        assert dead() is None
    finally:
        gc.enable()


def test_a_context_takes_attributes_and_its_repr_names_the_request(app):
    with app.test_request_context("/path", method="PUT") as ctx:
        ctx.extension = "its own"
        text = repr(ctx)

    assert ctx.extension == "its own"
    assert "PUT '/path'" in text
    assert "no connection" in repr(app.app_context())


# -- g ---------------------------------------------------------------------------------------------


def test_g_is_a_namespace_with_methods_of_a_dictionary(app):
    with app.app_context():
        g.a = 1

        assert g.get("a") == 1
        assert g.get("b", 2) == 2
        assert g.setdefault("b", 3) == 3
        assert list(g) == ["a", "b"]
        assert "a" in g
        assert g.pop("a") == 1
        assert g.pop("a", None) is None
        assert repr(g).startswith("<asyncflask.g of ")
        with pytest.raises(KeyError, match="a"):
            g.pop("a")
        with pytest.raises(AttributeError, match="a"):
            g.a
        with pytest.raises(AttributeError, match="a"):
            del g.a


# -- test contexts ---------------------------------------------------------------------------------


async def test_test_request_context_describes_a_request(app):
    app.add_url_rule("/<name>", "view", methods=["POST"])
    async with app.test_request_context("/x?a=1", method="POST", json={"b": 2}):
        found = request.view_args, request.endpoint, request.args["a"], await request.get_json()

    assert found == ({"name": "x"}, "view", "1", {"b": 2})


class AwaitedSessions(SessionInterface):
    async def open_session(self, app, request):
        return SecureCookieSession({"path": request.path})


async def test_async_with_opens_the_session_of_an_async_interface(app):
    app.session_interface = AwaitedSessions()
    async with app.test_request_context("/x"):
        assert session["path"] == "/x"


def test_with_says_async_with_where_the_session_has_to_be_awaited(app):
    app.session_interface = AwaitedSessions()
    with app.test_request_context("/x"):
        with pytest.raises(RuntimeError, match="Write `async with`"):
            session.get("path")


def test_url_for_in_test_request_context(app):
    app.add_url_rule("/<name>", "view")
    with app.test_request_context(base_url="https://ex.test/root/"):
        urls = url_for("view", name="x"), url_for("view", name="x", _external=True)

    assert urls == ("/root/x", "https://ex.test/root/x")


def test_a_path_that_does_not_match_is_kept_as_routing_exception(app):
    with app.test_request_context("/nowhere"):
        assert request.url_rule is None
        assert request.routing_exception.code == 404


async def test_test_websocket_context_describes_a_handshake(app):
    app.add_websocket("/ws/<room>", "chat", lambda room: None)
    async with app.test_websocket_context("/ws/a?b=c"):
        assert websocket.view_args == {"room": "a"}
        assert websocket.args["b"] == "c"
        assert has_websocket_context()
        assert not has_request_context()


async def test_hooks_can_be_run_in_a_test_context(app):
    @app.before_request
    async def before():
        g.user = "ann"

    app.after_request(lambda response: response.headers.set("X-A", "1") or response)
    async with app.test_request_context("/"):
        answered = await app.preprocess_request()
        response = await app.process_response(app.make_response("x"))
        user = g.user

    assert answered is None
    assert user == "ann"
    assert response.headers["X-A"] == "1"


# -- preserved contexts of the test client ---------------------------------------------------------


@pytest.mark.parametrize("path", ["/def", "/async"])
async def test_a_preserved_context_ends_once_when_the_block_ends(app, ran, path):
    app.get("/def")(lambda: setattr(g, "x", 1) or "x")

    @app.get("/async")
    async def view():
        g.x = 1
        return "x"

    async with app.test_client() as client:
        await client.get(path)
        inside = g.x, request.path, list(ran)

    assert inside == (1, path, [])
    assert ran == ["request NoneType", "app NoneType"]


async def test_the_next_request_ends_the_preserved_one(app, ran):
    app.get("/<int:n>")(lambda n: str(n))
    async with app.test_client() as client:
        await client.get("/1")
        await client.get("/2")
        seen = request.path, list(ran)

    assert seen == ("/2", ["request NoneType", "app NoneType"])
    assert len(ran) == 4


# -- functions on the current context --------------------------------------------------------------


def test_has_context_functions(app):
    outside = has_app_context(), has_request_context(), has_websocket_context()
    with app.app_context():
        in_app = has_app_context(), has_request_context()
    with app.test_request_context():
        in_request = has_app_context(), has_request_context(), has_websocket_context()

    assert outside == (False, False, False)
    assert in_app == (True, False)
    assert in_request == (True, True, False)


@pytest.mark.parametrize(
    "func",
    [
        after_this_request,
        after_this_websocket,
        copy_current_request_context,
        copy_current_websocket_context,
        copy_current_app_context,
    ],
)
def test_outside_of_a_context_they_say_where_to_be_called(func):
    with pytest.raises(OutOfContext, match=r"was called where no .*context is active"):
        func(lambda: None)


async def test_copy_current_request_context_outlives_the_request(app):
    release = asyncio.Event()

    @app.get("/<name>")
    async def view(name):
        session["k"] = g.own = name

        @copy_current_request_context
        async def later():
            await release.wait()
            return request.path, session["k"], g.get("own"), request.view_args["name"]

        app.later = asyncio.create_task(later())
        return "x"

    await app.test_client().get("/ann")
    release.set()

    assert await app.later == ("/ann", "ann", "ann", "ann")


async def test_copy_current_request_context_for_a_thread(app):
    @app.get("/")
    def view():
        seen = []

        @copy_current_request_context
        def work(number):
            seen.append((number, request.path))

        thread = threading.Thread(target=work, args=(1,))
        thread.start()
        thread.join()
        work(2)
        return str(seen)

    response = await app.test_client().get("/")

    assert response.text == "[(1, '/'), (2, '/')]"


async def test_each_call_of_a_copied_function_has_a_context_of_its_own(app, ran):
    async with app.test_request_context("/"):

        @copy_current_request_context
        async def own():
            app_ctx.mine = app_ctx._get_current_object()
            await asyncio.sleep(0)
            return app_ctx.mine is app_ctx._get_current_object()

        assert await asyncio.gather(own(), own(), own()) == [True] * 3


@pytest.mark.parametrize("copier", [copy_current_request_context, copy_current_app_context])
@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_copy_in_a_task_of_the_view_shares_its_g(app, ran, copier, kind):
    """Quart: a second database connection would be opened and closed there."""

    @app.get("/")
    async def view():
        g.user = "Ada"

        @copier
        async def later():
            g.seen = g.user

        @copier
        def now():
            g.seen = g.user

        if kind == "async":
            await asyncio.create_task(later())
        else:
            now()
        assert [entry for entry in ran if entry.startswith("app")] == []
        return g.seen

    assert (await app.test_client().get("/")).text == "Ada"
    assert [entry for entry in ran if entry.startswith("app")] == ["app NoneType"]


async def test_an_app_context_copied_for_a_thread_has_the_g_of_the_view(app):
    @app.get("/")
    def view():
        g.user, seen = "Ada", []
        note = copy_current_app_context(lambda: seen.append((g.user, has_request_context())))
        thread = threading.Thread(target=note)
        thread.start()
        thread.join()
        return str(seen)

    assert (await app.test_client().get("/")).text == "[('Ada', False)]"


# -- attributes that are set and deleted -----------------------------------------------------------


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_request_that_is_set_is_seen_until_it_is_deleted(app, kind):
    """Each kind of view sees its own form of a request that another context has made."""

    def look():
        ctx = request_ctx._get_current_object()
        first = request.path, request._get_current_object()
        ctx.request = app.test_request_context("/other", data={"a": "1"}, method="POST").request
        second = request.path
        del ctx.request
        assert request._get_current_object() is first[1]
        return f"{first[0]} {second} {request.path}"

    if kind == "def":
        app.get("/own")(look)
    else:

        @app.get("/own")
        async def view():
            return look()

    assert (await app.test_client().get("/own")).text == "/own /other /own"


async def test_a_def_view_reads_the_form_of_a_request_that_an_async_hook_has_set(app):
    @app.before_request
    async def replace():
        request_ctx.request = app.test_request_context("/", data={"a": "1"}, method="POST").request

    @app.get("/")
    def view():
        return request.form["a"]

    assert (await app.test_client().get("/")).text == "1"


async def test_any_object_may_be_set_as_request(app):
    class Other:
        path = "of a test"

    @app.get("/def")
    def of_def():
        return request.path

    @app.get("/async")
    async def of_async():
        return request.path

    @app.before_request
    async def replace():
        request_ctx.request = Other()

    answers = [(await app.test_client().get(path)).text for path in ("/def", "/async")]

    assert answers == ["of a test"] * 2


async def test_a_websocket_that_is_set_leaves_the_connection_to_the_server(app):
    class Other:
        path = "of a test"

    @app.websocket("/")
    async def view():
        await websocket.send(websocket.path)
        request_ctx.websocket = Other()
        path = websocket.path
        del request_ctx.websocket
        await websocket.send(path)
        request_ctx.websocket = Other()

    async with app.test_client().websocket("/") as connection:
        assert [await connection.receive(), await connection.receive()] == ["/", "of a test"]


def test_a_context_without_a_request_refuses_to_set_one(app):
    with pytest.raises(AttributeError, match=r"has no request to set or delete, .* Push `app.test"):
        app.app_context().request = 1
    with pytest.raises(AttributeError, match="has no websocket to set or delete"):
        app.test_request_context().websocket = 1


@pytest.mark.parametrize("name", ["g", "session", "url_adapter"])
def test_a_patch_of_a_context_ends_with_what_was_there(app, name):
    """unittest.mock ends a patch by deleting the attribute."""
    app.secret_key = "secret"
    with app.test_request_context("/") as ctx:
        before, other = getattr(ctx, name), SecureCookieSession()
        with mock.patch.object(ctx, name, other):
            assert getattr(ctx, name) is other
        assert getattr(ctx, name) is before


@pytest.mark.parametrize("name", ["g", "session", "url_adapter"])
def test_a_deleted_attribute_is_made_again_when_it_is_read(app, name):
    app.secret_key = "secret"
    with app.test_request_context("/") as ctx:
        before = getattr(ctx, name)
        delattr(ctx, name)

        assert type(getattr(ctx, name)) is type(before)
        assert getattr(ctx, name) is not before


def test_a_url_adapter_that_is_set_before_the_push_matches(app):
    app.get("/other", endpoint="other")(lambda: "")
    ctx = app.test_request_context("/nowhere")
    ctx.url_adapter = app.url_map.bind("", path_info="/other")
    with ctx:
        assert request.endpoint == "other"


def test_the_routing_attributes_of_a_request_can_be_deleted(app):
    app.get("/<x>", endpoint="x")(lambda x: "")
    with app.test_request_context("/1"):
        del request.url_rule, request.view_args, request.routing_exception

        assert (request.url_rule, request.view_args, request.endpoint) == (None, None, None)


async def test_a_copied_context_shares_a_session_that_is_opened_later(app):
    @app.get("/")
    async def view():
        @copy_current_request_context
        async def work():
            session["user"] = "ada"

        await work()
        return session["user"]

    client = app.test_client()
    response = await client.get("/")

    assert response.text == "ada"
    assert client.get_cookie("session")


@pytest.mark.parametrize("first", ["copy", "view"])
async def test_a_copied_context_shares_the_body(app, first):
    @app.post("/")
    async def view():
        @copy_current_request_context
        async def work():
            return await request.get_json()

        readers = [work, request.get_json]
        return [await read() for read in (readers if first == "copy" else reversed(readers))]

    response = await app.test_client().post("/", json={"a": 1})

    assert response.json == [{"a": 1}, {"a": 1}]


async def test_a_copied_context_leaves_the_uploads_open(app):
    @app.post("/")
    async def view():
        files = await request.files
        await copy_current_request_context(asyncio.sleep)(0)
        return files["f"].read()

    response = await app.test_client().post("/", data={"f": (io.BytesIO(b"upload"), "f.txt")})

    assert response.data == b"upload"


async def test_a_copied_context_shares_the_websocket(app):
    @app.websocket("/")
    async def view():
        @copy_current_websocket_context
        async def work():
            return await websocket.receive()

        words = [await work(), await websocket.receive()]
        await websocket.send(" ".join(words))

    async with app.test_client().websocket("/") as connection:
        await connection.send("one")
        await connection.send("two")

        assert await connection.receive() == "one two"


async def test_copy_current_app_context(app):
    async with app.app_context():
        func = copy_current_app_context(lambda: current_app.name)
    name = await asyncio.to_thread(func)

    assert name == app.name


async def test_after_this_request_takes_sync_and_async_functions(app):
    @app.get("/")
    async def view():
        @after_this_request
        async def first(response):
            response.headers.add("X-A", "async")
            return response

        @after_this_request
        def second(response):
            response.headers.add("X-A", "def")
            return response

        return "x"

    response = await app.test_client().get("/")

    assert response.headers.getlist("X-A") == ["async", "def"]


# -- streams ---------------------------------------------------------------------------------------


def streams(app):
    """``def`` and ``async def`` views with both kinds of streams; each part shows the context."""

    def parts():
        for number in range(3):
            yield f"{number}{request.path}{g.x} "

    async def async_parts():
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number}{request.path}{g.x} "

    def register(rule, body, is_async):
        async def async_view():
            g.x = "g"
            return stream_with_context(body())

        def view():
            g.x = "g"
            return stream_with_context(body())

        app.add_url_rule(rule, rule, async_view if is_async else view)

    register("/def/def", parts, False)
    register("/def/async", async_parts, False)
    register("/async/def", parts, True)
    register("/async/async", async_parts, True)


@pytest.mark.parametrize("inner", ["app_context", "test_request_context"])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_stream_may_enter_a_context_around_several_parts(app, inner, kind):
    def parts():
        with getattr(app, inner)():
            g.x = "inner"
            yield f"{g.x}{request.path} "
            yield f"{g.x}{request.path} "
        yield request.path

    async def async_parts():
        async with getattr(app, inner)():
            g.x = "inner"
            yield f"{g.x}{request.path} "
            await asyncio.sleep(0)
            yield f"{g.x}{request.path} "
        yield request.path

    @app.get("/stream")
    async def show():
        return stream_with_context(parts() if kind == "def" else async_parts())

    response = await app.test_client().get("/stream")

    path = "/stream" if inner == "app_context" else "/"
    assert response.text == f"inner{path} inner{path} /stream"


async def test_a_context_that_a_stream_has_entered_ends_if_it_is_left(app, ran):
    @app.get("/")
    async def show():
        @stream_with_context
        async def parts():
            async with app.app_context():
                yield "a"
                yield "b"

        stream = parts()
        await anext(stream)
        await stream.aclose()
        return current_app.name + request.path

    assert (await app.test_client().get("/")).text == f"{app.name}/"
    assert ran == ["app GeneratorExit", "request NoneType", "app NoneType"]


STREAMS = ["/def/def", "/def/async", "/async/def", "/async/async"]


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_keeps_its_context_and_ends_it(app, ran, path):
    streams(app)
    response = await app.test_client().get(path)

    assert response.text == "".join(f"{number}{path}g " for number in range(3))
    assert ran == ["request NoneType", "app NoneType"]


@pytest.mark.parametrize("path", STREAMS)
async def test_a_head_request_ends_the_stream_unread(app, ran, path):
    streams(app)
    response = await app.test_client().head(path)

    assert response.data == b""
    assert ran == ["request NoneType", "app NoneType"]


@pytest.mark.parametrize("path", STREAMS)
async def test_async_teardown_functions_run_after_any_stream(app, path):
    streams(app)
    ran = []

    @app.teardown_request
    async def later(error):
        await asyncio.sleep(0)
        ran.append(request.path + g.x)

    await app.test_client().get(path)

    assert ran == [path + "g"]


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_that_is_not_sent_ends_its_context_all_the_same(app, ran, path):
    streams(app)
    app.after_request(lambda response: app.response_class("instead"))
    response = await app.test_client().get(path)

    assert response.text == "instead"
    assert ran == ["request NoneType", "app NoneType"]


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_a_stream_of_a_view_that_fails_ends_its_context_all_the_same(app, ran, keyword):
    app.testing = False
    app.logger.disabled = True
    kept = []

    def view():
        kept.append(stream_with_context(iter(["never sent"])))
        raise LookupError("after the stream was made")

    async def async_view():
        view()

    app.add_url_rule("/", "view", view if keyword == "def" else async_view)
    response = await app.test_client().get("/")

    assert response.status_code == 500
    assert ran == ["request LookupError", "app LookupError"]


async def test_a_def_view_that_is_cancelled_with_its_stream_ends_its_context(app, ran):
    entered = threading.Event()
    leave = threading.Event()

    @app.get("/")
    def view():
        entered.set()
        leave.wait(5)
        return stream_with_context(iter(["never sent"]))

    task = asyncio.create_task(app.test_client().get("/"))
    await asyncio.to_thread(entered.wait, 5)
    task.cancel()
    leave.set()

    with pytest.raises(asyncio.CancelledError, match=r"^$"):
        await task
    assert ran == ["request NoneType", "app NoneType"]
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def test_an_error_of_a_stream_goes_to_the_teardown_functions(app, ran):
    @app.get("/")
    async def view():
        async def parts():
            yield "x"
            raise LookupError("in the stream")

        return stream_with_context(parts())

    with pytest.raises(LookupError, match="in the stream"):
        await app.test_client().get("/")
    assert ran == ["request LookupError", "app LookupError"]


async def test_stream_with_context_is_a_decorator_too(app):
    @app.get("/")
    async def view():
        @stream_with_context
        async def parts(word):
            yield word + request.path

        @stream_with_context
        def sync_parts(word):
            yield word + request.path

        return parts("a") if "a" in request.args else sync_parts("b")

    client = app.test_client()

    assert [(await client.get(path)).text for path in ("/?a", "/")] == ["a/", "b/"]


async def test_two_streams_of_one_request_end_it_once(app, ran):
    @app.get("/")
    async def view():
        async def parts(word):
            yield word + request.path

        first = stream_with_context(parts("a"))
        second = stream_with_context(parts("b"))

        async def both():
            async for part in first:
                yield part
            async for part in second:
                yield part

        return both()

    response = await app.test_client().get("/")

    assert response.text == "a/b/"
    assert ran == ["request NoneType", "app NoneType"]


async def test_a_stream_without_it_has_no_request(app):
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/")
    async def view():
        async def parts():
            yield request.path

        return parts()

    with pytest.raises(OutOfContext, match="Working outside of request context"):
        await app.test_client().get("/")


def test_stream_with_context_outside_of_a_request_says_so():
    with pytest.raises(OutOfContext, match="stream_with_context"):
        stream_with_context(iter([]))


async def test_a_view_may_enter_its_own_context_once_more(app):
    """Only the request's end runs its teardown functions."""
    seen = []
    app.teardown_request(lambda error: seen.append("teardown"))

    @app.get("/")
    async def view():
        async with request_ctx:
            pass
        seen.append("view")
        return request.path

    response = await app.test_client().get("/")

    assert response.text == "/"
    assert seen == ["view", "teardown"]


async def test_a_push_that_fails_leaves_nothing_behind(app):
    """If a receiver of ``appcontext_pushed`` raises, the caller has no context to pop."""

    async def fail(sender):
        raise ZeroDivisionError("receiver")

    with appcontext_pushed.connected_to(fail, app):
        with pytest.raises(ZeroDivisionError, match="receiver"):
            async with app.app_context():
                pass

    assert current() is None


async def test_a_def_function_in_a_copied_context_gets_the_synchronous_request(app):
    """In a plain thread beside the request, as in Flask."""
    seen = []

    @app.post("/")
    def view():
        @copy_current_request_context
        def work():
            seen.append((request.form["x"], threading.get_ident()))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return str(threading.get_ident())

    response = await app.test_client().post("/", data={"x": "1"})

    assert seen[0][0] == "1"
    assert str(seen[0][1]) != response.text


async def test_a_def_function_in_a_copied_context_may_be_called_from_an_async_view(app):
    @app.post("/")
    async def view():
        @copy_current_request_context
        def work():
            return request.form["x"]

        return await asyncio.to_thread(work)

    response = await app.test_client().post("/", data={"x": "1"})

    assert response.text == "1"
