"""What a Quart app does: views, responses, hooks, errors, contexts."""

from __future__ import annotations

import asyncio

import pytest

import asyncflask.quart


async def test_what_a_view_returns_is_a_response(quart, app, client):
    @app.get("/text")
    async def text():
        return "text"

    @app.get("/json")
    async def json():
        return {"a": 1}

    @app.get("/tuple")
    async def tuple_():
        return "made", 201, {"X-Made": "yes"}

    @app.get("/stream")
    async def stream():
        async def chunks():
            yield "a"
            yield b"b"

        return chunks()

    @app.get("/sync")
    def sync():
        return (chunk for chunk in ("a", "b"))

    bodies = {
        path: await (await client.get(path)).get_data(as_text=True)
        for path in ("/text", "/json", "/tuple", "/stream", "/sync")
    }
    made = await client.get("/tuple")

    assert bodies == {
        "/text": "text",
        "/json": '{"a":1}\n',
        "/tuple": "made",
        "/stream": "ab",
        "/sync": "ab",
    }
    assert (made.status_code, made.headers["X-Made"]) == (201, "yes")


async def test_what_quart_awaits_is_awaited(quart, app, client):
    @app.get("/")
    async def index():
        await quart.flash("Hello")
        page = await quart.render_template_string("{{ name }}", name="Ada")
        response = await quart.make_response(page, 202)
        response.headers["X-Flashed"] = quart.get_flashed_messages()[0]
        return response

    response = await client.get("/")

    assert (response.status_code, response.headers["X-Flashed"]) == (202, "Hello")
    assert await response.get_data() == b"Ada"


async def test_templates_await_what_they_call(quart, app, client):
    @app.template_global()
    async def stock(item):
        return f"3 {item}"

    @app.context_processor
    async def names():
        return {"item": "tea"}

    @app.get("/")
    async def index():
        return await quart.render_template_string("{{ stock(item) }}")

    @app.get("/stream")
    async def stream():
        return await quart.stream_template_string("{{ stock(item) }}")

    assert app.jinja_env.is_async
    assert await (await client.get("/")).get_data() == b"3 tea"
    assert await (await client.get("/stream")).get_data() == b"3 tea"


async def test_hooks_run_around_a_view(quart, app, client):
    seen = []

    @app.before_request
    async def before():
        seen.append("before")

    @app.after_request
    async def after(response):
        seen.append((await response.get_data()).decode())
        response.set_data("changed")
        return response

    @app.teardown_request
    async def teardown(error):
        seen.append("teardown")

    @app.get("/")
    async def index():
        return "view"

    response = await client.get("/")

    assert seen == ["before", "view", "teardown"]
    assert await response.get_data() == b"changed"
    assert response.headers["Content-Length"] == "7"


async def test_an_error_of_a_view_is_a_500_also_in_tests(quart, app, client):
    @app.get("/")
    async def broken():
        raise ValueError("broken")

    assert (await client.get("/")).status_code == 500
    app.testing = True
    response = await client.get("/")
    assert response.status_code == 500
    assert "ValueError" in await response.get_data(as_text=True)


async def test_a_route_may_be_added_after_the_first_request(quart, app, client):
    async def late():
        return "late"

    assert (await client.get("/late")).status_code == 404
    app.add_url_rule("/late", "late", late)
    assert await (await client.get("/late")).get_data() == b"late"


async def test_a_subdomain_is_matched_as_soon_as_there_is_a_server_name(quart, app, client):
    @app.get("/", subdomain="api")
    async def api():
        return "api"

    app.config["SERVER_NAME"] = "shop.test"

    assert (await client.get("/", subdomain="api")).status_code == 200
    assert (await client.get("/")).status_code == 404


async def test_files_are_sent_with_ranges(quart, app, client, tmp_path):
    (tmp_path / "file.txt").write_text("0123456789")

    @app.get("/")
    async def file():
        return await quart.send_from_directory(tmp_path, "file.txt")

    @app.get("/missing")
    async def missing():
        return await quart.send_from_directory(tmp_path, "../file.txt")

    whole = await client.get("/")
    part = await client.get("/", headers={"Range": "bytes=2-4"})
    known = await client.get("/", headers={"If-None-Match": whole.headers["ETag"]})

    assert await whole.get_data() == b"0123456789"
    assert whole.headers["Cache-Control"] == "public, max-age=43200"
    assert (part.status_code, await part.get_data()) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert known.status_code == 304
    assert (await client.get("/", headers={"Range": "bytes=20-30"})).status_code == 416
    assert (await client.get("/missing")).status_code == 404


async def test_a_copied_context_has_g(quart, app, client):
    @app.get("/<kind>")
    async def view(kind):
        quart.g.user = "Ada"

        @getattr(quart, f"copy_current_{kind}_context")
        async def later():
            return quart.g.user

        @getattr(quart, f"copy_current_{kind}_context")
        def later_in_a_thread():
            return quart.g.user

        found = await asyncio.gather(later(), later_in_a_thread())
        return list(found)

    assert await (await client.get("/app")).get_json() == ["Ada", "Ada"]
    assert await (await client.get("/request")).get_json() == ["Ada", "Ada"]


async def test_a_context_is_pushed_with_await(quart, app):
    ended = []

    @app.teardown_appcontext
    async def teardown(error):
        ended.append(error)

    ctx = app.app_context()
    await ctx.push()
    assert quart.current_app.name == "tests"
    await ctx.pop()

    assert ended == [None]
    assert not quart.has_app_context()


