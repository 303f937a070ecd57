"""Signals, error handlers, URL processors, streams, files and hooks of websockets."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from werkzeug.exceptions import NotFound


async def test_signals_reach_async_receivers(quart, app, client):
    seen = []

    async def started(sender, **extra):
        seen.append("started")

    def finished(sender, response, **extra):
        seen.append(response.status_code)

    async def rendered(sender, template, context, **extra):
        seen.append(context["name"])

    async def flashed(sender, message, category, **extra):
        seen.append((message, category))

    async def failed(sender, exception, **extra):
        seen.append(str(exception))

    @app.get("/")
    async def index():
        await quart.flash("hello", "info")
        return await quart.render_template_string("{{ name }}", name="Ada")

    @app.get("/broken")
    async def broken():
        raise ValueError("broken")

    with (
        quart.request_started.connected_to(started, app),
        quart.request_finished.connected_to(finished, app),
        quart.template_rendered.connected_to(rendered, app),
        quart.message_flashed.connected_to(flashed, app),
        quart.got_request_exception.connected_to(failed, app),
    ):
        await client.get("/")
        await client.get("/broken")

    assert seen == ["started", ("hello", "info"), "Ada", 200, "started", "broken", 500]


async def test_error_handlers(quart, app, client):
    class Own(Exception):
        pass

    @app.errorhandler(404)
    async def missing(error):
        return "missing", 404

    @app.errorhandler(Own)
    def own(error):
        return "own", 418

    @app.errorhandler(500)
    async def server_error(error):
        return f"failed: {error.original_exception}", 500

    @app.get("/own")
    async def raise_own():
        raise Own

    @app.get("/broken")
    async def broken():
        raise ValueError("why")

    @app.get("/abort")
    async def aborted():
        quart.abort(quart.Response("stopped", 402))

    async def got(path):
        response = await client.get(path)
        return response.status_code, await response.get_data(as_text=True)

    assert await got("/none") == (404, "missing")
    assert await got("/own") == (418, "own")
    assert await got("/broken") == (500, "failed: why")
    assert await got("/abort") == (402, "stopped")


async def test_urls_are_processed(quart, app, client):
    @app.url_value_preprocessor
    def pull(endpoint, values):
        quart.g.lang = values.pop("lang")

    @app.url_defaults
    def add(endpoint, values):
        values.setdefault("lang", quart.g.lang)

    @app.get("/<lang>/")
    async def index():
        return quart.url_for("about")

    @app.get("/<lang>/about")
    async def about():
        return quart.g.lang

    assert await (await client.get("/de/")).get_data() == b"/de/about"
    assert await (await client.get("/de/about")).get_data() == b"de"


async def test_a_stream_keeps_its_context(quart, app, client):
    @app.get("/")
    async def index():
        @quart.stream_with_context
        async def chunks():
            yield quart.request.method
            yield quart.request.path

        return chunks()

    assert await (await client.get("/")).get_data() == b"GET/"


async def test_a_stream_may_enter_a_context_around_several_parts(quart, app, client):
    @app.get("/stream")
    async def index():
        @quart.stream_with_context
        async def chunks():
            async with app.test_request_context("/inner"):
                yield quart.request.path
                yield quart.request.path
            yield quart.request.path

        return chunks()

    assert await (await client.get("/stream")).get_data() == b"/inner/inner/stream"


async def test_options_and_head_are_answered(quart, app, client):
    @app.route("/", methods=["GET", "POST"])
    async def index():
        return "body"

    options = await client.options("/")

    assert set(options.headers["Allow"].replace(" ", "").split(",")) == {
        *("GET", "HEAD", "OPTIONS", "POST"),
    }
    assert (await client.head("/")).status_code == 200
    assert (await client.delete("/")).status_code == 405


async def test_files_in_memory_are_sent(quart, app, client):
    @app.get("/")
    async def file():
        return await quart.send_file(BytesIO(b"text"), mimetype="text/plain")

    @app.get("/attachment")
    async def attachment():
        return await quart.send_file(
            BytesIO(b"text"), as_attachment=True, attachment_filename="a.txt"
        )

    @app.get("/unknown")
    async def unknown():
        with pytest.raises(ValueError, match=r".+"):
            await quart.send_file(BytesIO(b"text"))
        return ""

    shown = await client.get("/")
    saved = await client.get("/attachment")

    assert await shown.get_data() == b"text"
    assert shown.mimetype == "text/plain"
    assert saved.headers["Content-Disposition"] == "attachment; filename=a.txt"
    assert saved.mimetype == "text/plain"
    assert (await client.get("/unknown")).status_code == 200


async def test_hooks_of_a_websocket(quart, app, client):
    seen = []

    @app.before_websocket
    async def before():
        seen.append("before")

    @app.after_websocket
    async def after(response):
        seen.append(response)
        return response

    @app.teardown_websocket
    async def teardown(error):
        seen.append("teardown")

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send("x")

    async with client.websocket("/ws") as connection:
        await connection.receive()
        with pytest.raises(Exception, match=r".*"):
            await connection.receive()

    assert seen == ["before", None, "teardown"]


async def test_a_hook_may_refuse_a_websocket(quart, app, client, module):
    @app.before_websocket
    async def before():
        return "stop", 401

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send("x")

    async with client.websocket("/ws") as connection:
        with pytest.raises(module("testing").WebsocketResponseError) as refused:
            await connection.receive()

    assert refused.value.response.status_code == 401


async def test_a_websocket_has_its_handshake(quart, app, client):
    @app.websocket("/ws/<name>")
    async def ws(name):
        await quart.websocket.accept(headers={"X-Name": name})
        await quart.websocket.send_json(dict(quart.websocket.args))

    async with client.websocket("/ws/Ada?a=b") as connection:
        assert await connection.receive_json() == {"a": "b"}


async def test_hosts_are_matched(quart):
    app = quart.Quart("tests", root_path=".", static_host="quart.com", host_matching=True)

    @app.get("/", host="quart.com")
    async def index():
        return "com"

    @app.get("/", host="api.quart.com")
    async def api():
        return "api"

    client = app.test_client()
    com = await client.get("/", headers={"host": "quart.com"})
    api_ = await client.get("/", headers={"host": "api.quart.com"})

    assert await com.get_data() == b"com"
    assert await api_.get_data() == b"api"
    assert (await client.get("/", headers={"host": "other.com"})).status_code == 404


@pytest.mark.parametrize(
    ("value", "status", "data"),
    [
        ("text", 200, b"text"),
        (b"bytes", 200, b"bytes"),
        ({"a": 1}, 200, b'{"a":1}\n'),
        (["a"], 200, b'["a"]\n'),
        (("text", 404), 404, b"text"),
        (("text", {"X-A": "1"}), 200, b"text"),
        (("text", 201, [("X-A", "1")]), 201, b"text"),
        (NotFound("gone"), 404, None),
    ],
)
async def test_make_response(quart, app, value, status, data):
    async with app.test_request_context("/"):
        response = await app.make_response(value)

    assert response.status_code == status
    assert data is None or await response.get_data() == data


@pytest.mark.parametrize("value", [None, (None, 200), 5, ("a", 1, {}, 2)])
async def test_what_is_no_response_is_refused_without_a_request_too(quart, app, value):
    with pytest.raises(TypeError, match=r".+"):
        await app.make_response(value)


@pytest.mark.parametrize("value", [None, ("a", 1, {}, 2)])
async def test_what_a_view_may_not_return(quart, app, value):
    async with app.test_request_context("/"):
        with pytest.raises((TypeError, ValueError), match=r".*"):
            await app.make_response(value)


async def test_template_helpers_may_be_async(quart, app, client):
    @app.template_filter()
    async def shout(text):
        return text.upper()

    @app.template_test()
    async def loud(text):
        return text.isupper()

    @app.get("/")
    async def index():
        return await quart.render_template_string(
            "{{ 'a' | shout }}{% if 'A' is loud %}!{% endif %}{{ config['X'] }}{{ g.y }}"
        )

    app.config["X"] = "x"

    @app.before_request
    async def before():
        quart.g.y = "y"

    assert await (await client.get("/")).get_data() == b"A!xy"


async def test_a_background_task_has_an_app_context(quart, app):
    done = asyncio.Event()
    seen = []

    async def task():
        seen.append(quart.current_app.name)
        done.set()

    @app.get("/")
    async def index():
        app.add_background_task(task)
        return ""

    async with app.test_app() as running:
        await running.test_client().get("/")
        await asyncio.wait_for(done.wait(), 10)

    assert seen == ["tests"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_background_task_sees_the_request_that_started_it(quart, app, is_async):
    done = asyncio.Event()
    seen = []

    def note():
        seen.append((quart.request.path, quart.session["user"], quart.g.get("view")))

    async def task():
        await asyncio.sleep(0.01)  # The request is over.
        note()
        done.set()

    @app.get("/<name>")
    async def index(name):
        quart.session["user"] = name
        quart.g.view = "the view's own"
        app.add_background_task(task if is_async else note)
        return ""

    async with app.test_app() as running:
        await running.test_client().get("/Ada")
        if is_async:
            await asyncio.wait_for(done.wait(), 10)

    assert seen == [("/Ada", "Ada", None)]


@pytest.mark.parametrize("quart", ["asyncflask.quart"], indirect=True)
async def test_a_background_task_that_a_def_view_starts_sees_the_request(quart, app):
    """Quart cannot start one there: it looks for an event loop in the view's thread."""
    seen = []

    async def task():
        await asyncio.sleep(0.01)  # The request is over.
        seen.append(quart.request.path)

    @app.get("/<name>")
    def index(name):
        app.add_background_task(task)
        return ""

    async with app.test_app() as running:
        await running.test_client().get("/Ada")

    assert seen == ["/Ada"]


