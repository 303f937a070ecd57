"""Each row of ``explanation/differences-from-flask.md`` is tried on Flask and on asyncflask."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import io
import logging
import os
import subprocess
import sys
import threading
import warnings
from types import SimpleNamespace

import flask
import pytest
from werkzeug.exceptions import NotFound
from werkzeug.routing import Submount
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask
from asyncflask import flask as facade
from asyncflask.exceptions import UnawaitedAccess, WrongContextPopped
from asyncflask.wrappers import SyncRequest

from .documents import PROJECT
from .rows import Rows, ask

row = Rows("docs/explanation/differences-from-flask.md")
ASYNC_API = [flask, asyncflask]
FACADE = [flask, facade]

MULTIPART = "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _logger_as_before():
    """Let other tests read what apps of this name log."""
    yield
    logging.getLogger("shop").disabled = False


def test_each_row_of_the_page_has_a_test():
    assert row.shown() == row.tried


def apps(build, libs, **config):
    """Build one app with each of two frameworks."""
    made = []
    for lib in libs:
        app = lib.Flask("shop")
        app.secret_key = "for tests"
        app.logger.disabled = True
        app.config.from_mapping(config)
        build(lib, app)
        made.append(app)
    return made


async def answers(build, libs=ASYNC_API, path="/", config=None, **options):
    """Return each framework's response."""
    return [await ask(app, path, **options) for app in apps(build, libs, **(config or {}))]


def view_of(function, **options):
    """Return what builds an app whose one view calls ``function(framework)``."""

    def build(lib, app):
        app.add_url_rule("/", "view", lambda: function(lib), **options)

    return build


def wsgi(app, path="/", **environ):
    """Call an app as a WSGI server does; return the status, the headers and the body."""
    called = EnvironBuilder(path).get_environ() | environ
    body, status, headers = run_wsgi_app(app, called, buffered=True)
    return int(status[:3]), headers, b"".join(body)


async def asgi(app, path="/", host=b"localhost", query=b""):
    """Call an app as an ASGI server does; return the status, the headers and the body."""
    sent = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", host)],
        "server": ("localhost", 80),
        "root_path": "",
        "client": None,
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent)


def in_a_context_of_its_own(function, *args):
    """Call a function whose context variables do not reach other tests."""
    return contextvars.Context().run(function, *args)


def outcome_of(function, *args):
    """Return a function's result, or the type of its error."""
    try:
        return function(*args)
    except Exception as error:
        return type(error)


# -- the app ---------------------------------------------------------------------------------------


@row("The app", "interface")
async def test_the_app_is_asgi():
    flasks, ours = apps(view_of(lambda lib: "hello"), ASYNC_API)

    assert wsgi(flasks)[::2] == (200, b"hello")
    assert (await asgi(ours))[::2] == (200, b"hello")
    assert hasattr(flasks, "wsgi_app")
    assert not hasattr(ours, "wsgi_app")
    assert callable(ours.asgi_app)


def note_threads(lib, app):
    app.threads = []

    @app.before_request
    @app.teardown_request
    def note(error=None):
        app.threads.append(threading.current_thread())

    @app.get("/")
    def view():
        note()
        return ""


@row("The app", "a `def` view")
async def test_a_def_view_has_a_thread():
    flasks, ours = apps(note_threads, ASYNC_API)

    flasks.test_client().get("/")
    await ours.test_client().get("/")

    assert set(flasks.threads) == {threading.current_thread()}
    (thread,) = set(ours.threads)
    assert thread is not threading.current_thread()
    assert len(ours.threads) == 3


def note_loops(lib, app):
    app.loops = []

    @app.get("/")
    async def view():
        app.loops.append(asyncio.get_running_loop())
        return ""


@row("The app", "an `async def` view")
async def test_an_async_def_view_runs_on_the_servers_loop():
    flasks, ours = apps(note_loops, ASYNC_API)
    for app in flasks, ours:
        await ask(app)
        await ask(app)

    assert len(set(flasks.loops)) == 2
    assert set(ours.loops) == {asyncio.get_running_loop()}


RUN = """
from {module} import Flask
app = Flask("shop")
app.get("/")(lambda: "hello")
app.run(port=0)
"""


