"""Each row of ``explanation/differences-from-quart.md`` is tried on Quart and on asyncflask."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import logging
import threading
import warnings

import pytest

import asyncflask
from asyncflask import WebsocketDisconnect
from asyncflask.exceptions import SetupFinished, UnawaitedAccess
from asyncflask.testing import WebsocketDisconnectError, WebsocketResponseError

from .rows import Rows

quart = pytest.importorskip("quart")
testing = pytest.importorskip("quart.testing.connections")

row = Rows("docs/explanation/differences-from-quart.md")
BOTH = [quart, asyncflask]


@pytest.fixture(autouse=True)
def _logger_as_before():
    """Let other tests read what apps of this name log."""
    yield
    logging.getLogger("shop").disabled = False


def test_each_row_of_the_page_has_a_test():
    assert row.shown() == row.tried


def new_app(lib, **config):
    app = (lib.Quart if lib is quart else lib.Flask)("shop")
    app.secret_key = "for tests"
    app.logger.disabled = True
    app.config.from_mapping(config)
    return app


async def result_of(value):
    """Return what a call gives, whether it has to be awaited or not."""
    return await value if inspect.isawaitable(value) else value


async def text_of(response):
    return await result_of(response.get_data(as_text=True))


async def ask(app, path="/", **options):
    """Return the status and the text of a response."""
    response = await app.test_client().open(path, **options)
    return response.status_code, await text_of(response)


async def answers(build, path="/", config=None, **options):
    """Return what each framework answers."""
    found = []
    for lib in BOTH:
        app = new_app(lib, **(config or {}))
        build(lib, app)
        found.append(await ask(app, path, **options))
    return found


# -- what is awaited -------------------------------------------------------------------------------


@row(
    "What is awaited",
    "`request.form`, `files`, `data`, `get_json()` in an `async def` function",
)
@pytest.mark.parametrize("expression", ["form", "files", "data", "get_json()"])
async def test_the_body_is_awaited(expression):
    def build(lib, app):
        @app.post("/")
        async def view():
            return type(await eval(f"request.{expression}", {"request": lib.request})).__name__

    options = {"method": "POST", "json": {}}

    assert [status for status, _ in await answers(build, **options)] == [200, 200]


PLAIN = {
    "render_template_string": lambda lib: lib.render_template_string("hello"),
    "make_response": lambda lib: lib.make_response("hello"),
    "flash": lambda lib: lib.flash("hello"),
    "send_file": lambda lib: lib.send_file(__file__),
}


@row("What is awaited", "`render_template`, `make_response`, `flash`, `send_file`")
@pytest.mark.parametrize("call", PLAIN.values(), ids=PLAIN)
async def test_what_needs_no_io_is_a_plain_call(call):
    awaited = []
    for lib in BOTH:
        async with new_app(lib).test_request_context("/"):
            made = call(lib)
            awaited.append(inspect.isawaitable(made))
            await result_of(made)

    assert awaited == [True, False]


@row("What is awaited", "`response.get_data()`, also of the test client")
async def test_the_data_of_a_response():
    awaited = []
    for lib in BOTH:
        app = new_app(lib)
        app.get("/")(lambda: "hello")
        data = (await app.test_client().get("/")).get_data()
        awaited.append(inspect.isawaitable(data))
        assert await result_of(data) == b"hello"

    assert awaited == [True, False]


@row("What is awaited", "templates with `async def` functions")
async def test_templates_that_await():
    async def price():
        return "3"

    template = "{{ price() }}"
    async with new_app(quart).app_context():
        assert await quart.render_template_string(template, price=price) == "3"
    async with new_app(asyncflask).app_context():
        assert await asyncflask.render_template_string_async(template, price=price) == "3"
        with pytest.raises(UnawaitedAccess, match="render_template_string_async"):
            asyncflask.render_template_string(template, price=price)


@row("What is awaited", "an `await` that is not needed")
async def test_a_superfluous_await():
    app = new_app(asyncflask, TESTING=True)

    @app.get("/")
    async def view():
        return await asyncflask.render_template_string("hello")

    with pytest.raises(TypeError, match="str can't be used in 'await'") as caught:
        await app.test_client().get("/")
    assert any("await" in note for note in caught.value.__notes__)


# -- def functions ---------------------------------------------------------------------------------


@row("`def` functions", "`request` in a `def` view")
async def test_the_request_of_a_def_view():
    def build(lib, app):
        @app.post("/")
        def view():
            form = lib.request.form
            if inspect.iscoroutine(form):
                form.close()
                return "a coroutine"
            return form["name"]

    found = await answers(build, method="POST", **form_of(name="Ada"))

    assert found == [(200, "a coroutine"), (200, "Ada")]


def form_of(**fields):
    """Return the arguments that make both test clients send a form."""
    return {"form": fields}


@row("`def` functions", "the thread")
async def test_the_functions_of_a_request_share_a_thread():
    """Quart's executor chooses any of its threads; with one function at a time it may be one."""
    threads = []

    def note(*args):
        threads.append(threading.get_ident())

    app = new_app(asyncflask)
    app.before_request(note)
    app.teardown_request(note)

    @app.get("/")
    async def view():
        await asyncio.gather(*(asyncio.to_thread(str) for _ in range(3)))
        return ""

    await app.test_client().get("/")

    assert len(threads) == 2
    assert len(set(threads)) == 1


