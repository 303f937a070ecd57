"""Each of Flask's steps may be replaced: on a subclass, an app or a class, at any time."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading

import click
import pytest

import asyncflask.flask
from asyncflask import Flask, Response, abort, g, request, stream_with_context, websocket
from asyncflask.dispatch.overrides import AWAITED, CONTEXTS, NAMES, PLAIN, find_replaced

#: What makes each step happen, when it is asked of :func:`served`.
CAUSES = {
    "create_url_adapter": "/fine",
    "do_teardown_appcontext": "/fine",
    "do_teardown_request": "/fine",
    "full_dispatch_request": "/fine",
    "preprocess_request": "/fine",
    "dispatch_request": "/fine",
    "make_response": "/fine",
    "finalize_request": "/fine",
    "process_response": "/fine",
    "handle_exception": "/error",
    "handle_http_exception": "/nowhere",
    "handle_user_exception": "/error",
    "log_exception": "/error",
    "raise_routing_exception": "/nowhere",
    "make_default_options_response": "OPTIONS",
    "full_dispatch_websocket": "ws",
    "preprocess_websocket": "ws",
    "dispatch_websocket": "ws",
    "finalize_websocket": "ws",
    "postprocess_websocket": "ws",
    "handle_websocket_exception": "ws error",
    "do_teardown_websocket": "ws",
}


def make(cls=Flask, keyword="async"):
    app = cls(__name__, static_folder=None)
    app.logger.disabled = True
    if keyword == "async":

        @app.get("/fine")
        async def fine():
            return "fine"

        @app.get("/error")
        async def error():
            raise LookupError("in the view")
    else:
        app.get("/fine", endpoint="fine")(lambda: "fine")

        @app.get("/error")
        def error():
            raise LookupError("in the view")

    @app.websocket("/ws")
    async def ws():
        await websocket.accept()
        if "error" in websocket.args:
            raise LookupError("in the view")

    return app


async def served(app, cause):
    client = app.test_client()
    if cause == "OPTIONS":
        await client.options("/fine")
    elif cause.startswith("ws"):
        app.config["PROPAGATE_EXCEPTIONS"] = False
        async with client.websocket("/ws" + ("?error" if "error" in cause else "")) as connection:
            await connection.close()
    else:
        await client.get(cause)


def counting(name, calls, keyword):
    original = getattr(Flask, name)

    def step(self, *args, **kwargs):
        calls.append(name)
        return original(self, *args, **kwargs)

    async def async_step(self, *args, **kwargs):
        calls.append(name)
        return await original(self, *args, **kwargs)

    return step if keyword == "def" else async_step


def test_the_table_of_causes_has_every_step():
    assert set(CAUSES) == NAMES - {"asgi_app"}


@pytest.mark.parametrize("views", ["async", "def"])
@pytest.mark.parametrize("name", sorted(CAUSES))
@pytest.mark.parametrize("where", ["subclass", "app", "class"])
async def test_a_replaced_step_is_called(name, where, views, monkeypatch):
    calls: list[str] = []
    step = counting(name, calls, "def")
    if where == "subclass":
        app = make(type("Own", (Flask,), {name: step}), views)
    elif where == "app":
        app = make(keyword=views)
        setattr(app, name, step.__get__(app))
    else:
        app = make(keyword=views)
        monkeypatch.setattr(Flask, name, step)
    await served(app, CAUSES[name])

    assert calls


@pytest.mark.parametrize("name", sorted(AWAITED))
async def test_a_replaced_step_may_be_async(name):
    calls: list[str] = []
    app = make(type("Own", (Flask,), {name: counting(name, calls, "async")}))
    await served(app, CAUSES[name])

    assert calls


async def test_a_replacement_after_the_first_request_is_seen_until_it_is_removed(monkeypatch):
    calls: list[str] = []
    app = make()
    await served(app, "/fine")
    app.make_response = counting("make_response", calls, "def").__get__(app)
    await served(app, "/fine")
    del app.make_response
    await served(app, "/fine")

    assert calls == ["make_response"]


async def test_a_late_patch_of_a_subclass_is_seen(monkeypatch):
    calls: list[str] = []
    own = type("Own", (Flask,), {})
    app = make(own)
    await served(app, "/fine")
    with monkeypatch.context() as patch:
        patch.setattr(own, "process_response", counting("process_response", calls, "def"))
        await served(app, "/fine")
    await served(app, "/fine")

    assert calls == ["process_response"]


async def test_replacing_the_step_of_one_app_does_not_change_others():
    calls: list[str] = []
    one, other = make(), make()
    one.make_response = counting("make_response", calls, "def").__get__(one)
    await served(other, "/fine")

    assert calls == []


def test_an_app_that_replaces_nothing_has_no_replaced_steps():
    assert find_replaced(Flask(__name__)) == frozenset()


async def test_a_replaced_dispatch_may_answer_by_itself():
    class Own(Flask):
        async def dispatch_request(self):
            return "answered", 202

    response = await make(Own).test_client().get("/fine")

    assert (response.status_code, response.text) == (202, "answered")


async def test_a_replaced_make_response_takes_what_views_may_not_return():
    class Own(Flask):
        def make_response(self, rv):
            return super().make_response(str(rv) if isinstance(rv, int) else rv)

    app = Own(__name__)
    app.get("/")(lambda: 42)

    assert (await app.test_client().get("/")).text == "42"


async def test_a_replaced_create_url_adapter_decides_what_matches():
    class Own(Flask):
        def create_url_adapter(self, request):
            if request is not None:
                return self.url_map.bind("other.test", path_info="/fine")
            return super().create_url_adapter(request)

    response = await make(Own).test_client().get("/whatever")

    assert response.text == "fine"


def test_each_step_is_either_awaited_or_a_plain_call():
    assert PLAIN | AWAITED | {"asgi_app"} == NAMES

    assert not PLAIN & AWAITED


# -- `def` functions around steps, as extensions for Flask write them ------------------------------


def looking(original, seen):
    """Wrap a step in a ``def`` function that reads its result."""

    def wrapper(*args, **kwargs):
        result = original(*args, **kwargs)
        seen.append(result)
        return result

    return wrapper


def awaiting(original, seen):
    async def wrapper(*args, **kwargs):
        result = await original(*args, **kwargs)
        seen.append(result)
        return result

    return wrapper


class Around:
    """A wrapper that is an object."""

    def __init__(self, original, seen):
        self.wrapper = looking(original, seen)

    def __call__(self, *args, **kwargs):
        return self.wrapper(*args, **kwargs)


def partial(original, seen):
    return functools.partial(looking(original, seen))


WRAPPERS = {"def": looking, "async": awaiting, "object": Around, "partial": partial}


@pytest.mark.parametrize("views", ["async", "def"])
@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
@pytest.mark.parametrize("name", sorted(AWAITED))
async def test_a_wrapper_of_a_step_gets_its_result(name, wrapper, views):
    seen: list[object] = []
    app = make(keyword=views)
    setattr(app, name, WRAPPERS[wrapper](getattr(app, name), seen))
    app.register_error_handler(LookupError if "user" in name else 405, lambda error: "handled")
    await served(app, CAUSES[name])

    assert seen

    assert not any(inspect.isawaitable(result) for result in seen)


@pytest.mark.parametrize("views", ["async", "def"])
@pytest.mark.parametrize("outer", sorted(WRAPPERS))
@pytest.mark.parametrize("inner", ["def", "async", "partial"])
async def test_wrappers_of_both_kinds_go_around_each_other(inner, outer, views):
    seen: list[object] = []
    app = make(keyword=views)
    app.handle_user_exception = WRAPPERS[inner](app.handle_user_exception, seen)
    app.handle_user_exception = WRAPPERS[outer](app.handle_user_exception, seen)
    app.register_error_handler(LookupError, lambda error: ("handled", 400))
    response = await app.test_client().get("/error")

    assert (response.status_code, response.text) == (400, "handled")

    assert seen == [("handled", 400)] * 2


@pytest.mark.parametrize("override", ["def", "async"])
@pytest.mark.parametrize("where", ["subclass", "mixin", "class"])
async def test_a_def_wrapper_goes_around_an_override_of_either_kind(override, where, monkeypatch):
    seen: list[object] = []

    def plain(self, e):
        return Flask.handle_user_exception(self, e)

    async def awaited(self, e):
        await asyncio.sleep(0)  # It needs the loop.
        return await Flask.handle_user_exception(self, e)

    step = plain if override == "def" else awaited
    if where == "subclass":
        app = make(type("Own", (Flask,), {"handle_user_exception": step}))
    elif where == "mixin":
        mixin = type("Mixin", (), {"handle_user_exception": step})
        app = make(type("Own", (mixin, Flask), {}))
    else:
        cls = type("Own", (Flask,), {})
        app = make(cls)
        monkeypatch.setattr(cls, "handle_user_exception", step)
    app.handle_user_exception = looking(app.handle_user_exception, seen)
    app.register_error_handler(404, lambda error: ("not here", 404))
    response = await app.test_client().get("/nowhere")

    assert (response.text, seen) == ("not here", [("not here", 404)])


def with_header(app, original):
    """Wrap an error handling step as extensions do that add headers to each answer."""

    @functools.wraps(original)
    def wrapper(*args, **kwargs):
        response = app.make_response(original(*args, **kwargs))
        response.headers["X-Wrapped"] = "yes"
        return response

    return wrapper


@pytest.mark.parametrize("path", ["/nowhere", "/forbidden", "/error"])
@pytest.mark.parametrize("handler", ["def", "async", "none"])
@pytest.mark.parametrize("views", ["async", "def"])
async def test_each_http_error_keeps_its_response_under_a_def_wrapper(path, handler, views):
    app = make(keyword=views)

    async def forbidden():
        abort(403)

    app.get("/forbidden", endpoint="forbidden")(
        forbidden if views == "async" else lambda: abort(403)
    )
    for code in (403, 404, 500):

        async def answer(error, code=code):
            return f"our {code}", code

        def plain(error, code=code):
            return f"our {code}", code

        if handler != "none":
            app.register_error_handler(code, answer if handler == "async" else plain)
    bare = await app.test_client().get(path)
    app.handle_exception = with_header(app, app.handle_exception)
    app.handle_user_exception = with_header(app, app.handle_user_exception)
    wrapped = await app.test_client().get(path)

    assert (wrapped.status_code, wrapped.text) == (bare.status_code, bare.text)

    assert wrapped.headers["X-Wrapped"] == "yes"


async def test_the_error_of_a_websocket_is_answered_under_a_def_wrapper():
    app = make()
    app.handle_websocket_exception = with_header(app, app.handle_websocket_exception)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.websocket("/refused")
    async def refused():
        raise LookupError("before it is accepted")

    client = app.test_client()
    with pytest.raises(asyncflask.testing.WebsocketResponseError) as info:
        async with client.websocket("/refused") as connection:
            await connection.receive()

    assert (info.value.response.status_code, info.value.response.headers["X-Wrapped"]) == (
        500,
        "yes",
    )


def test_a_websocket_of_a_facade_app_may_have_its_steps_wrapped():
    app = asyncflask.flask.Flask(__name__)
    seen: list[object] = []
    app.dispatch_websocket = looking(app.dispatch_websocket, seen)

    @app.websocket("/ws")
    async def ws():
        await websocket.send("there")

    async def talk():
        async with asyncflask.testing.TestClient(app, Response).websocket("/ws") as connection:
            return await connection.receive()

    assert asyncio.run(talk()) == "there"

    assert seen == [None]


@pytest.mark.parametrize("waits_for", ["message", "queue"])
@pytest.mark.parametrize("name", ["full_dispatch_websocket", "dispatch_websocket"])
async def test_a_websocket_whose_client_leaves_ends_under_a_def_wrapper(name, waits_for):
    app, ended = make(), []

    @app.websocket("/chat")
    async def chat():
        await websocket.send("hello")
        try:
            if waits_for == "message":
                await websocket.receive()
            else:
                await asyncio.Queue().get()
        finally:
            ended.append(True)

    setattr(app, name, looking(getattr(app, name), []))
    async with app.test_client().websocket("/chat") as connection:
        await connection.receive()
    async with asyncio.timeout(10):
        while not ended or app.workers.busy or app.workers.parked:
            await asyncio.sleep(0.01)

    assert ended == [True]


async def test_flasks_own_full_dispatch_may_be_copied():
    class Own(Flask):
        def full_dispatch_request(self):
            try:
                rv = self.preprocess_request()
                if rv is None:
                    rv = self.dispatch_request()
            except Exception as e:
                rv = self.handle_user_exception(e)
            return self.finalize_request(rv)

        def dispatch_request(self):
            if request.routing_exception is not None:
                self.raise_routing_exception(request)
            rule = request.url_rule
            return self.ensure_sync(self.view_functions[rule.endpoint])(**request.view_args)

    client = make(Own).test_client()

    assert (await client.get("/fine")).text == "fine"

    assert (await client.get("/nowhere")).status_code == 404


@pytest.mark.parametrize("views", ["async", "def"])
async def test_a_def_step_runs_in_the_thread_of_the_request_with_the_synchronous_request(views):
    seen = []

    class Own(Flask):
        def process_response(self, response):
            seen.append((threading.current_thread().name, request.form["name"]))
            return super().process_response(response)

    app = make(Own, views)
    app.add_url_rule("/form", view_func=app.view_functions["fine"], methods=["POST"])
    await app.test_client().post("/form", data={"name": "ada"})

    ((thread, name),) = seen

    assert (thread.startswith("asyncflask-worker"), name) == (True, "ada")


async def test_a_def_step_may_return_a_coroutine():
    app = make()

    async def answered():
        await asyncio.sleep(0)
        return "answered"

    app.dispatch_request = lambda: answered()

    assert (await app.test_client().get("/fine")).text == "answered"


async def test_a_mock_of_a_step_is_itself(monkeypatch):
    from unittest.mock import AsyncMock, Mock

    app = make()
    app.dispatch_request = Mock(return_value="mocked")
    first = await app.test_client().get("/fine")
    app.dispatch_request.assert_called_once_with()
    app.dispatch_request = AsyncMock(return_value="awaited")
    second = await app.test_client().get("/fine")
    app.dispatch_request.assert_awaited_once_with()

    assert (first.text, second.text) == ("mocked", "awaited")


@pytest.mark.parametrize("name", ["make_response", "make_default_options_response"])
async def test_a_plain_step_may_be_async_as_in_quart(name):
    calls: list[str] = []
    original = getattr(Flask, name)

    async def step(self, *args):
        await asyncio.sleep(0)
        calls.append(name)
        return original(self, *args)

    await served(make(type("Own", (Flask,), {name: step})), CAUSES[name])

    assert calls == [name]


def test_a_plain_step_may_be_an_async_object_on_the_facade():
    class Shout:
        async def __call__(self, value):
            return asyncflask.flask.Response(value.upper())

    app = make(asyncflask.flask.Flask, "def")
    app.make_response = Shout()

    assert app.test_client().get("/fine").text == "FINE"


def test_a_replaced_step_may_be_called_where_no_app_is_current():
    app = Flask("app")
    app.handle_user_exception = lambda error: f"handled: {error}"

    assert app.handle_user_exception(LookupError("lost")) == "handled: lost"


async def test_errors_are_logged_off_the_loop_where_that_may_block():
    seen = []

    class Own(Flask):
        def log_exception(self, exc_info):
            seen.append((threading.current_thread() is main, exc_info[0]))

    main = threading.current_thread()
    await make(Own).test_client().get("/error")

    assert seen == [(False, LookupError)]


@pytest.mark.parametrize("views", ["async", "def"])
async def test_a_def_wrapper_finds_the_error_where_flask_has_it(views):
    app = make(keyword=views)
    original, seen = app.handle_exception, []

    def wrapper(e):
        seen.append(sys.exc_info()[1] is e)
        return original(e)

    app.handle_exception = wrapper
    await app.test_client().get("/error")

    assert seen == [True]


def test_steps_answer_at_once_where_no_loop_runs():
    app = make()
    app.before_request(lambda: "from the hook")

    with app.test_request_context("/fine"):
        assert app.preprocess_request() == "from the hook"
        assert app.dispatch_request() == "fine"
        response = app.process_response(app.make_response("made"))

    assert response.get_data() == b"made"


@pytest.mark.parametrize("context", ["with", "async with", "command"])
def test_the_teardown_of_an_app_context_may_be_wrapped(context):
    seen: list[object] = []
    app = make()
    app.teardown_appcontext(lambda error: seen.append("torn down"))
    app.do_teardown_appcontext = looking(app.do_teardown_appcontext, seen)

    async def entered():
        async with app.app_context():
            pass

    @app.cli.command("work")
    async def work():
        click.echo("done")

    if context == "with":
        with app.app_context():
            pass
    elif context == "async with":
        asyncio.run(entered())
    else:
        assert app.test_cli_runner().invoke(args=["work"]).output == "done\n"

    assert seen == ["torn down", None]


# -- the context of a connection -------------------------------------------------------------------


def with_tenant(where, monkeypatch, calls):
    """Make an app whose contexts have something in ``g`` from the beginning."""
    own = {name: getattr(Flask, name) for name in CONTEXTS}

    def make_context(name):
        def step(self, scope, receive=None, send=None):
            ctx = own[name](self, scope, receive, send)
            ctx.g.tenant = scope["path"].split("/")[1]
            calls.append(name)
            return ctx

        return step

    steps = {name: make_context(name) for name in CONTEXTS}
    app = make(type("Own", (Flask,), steps if where == "subclass" else {}))
    for name, step in steps.items():
        if where == "app":
            setattr(app, name, step.__get__(app))
        elif where == "class":
            monkeypatch.setattr(Flask, name, step)
    return app


@pytest.mark.parametrize("where", ["subclass", "app", "class"])
async def test_connections_have_the_context_that_the_app_makes(where, monkeypatch):
    calls: list[str] = []
    app = with_tenant(where, monkeypatch, calls)
    app.teardown_appcontext(lambda error: calls.append("teardown"))
    app.get("/<path>/def")(lambda path: g.tenant)

    @app.get("/<path>/async")
    async def view(path):
        return g.tenant

    @app.get("/<path>/stream")
    async def stream(path):
        @stream_with_context
        async def pieces():
            yield g.tenant

        return pieces()

    @app.websocket("/<path>/ws")
    async def talk(path):
        await websocket.send(g.tenant)

    client = app.test_client()
    for kind in ("def", "async", "stream"):
        assert (await client.get(f"/tea/{kind}")).text == "tea"
    async with client.websocket("/tea/ws") as ws:
        assert await ws.receive() == "tea"
    assert calls == ["request_context", "teardown"] * 3 + ["websocket_context", "teardown"]


async def test_a_context_that_is_replaced_late_is_seen(monkeypatch):
    app = make()
    await served(app, "/fine")
    calls: list[str] = []

    def request_context(scope, receive=None, send=None):
        calls.append(scope["path"])
        return Flask.request_context(app, scope, receive, send)

    app.request_context = request_context
    await served(app, "/fine")
    del app.request_context
    await served(app, "/fine")

    assert calls == ["/fine"]