@row("The app", "`app.run()`")
def test_app_run_serves_with_the_embedded_server(start_program):
    flasks, ours = (start_program("-c", RUN.format(module=lib.__name__)) for lib in ASYNC_API)

    assert flasks.output.until("development server")
    assert ours.url().startswith("http://127.0.0.1:")


@row("The app", "websockets, startup and shutdown, background tasks")
@pytest.mark.parametrize(
    "name",
    ["websocket", "before_serving", "while_serving", "after_serving", "add_background_task"],
)
def test_what_flask_does_not_have(name):
    assert not hasattr(flask.Flask, name)
    assert hasattr(asyncflask.Flask, name)


def submount(lib, app):
    rule = app.url_rule_class("/a//b", endpoint="view", merge_slashes=False)
    app.url_map.add(Submount("/s", [rule]))
    app.view_functions["view"] = lambda: "found"


@row("The app", "rules in `Submount`, `Subdomain` and other factories")
async def test_a_rule_in_a_factory_keeps_what_it_was_given():
    flasks, ours = await answers(submount, path="/s/a//b")

    assert flasks.status_code == 308
    assert ours.text == "found"


@row("The app", "a rule with two variables of one name")
@row("The facade", "a rule with two variables of one name")
@pytest.mark.parametrize("lib", [asyncflask, facade])
def test_two_variables_of_one_name(lib):
    def add_rule(lib):
        lib.Flask("shop").get("/<x>/<x>")(lambda x: x)

    with pytest.raises(SyntaxError, match="duplicate argument 'x'"):
        add_rule(flask)
    with pytest.raises(ValueError, match="'/<x>/<x>'"):
        add_rule(lib)


@row("The app", "`provide_automatic_options=True` at a route")
@row("The facade", "`provide_automatic_options=True` at a route")
@pytest.mark.parametrize("lib", [asyncflask, facade])
@pytest.mark.parametrize(
    ("methods", "expected"), [(["GET"], [405, 200]), (["GET", "OPTIONS"], [200, 200])]
)
async def test_explicit_automatic_options(lib, methods, expected):
    def build(lib, app):
        app.route("/", methods=methods, provide_automatic_options=True)(lambda: "page")

    found = await answers(build, [flask, lib], method="OPTIONS")

    assert [response.status_code for response in found] == expected
    assert set(found[1].allow) == {"GET", "HEAD", "OPTIONS"}


# -- the request -----------------------------------------------------------------------------------


def read_form(lib, app):
    @app.post("/")
    def view():
        return dict(lib.request.form)


@row("The request", "the body in an `async def` function")
async def test_the_body_is_awaited():
    def build(lib, app):
        @app.post("/plain")
        async def plain():
            return lib.request.form["name"]

        @app.post("/awaited")
        async def awaited():
            return (await lib.request.form)["name"]

    flasks, ours = apps(build, ASYNC_API, TESTING=True)
    form = {"method": "POST", "data": {"name": "Ada"}}

    assert (await ask(flasks, "/plain", **form)).text == "Ada"
    assert (await ask(ours, "/awaited", **form)).text == "Ada"
    with pytest.raises(UnawaitedAccess, match=r"await request\.form"):
        await ask(ours, "/plain", **form)


@row("The request", "the body in a `def` function")
async def test_the_body_in_a_def_view():
    for response in await answers(read_form, method="POST", data={"name": "Ada"}):
        assert response.json == {"name": "Ada"}


def look_at_the_request(lib, app):
    """Register functions of both kinds, which say what their request is."""
    seen = app.extensions["seen"] = []

    def look():
        seen.append(lib.request._get_current_object())

    async def look_on_loop():
        seen.append(lib.request._get_current_object())

    app.before_request(look)
    app.before_request(look_on_loop)
    app.before_request(lambda: setattr(lib.request, "user", "ann"))

    @app.get("/")
    async def view():
        return lib.request.user


@row("The request", "the object of `request`")
async def test_each_kind_of_function_has_its_own_request():
    flasks, ours = apps(look_at_the_request, ASYNC_API)
    texts = [(await ask(app, "/")).text for app in (flasks, ours)]
    first, second = flasks.extensions["seen"]
    sync_request, awaitable = ours.extensions["seen"]

    assert texts == ["ann", "ann"]
    assert first is second
    assert isinstance(first, flask.Request)
    assert isinstance(awaitable, asyncflask.Request)
    assert isinstance(sync_request, SyncRequest)
    assert not isinstance(sync_request, asyncflask.Request)


