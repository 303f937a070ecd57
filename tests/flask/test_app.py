"""The facade's app: Flask's class, WSGI and ASGI; every step may be replaced, at any time."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import io
import threading
import weakref
from contextlib import suppress
from unittest import mock

import flask as oracle
import pytest
import werkzeug.test
from werkzeug.exceptions import InternalServerError, MethodNotAllowed, NotFound
from werkzeug.test import Client, run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask
import asyncflask.flask
from asyncflask.flask import Flask, Request, Response, current_app, g, request, session
from asyncflask.flask.json.provider import DefaultJSONProvider
from asyncflask.testing import TestClient
from asyncflask.testing.builder import connection_scope

both = pytest.mark.parametrize("module", [asyncflask.flask, oracle], ids=["facade", "flask"])


class Broken(Exception):
    pass


@pytest.fixture
def broken(app):
    app.testing = False
    app.logger.disabled = True

    @app.get("/broken")
    def view():
        raise Broken("as it should")

    yield app
    app.logger.disabled = False


# -- entry points ----------------------------------------------------------------------------------


def test_with_two_arguments_the_app_is_wsgi(app):
    app.get("/")(lambda: request.method)
    body, status, headers = run_wsgi_app(app, app.test_request_context("/").request.environ)

    assert (b"".join(body), status) == (b"GET", "200 OK")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


PATHS = [
    *("/", "/broken", "/aborts", "/answers", "/missing", "/stream", "/stream-fails"),
    *("/async-uses", "/async-fails"),
]


@pytest.fixture(params=PATHS)
def path(broken, request):
    @broken.get("/")
    def uses():
        g.path = asyncflask.flask.request.path
        return asyncflask.flask.request.args.get("a", "")

    @broken.get("/aborts")
    def aborts():
        raise NotFound(asyncflask.flask.request.path)

    @broken.get("/answers")
    def answers():
        raise MethodNotAllowed

    @broken.errorhandler(MethodNotAllowed)
    def same(error):
        return error

    @broken.get("/stream")
    def stream():
        return iter(["a", "b"])

    @broken.get("/stream-fails")
    def stream_that_fails():
        return (str(1 / number) for number in (1, 0))

    @broken.get("/async-uses")
    async def uses_awaitable():
        return asyncflask.request.path + str(await asyncflask.request.get_data())

    @broken.get("/async-fails")
    async def fails():
        raise Broken("as it should")

    return request.param


def test_a_wsgi_request_leaves_no_reference_circle(app, path):
    """Its memory is free at once. The garbage collector comes late, and stops all threads."""
    environ = werkzeug.test.create_environ(path, errors_stream=io.StringIO())
    alive = weakref.ref(environ["wsgi.errors"])
    gc.disable()
    try:
        with suppress(ZeroDivisionError):
            run_wsgi_app(app, environ, buffered=True)
        environ.clear()

        assert alive() is None
    finally:
        gc.enable()


async def test_an_asgi_request_leaves_no_reference_circle(app, path):
    messages = iter([{"type": "http.request"}])

    async def receive():
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    async def send(message):
        pass

    alive = weakref.ref(receive)
    client = TestClient(app, Response)
    scope = connection_scope(client.make_environ((path,), {}))
    gc.disable()
    try:
        with suppress(ZeroDivisionError):
            await app(scope, receive, send)
        scope.clear()
        del receive
        async with asyncio.timeout(5):  # The thread may be at its end.
            while alive() is not None:
                await asyncio.sleep(0.001)
    finally:
        gc.enable()


async def test_with_three_arguments_the_app_is_asgi(app):
    app.get("/")(lambda: request.method)
    client = TestClient(app, Response)

    assert (await client.get("/")).text == "GET"


def test_a_request_needs_no_loop(app, client):
    import asyncio

    @app.get("/")
    def view():
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return "done"

    assert client.get("/").text == "done"


async def test_a_request_may_be_made_inside_a_running_loop(app, client):
    @app.get("/")
    async def view():
        return request.method

    assert client.get("/").text == "GET"


def test_an_async_view_has_flasks_synchronous_request(app, client):
    @app.post("/")
    async def view():
        return request.form["name"] + request.get_json(silent=True, force=True).__class__.__name__

    assert client.post("/", data={"name": "Ada"}).text == "AdaNoneType"


def test_the_environ_is_one_dictionary_shared_with_middleware(app, client):
    app.get("/")(lambda: request.environ["from.middleware"])
    inner = app.wsgi_app

    def middleware(environ, start_response):
        environ["from.middleware"] = "seen"
        return inner(environ, start_response)

    app.wsgi_app = middleware

    assert client.get("/").text == "seen"


# -- replaced steps --------------------------------------------------------------------------------

STEPS = {
    "full_dispatch_request": lambda: Response("replaced"),
    "dispatch_request": lambda: "replaced",
    "preprocess_request": lambda: "replaced",
    "make_response": lambda value: Response("replaced"),
    "finalize_request": lambda value, from_error_handler=False: Response("replaced"),
    "process_response": lambda response: Response("replaced"),
}
ERROR_STEPS = {
    "handle_exception": lambda error: Response("replaced"),
    "handle_user_exception": lambda error: "replaced",
    "handle_http_exception": lambda error: "replaced",
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_may_be_replaced_on_the_app_between_requests(app, client, name):
    app.get("/")(lambda: "original")

    assert client.get("/").text == "original"
    setattr(app, name, STEPS[name])
    assert client.get("/").text == "replaced"
    delattr(app, name)
    assert client.get("/").text == "original"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_may_be_overridden_in_a_subclass(name):
    step = STEPS[name]
    cls = type("Own", (Flask,), {name: lambda self, *args: step(*args)})
    app = cls(__name__)
    app.get("/")(lambda: "original")

    assert app.test_client().get("/").text == "replaced"


@pytest.mark.parametrize("name", ["handle_exception", "handle_user_exception"])
def test_what_handles_an_error_may_be_replaced(broken, name):
    setattr(broken, name, ERROR_STEPS[name])

    assert broken.test_client().get("/broken").text == "replaced"


@pytest.mark.parametrize("name", ["handle_http_exception", "handle_user_exception"])
def test_what_handles_an_http_error_may_be_replaced(app, client, name):
    setattr(app, name, ERROR_STEPS[name])

    assert client.get("/nowhere").text == "replaced"


def test_a_replaced_step_may_call_the_original(app, client):
    app.get("/")(lambda: "original")
    original = app.dispatch_request
    app.dispatch_request = lambda: f"<{original()}>"

    assert client.get("/").text == "<original>"


def test_call_may_be_replaced_on_the_class(app, client, monkeypatch):
    """Sentry does this."""
    app.get("/")(lambda: "original")
    original = Flask.__call__

    def call(self, environ, start_response):
        environ["REQUEST_METHOD"] = "HEAD" if environ["QUERY_STRING"] else "GET"
        return original(self, environ, start_response)

    monkeypatch.setattr(Flask, "__call__", call)

    assert client.get("/").text == "original"
    assert client.get("/?x").text == ""


def test_registries_are_plain_and_read_at_every_request(app, client):
    app.get("/", endpoint="index")(lambda: "original")

    assert client.get("/").text == "original"
    app.view_functions["index"] = lambda: "replaced"
    assert client.get("/").text == "replaced"
    app.before_request_funcs.setdefault(None, []).append(lambda: "before")
    assert client.get("/").text == "before"


def test_a_request_context_may_be_made_otherwise(app, client):
    original = app.request_context

    def request_context(environ):
        environ["PATH_INFO"] = "/other"
        return original(environ)

    app.get("/other")(lambda: request.path)
    app.request_context = request_context

    assert client.get("/").text == "/other"


# -- errors ----------------------------------------------------------------------------------------


def test_an_error_that_nothing_handles_is_a_500(broken):
    response = broken.test_client().get("/broken")

    assert (response.status_code, "Internal Server Error" in response.text) == (500, True)


def test_the_handler_of_500_gets_the_original_error(broken):
    @broken.errorhandler(InternalServerError)
    def handler(error):
        return repr(error.original_exception), 500

    assert broken.test_client().get("/broken").text == "Broken('as it should')"


def test_while_testing_an_error_reaches_the_caller(broken):
    broken.testing = True

    with pytest.raises(Broken, match="as it should"):
        broken.test_client().get("/broken")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exit_or_interrupt_passes_through(app, client, error):
    seen = []
    app.teardown_request(seen.append)

    @app.get("/")
    def view():
        raise error

    with pytest.raises(error, match=r"^$"):
        client.get("/")
    assert [type(e) for e in seen] == [error]
    assert not current_app


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exit_of_an_async_view_passes_through(app, client, error):
    @app.get("/")
    async def view():
        raise error

    with pytest.raises(error, match=r"^$"):
        client.get("/")


def test_teardown_gets_the_error(broken):
    seen = []
    broken.teardown_request(seen.append)
    broken.teardown_appcontext(seen.append)
    broken.test_client().get("/broken")

    assert [type(error) for error in seen] == [Broken, Broken]


def test_an_error_may_be_ignored_for_teardown(broken):
    seen = []
    broken.teardown_request(seen.append)
    broken.should_ignore_error = lambda error: isinstance(error, Broken)
    broken.test_client().get("/broken")

    assert seen == [None]


# -- steps by hand ---------------------------------------------------------------------------------


def test_a_request_may_be_dispatched_by_hand(app):
    app.get("/x")(lambda: "view")

    with app.test_request_context("/x"):
        assert app.preprocess_request() is None
        assert app.dispatch_request() == "view"
        assert app.full_dispatch_request().get_data() == b"view"


def test_outside_of_a_request_a_step_says_so(app):
    with pytest.raises(RuntimeError, match="Working outside of request context: a step"):
        app.full_dispatch_request()


def test_an_async_function_is_made_synchronous(app):
    async def answer(value):
        return value

    assert app.ensure_sync(answer)(42) == 42
    assert app.async_to_sync(answer)(42) == 42
    assert app.ensure_sync(len) is len


@both
@pytest.mark.parametrize("where", ["hook", "subclass"])
def test_dispatch_request_raises_the_error_of_matching(module, where):
    def dispatch(app):
        try:
            return module.Flask.dispatch_request(app)
        except NotFound:
            return "mine", 404
        except MethodNotAllowed as error:
            return f"only {min(error.valid_methods)}", 405

    body = {"dispatch_request": dispatch} if where == "subclass" else {}
    app = type("App", (module.Flask,), body)("app", static_folder=None)
    app.add_url_rule("/", "index", lambda: "index")
    if where == "hook":
        app.before_request(lambda: dispatch(app))
    client = app.test_client()

    answers = [client.get("/"), client.get("/nowhere"), client.post("/")]
    assert [answer.text for answer in answers] == ["index", "mine", "only GET"]
    with app.test_request_context("/nowhere"), pytest.raises(NotFound, match="not found"):
        module.Flask.dispatch_request(app)


@both
@pytest.mark.parametrize("where", ["view", "before", "after"])
@pytest.mark.parametrize("propagates", [False, True])
def test_a_stop_iteration_is_an_error_like_any_other(module, where, propagates, monkeypatch):
    """``next()`` without a default: neither the handler nor the log sees a RuntimeError."""

    def fail(*args):
        return next(iter(()))

    app = module.Flask("app", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = propagates
    monkeypatch.setattr(app.logger, "disabled", True)
    app.add_url_rule("/", "index", fail if where == "view" else lambda: "index")
    if where != "view":
        getattr(app, f"{where}_request")(fail)
    app.register_error_handler(500, lambda error: type(error.original_exception).__name__)
    client = app.test_client()

    if propagates:
        with pytest.raises(StopIteration):
            client.get("/")
    else:
        assert client.get("/").text == "StopIteration"
    app.error_handler_spec[None][None][StopIteration] = lambda error: "handled"
    if where != "after":
        assert client.get("/").text == "handled"


@both
@pytest.mark.parametrize("register", ["teardown_request", "teardown_appcontext"])
@pytest.mark.parametrize("begin", ["request", "test_request_context", "app_context"])
def test_a_stop_iteration_of_a_teardown_function_is_raised_unchanged(module, register, begin):
    app = module.Flask("app", static_folder=None)
    app.add_url_rule("/", "index", lambda: "index")
    getattr(app, register)(lambda error: next(iter(())))

    def run():
        if begin == "request":
            app.test_client().get("/")
        else:
            with getattr(app, begin)():
                pass

    if (register, begin) == ("teardown_request", "app_context"):
        run()
    else:
        with pytest.raises(StopIteration):
            run()


@both
@pytest.mark.parametrize("error", [RuntimeError("coroutine raised StopIteration"), KeyError("a")])
def test_another_error_of_a_teardown_function_is_raised_unchanged(module, error):
    app = module.Flask("app", static_folder=None)

    @app.teardown_appcontext
    def fail(exc):
        raise error

    with pytest.raises(type(error)) as caught, app.app_context():
        pass

    assert caught.value is error


@both
def test_the_line_of_an_error_in_the_log_names_the_module_app(module, caplog):
    app = module.Flask("app", static_folder=None)
    app.add_url_rule("/", "index", lambda: 1 / 0)

    assert app.test_client().get("/").status_code == 500
    assert [record.module for record in caplog.records] == ["app"]


@both
def test_a_stop_iteration_after_an_error_handler_is_in_the_log_as_itself(module, caplog):
    app = module.Flask("app", static_folder=None)
    app.add_url_rule("/", "index", lambda: "index")
    app.after_request(lambda response: next(iter(())))

    assert app.test_client().get("/").status_code == 500
    assert [record.exc_info[0] for record in caplog.records] == [StopIteration, StopIteration]


@both
def test_a_muted_signal_is_not_sent(module):
    app = module.Flask("app", static_folder=None)
    app.add_url_rule("/", "index", lambda: "index")
    heard = []

    def receiver(sender, **extra):
        heard.append(sender)

    with module.request_started.connected_to(receiver, app):
        with module.request_started.muted():
            app.test_client().get("/")
        assert heard == []
        app.test_client().get("/")

    assert heard == [app]


@both
def test_force_type_of_a_response_class_gets_errors_and_wsgi_callables(module):
    """Its own ``force_type`` gets the same value as on Flask."""
    forced = []

    class Own(module.Response):
        @classmethod
        def force_type(cls, response, environ=None):
            forced.append((type(response).__name__, bool(environ)))
            return super().force_type(response, environ)

    def answer(environ, start_response):
        start_response("200 OK", [("X-Path", environ["PATH_INFO"])])
        return [b"called"]

    app = module.Flask("app", static_folder=None)
    app.response_class = Own
    app.add_url_rule("/call", "call", lambda: answer)
    app.add_url_rule("/both", "both", lambda: (answer, 201))
    app.add_url_rule("/plain", "plain", lambda: WerkzeugResponse("plain"))
    app.add_url_rule("/own", "own", lambda: Own("own"))
    client = app.test_client()
    answers = [client.get(f"/{name}") for name in ("call", "both", "plain", "own", "nowhere")]

    assert [answer.status_code for answer in answers] == [200, 201, 200, 200, 404]
    assert (answers[0].text, answers[0].headers["X-Path"]) == ("called", "/call")
    kinds = [kind for kind, _ in forced]
    assert kinds == ["function", "function", "Response", "NotFound"]


@both
@pytest.mark.parametrize(
    "make_mock",
    [
        lambda cls: mock.create_autospec(cls, instance=True),
        lambda cls: mock.MagicMock(spec=cls),
        lambda cls: mock.Mock(spec=cls),
        lambda cls: mock.MagicMock(),
    ],
    ids=["autospec", "magic", "plain", "no spec"],
)
def test_a_session_interface_may_be_a_mock(module, make_mock):
    sessions = importlib.import_module(f"{module.__name__}.sessions")
    app = module.Flask("app", static_folder=None)
    interface = make_mock(sessions.SecureCookieSessionInterface)
    interface.open_session.return_value = sessions.SecureCookieSession({"name": "Ada"})
    interface.is_null_session.return_value = False
    app.session_interface = interface
    app.testing = True
    app.add_url_rule("/", "index", lambda: module.session["name"])

    assert app.test_client().get("/").text == "Ada"
    assert interface.open_session.call_count == interface.save_session.call_count == 1


# -- classes ---------------------------------------------------------------------------------------


def test_request_and_response_may_be_of_a_custom_class(app, client):
    class OwnRequest(Request):
        def shout(self):
            return self.args["word"].upper()

    class OwnResponse(Response):
        default_mimetype = "text/plain"

    app.request_class, app.response_class = OwnRequest, OwnResponse
    app.get("/")(lambda: request.shout())
    response = client.get("/?word=hello")

    assert (response.text, response.mimetype) == ("HELLO", "text/plain")


def test_a_plain_werkzeug_response_becomes_one_of_the_app(app, client):
    app.get("/")(lambda: WerkzeugResponse("plain"))
    seen = []
    app.after_request(lambda response: seen.append(type(response)) or response)
    client.get("/")

    assert seen == [Response]


def test_json_is_written_and_read_by_the_apps_provider(app, client):
    class Provider(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return super().dumps({"wrapped": obj}, **kwargs)

        def loads(self, s, **kwargs):
            return super().loads(s, **kwargs)["wrapped"]

    app.json = Provider(app)
    app.post("/")(lambda: [request.get_json()])
    response = client.post("/", json=42)

    assert DefaultJSONProvider(app).loads(response.text) == {"wrapped": [42]}
    assert response.json == [42]


def test_each_api_reads_the_session_of_the_other(app, client):
    other = asyncflask.Flask(__name__)
    other.secret_key = app.secret_key

    @app.get("/")
    def view():
        session["name"] = "Ada"
        return ""

    client.get("/")
    cookie = client.get_cookie("session").value
    serializer = other.session_interface.get_signing_serializer(other)

    assert serializer.loads(cookie) == {"name": "Ada"}


# -- memory ----------------------------------------------------------------------------------------


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("requests", [0, 2])
def test_an_app_is_freed_with_its_last_name(requests):
    app = Flask(__name__)
    app.get("/")(lambda: "")
    client = app.test_client()
    for _ in range(requests):
        client.get("/").close()
    freed = weakref.ref(app)
    del app, client

    assert freed() is None


@pytest.mark.usefixtures("no_collector")
def test_a_context_is_freed_with_its_request(app, client):
    seen = []

    @app.get("/")
    def view():
        g.thing = Broken()
        seen.append(weakref.ref(g.thing))
        seen.append(weakref.ref(request._get_current_object()))
        return ""

    client.get("/").close()

    assert [ref() for ref in seen] == [None, None]


# -- run -------------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch):
    """Collect the arguments with which ``run`` calls Werkzeug's server."""
    for name in ["FLASK_RUN_FROM_CLI", "FLASK_DEBUG", "ASYNCFLASK_DEBUG"]:
        monkeypatch.delenv(name, raising=False)
    calls = []
    monkeypatch.setattr(
        "werkzeug.serving.run_simple", lambda *args, **options: calls.append((args, options))
    )
    return calls