# -- configuration ---------------------------------------------------------------------------------

DEFAULTS = {
    "MAX_CONTENT_LENGTH": [16 * 1024 * 1024, None],
    "BODY_TIMEOUT": [60, None],
    "RESPONSE_TIMEOUT": [60, None],
    "SEND_FILE_MAX_AGE_DEFAULT": [datetime.timedelta(hours=12), None],
}


@row("Configuration", *(f"`{key}`" for key in DEFAULTS))
@pytest.mark.parametrize("key", DEFAULTS)
def test_defaults(key):
    assert [new_app(lib).config.get(key) for lib in BOTH] == DEFAULTS[key]
    assert new_app(asyncflask).config["BODY_IDLE_TIMEOUT"] == 60


@row("Configuration", "`SERVER_NAME`")
async def test_requests_for_other_hosts():
    def build(lib, app):
        app.get("/")(lambda: "hello")

    with warnings.catch_warnings(action="ignore"):
        found = await answers(
            build, config={"SERVER_NAME": "shop.example"}, headers={"Host": "other.example"}
        )

    assert [status for status, _ in found] == [404, 200]


@row("Configuration", "environment variables")
@pytest.mark.parametrize("lib", BOTH)
def test_the_prefix_of_environment_variables(lib, monkeypatch):
    monkeypatch.setenv("QUART_NAME", "quart")
    monkeypatch.setenv("FLASK_NAME", "asyncflask")
    app = new_app(lib)
    app.config.from_prefixed_env()

    assert app.config["NAME"] == lib.__name__


# -- requests and responses ------------------------------------------------------------------------


@row("Requests and responses", "`get_data()` after `form`", "`data` of a form")
@pytest.mark.parametrize("is_read", [True, False])
async def test_the_bytes_of_a_form(is_read):
    def build(lib, app):
        @app.post("/")
        async def view():
            if is_read:
                await lib.request.form
                return await lib.request.get_data()
            return await lib.request.data

    found = await answers(build, method="POST", **form_of(a="1"))

    assert found == [(200, "a=1"), (200, "")]


@row("Requests and responses", "`get_json()` without the content type of JSON")
async def test_json_without_its_content_type():
    def build(lib, app):
        @app.post("/")
        async def view():
            return str(await lib.request.get_json())

        @app.post("/silent")
        async def silent():
            return str(await lib.request.get_json(silent=True))

    (status, text), (our_status, _) = await answers(build, method="POST", data=b"{}")
    silent = await answers(build, "/silent", method="POST", data=b"{}")

    assert (status, text, our_status) == (200, "None", 415)
    assert silent == [(200, "None"), (200, "None")]


@row("Requests and responses", "`make_conditional(request, complete_length=n)`")
async def test_ranges():
    def build(lib, app):
        @app.get("/")
        async def view():
            response = lib.Response(b"0123456789")
            await result_of(response.make_conditional(lib.request, complete_length=10))
            return response

        @app.get("/asked")
        async def asked():
            response = lib.Response(b"0123456789")
            asked = {"accept_ranges": True, "complete_length": 10}
            await result_of(response.make_conditional(lib.request, **asked))
            return response

    headers = {"Range": "bytes=0-3"}

    assert await answers(build, headers=headers) == [(206, "0123"), (200, "0123456789")]
    assert await answers(build, "/asked", headers=headers) == [(206, "0123")] * 2