@row("The request", "`request.environ`, `remote_user`, `input_stream` in an `async def` function")
@pytest.mark.parametrize("name", ["environ", "remote_user", "input_stream"])
async def test_the_environ_is_for_def_functions(name):
    def build(lib, app):
        @app.before_request
        def change():
            lib.request.environ["HTTP_X_USER"] = "ann"

        @app.get("/async")
        async def async_view():
            return [hasattr(lib.request, name), lib.request.headers.get("X-User")]

        @app.get("/def")
        def view():
            return [hasattr(lib.request, name), lib.request.headers.get("X-User")]

    paths = ["/async", "/def"]
    flasks, ours = apps(build, ASYNC_API)

    assert [(await ask(flasks, path)).json for path in paths] == [[True, "ann"], [True, "ann"]]
    assert [(await ask(ours, path)).json for path in paths] == [[False, None], [True, "ann"]]


CUT = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\nContent-Disp'


@row("The request", "a multipart form that ends too early")
async def test_a_form_that_is_cut_off():
    flasks, ours = await answers(read_form, method="POST", data=CUT, content_type=MULTIPART)

    assert (flasks.status_code, ours.status_code) == (200, 400)


@row("The request", "`MAX_FORM_MEMORY_SIZE`")
async def test_the_limit_of_memory_is_that_of_the_whole_form():
    fields = {"a": "1" * 150_000, "b": "1" * 150_000}
    options = {"method": "POST", "data": fields, "content_type": "multipart/form-data"}
    flasks, ours = await answers(read_form, config={"MAX_FORM_MEMORY_SIZE": 200_000}, **options)
    urlencoded = {"method": "POST", "data": {"a": "123456"}, "config": {"MAX_FORM_MEMORY_SIZE": 5}}
    flasks_urlencoded, ours_urlencoded = await answers(read_form, **urlencoded)

    assert (flasks.status_code, ours.status_code) == (200, 413)
    assert (flasks_urlencoded.status_code, ours_urlencoded.status_code) == (200, 413)


@row("The request", "`MAX_FORM_PARTS`")
async def test_the_limit_of_parts_counts_for_urlencoded_forms():
    data = {"a": "1", "b": "2", "c": "3"}
    config = {"MAX_FORM_PARTS": 2}
    flasks, ours = await answers(read_form, method="POST", data=data, config=config)

    assert (flasks.status_code, ours.status_code) == (200, 413)


@row("The request", "a `Host` with which no URL can be built")
@pytest.mark.parametrize("host", ["[:::]", "xn--a", ""])
async def test_a_host_that_is_none(host):
    flasks, ours = apps(view_of(lambda lib: lib.request.host), ASYNC_API)

    assert wsgi(flasks, HTTP_HOST=host)[::2] == (200, host.encode())
    assert (await asgi(ours, host=host.encode()))[0] == 400


def cart(lib, app):
    app.get("/cart/")(lambda: lib.url_for("static", filename="a", _external=True))


@row("The request", "a `Host` with an underscore")
@row("The facade", "a `Host` with an underscore")
@pytest.mark.parametrize("lib", [asyncflask, facade])
async def test_a_host_with_an_underscore(lib):
    headers = {"Host": "my_shop.example"}
    redirects = await answers(cart, [flask, lib], "/cart", headers=headers)
    pages = await answers(cart, [flask, lib], "/cart/", headers=headers)

    assert [response.location for response in redirects] == [
        "http:///cart/",
        "http://my_shop.example/cart/",
    ]
    assert [response.text for response in pages] == [
        "http:///static/a",
        "http://my_shop.example/static/a",
    ]


@row("The request", "an `Authorization` header that is not ASCII")
async def test_credentials_that_are_not_ascii():
    view = view_of(lambda lib: repr(lib.request.authorization))
    flasks, ours = await answers(view, headers={"Authorization": "Basic \xff"})

    assert flasks.status_code == 500
    assert ours.text == "None"


@row("The request", "bytes in the query string that are not UTF-8")
@pytest.mark.parametrize("keyword", ["def", "async def"])
async def test_a_query_string_that_is_not_utf_8(keyword):
    def view():
        return asyncflask.request.args["a"]

    async def async_view():
        return asyncflask.request.args["a"]

    (flasks,) = apps(view_of(lambda lib: lib.request.args["a"]), [flask])
    ours = asyncflask.Flask("shop")
    ours.get("/")(view if keyword == "def" else async_view)

    assert wsgi(flasks, QUERY_STRING="a=\xff")[0] == 500
    assert (await asgi(ours, query=b"a=\xff"))[::2] == (200, "\ufffd".encode())