def test_run_serves_with_werkzeug(app, served):
    app.run()
    options = {"use_reloader": False, "use_debugger": False, "threaded": True}

    assert served == [(("127.0.0.1", 5000, app), options)]


@pytest.mark.parametrize(
    ("arguments", "server_name", "address"),
    [
        ({}, None, ("127.0.0.1", 5000)),
        ({"host": "::1", "port": "80"}, None, ("::1", 80)),
        ({"port": 0}, "shop.test:8080", ("shop.test", 0)),
        ({"port": ""}, "shop.test:8080", ("shop.test", 8080)),
        ({"host": ""}, "shop.test", ("shop.test", 5000)),
    ],
)
def test_run_takes_the_address_from_its_arguments_then_the_server_name(
    app, served, arguments, server_name, address
):
    app.config["SERVER_NAME"] = server_name
    app.run(**arguments)

    assert served[0][0][:2] == address


def test_run_in_debug_mode_turns_reloader_and_debugger_on(app, served):
    app.run(debug=True, ssl_context="adhoc")
    options = served[0][1]

    assert (options["use_reloader"], options["use_debugger"]) == (True, True)
    assert options["ssl_context"] == "adhoc"


def test_run_takes_debug_mode_from_the_environment(app, served, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app.run()

    assert app.debug


def test_run_on_the_command_line_does_nothing_but_warn(app, served, monkeypatch, capsys):
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    app.run()

    assert not served
    assert "is ignored" in capsys.readouterr().out


def test_after_run_setup_is_open_again(app, served, client):
    client.get("/")
    app.run()

    assert app.before_request(print) is print


# -- files -----------------------------------------------------------------------------------------


def test_static_files_are_sent(tmp_path):
    (tmp_path / "style.css").write_text("b {}")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/s")

    with Client(app).get("/s/style.css") as response:
        assert (response.text, response.mimetype) == ("b {}", "text/css")


def test_without_a_static_folder_none_can_be_sent():
    app = Flask(__name__, static_folder=None)

    with pytest.raises(RuntimeError, match="has no static folder to send 'x' from"):
        app.send_static_file("x")


def test_ensure_async_without_a_server_stays_in_the_callers_thread():
    """A ``sqlite3`` connection of a hook can be used in a callback of an ``async def`` view."""
    app = Flask(__name__)

    @app.get("/")
    async def view():
        return str(await app.ensure_async(threading.get_ident)())

    assert app.test_client().get("/").text == str(threading.get_ident())


# -- ensure_sync and async_to_sync that are the app's own ------------------------------------------


def run_alone(function, *args, **kwargs):
    """Run an ``async def`` function that waits for nothing, without a loop."""
    coro = function(*args, **kwargs)
    while True:
        try:
            coro.send(None)
        except StopIteration as end:
            return end.value


def app_that_notes_calls(module, where="subclass", method="ensure_sync"):
    """An app whose own method collects its arguments, which are those of Flask."""
    given = []

    def own(function):
        given.append(function.__name__)
        if not inspect.iscoroutinefunction(function):
            return function
        return functools.partial(run_alone, function)

    body = {method: lambda self, function: own(function)} if where == "subclass" else {}
    app = type("App", (module.Flask,), body)("app", static_folder=None)
    if where == "instance":
        setattr(app, method, own)
    app.testing = False
    return app, given


def register_everything(module, app, wait):
    """Register one callable of each kind, ``async def`` if ``wait``."""

    def made(name, result=lambda *args: None):
        def function(*args, **kwargs):
            return result(*args)

        async def coroutine_function(*args, **kwargs):
            await asyncio.sleep(0)
            return result(*args)

        made_one = coroutine_function if wait else function
        made_one.__name__ = name
        return made_one

    def fail():
        raise LookupError

    def view():
        module.after_this_request(made("after_this", lambda response: response))
        return module.render_template_string("{{ word }}")

    app.before_request(made("before"))
    app.after_request(made("after", lambda response: response))
    app.teardown_request(made("teardown"))
    app.teardown_appcontext(made("teardown_app"))
    app.context_processor(made("processor", lambda: {"word": "text"}))
    app.errorhandler(LookupError)(made("handler", lambda error: "handled"))
    app.errorhandler(404)(made("handler_404", lambda error: ("nowhere", 404)))
    app.errorhandler(500)(made("handler_500", lambda error: ("broken", 500)))
    app.add_url_rule("/", view_func=made("view", view))
    app.add_url_rule("/fail", view_func=made("fail", fail))
    app.add_url_rule("/break", view_func=made("break_it", lambda: 1 / 0))
    app.logger.disabled = True


@both
@pytest.mark.parametrize("wait", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("where", ["subclass", "instance"])
@pytest.mark.parametrize("path", ["/", "/fail", "/break", "/nowhere"])
def test_an_own_ensure_sync_sees_all_that_flask_gives_it(module, where, wait, path):
    app, given = app_that_notes_calls(module, where)
    register_everything(module, app, wait)
    expected = {
        "/": (["before", "view", "processor", "after_this", "after"], "text"),
        "/fail": (["before", "fail", "handler", "after"], "handled"),
        "/break": (["before", "break_it", "handler_500", "after"], "broken"),
        "/nowhere": (["before", "handler_404", "after"], "nowhere"),
    }[path]
    answer = app.test_client().get(path)

    assert ([name for name in given if name != "_default_template_ctx_processor"], answer.text) == (
        [*expected[0], "teardown", "teardown_app"],
        expected[1],
    )
    app.logger.disabled = False


@both
@pytest.mark.parametrize("where", ["subclass", "instance"])
def test_an_own_async_to_sync_runs_what_is_async(module, where):
    app, given = app_that_notes_calls(module, where, "async_to_sync")
    register_everything(module, app, wait=True)

    assert app.test_client().get("/").text == "text"
    assert given == [
        *["before", "view", "processor", "after_this", "after", "teardown", "teardown_app"],
    ]
    app.logger.disabled = False


@both
@pytest.mark.parametrize("wait", [False, True], ids=["def", "async def"])
def test_an_own_ensure_sync_sees_receivers_that_are_async(module, wait):
    app, given = app_that_notes_calls(module)
    app.add_url_rule("/", "index", lambda: "fine")
    seen = []

    def receiver(sender, **kwargs):
        seen.append(sender)

    async def async_receiver(sender, **kwargs):
        seen.append(sender)

    signals = [module.request_started, module.request_finished, module.appcontext_pushed]
    used = async_receiver if wait else receiver
    for signal in signals:
        signal.connect(used, app)
    app.test_client().get("/")

    assert seen == [app] * 3
    assert given == (
        ["async_receiver", "async_receiver", "<lambda>", "async_receiver"] if wait else ["<lambda>"]
    )


@both
def test_url_value_preprocessors_are_called_without_ensure_sync(module):
    app, given = app_that_notes_calls(module)
    app.url_value_preprocessor(lambda endpoint, values: values.update(n=values["n"] + 1))
    app.add_url_rule("/<int:n>", "show", lambda n: f"{n}")

    assert app.test_client().get("/1").text == "2"
    assert given == ["<lambda>"]


@both
def test_a_copied_request_context_uses_the_apps_own_ensure_sync(module):
    app, given = app_that_notes_calls(module)

    async def later():
        return module.request.path

    with app.test_request_context("/here"):
        copied = module.copy_current_request_context(later)

    assert copied() == "/here"
    assert given == ["later"]


@both
def test_the_apps_own_methods_do_not_go_through_its_own_ensure_sync(module, monkeypatch):
    """Flask converts what users register; the steps of an app are called as they are."""
    app, given = app_that_notes_calls(module)
    app.secret_key = "only here"
    monkeypatch.setattr(app.logger, "disabled", True)
    app.add_url_rule("/fine", "fine", lambda: module.session.setdefault("name", "Ada"))
    app.add_url_rule("/error", "error", lambda: 1 / 0)
    for name in (
        *("full_dispatch_request", "preprocess_request", "dispatch_request", "finalize_request"),
        *("process_response", "make_response", "handle_user_exception", "handle_exception"),
        *("log_exception", "do_teardown_request", "do_teardown_appcontext"),
    ):
        setattr(app, name, functools.partial(getattr(app, name)))
    client = app.test_client()

    assert [client.get(path).status_code for path in ("/fine", "/error")] == [200, 500]
    assert given == ["<lambda>", "<lambda>"]


@both
def test_class_based_views_go_through_the_apps_own_ensure_sync(module):
    app, given = app_that_notes_calls(module)

    class Page(importlib.import_module(f"{module.__name__}.views").MethodView):
        async def get(self):
            return "got"

        def post(self):
            return "posted"

    app.add_url_rule("/", view_func=Page.as_view("page"))
    client = app.test_client()

    assert (client.get("/").text, client.post("/").text) == ("got", "posted")
    assert "page" in given


async def test_an_own_ensure_sync_is_used_on_asgi(app):
    given = []
    app.ensure_sync = lambda function: (
        given.append(function.__name__)
        or (
            functools.partial(run_alone, function)
            if inspect.iscoroutinefunction(function)
            else function
        )
    )

    @app.before_request
    def before():
        pass

    @app.get("/")
    async def view():
        return request.path

    assert (await TestClient(app, Response).get("/")).text == "/"
    assert given == ["before", "view"]


@pytest.mark.parametrize("where", ["subclass", "instance"])
@pytest.mark.parametrize("wait", [False, True], ids=["def", "async def"])
async def test_the_async_api_uses_an_own_ensure_async(where, wait):
    given = []

    def own(app, function):
        given.append(function.__name__)
        return asyncflask.Flask.ensure_async(app, function)

    body = {"ensure_async": own} if where == "subclass" else {}
    app = type("App", (asyncflask.Flask,), body)("app", static_folder=None)
    if where == "instance":
        app.ensure_async = functools.partial(own, app)

    def before():
        pass

    async def async_before():
        pass

    def view():
        return threading.current_thread().name

    async def async_view():
        return threading.current_thread().name

    app.before_request(async_before if wait else before)
    app.add_url_rule("/", view_func=async_view if wait else view)
    name = (await app.test_client().get("/")).text

    assert (name == threading.current_thread().name) is wait
    assert given == (["async_before", "async_view"] if wait else ["before", "view"])


async def test_the_async_api_uses_an_own_sync_to_async():
    class App(asyncflask.Flask):
        def sync_to_async(self, function):
            async def run(*args, **kwargs):
                return f"mine: {function(*args, **kwargs)}"

            return run

    app = App("app", static_folder=None)
    app.get("/def")(lambda: "def")

    @app.get("/async")
    async def view():
        return "async"

    client = app.test_client()

    assert (await client.get("/def")).text == "mine: def"
    assert (await client.get("/async")).text == "async"


@pytest.mark.parametrize(
    ("host", "location"),
    [
        ("my_app:80", "http://my_app/evil.test/"),
        ("shop.test", "http://shop.test/evil.test/"),
        ("a b", "/evil.test/"),
    ],
)
def test_a_redirect_leads_to_no_host_that_the_path_names(app, client, host, location):
    """**Differs from Flask**, whose `http:///evil.test/` leads to evil.test."""
    app.add_url_rule("/<name>/", "page", lambda name: name)

    response = client.get("/evil.test", headers={"Host": host})

    assert response.headers["Location"] == location
