"""Both APIs on one app: two proxies on the same context, each with its own kind of request."""

from __future__ import annotations

from io import BytesIO

import pytest
from werkzeug.datastructures import MultiDict

import asyncflask
import asyncflask.flask as facade
from asyncflask import Flask as AsyncFlask
from asyncflask.flask import Request
from asyncflask.flask.asgi_transport import VARIABLE
from asyncflask.flask.async_request import AwaitableRequest
from asyncflask.testing import TestClient, WebsocketResponseError
from asyncflask.wrappers import SyncRequest


def is_one(first, second):
    return first._get_current_object() is second._get_current_object()


# -- blueprints of the async API on a facade app ---------------------------------------------------


@pytest.fixture
def bp():
    return asyncflask.Blueprint("bp", __name__)


@pytest.fixture(params=["wsgi", "asgi"])
def both_transports(request, monkeypatch):
    monkeypatch.setenv(VARIABLE, request.param)


@pytest.fixture
def registered(app, bp, both_transports):
    """Return a client of the app; the blueprint is registered at the client's first use."""

    class Registering:
        def __getattr__(self, name):
            if "bp" not in app.blueprints:
                app.register_blueprint(bp)
            return getattr(app.test_client(), name)

    return Registering()


def test_an_async_view_awaits_its_request(bp, registered):
    @bp.post("/<name>")
    async def view(name):
        request = asyncflask.request
        assert isinstance(request._get_current_object(), AwaitableRequest)
        file = (await request.files)["file"]
        return {
            "name": name,
            "form": await request.form,
            "file": [file.filename, file.read().decode()],
            "endpoint": request.endpoint,
            "args": request.args,
            "url": request.url,
        }

    answer = registered.post("/x?q=1", data={"a": "1", "file": (BytesIO(b"content"), "name.txt")})

    assert answer.json == {
        "name": "x",
        "form": {"a": "1"},
        "file": ["name.txt", "content"],
        "endpoint": "bp.view",
        "args": {"q": "1"},
        "url": "http://localhost/x?q=1",
    }


VALUES = {
    "remote_addr": "203.0.113.5",
    "scheme": "https",
    "method": "PATCH",
    "args": {"q": "2"},
    "headers": {"X-User": "ann"},
    "host": "shop.example",
    "url": "https://shop.example/other",
    "accept_languages": ["de"],
    "parameter_storage_class": MultiDict,
}