# -- the response ----------------------------------------------------------------------------------


@row("The response", "an asynchronous generator as body")
async def test_an_asynchronous_generator_is_streamed():
    async def chunks():
        yield "a"
        yield "b"

    flasks, ours = await answers(view_of(lambda lib: chunks()))

    assert flasks.status_code == 500
    assert ours.text == "ab"


@row("The response", "a status below 100 or above 999, such as `99` or `True`")
@pytest.mark.parametrize("status", [99, 1000, True])
async def test_a_status_that_no_response_can_have(status):
    flasks, ours = apps(view_of(lambda lib: ("x", status)), ASYNC_API, TESTING=True)

    assert (await ask(flasks)).status_code == status
    with pytest.raises(ValueError, match="from 100 to 999"):
        await ask(ours)


@row("The response", "control characters in a header's value")
@row("The facade", "control characters in a header's value")
@pytest.mark.parametrize("lib", [asyncflask, facade])
async def test_control_characters_are_refused(lib):
    view = view_of(lambda lib: ("x", {"X-Name": "a\x01b"}))
    flasks, ours = await answers(view, [flask, lib])

    assert flasks.headers["X-Name"] == "a\x01b"
    assert ours.status_code == 500


@row("The response", "`send_file` of a `BytesIO` that was partly read")
async def test_the_rest_of_a_bytesio_is_sent():
    def view(lib):
        file = io.BytesIO(b"0123456789")
        file.seek(5)
        return lib.send_file(file, mimetype="text/plain")

    flasks, ours = await answers(view_of(view))

    assert [flasks.data, ours.data] == [b"56789", b"56789"]
    assert [flasks.headers["Content-Length"], ours.headers["Content-Length"]] == ["10", "5"]


@row("The response", "`send_from_directory` of a symbolic link that leads out of the directory")
@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
async def test_a_link_out_of_the_directory(tmp_path):
    (tmp_path / "uploads").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / "secret")
    view = view_of(lambda lib: lib.send_from_directory(tmp_path / "uploads", "link"))
    flasks, ours = await answers(view)

    assert flasks.text == "secret"
    assert ours.status_code == 404


@row("The response", "`response.make_conditional()`")
async def test_make_conditional_adds_no_date():
    def view(lib):
        response = lib.Response("x")
        response.last_modified = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        return response.make_conditional(lib.request)

    flasks, ours = await answers(view_of(view))

    assert "Date" in flasks.headers
    assert "Date" not in ours.headers


def stream(lib, app):
    app.log = []

    @app.teardown_request
    def teardown(error):
        app.log.append("teardown")

    @app.get("/")
    def view():
        def chunks():
            app.log.append("chunk")
            yield lib.request.path

        return lib.Response(lib.stream_with_context(chunks()))


STREAMED = "the teardown functions of a view that returns `stream_with_context(…)`"


@row("The response", STREAMED)
@row("The facade", STREAMED)
@pytest.mark.parametrize("lib", [asyncflask, facade])
async def test_teardown_functions_run_once_after_a_stream(lib):
    flasks, ours = apps(stream, [flask, lib])
    for app in flasks, ours:
        response = app.test_client().get("/")
        response = await response if lib is asyncflask and app is ours else response
        assert response.text == "/"
        response.close()

    assert flasks.log == ["teardown", "chunk", "teardown"]
    assert ours.log == ["chunk", "teardown"]


# -- contexts --------------------------------------------------------------------------------------


@row("Contexts", "to enter one", "`app.request_context(…)`", "classes")
async def test_contexts_are_one_class():
    flasks, ours = flask.Flask("shop"), asyncflask.Flask("shop")
    with flasks.app_context() as context, flasks.request_context({**ENVIRON}) as request_context:
        assert type(context) is not type(request_context)
        assert flask.request.path == "/cart"
    with ours.app_context() as context:
        assert asyncflask.current_app.name == "shop"
    async with ours.request_context(SCOPE, None, None) as request_context:
        assert asyncflask.request.path == "/cart"
        assert type(context) is type(request_context)