async def test_a_background_task_sees_the_websocket_that_started_it(quart, app):
    seen = []

    async def task():
        seen.append(quart.websocket.path)

    @app.websocket("/chat")
    async def chat():
        app.add_background_task(task)
        await quart.websocket.send("started")

    async with app.test_app() as running:
        async with running.test_client().websocket("/chat") as connection:
            assert await connection.receive() == "started"

    assert seen == ["/chat"]


async def test_the_body_of_a_request_is_streamed(quart, app, client):
    @app.post("/")
    async def index():
        pieces = [piece async for piece in quart.request.body]
        return str(sum(map(len, pieces)))

    async with client.request("/", method="POST") as connection:
        await connection.send(b"abc")
        await connection.send(b"de")
        await connection.send_complete()

    assert await (await connection.as_response()).get_data() == b"5"


async def test_a_body_over_the_limit_is_refused(quart, app, client):
    app.config["MAX_CONTENT_LENGTH"] = 3

    @app.post("/")
    async def index():
        await quart.request.get_data()
        return ""

    assert (await client.post("/", data=b"abc")).status_code == 200
    assert (await client.post("/", data=b"abcd")).status_code == 413


async def test_the_log_names_what_has_failed(quart, app, client, caplog):
    @app.post("/form")
    async def form():
        raise LookupError

    @app.websocket("/ws")
    async def ws():
        raise LookupError

    await client.post("/form")
    with pytest.raises(quart.testing.WebsocketResponseError):
        async with client.websocket("/ws") as connection:
            await connection.receive()
    app.log_exception((None, None, None))

    said = [record.getMessage() for record in caplog.records if record.name == app.name]
    assert said == ["Exception on request POST /form", "Exception on websocket /ws", "Exception"]