@pytest.mark.parametrize("computed", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_both_requests_have_a_value_that_is_set_on_either(app, bp, registered, name, computed):
    seen = []

    @app.before_request
    def before():
        if computed:
            getattr(facade.request, name)

    @bp.before_request
    async def replace():
        if computed:
            getattr(asyncflask.request, name)
        setattr(asyncflask.request, name, VALUES[name])

    @bp.before_request
    def change():
        setattr(facade.request, name, [getattr(facade.request, name), "def"])

    @bp.get("/")
    async def view():
        seen.append(getattr(asyncflask.request, name))
        delattr(asyncflask.request, name)
        return ""

    @app.after_request
    def after(response):
        seen.append(name in vars(facade.request._get_current_object()))
        return response

    assert registered.get("/?q=1").status_code == 200
    assert seen == [[VALUES[name], "def"], False]


def test_an_async_view_reads_a_form_that_a_def_hook_has_set(app, bp, registered):
    @app.before_request
    def before():
        facade.request.form = MultiDict({"a": "2"})

    @bp.post("/")
    async def view():
        request = asyncflask.request
        return [(await request.form)["a"], list(await request.files), (await request.values)["a"]]

    assert registered.post("/", data={"a": "1"}).json == ["2", [], "2"]


@pytest.mark.parametrize(("name", "value"), [("data", b"set"), ("values", {"a": "set"})])
def test_both_requests_have_data_that_are_set_on_either(app, bp, registered, name, value):
    @app.before_request
    def before():
        setattr(facade.request, name, value)

    @bp.post("/")
    async def view():
        request = asyncflask.request
        seen = [await getattr(request, name), await request.get_data()]
        setattr(request, name, "again")
        return repr([*seen, getattr(facade.request, name)])

    answer = registered.post("/", data=b"sent", content_type="text/plain")

    assert answer.text == repr([value, b"sent", "again"])


@pytest.mark.parametrize("parsed", [True, False])
def test_a_def_function_reads_a_form_that_an_async_hook_has_set(bp, registered, parsed):
    @bp.before_request
    async def before():
        if parsed:
            await asyncflask.request.form
        asyncflask.request.form = MultiDict({"a": "2"})

    @bp.post("/")
    def view():
        return [facade.request.form["a"], list(facade.request.files), facade.request.values["a"]]

    assert registered.post("/", data={"a": "1"}).json == ["2", [], "2"]


def test_both_requests_share_what_is_set_on_either(bp, registered):
    @bp.before_request
    def before():
        facade.request.steps = ["facade"]

    @bp.before_request
    async def before_async():
        asyncflask.request.steps.append("async")
        asyncflask.request.user = "ann"

    @bp.get("/")
    def view():
        request = facade.request
        before = request.user
        del request.user
        return [*request.steps, before, hasattr(asyncflask.request, "user")]

    assert registered.get("/").json == ["facade", "async", "ann", False]


def test_an_async_view_has_the_attributes_of_the_facades_request_class(app, bp, registered):
    class OwnRequest(Request):
        @property
        def user(self):
            return self.headers["X-User"].title()

    app.request_class = OwnRequest

    @bp.get("/")
    async def view():
        return asyncflask.request.user

    assert registered.get("/", headers={"X-User": "ann"}).text == "Ann"


def test_both_requests_share_the_body_whichever_reads_first(bp, registered):
    @bp.before_request
    def before():
        if facade.request.args.get("first") == "def":
            facade.request.get_data()

    @bp.post("/")
    async def view():
        awaited = await asyncflask.request.get_json()
        return {"same": facade.request.get_json() is awaited, "data": awaited}

    for first in ("def", "async"):
        answer = registered.post(f"/?first={first}", json={"a": [1]})

        assert answer.json == {"same": True, "data": {"a": [1]}}


def test_an_async_view_reads_the_body_piece_by_piece(bp, registered):
    @bp.post("/")
    async def view():
        return str(sum([len(piece) async for piece in asyncflask.request.body]))

    assert registered.post("/", data=b"x" * 300_000).text == "300000"


def test_an_async_view_that_has_read_the_form_is_told_why_there_are_no_bytes(
    app, bp, registered, caplog
):
    app.debug = True

    @bp.post("/")
    async def view():
        form = (await asyncflask.request.form).to_dict()
        return {"form": form, "data": (await asyncflask.request.get_data()).decode()}

    assert registered.post("/", data={"a": "b"}).json == {"form": {"a": "b"}, "data": ""}
    assert "Write `data = await request.get_data()` before `await request.form`" in caplog.text


def test_a_limit_set_on_one_request_counts_on_the_other(bp, registered):
    @bp.before_request
    async def limit():
        asyncflask.request.max_content_length = 5

    @bp.post("/")
    async def view():
        assert facade.request.max_content_length == 5
        return await asyncflask.request.get_data()

    assert registered.post("/", data=b"123456").status_code == 413


def test_in_a_def_view_of_a_facade_app_both_are_the_synchronous_request(bp, registered):
    @bp.post("/")
    def view():
        assert isinstance(asyncflask.request._get_current_object(), Request)
        assert is_one(asyncflask.request, facade.request)
        return asyncflask.request.form["a"]

    assert registered.post("/", data={"a": "b"}).text == "b"


def test_a_def_function_called_from_an_async_view_sees_the_synchronous_request(bp, registered):
    def helper():
        return type(facade.request._get_current_object())

    @bp.get("/")
    async def view():
        return {
            "is": helper() is Request,
            "ctx": type(facade.globals.request_ctx.request) is Request,
        }

    assert registered.get("/").json == {"is": True, "ctx": True}


def test_hooks_after_an_async_one_see_the_synchronous_request_again(bp, registered):
    seen = []

    @bp.before_request
    async def before():
        seen.append(is_one(asyncflask.request, facade.request))

    @bp.after_request
    def after(response):
        seen.append(is_one(asyncflask.request, facade.request))
        return response

    bp.get("/")(lambda: "x")
    registered.get("/")

    assert seen == [False, True]


async def test_inside_async_with_the_request_is_awaitable(app):
    async with app.test_request_context("/", method="POST", data={"a": "b"}) as ctx:
        assert (await asyncflask.request.form)["a"] == "b"
        assert facade.request.form["a"] == "b"
        assert ctx.request is facade.request._get_current_object()


async def test_a_websocket_of_a_facade_app_is_matched_by_its_host(app, bp):
    app.url_map.host_matching = True

    @bp.websocket("/ws", host="ws.test")
    async def ws():
        await asyncflask.websocket.send(asyncflask.websocket.host)

    app.register_blueprint(bp)
    client = TestClient(app, AsyncFlask.response_class)

    async with client.websocket("/ws", base_url="ws://ws.test") as connection:
        assert await connection.receive() == "ws.test"
    with pytest.raises(WebsocketResponseError, match="404"):
        async with client.websocket("/ws", base_url="ws://other.test"):
            raise AssertionError


async def test_a_websocket_to_the_prefix_of_a_mounted_facade_app_is_refused(app):
    app.add_url_rule("/", "index", lambda: "page")
    outer = AsyncFlask("outer")
    outer.mount("/x", app)

    with pytest.raises(WebsocketResponseError, match="400"):
        async with outer.test_client().websocket("/x"):
            raise AssertionError


async def test_a_websocket_of_a_blueprint_works_on_a_facade_app(app, bp):
    @bp.websocket("/ws")
    async def echo():
        await asyncflask.websocket.send(await asyncflask.websocket.receive())

    app.register_blueprint(bp)

    async with TestClient(app, AsyncFlask.response_class).websocket("/ws") as connection:
        await connection.send("hello")

        assert await connection.receive() == "hello"


def test_the_awaitable_request_has_no_environ(bp, registered):
    @bp.get("/")
    async def view():
        with pytest.raises(AttributeError, match="does not come over WSGI"):
            asyncflask.request.environ
        return "x"

    assert registered.get("/").text == "x"


# -- blueprints of the facade on an app of the async API -------------------------------------------


@pytest.fixture
def async_app():
    app = AsyncFlask(__name__)
    app.secret_key = "secret"
    app.testing = True
    return app


@pytest.fixture
def old():
    return facade.Blueprint("old", __name__)


async def post(async_app, old, path="/", **options):
    async_app.register_blueprint(old)
    return await async_app.test_client().post(path, **options)


async def test_in_a_def_view_of_the_async_api_both_are_the_synchronous_request(async_app, old):
    @old.post("/")
    def view():
        assert isinstance(facade.request._get_current_object(), SyncRequest)
        assert is_one(asyncflask.request, facade.request)
        facade.session["n"] = 1
        return facade.jsonify(asyncflask.request.form, facade.url_for(".view"))

    answer = await post(async_app, old, data={"a": "b"})

    assert answer.json == [{"a": "b"}, "/"]
    assert "session=" in answer.headers["Set-Cookie"]


async def test_in_an_async_view_each_proxy_has_its_own_kind(async_app, old):
    @old.post("/")
    async def view():
        assert not is_one(asyncflask.request, facade.request)
        assert facade.request.headers["X-A"] == "b"
        data = await asyncflask.request.get_data()
        return {"same": facade.request.get_data() == data}

    assert (await post(async_app, old, data=b"x", headers={"X-A": "b"})).json == {"same": True}


async def test_a_synchronous_read_on_the_loop_says_what_to_write(async_app, old):
    @old.post("/")
    async def view():
        with pytest.raises(RuntimeError, match="right: receives the body"):
            facade.request.get_data()
        return "x"

    assert (await post(async_app, old, data=b"x" * 200_000)).text == "x"


async def test_static_files_and_send_file_of_a_facade_blueprint(async_app, tmp_path):
    (tmp_path / "a.txt").write_text("static")
    old = facade.Blueprint("old", __name__, static_folder=tmp_path, static_url_path="/files")

    @old.get("/sent")
    def sent():
        return facade.send_file(tmp_path / "a.txt")

    @old.get("/sent-async")
    async def sent_async():
        return facade.send_file(tmp_path / "a.txt")

    async_app.register_blueprint(old)
    client = async_app.test_client()

    for path in ("/files/a.txt", "/sent", "/sent-async"):
        assert (await client.get(path)).text == "static"


async def test_nothing_of_the_second_request_object_outlives_its_request(async_app, old):
    import gc
    import weakref

    seen = []

    @old.post("/")
    async def view():
        seen.append(weakref.ref(facade.request._get_current_object()))
        return ""

    gc.disable()
    try:
        await post(async_app, old)
        assert seen[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("api", [asyncflask, facade])
def test_outside_of_a_request_both_say_so(api):
    with pytest.raises(RuntimeError, match="outside of request context"):
        api.request.args