@row("Contexts", "an app context of another app inside a request")
@pytest.mark.parametrize("is_same", [True, False])
async def test_an_app_context_inside_a_request(is_same):
    seen = []
    for lib in ASYNC_API:
        app = lib.Flask("shop")
        other = app if is_same else lib.Flask("mail")

        @app.get("/")
        def view(lib=lib, other=other):
            with other.app_context():
                return [lib.current_app.name, lib.has_request_context()]

        seen.append((await ask(app)).json)

    assert seen == [[other.name, True], [other.name, is_same]]


ENVIRON = EnvironBuilder("/cart").get_environ()
SCOPE = {
    "type": "http",
    "method": "GET",
    "scheme": "http",
    "path": "/cart",
    "query_string": b"",
    "headers": [],
    "server": ("localhost", 80),
    "root_path": "",
    "http_version": "1.1",
}

WRONG_ORDER = "popping contexts in the wrong order"


@row("Contexts", WRONG_ORDER)
@row("The facade", WRONG_ORDER)
@pytest.mark.parametrize("lib", [asyncflask, facade])
def test_the_wrong_order_of_pops_changes_nothing(lib):
    def pop_in_the_wrong_order(lib):
        app = lib.Flask("shop")
        outer, inner = app.app_context(), app.app_context()
        outer.push()
        inner.push()
        return [outcome_of(context.pop) for context in (outer, inner, outer)]

    flasks = in_a_context_of_its_own(pop_in_the_wrong_order, flask)
    ours = in_a_context_of_its_own(pop_in_the_wrong_order, lib)

    assert flasks == [AssertionError, LookupError, LookupError]
    assert ours == [WrongContextPopped, None, None]
    assert issubclass(WrongContextPopped, AssertionError)


@row("The facade", WRONG_ORDER)
def test_a_context_that_is_not_pushed():
    popped = [outcome_of(lib.Flask("shop").app_context().pop) for lib in FACADE]

    assert popped == [LookupError, WrongContextPopped]


def fail_in_teardown(lib, app):
    app.log = []
    app.testing = True
    app.get("/")(lambda: "")

    @app.teardown_request
    def first(error):
        app.log.append("first")

    @app.teardown_request
    def second(error):  # Teardown functions run in the reverse order.
        raise LookupError("second")


@row("Contexts", "a teardown function that raises")
@row("The facade", "a teardown function that raises")
@pytest.mark.parametrize("lib", [asyncflask, facade])
async def test_the_other_teardown_functions_run(lib):
    flasks, ours = apps(fail_in_teardown, [flask, lib])
    for app in flasks, ours:
        with pytest.raises(LookupError, match="second"):
            await ask(app)

    assert (flasks.log, ours.log) == ([], ["first"])


@row("The app", "an `ExceptionGroup`, as `asyncio.TaskGroup` raises it")
@row("The facade", "an `ExceptionGroup`, as `asyncio.TaskGroup` raises it")
@pytest.mark.parametrize("lib", [asyncflask, facade])
async def test_an_abort_in_a_task(lib):
    async def fail():
        raise NotFound

    async def view():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    def build(_, app):
        app.add_url_rule("/", "view", view)

    statuses = [response.status_code for response in await answers(build, [flask, lib])]

    assert statuses == [500, 404]


@row("Contexts", "the message of `g.user` if there is no `user`")
def test_the_message_of_a_missing_attribute():
    messages = []
    for lib in ASYNC_API:
        with lib.Flask("shop").app_context(), pytest.raises(AttributeError) as caught:
            lib.g.user
        messages.append(str(caught.value))

    assert messages == ["user", "'_AppCtxGlobals' object has no attribute 'user'"]


# -- templates, tests, command line ----------------------------------------------------------------


@row(
    "Templates",
    "a coroutine in a template, such as `{% if user.is_admin() %}` with an `async def` method",
)
async def test_a_coroutine_in_a_template_is_an_error():
    async def is_admin():
        return False

    template = "{% if user.is_admin() %}secret{% endif %}"
    user = SimpleNamespace(is_admin=is_admin)
    view = view_of(lambda lib: lib.render_template_string(template, user=user))
    flasks, ours = apps(view, ASYNC_API, TESTING=True)

    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        assert (await ask(flasks)).text == "secret"
    with pytest.raises(UnawaitedAccess, match=r"user\.is_admin\(\)"):
        await ask(ours)