@row("Requests and responses", "`response.get_data()` of a file that `send_file` sends")
async def test_the_data_of_a_file(tmp_path):
    (tmp_path / "notes.txt").write_text("tea")
    read = []
    for lib in BOTH:
        async with new_app(lib).test_request_context("/"):
            response = await result_of(lib.send_file(tmp_path / "notes.txt"))
            if lib is quart:
                read.append(await response.get_data())
            else:
                with pytest.raises(RuntimeError, match="direct passthrough"):
                    response.get_data()
                read.append(await response.read())

    assert read == [b"tea", b"tea"]


@row("Requests and responses", "a streamed body that fails before its first piece")
async def test_a_body_that_fails_before_its_first_piece():
    sent = []
    for lib in BOTH:
        app = new_app(lib)

        @app.get("/")
        async def view():
            async def pieces():
                raise LookupError("early")
                yield b""

            return pieces()

        kinds = []
        receive, send = served(kinds)
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
        scope |= {"scheme": "http", "path": "/", "raw_path": b"/", "query_string": b""}
        scope |= {"headers": [(b"host", b"shop.test")], "extensions": {}}
        with pytest.raises((LookupError, ExceptionGroup)):
            await app(scope, receive, send)
        sent.append(kinds)

    assert sent == [["http.response.start"], []]  # A server answers 500 if nothing was sent.


def served(kinds):
    """Make the two functions of a server, which notes the kinds of messages that are sent."""
    requested = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        for message in requested:
            return message
        return await asyncio.Event().wait()

    async def send(message):
        kinds.append(message["type"])

    return receive, send


@row("Requests and responses", "a request whose client disconnects")
async def test_a_client_that_disconnects():
    ended = []
    for lib in BOTH:
        app = new_app(lib)
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        @app.get("/")
        async def view(begun=begun, go_on=go_on, done=done):
            begun.set()
            try:
                await go_on.wait()
                ended.append("end")
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            finally:
                done.set()
            return ""

        async with app.test_client().request("/") as connection:
            await connection.send_complete()
            await begun.wait()
            await connection.disconnect()
            if lib is asyncflask:
                go_on.set()
            async with asyncio.timeout(30):
                await done.wait()

    assert ended == ["cancelled", "end"]


# -- routes and setup ------------------------------------------------------------------------------


