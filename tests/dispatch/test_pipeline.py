"""The pipeline: every kind of session, late changes, and no needless task or thread."""

from __future__ import annotations

import asyncio
import threading

import pytest
from werkzeug.routing import BaseConverter, Rule

import asyncflask.flask
from asyncflask import Blueprint, Flask, abort, g, request, request_started, session, websocket
from asyncflask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from asyncflask.testing import TestClient


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.secret_key = "x"
    app.testing = True
    return app


# -- session interfaces ----------------------------------------------------------------------------


class Stored(dict, SessionMixin):
    pass


class AsyncSessions(SessionInterface):
    def __init__(self):
        self.store = {}
        self.places = []

    async def open_session(self, app, request):
        await asyncio.sleep(0)
        self.places.append(threading.get_ident())
        return Stored(self.store.get(request.cookies.get("sid"), {}))

    async def save_session(self, app, session, response):
        await asyncio.sleep(0)
        self.store["one"] = dict(session)
        response.set_cookie("sid", "one")


class BlockingSessions(AsyncSessions):
    def open_session(self, app, request):
        self.places.append(threading.get_ident())
        return Stored(self.store.get(request.cookies.get("sid"), {}))

    def save_session(self, app, session, response):
        self.store["one"] = dict(session)
        response.set_cookie("sid", "one")


@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("interface", [AsyncSessions, BlockingSessions])
async def test_a_session_interface_may_be_sync_or_async(app, interface, keyword):
    app.session_interface = interface()

    def view():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    async def async_view():
        return view()

    app.add_url_rule("/", "view", view if keyword == "def" else async_view)
    client = app.test_client()

    assert [(await client.get("/")).text for _ in range(3)] == ["1", "2", "3"]
    on_loop = {ident == threading.get_ident() for ident in app.session_interface.places}
    assert on_loop == {interface is AsyncSessions}