@row("Tests", "the test client", "a session", "a websocket", "startup and shutdown")
async def test_the_test_client_is_asynchronous():
    flasks, ours = apps(view_of(lambda lib: lib.session.get("name", "")), ASYNC_API)
    client = flasks.test_client()
    with client.session_transaction() as session:
        session["name"] = "Ada"
    assert client.get("/").text == "Ada"
    assert not hasattr(client, "websocket")
    assert not hasattr(flasks, "test_app")

    @ours.websocket("/chat")
    async def chat():
        await asyncflask.websocket.send("hello")

    async with ours.test_app() as running:
        client = running.test_client()
        with client.session_transaction() as session:
            session["name"] = "Ada"
        async with client.session_transaction() as session:
            assert session["name"] == "Ada"
        assert (await client.get("/")).text == "Ada"
        async with client.websocket("/chat") as connection:
            assert await connection.receive() == "hello"


@row("Tests", "a request of the test client inside of `with app.app_context()`")
async def test_a_request_of_the_test_client_inside_of_an_app_context():
    flasks, ours = apps(view_of(lambda lib: lib.g.get("user", "")), ASYNC_API)
    with flasks.app_context():
        flask.g.user = "Ada"
        assert flasks.test_client().get("/").text == "Ada"
    with ours.app_context():
        asyncflask.g.user = "Ada"
        assert (await ours.test_client().get("/")).text == ""


@pytest.fixture
def project(tmp_path):
    """Return a folder with an app, and with a package whose command cannot be imported."""
    (tmp_path / "shop.py").write_text(SHOP)
    package = tmp_path / "broken-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[flask.commands]\nbroken = missing:command\n")
    return tmp_path


SHOP = """
import os
from importlib import import_module

app = import_module(os.environ["FRAMEWORK"]).Flask("shop")

async def price():
    return 3 * 14
"""


def run(project, command, framework, *arguments, given=""):
    """Run a framework's command line in the project; return its exit status and its output."""
    environment = {"PYTHONPATH": f"{project}{os.pathsep}{PROJECT}", "FRAMEWORK": framework}
    done = subprocess.run(
        [sys.executable, "-m", *command, "--app", "shop", *arguments],
        cwd=project,
        text=True,
        input=given,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=50,
    )
    return done.returncode, done.stdout


FLASKS = (["flask"], "flask")
OURS = (["asyncflask"], "asyncflask")
FACADES = (["asyncflask.flask"], "asyncflask.flask")


@row("Command line", "the command", "a command of a package that cannot be imported")
@row("The facade", "a command of a package that cannot be imported")
@pytest.mark.parametrize("ours", [OURS, FACADES], ids=["asyncflask", "facade"])
def test_a_command_that_cannot_be_imported(project, ours):
    status, output = run(project, *FLASKS, "routes")
    our_status, our_output = run(project, *ours, "missing-command")

    assert status != 0
    assert "ModuleNotFoundError: No module named 'missing'" in output
    assert our_status == 2
    assert "No such command 'missing-command'" in our_output
    assert "Traceback" not in our_output
    assert "broken" in our_output


@row("Command line", "`shell`")
def test_await_at_the_prompt(project):
    (project / "broken-1.0.dist-info" / "entry_points.txt").write_text("")
    lines = "from shop import price; print('price:', await price())\nexit()\n"
    _, output = run(project, *FLASKS, "shell", given=lines)
    _, our_output = run(project, *OURS, "shell", given=lines)

    assert "SyntaxError: 'await' outside function" in output
    assert "price: 42" in our_output


# -- the facade ------------------------------------------------------------------------------------


@row("The facade", "interface")
async def test_a_facade_app_serves_both_interfaces():
    flasks, ours = apps(view_of(lambda lib: "hello"), FACADE)

    assert [wsgi(app)[::2] for app in (flasks, ours)] == [(200, b"hello")] * 2
    assert (await asgi(ours))[::2] == (200, b"hello")
    with pytest.raises(TypeError, match="__call__"):
        await asgi(flasks)


@row("The facade", "an `async def` view")
async def test_an_async_def_view_of_the_facade_runs_on_the_servers_loop():
    flasks, ours = apps(note_loops, FACADE)
    await ask(flasks)
    await ask(ours)
    await asgi(ours)

    assert asyncio.get_running_loop() not in {*flasks.loops, ours.loops[0]}
    assert ours.loops[1] is asyncio.get_running_loop()