@row("Routes and setup", "a route with `subdomain=`")
async def test_a_subdomain():
    def build(lib, app):
        app.get("/", subdomain="api")(lambda: "api")

    options = {
        "config": {"SERVER_NAME": "shop.example"},
        "headers": {"Host": "api.shop.example"},
    }
    app = asyncflask.Flask("shop", subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.example"
    build(asyncflask, app)

    assert [status for status, _ in await answers(build, **options)] == [200, 404]
    assert (await ask(app, headers=options["headers"])) == (200, "api")


@row("Routes and setup", "routes and hooks after the first request")
async def test_setup_after_the_first_request():
    def add_late(app):
        app.get("/late")(lambda: "late")

    apps = [new_app(lib) for lib in BOTH]
    for app in apps:
        app.add_url_rule("/", "index", lambda: "")
        await ask(app)
    add_late(apps[0])

    assert await ask(apps[0], "/late") == (200, "late")
    with pytest.raises(SetupFinished, match="first request"):
        add_late(apps[1])


@row("Routes and setup", "steps of a subclass")
def test_steps_of_a_subclass():
    parameters = [
        list(inspect.signature(cls.full_dispatch_request).parameters)
        for cls in (quart.Quart, asyncflask.Flask)
    ]

    assert parameters == [["self", "request_context"], ["self"]]


# -- contexts, startup and shutdown ----------------------------------------------------------------

CONTEXTS = "Contexts, startup and shutdown"


@row(CONTEXTS, "a background task")
async def test_a_background_task():
    seen = []
    for lib in BOTH:
        app = new_app(lib)

        async def task(lib=lib):
            seen.append((lib.has_app_context(), lib.has_request_context()))

        @app.get("/")
        async def view(app=app, task=task):
            app.add_background_task(task)
            return ""

        async with app.test_app() as running:
            await running.test_client().get("/")

    assert seen == [(True, True), (True, False)]


@row(CONTEXTS, "a request of the test client, inside of `async with app.app_context()`")
async def test_a_request_of_the_test_client_inside_of_an_app_context():
    found = []
    for lib in BOTH:
        app = new_app(lib)

        @app.get("/")
        async def view(lib=lib):
            return str(lib.g.get("user"))

        async with app.app_context():
            lib.g.user = "Ada"
            found.append(await ask(app))

    assert found == [(200, "Ada"), (200, "None")]


@row(CONTEXTS, "the `teardown_appcontext` functions around `copy_current_app_context`")
async def test_teardown_around_a_copy():
    logs = []
    for lib in BOTH:
        app, log = new_app(lib), []

        @app.teardown_appcontext
        async def teardown(error, log=log):
            log.append("teardown")

        @app.get("/")
        async def view(lib=lib, log=log):
            @lib.copy_current_app_context
            async def copied():
                log.append("copy")

            await asyncio.create_task(copied())
            return ""

        await ask(app)
        logs.append(log)

    assert logs == [["copy", "teardown", "teardown"], ["copy", "teardown"]]


@row(CONTEXTS, "the teardown functions around `stream_with_context`")
async def test_teardown_around_a_stream():
    logs = []
    for lib in BOTH:
        app, log = new_app(lib), []

        @app.teardown_request
        async def teardown(error, log=log):
            log.append("teardown")

        @app.get("/")
        async def view(lib=lib, log=log):
            @lib.stream_with_context
            async def chunks():
                log.append("chunk")
                yield lib.request.path.encode()

            return chunks()

        assert await ask(app) == (200, "/")
        logs.append(log)

    assert logs == [["teardown", "chunk", "teardown"], ["chunk", "teardown"]]


@row(CONTEXTS, "an error in `before_serving`")
async def test_an_error_at_startup():
    expected = [(quart.testing.app.LifespanError, "startup"), (LookupError, "no database")]
    for lib, (error, message) in zip(BOTH, expected, strict=True):
        app = new_app(lib)

        @app.before_serving
        async def connect():
            raise LookupError("no database")

        with pytest.raises(error, match=message):
            async with app.test_app():
                pass


@row("Contexts, startup and shutdown", "several `teardown_appcontext` functions")
async def test_the_order_of_teardown_appcontext_functions():
    orders = []
    for lib in BOTH:
        app, order = new_app(lib), []
        for name in ("first", "second"):
            app.teardown_appcontext(lambda error, name=name, order=order: order.append(name))
        async with app.app_context():
            pass
        orders.append(order)

    assert orders == [["first", "second"], ["second", "first"]]


# -- websockets ------------------------------------------------------------------------------------


@row("Websockets", "the client disconnects while the view receives")
@row("Websockets", "the client disconnects while the view waits for something else")
@pytest.mark.parametrize(
    ("receives", "expected"),
    [
        (True, [asyncio.CancelledError, WebsocketDisconnect]),
        (False, [asyncio.CancelledError, asyncio.CancelledError]),
    ],
)
async def test_a_websocket_client_that_disconnects(receives, expected):
    raised = []
    for lib in BOTH:
        app, waiting, done = new_app(lib), asyncio.Event(), asyncio.Event()

        @app.websocket("/")
        async def view(lib=lib, waiting=waiting, done=done):
            await lib.websocket.accept()
            waiting.set()
            try:
                await (lib.websocket.receive() if receives else asyncio.Event().wait())
            except BaseException as error:
                raised.append(type(error))
                raise
            finally:
                done.set()

        async with app.test_client().websocket("/"):
            await waiting.wait()
        async with asyncio.timeout(30):
            await done.wait()

    assert raised == expected


def failing(lib, **config):
    """Return an app with a websocket view that raises an error after it has accepted."""
    app = new_app(lib, **config)

    @app.websocket("/")
    async def view():
        await lib.websocket.accept()
        raise LookupError("no price")

    return app


@row("Websockets", "the view raises an error after `accept()`")
async def test_the_close_code_after_an_error():
    errors = [testing.WebsocketDisconnectError, WebsocketDisconnectError]
    for lib, error, code in zip(BOTH, errors, ["1000", "1011"], strict=True):
        async with failing(lib).test_client().websocket("/") as connection:
            with pytest.raises(error, match=code):
                await connection.receive()


# -- tests -----------------------------------------------------------------------------------------


@row("Tests", "an error that the app does not handle, with `app.testing`")
async def test_an_error_that_is_not_handled():
    apps = [new_app(lib, TESTING=True) for lib in BOTH]
    for app in apps:

        @app.get("/")
        async def view():
            raise LookupError("no price")

    assert (await ask(apps[0]))[0] == 500
    with pytest.raises(LookupError, match="no price"):
        await ask(apps[1])


@row("Tests", "a form")
async def test_the_form_of_a_test_client():
    def build(lib, app):
        @app.post("/")
        async def view():
            return (await lib.request.form).get("a", "")

    assert await answers(build, method="POST", form={"a": "1"}) == [(200, "1")] * 2
    app = new_app(asyncflask)
    build(asyncflask, app)
    assert await ask(app, method="POST", data={"a": "1"}) == (200, "1")


@row("Tests", "`json=None`")
async def test_json_that_is_none():
    def build(lib, app):
        @app.post("/")
        async def view():
            return await lib.request.get_data()

    assert await answers(build, method="POST", json=None) == [(200, "null"), (200, "")]


@row("Tests", "cookies")
async def test_cookies_of_another_host():
    sent = []
    for lib in BOTH:
        app = new_app(lib)

        @app.get("/")
        async def view(lib=lib):
            return dict(lib.request.cookies)

        @app.get("/set")
        async def set_cookie(lib=lib):
            response = await result_of(lib.make_response(""))
            response.set_cookie("theme", "dark")
            return response

        client = app.test_client()
        await client.get("/set")
        response = await client.get("/", headers={"Host": "other.example"})
        sent.append(await text_of(response))

    assert sent == ['{"theme":"dark"}\n', "{}\n"]


@row("Tests", "a `Cookie` header in `headers=`")
async def test_a_cookie_header_of_the_test_client():
    def build(lib, app):
        app.get("/")(lambda: lib.request.cookies.get("theme", "none"))

    sent = await answers(build, headers={"Cookie": "theme=dark"})

    app = new_app(asyncflask)
    build(asyncflask, app)
    client = app.test_client(use_cookies=False)
    response = await client.get("/", headers={"Cookie": "theme=dark"})
    assert [*sent, (200, response.text)] == [(200, "dark"), (200, "none"), (200, "dark")]


@row("Tests", "`request.remote_addr`")
async def test_the_address_of_the_test_client():
    def build(lib, app):
        app.get("/")(lambda: lib.request.remote_addr)

    assert await answers(build) == [(200, "<local>"), (200, "127.0.0.1")]


@row("Tests", "`follow_redirects=True` after a 301")
async def test_a_redirect_that_is_followed():
    def build(lib, app):
        @app.post("/")
        async def view():
            return lib.redirect("/target", 301)

        @app.route("/target", methods=["GET", "POST"])
        async def target():
            return lib.request.method

    found = await answers(build, method="POST", follow_redirects=True)

    assert found == [(200, "POST"), (200, "GET")]


@row("Tests", "a websocket that the app refuses")
async def test_a_refused_websocket():
    async with new_app(quart).test_client().websocket("/none") as connection:
        with pytest.raises(testing.WebsocketResponseError):
            await connection.receive()
    with pytest.raises(WebsocketResponseError, match="404"):
        async with new_app(asyncflask).test_client().websocket("/none"):
            pytest.fail("it was accepted")


@row("Tests", "a websocket whose view raises an error, with `app.testing`")
async def test_the_error_of_a_websocket_view():
    async with failing(quart, TESTING=True).test_client().websocket("/") as connection:
        with pytest.raises(testing.WebsocketDisconnectError, match="1000"):
            await connection.receive()
    async with failing(asyncflask, TESTING=True).test_client().websocket("/") as connection:
        with pytest.raises(LookupError, match="no price"):
            await connection.receive()