async def test_a_request_context_has_what_the_test_describes(quart, app):
    @app.get("/<int:number>")
    async def view(number):
        return str(number)

    async with app.test_request_context(
        "/3?b=1", method="GET", headers={"X-Test": "yes"}, scheme="https"
    ) as ctx:
        assert quart.request.path == "/3"
        assert quart.request.args["b"] == "1"
        assert quart.request.headers["X-Test"] == "yes"
        assert quart.request.url == "https://localhost/3?b=1"
        assert quart.request.view_args == {"number": 3}
        assert ctx.request is quart.request._get_current_object()

    async with app.test_request_context("/", method="POST", json={"a": 1}):
        assert await quart.request.get_json() == {"a": 1}


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_step_of_a_subclass_gets_its_context(quart, kind):
    seen = []

    class App(quart.Quart):
        if kind == "async def":

            async def dispatch_request(self, request_context=None):
                seen.append(request_context.request.path)
                return await super().dispatch_request(request_context)

        async def finalize_request(self, result, request_context=None, from_error_handler=False):
            seen.append(result)
            return await super().finalize_request(result, request_context, from_error_handler)

    app = App("tests", root_path=".")

    @app.get("/")
    async def index():
        return "view"

    assert await (await app.test_client().get("/")).get_data() == b"view"
    assert seen == (["/", "view"] if kind == "async def" else ["view"])


async def test_replaced_contexts_serve_requests_and_websockets(quart):
    made = []

    class App(quart.Quart):
        def request_context(self, request):
            made.append(request.path)
            return super().request_context(request)

        def websocket_context(self, websocket):
            made.append(websocket.path)
            return super().websocket_context(websocket)

    app = App("tests", root_path=".")

    @app.get("/")
    async def index():
        return quart.request.path

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send(quart.websocket.path)

    client = app.test_client()

    assert await (await client.get("/")).get_data() == b"/"
    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "/ws"
    assert made == ["/", "/ws"]


@pytest.mark.parametrize(("prefers", "url"), [(True, "https://a.test/"), (False, "http://a.test/")])
async def test_urls_outside_of_a_request_may_be_secure(quart, app, prefers, url):
    app.config.update(SERVER_NAME="a.test", PREFER_SECURE_URLS=prefers)
    app.add_url_rule("/", "index")

    async with app.app_context():
        assert quart.url_for("index", _external=True) == url


async def test_hooks_of_a_blueprint_are_for_all_websockets_of_the_app(quart, app, client):
    blueprint = quart.Blueprint("b", "tests", root_path=".")
    seen = []

    @blueprint.before_app_websocket
    async def before():
        seen.append("before")

    @blueprint.after_app_websocket
    async def after(response):
        seen.append("after")
        return response

    @blueprint.teardown_app_websocket
    async def teardown(error):
        seen.append("teardown")

    @blueprint.before_app_serving
    async def started():
        seen.append("started")

    @blueprint.after_app_serving
    async def ended():
        seen.append("ended")

    app.register_blueprint(blueprint)

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send("sent")

    async with app.test_app() as running:
        async with running.test_client().websocket("/ws") as connection:
            assert await connection.receive() == "sent"

    assert seen == ["started", "before", "after", "teardown", "ended"]


@pytest.mark.parametrize("named", ["1", "0"])
def test_debug_mode_is_turned_on_by_quarts_variable(monkeypatch, named):
    """Quart reads it later, when it runs the app."""
    monkeypatch.delenv("FLASK_DEBUG", raising=False)
    monkeypatch.setenv("QUART_DEBUG", named)

    assert asyncflask.quart.Quart("tests", root_path=".").debug is (named == "1")


def test_an_app_runs_in_a_loop_that_it_is_given(quart, app):
    """The loop does not run yet, and is not closed."""
    seen = []

    @app.before_serving
    async def started():
        seen.append(asyncio.get_running_loop())
        raise RuntimeError("ends here")

    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(Exception, match=r".+"):
            app.run(port=0, loop=loop)
    finally:
        loop.close()

    assert seen == [loop]


@pytest.fixture
def addresses(quart, app):
    """Where the app was asked to serve."""
    seen = []

    class Noting(quart.Quart):
        def run_task(self, host, port, *args, **options):
            async def note():
                seen.append((host, port))

            return note()

    app.__class__ = Noting
    return seen


@pytest.mark.parametrize(
    ("server_name", "given", "expected"),
    [
        (None, {}, ("127.0.0.1", 5000)),
        ("shop.example:8000", {}, ("shop.example", 8000)),
        ("shop.example:8000", {"host": "localhost", "port": 0}, ("localhost", 0)),
    ],
)
def test_a_loop_that_is_given_serves_at_the_address_of_server_name(
    app, addresses, server_name, given, expected
):
    app.config["SERVER_NAME"] = server_name
    loop = asyncio.new_event_loop()

    app.run(loop=loop, use_reloader=False, **given)
    loop.close()

    assert addresses == [expected]


def test_an_option_of_run_that_there_is_not_is_warned_of(app, addresses):
    loop = asyncio.new_event_loop()
    with pytest.warns(UserWarning, match="workers"):
        app.run(workers=4, loop=loop, use_reloader=False)
    loop.close()

    assert addresses == [("127.0.0.1", 5000)]