@row("The facade", "websockets, startup and shutdown, background tasks")
def test_websockets_of_the_facade():
    (ours,) = apps(lambda lib, app: app.websocket("/chat")(lambda: None), [facade])
    upgrade = {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}

    assert wsgi(ours, "/chat", **upgrade)[0] == 400
    assert hasattr(facade.Flask, "while_serving")


@row(
    "The facade",
    "a target that is a whole URL (`GET http://shop.example/cart`), if the server passes it on",
)
def test_a_target_that_is_a_whole_url():
    def build(lib, app):
        app.get("/cart")(lambda: lib.request.host)

    flasks, ours = apps(build, FACADE)
    url = "http://shop.example/cart"

    assert wsgi(flasks, PATH_INFO=url)[0] == 404
    assert wsgi(ours, PATH_INFO=url)[::2] == (200, b"shop.example")


def statuses_of_a_body_in_chunks(build, body, **config):
    """Return what each app answers to a body of unknown length."""
    found = []
    for app in apps(build, FACADE, **config):
        response = app.test_client().post(
            "/",
            input_stream=io.BytesIO(body),
            content_type=URLENCODED,
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        found.append((response.status_code, response.data))
    return found


@row("The facade", "a body without `Content-Length` that is longer than `MAX_CONTENT_LENGTH`")
def test_a_long_body_of_unknown_length():
    view = view_of(lambda lib: lib.request.get_data(), methods=["POST"])
    flasks, ours = statuses_of_a_body_in_chunks(view, b"x" * 30, MAX_CONTENT_LENGTH=10)

    assert flasks == (200, b"x" * 10)
    assert ours[0] == 413


@row("The facade", "an urlencoded form without `Content-Length` over `MAX_FORM_MEMORY_SIZE`")
def test_a_long_form_of_unknown_length():
    flasks, ours = statuses_of_a_body_in_chunks(read_form, b"a=123456", MAX_FORM_MEMORY_SIZE=5)

    assert flasks == (200, b'{"a":"123456"}\n')
    assert ours[0] == 413


def push_without_a_session(lib):
    class Broken(lib.sessions.SecureCookieSessionInterface):
        def open_session(self, app, request):
            raise LookupError("no session")

    app = lib.Flask("shop")
    app.session_interface = Broken()
    with pytest.raises(LookupError, match="no session"), app.test_request_context("/"):
        pass
    return lib.has_request_context()


@row("The facade", "a request context whose session cannot be opened")
def test_a_request_context_without_a_session():
    pushed = [in_a_context_of_its_own(push_without_a_session, lib) for lib in FACADE]

    assert pushed == [True, False]


def ask_with_a_receiver_that_fails(lib):
    (app,) = apps(view_of(lambda lib: "hello"), [lib])

    def fail(sender, **options):
        raise LookupError("receiver")

    with lib.appcontext_pushed.connected_to(fail, app):
        return outcome_of(lambda: wsgi(app)[0])


@row("The facade", "a receiver of `appcontext_pushed` that raises")
def test_a_receiver_that_raises():
    flasks, ours = (in_a_context_of_its_own(ask_with_a_receiver_that_fails, lib) for lib in FACADE)

    assert issubclass(flasks, Exception)
    assert ours == 500


@row("The facade", "`make_response` of an `HTTPException` or a Werkzeug response")
@pytest.mark.parametrize("value", [NotFound(), WerkzeugResponse("x", 404)])
def test_make_response_needs_no_request(value):
    with pytest.raises(RuntimeError, match="outside of request context"):
        flask.Flask("shop").make_response(value)
    assert facade.Flask("shop").make_response(value).status_code == 404


@row("The facade", "error messages")
def test_the_message_of_a_missing_context():
    messages = []
    for lib in FACADE:
        with pytest.raises(RuntimeError) as caught:
            lib.current_app.name
        messages.append(str(caught.value))

    assert all(text.startswith("Working outside of application context") for text in messages)
    assert len(set(messages)) == 2


@row("The facade", "`repr` of a class")
def test_the_repr_of_a_class():
    assert [repr(lib.Blueprint) for lib in FACADE] == [
        "<class 'flask.blueprints.Blueprint'>",
        "<class 'asyncflask.flask.blueprints.Blueprint'>",
    ]