class Delegating:
    """Passes every call on to another interface, as tracing tools do."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


class Handing(SessionInterface):
    """Its methods are `def`, and return what those of another interface return."""

    def __init__(self, inner):
        self._inner = inner

    def open_session(self, app, request):
        return self._inner.open_session(app, request)

    def save_session(self, app, session, response):
        return self._inner.save_session(app, session, response)


def on_the_instance(inner):
    """Make a cookie interface whose functions were set on the instance."""
    interface = SecureCookieSessionInterface()
    interface.open_session = inner.open_session
    interface.save_session = inner.save_session
    return interface


@pytest.mark.parametrize("flask_class", [Flask, asyncflask.flask.Flask])
@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("wrapper", [Delegating, Handing, on_the_instance])
@pytest.mark.parametrize("inner", [AsyncSessions, BlockingSessions, SecureCookieSessionInterface])
async def test_a_session_interface_is_what_its_methods_do(flask_class, keyword, wrapper, inner):
    app = flask_class(__name__)
    app.secret_key = "x"
    app.session_interface = wrapper(inner())

    def view():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    async def async_view():
        return view()

    app.add_url_rule("/", "view", view if keyword == "def" else async_view)
    client = TestClient(app)

    assert [(await client.get("/")).text for _ in range(3)] == ["1", "2", "3"]


async def test_a_function_set_on_the_interface_after_the_first_request_is_called(app):
    opened, interface = [], SecureCookieSessionInterface()
    app.session_interface = interface
    original = interface.open_session

    async def open_session(app, request):
        opened.append(request.path)
        return original(app, request)

    app.get("/")(lambda: "x")
    await app.test_client().get("/")
    interface.open_session = open_session
    await app.test_client().get("/")
    del interface.open_session
    await app.test_client().get("/")

    assert opened == ["/"]


@pytest.mark.parametrize("flask_class", [Flask, asyncflask.flask.Flask])
@pytest.mark.parametrize("gives", ["empty", "null"])
@pytest.mark.parametrize("kind", ["def", "async"])
async def test_the_session_is_opened_once_a_request(flask_class, gives, kind):
    opened, app = [], flask_class(__name__)

    class Counting(SessionInterface):
        def open_session(self, app, request):
            opened.append(request.path)
            return Stored() if gives == "empty" else None

        def save_session(self, app, session, response):
            pass

    class CountingAsync(Counting):
        async def open_session(self, app, request):
            return super().open_session(app, request)

    app.session_interface = Counting() if kind == "def" else CountingAsync()
    app.get("/look")(lambda: str(len(session)))
    client = TestClient(app)
    for path in ("/look", "/nowhere"):
        await client.get(path)

    assert opened == ["/look", "/nowhere"]


class Seen(BaseConverter):
    def to_python(self, value):
        session["seen"] = value
        return value


@pytest.mark.parametrize("flask_class", [Flask, asyncflask.flask.Flask])
@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("interface", [AsyncSessions, BlockingSessions, None])
async def test_what_a_converter_puts_into_the_session_is_kept(flask_class, keyword, interface):
    app = flask_class(__name__)
    app.secret_key = "x"
    app.url_map.converters["seen"] = Seen
    if interface is not None:
        app.session_interface = interface()

    def view(x):
        return f"{x} {session['seen']}"

    async def async_view(x):
        return view(x)

    app.add_url_rule("/<seen:x>", "view", view if keyword == "def" else async_view)

    assert (await TestClient(app).get("/tea")).text == "tea tea"


async def test_what_a_converter_puts_into_the_session_of_a_websocket_is_kept(app):
    app.url_map.converters["seen"] = Seen
    app.session_interface = AsyncSessions()

    @app.websocket("/<seen:x>")
    async def view(x):
        await websocket.send(session["seen"])

    async with app.test_client().websocket("/tea") as connection:
        assert await connection.receive() == "tea"


@pytest.mark.parametrize(
    "interface", [AsyncSessions, BlockingSessions, SecureCookieSessionInterface]
)
async def test_a_session_that_was_set_before_the_dispatch_is_kept(app, interface):
    app.session_interface = interface()
    app.get("/")(lambda: str(session["user"]))
    async with app.test_request_context("/"):
        session["user"] = 1
        response = await app.full_dispatch_request()

    assert response.get_data() == b"1"


@pytest.mark.parametrize("interface", [BlockingSessions, SecureCookieSessionInterface])
def test_on_the_facade_a_session_that_was_set_before_the_dispatch_is_kept(interface):
    app = asyncflask.flask.Flask(__name__)
    app.secret_key = "x"
    app.session_interface = interface()
    app.get("/")(lambda: str(session["user"]))
    with app.test_request_context("/"):
        session["user"] = 1
        assert app.full_dispatch_request().get_data() == b"1"


async def test_receivers_of_request_started_see_the_open_session(app):
    app.session_interface = AsyncSessions()
    app.get("/")(lambda: str(session["started"]))

    def note(sender):
        session["started"] = True

    with request_started.connected_to(note, app):
        assert (await app.test_client().get("/")).text == "True"


async def test_an_interface_without_a_session_gives_a_null_session(app):
    class Nothing(SessionInterface):
        def open_session(self, app, request):
            return None

    app.session_interface = Nothing()
    app.get("/")(lambda: str(session.get("x")))

    assert (await app.test_client().get("/")).text == "None"


async def test_a_subclass_of_the_cookie_interface_with_own_methods_is_called(app):
    saved = []

    class Own(SecureCookieSessionInterface):
        session_class = type("OwnSession", (SecureCookieSession,), {})

        async def save_session(self, app, session, response):
            saved.append(type(session).__name__)
            super().save_session(app, session, response)

    app.session_interface = Own()
    app.get("/")(lambda: session.update(a=1) or "x")
    response = await app.test_client().get("/")

    assert saved == ["OwnSession"]
    assert "session=" in response.headers["Set-Cookie"]


async def test_the_session_is_not_opened_unless_it_is_read(app):
    opened = []

    class Watching(SecureCookieSessionInterface):
        def get_signing_serializer(self, app):
            opened.append(1)
            return super().get_signing_serializer(app)

    app.session_interface = Watching()
    app.get("/")(lambda: "x")
    response = await app.test_client().get("/")

    assert opened == []
    assert "Vary" not in response.headers


async def test_session_cookies_are_saved_for_errors_too(app):
    app.testing = False
    app.logger.disabled = True

    @app.get("/")
    async def view():
        session["a"] = 1
        raise LookupError

    response = await app.test_client().get("/")

    assert response.status_code == 500
    assert "session=" in response.headers["Set-Cookie"]


# -- registries that change late -------------------------------------------------------------------


async def test_registries_may_be_changed_directly_and_late(app):
    app.get("/")(lambda: "view")
    client = app.test_client()
    first = await client.get("/")
    app.before_request_funcs.setdefault(None, []).append(lambda: "before")
    second = await client.get("/")
    app.before_request_funcs.clear()
    app.view_functions["<lambda>"] = lambda: "replaced"
    third = await client.get("/")
    app.after_request_funcs[None].append(lambda response: app.response_class("after"))
    fourth = await client.get("/")

    texts = [response.text for response in (first, second, third, fourth)]
    assert texts == ["view", "before", "replaced", "after"]


async def test_a_sync_view_may_be_replaced_by_an_async_one(app):
    async def other():
        return "async"

    app.get("/")(lambda: "def")
    client = app.test_client()
    first = await client.get("/")
    app.view_functions["<lambda>"] = other
    second = await client.get("/")

    assert (first.text, second.text) == ("def", "async")


async def test_a_hook_that_removes_itself_does_not_skip_the_next(app):
    ran = []

    def once(error):
        ran.append("once")
        app.teardown_request_funcs[None].remove(once)

    app.get("/")(lambda: "x")
    app.teardown_request(lambda error: ran.append("first registered"))
    app.teardown_request(once)
    await app.test_client().get("/")

    assert ran == ["once", "first registered"]


async def test_a_rule_without_a_view_function_is_an_error_that_names_the_endpoint(app):
    app.add_url_rule("/", "missing")

    with pytest.raises(KeyError, match="missing"):
        await app.test_client().get("/")


# -- hooks -----------------------------------------------------------------------------------------


async def test_sync_and_async_hooks_of_blueprints_run_in_flasks_order(app):
    order = []

    def hook(name, is_async):
        def plain(*args):
            order.append(name)
            return args[0] if args else None

        async def coroutine(*args):
            await asyncio.sleep(0)
            return plain(*args)

        return coroutine if is_async else plain

    bp = Blueprint("bp", __name__)
    for number in range(4):
        is_async = bool(number % 2)
        app.before_request(hook(f"app before {number}", is_async))
        bp.before_request(hook(f"bp before {number}", is_async))
        app.after_request(hook(f"app after {number}", is_async))
        bp.after_request(hook(f"bp after {number}", is_async))
    bp.get("/")(lambda: "x")
    app.register_blueprint(bp)
    await app.test_client().get("/")

    assert order == [
        *(f"app before {number}" for number in range(4)),
        *(f"bp before {number}" for number in range(4)),
        *(f"bp after {number}" for number in reversed(range(4))),
        *(f"app after {number}" for number in reversed(range(4))),
    ]


async def test_options_is_answered_without_calling_the_view_but_with_hooks(app):
    ran = []
    app.before_request(lambda: ran.append("before"))
    app.get("/")(lambda: ran.append("view") or "x")
    response = await app.test_client().options("/")

    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]
    assert ran == ["before"]


async def test_a_hook_sees_what_was_matched(app):
    seen = []

    @app.before_request
    async def before():
        seen.append((request.endpoint, request.view_args, request.blueprint))

    app.get("/<int:n>", endpoint="view")(lambda n: "x")
    await app.test_client().get("/7")

    assert seen == [("view", {"n": 7}, None)]


async def test_g_is_of_the_class_that_the_app_names(app):
    class Own(Flask.app_ctx_globals_class):
        greeting = "hi"

    app.app_ctx_globals_class = Own
    app.get("/")(lambda: g.greeting)

    assert (await app.test_client().get("/")).text == "hi"


# -- no task, no thread where none is needed -------------------------------------------------------


async def test_an_async_request_makes_no_task_and_leases_no_worker(app, monkeypatch):
    @app.before_request
    async def before():
        g.x = 1

    @app.get("/")
    async def view():
        session["a"] = 1
        return {"path": request.path}

    @app.teardown_request
    async def teardown(error):
        pass

    made = []
    loop = asyncio.get_running_loop()
    loop.set_task_factory(
        lambda loop, coro, **kw: made.append(coro) or asyncio.Task(coro, loop=loop, **kw)
    )

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        pass

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    loop.set_task_factory(None)

    assert made == []
    assert app.workers._started == 0


async def test_an_all_def_request_is_one_hop(app, monkeypatch):
    jobs = []
    worker = await app.workers.lease()
    cls = type(worker)
    worker.release()
    original = cls.run

    async def run(self, func, *args, **kwargs):
        jobs.append(func)
        return await original(self, func, *args, **kwargs)

    monkeypatch.setattr(cls, "run", run)
    app.before_request(lambda: None)
    app.after_request(lambda response: response)
    app.teardown_request(lambda error: None)
    app.get("/")(lambda: "x")
    await app.test_client().get("/")

    assert len(jobs) == 1


# -- what must be answered right -------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("returned", [None, "text"])
async def test_an_after_function_that_returns_no_response_is_named(app, keyword, returned):
    def forgetful(response):
        return returned

    async def forgetful_too(response):
        return returned

    app.get("/")(lambda: "x")
    app.after_request(forgetful if keyword == "def" else forgetful_too)

    with pytest.raises(TypeError, match=r"forgetful.* returned .* instead of a response"):
        await app.test_client().get("/")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_rule_of_werkzeugs_own_leads_to_its_endpoint(app, method):
    """Flask's documentation puts such rules into the map directly."""
    app.url_map.add(Rule("/", endpoint="index"))
    app.endpoint("index")(lambda: "x")

    assert (await app.test_client().open("/", method=method)).status_code == 200


async def test_teardown_functions_see_what_failed_first_not_its_handler(app):
    seen = []
    app.testing = False
    app.logger.disabled = True
    app.get("/")(lambda: {}["the view"])
    app.errorhandler(500)(lambda error: [][1])
    app.teardown_request(lambda error: seen.append(type(error)))

    with pytest.raises(IndexError, match="out of range"):
        await app.test_client().get("/")
    assert seen == [KeyError]


@pytest.mark.parametrize("kind", ["async", "wrapped"])
async def test_a_url_value_preprocessor_that_denies_access_is_awaited(app, kind):
    async def deny(endpoint, values):
        abort(403)

    def wrapped(endpoint, values):
        return deny(endpoint, values)

    app.url_value_preprocessor(deny if kind == "async" else wrapped)
    app.add_url_rule("/", "index", lambda: "secret")

    assert (await app.test_client().get("/")).status_code == 403
