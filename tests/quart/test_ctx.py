"""Contexts that are pushed by hand, and what is found through them."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.datastructures import Headers


@pytest.fixture
def make_request(quart, module):
    def make_request(path="/", **options):
        scope = module("testing").make_test_scope(
            "http", path, "GET", Headers(), b"", "http", "", "1.1", None
        )
        return quart.Request(
            "GET",
            "http",
            path,
            b"",
            Headers({"host": "quart.com"}),
            "",
            "1.1",
            scope,
            send_push_promise=module("testing").no_op_push,
            **options,
        )

    return make_request


async def test_a_request_context_matches_its_url(quart, app, module, make_request):
    @app.get("/<int:number>")
    async def view(number):
        return str(number)

    async with module("ctx").RequestContext(app, make_request("/3")):
        assert quart.request.view_args == {"number": 3}
        assert quart.request.endpoint == "view"
        assert quart.has_request_context()
        assert quart.has_app_context()
    async with module("ctx").RequestContext(app, make_request("/none")):
        assert quart.request.routing_exception.code == 404
    assert not quart.has_request_context()


async def test_functions_of_a_context_need_one(quart, app):
    for name in ("app", "request", "websocket"):
        with pytest.raises(RuntimeError, match=r".+"):
            getattr(quart, f"copy_current_{name}_context")(lambda: None)
    with pytest.raises(RuntimeError, match=r".+"):
        quart.after_this_request(lambda response: response)


async def test_after_this_request_changes_one_response(quart, app, client):
    @app.get("/")
    async def index():
        @quart.after_this_request
        async def set_header(response):
            response.headers["X-This"] = "yes"
            return response

        return ""

    @app.get("/other")
    async def other():
        return ""

    assert (await client.get("/")).headers["X-This"] == "yes"
    assert "X-This" not in (await client.get("/other")).headers


async def test_a_websocket_context_is_copied(quart, app, client):
    @app.websocket("/ws")
    async def ws():
        quart.g.name = "Ada"

        @quart.copy_current_websocket_context
        async def later():
            return f"{quart.websocket.path} {quart.g.name}"

        await quart.websocket.send(await asyncio.ensure_future(later()))

    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "/ws Ada"


async def test_the_request_is_not_there_in_a_websocket(quart, app, client):
    @app.websocket("/ws")
    async def ws():
        found = [quart.has_request_context(), quart.has_websocket_context()]
        try:
            quart.request.path
        except RuntimeError:
            found.append("RuntimeError")
        await quart.websocket.send_json(found)

    async with client.websocket("/ws") as connection:
        assert await connection.receive_json() == [False, True, "RuntimeError"]


async def test_an_app_context_has_g_and_an_adapter(quart, app):
    app.config["SERVER_NAME"] = "shop.test"

    @app.get("/item/<int:number>")
    async def item(number):
        return ""

    async with app.app_context():
        quart.g.name = "Ada"
        assert quart.g.name == "Ada"
        assert quart.g.get("other") is None
        assert quart.url_for("item", number=1) == "http://shop.test/item/1"


async def test_urls_of_a_request(quart, app):
    @app.get("/")
    async def index():
        return ""

    @app.post("/")
    async def index_post():
        return ""

    @app.get("/item/<id>")
    async def item(id):
        return ""

    @app.websocket("/ws")
    async def ws():
        pass

    async with app.test_request_context("/", root_path="/bob"):
        assert quart.url_for("index") == "/bob/"
    async with app.test_request_context("/"):
        assert quart.url_for("index", _external=True) == "http://localhost/"
        assert quart.url_for("index", _anchor="&foo") == "/#&foo"
        assert quart.url_for("item", id="a b", q="c") == "/item/a%20b?q=c"
        assert quart.url_for("index", _external=True, _scheme="https") == "https://localhost/"
        with pytest.raises(ValueError, match=r".+"):
            quart.url_for("index", _scheme="https", _external=False)


async def test_request_and_websocket_are_handled_by_hand(quart, app, module, make_request):
    @app.get("/")
    async def index():
        return "index"

    @app.get("/cancelled")
    async def cancelled():
        raise asyncio.CancelledError

    response = await app.handle_request(make_request())

    assert await response.get_data() == b"index"
    with pytest.raises(asyncio.CancelledError):
        await app.handle_request(make_request("/cancelled"))


@pytest.mark.parametrize(
    ("debug", "testing", "raises"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
async def test_debug_and_testing_raise_errors(quart, app, make_request, debug, testing, raises):
    @app.get("/")
    async def broken():
        raise ValueError("broken")

    app.debug, app.testing = debug, testing

    if raises:
        with pytest.raises(ValueError, match="broken"):
            await app.handle_request(make_request())
    else:
        assert (await app.handle_request(make_request())).status_code == 500


async def test_a_websocket_is_handled_by_hand(quart, app, module):
    sent = []
    messages = ["hello"]

    async def receive():
        return messages.pop(0)

    async def send(data):
        sent.append(data)

    async def accept(headers, subprotocol):
        sent.append("accepted")

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send(await quart.websocket.receive())

    scope = module("testing").make_test_scope(
        "websocket", "/ws", "GET", Headers(), b"", "ws", "", "1.1", None
    )
    websocket = quart.Websocket(
        "/ws",
        b"",
        "ws",
        Headers({"host": "quart.com"}),
        "",
        "1.1",
        [],
        receive,
        send,
        accept,
        None,
        scope,
    )
    answer = await app.handle_websocket(websocket)

    assert answer is None
    assert sent[-1] == "hello"


async def test_what_an_overridden_app_context_sets_is_there_in_requests_and_websockets(quart):
    class App(quart.Quart):
        def app_context(self):
            context = super().app_context()
            context.g.tenant = "shop"
            return context

    app = App("app")

    @app.get("/")
    async def view():
        return quart.g.tenant

    @app.websocket("/")
    async def talk():
        await quart.websocket.send(quart.g.tenant)

    response = await app.test_client().get("/")
    async with app.test_client().websocket("/") as connection:
        received = await connection.receive()
    async with app.test_request_context("/"):
        assert quart.g.tenant == "shop"
    assert (await response.get_data(as_text=True), received) == ("shop", "shop")


async def test_a_request_of_the_test_client_shares_the_overridden_context_around_it(quart):
    class App(quart.Quart):
        def app_context(self):
            context = super().app_context()
            context.g.tenant = "shop"
            return context

    app = App("app")

    @app.get("/")
    async def view():
        return quart.g.tenant

    async with app.app_context():
        quart.g.tenant = "another"
        response = await app.test_client().get("/")

    assert await response.get_data(as_text=True) == "another"
