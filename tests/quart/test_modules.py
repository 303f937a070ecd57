"""Quart's smaller modules: sessions, configuration, forms, headers, threads, views, blueprints."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge


async def test_a_session_interface_is_awaited(quart, app, module):
    interface = module("sessions").SecureCookieSessionInterface()
    session = module("sessions").SecureCookieSession()
    session["a"] = 1
    response = quart.Response("")
    await interface.save_session(app, session, response)

    async with app.test_request_context("/", headers={"Cookie": response.headers["Set-Cookie"]}):
        assert await interface.open_session(app, quart.request) == session
    assert not interface.is_null_session(session)
    assert interface.is_null_session(await interface.make_null_session(app))


async def test_an_interface_of_the_app_is_used(quart, app, client, module):
    calls = []

    class Interface(module("sessions").SessionInterface):
        async def open_session(self, app, request):
            calls.append("open")
            return module("sessions").SecureCookieSession()

        async def save_session(self, app, session, response):
            calls.append("save")

    app.session_interface = Interface()

    @app.get("/")
    async def index():
        quart.session["a"] = 1
        return ""

    await client.get("/")

    assert calls == ["open", "save"]


async def test_without_a_secret_key_a_session_is_a_null_session(quart, app, client):
    app.secret_key = None

    @app.get("/")
    async def index():
        assert "a" not in quart.session
        with pytest.raises(RuntimeError, match=r".+"):
            quart.session["a"] = 1
        return "read"

    assert await (await client.get("/")).get_data() == b"read"


def test_the_environment_is_read(app, monkeypatch):
    monkeypatch.setenv("QUART_ANSWER", "42")
    monkeypatch.setenv("QUART_NESTED__KEY", '"value"')

    assert app.config.from_prefixed_env()
    assert app.config["ANSWER"] == 42
    assert app.config["NESTED"]["KEY"] == "value"


async def test_a_multipart_form_is_parsed(module):
    content = (
        b"--bound\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n"
        b"--bound\r\nContent-Disposition: form-data; name=file; filename=x.txt\r\n\r\ntext\r\n"
        b"--bound--"
    )

    async def body():
        yield content

    form, files = await module("formparser").MultiPartParser().parse(body(), b"bound", 0)

    assert form["a"] == "b"
    with files["file"].stream as stream:
        assert stream.read() == b"text"
    with pytest.raises(RequestEntityTooLarge):
        await (
            module("formparser").MultiPartParser(max_form_memory_size=0).parse(body(), b"bound", 0)
        )


async def test_uploads_are_saved_with_await(quart, app, client, tmp_path):
    from io import BytesIO

    @app.post("/")
    async def upload():
        file = (await quart.request.files)["file"]
        await file.save(tmp_path / "saved")
        return type(file).__name__

    file = quart.datastructures.FileStorage(BytesIO(b"content"), "a.txt")
    response = await client.post("/", files={"file": file})

    assert await response.get_data() == b"FileStorage"
    assert (tmp_path / "saved").read_bytes() == b"content"


def test_headers_are_encoded_and_decoded(module):
    encoded = module("utils").encode_headers(Headers({"X-Name": "value"}))

    assert encoded == [(b"x-name", b"value")]
    assert module("utils").decode_headers(encoded)["X-Name"] == "value"


async def test_blocking_functions_run_in_threads(module):
    def number():
        return threading.get_ident()

    def numbers():
        yield 1
        yield 2

    run_sync = module("utils").run_sync

    assert await run_sync(number)() != threading.get_ident()
    assert [n async for n in await run_sync(numbers)()] == [1, 2]
    assert [n async for n in module("utils").run_sync_iterable(iter([1, 2]))] == [1, 2]


async def test_tasks_are_cancelled_and_their_errors_raised(module):
    async def fail():
        raise ValueError("failed")

    waiting = asyncio.create_task(asyncio.sleep(60))
    failed = asyncio.create_task(fail())
    await asyncio.wait({failed})

    with pytest.raises(ValueError, match="failed"):
        module("utils").raise_task_exceptions({failed})
    await module("utils").cancel_tasks({waiting})
    assert waiting.cancelled()


async def test_views_as_classes(quart, app, client, module):
    class Item(module("views").View):
        methods = ["GET"]

        async def dispatch_request(self, number):
            return f"item {number}"

    class Items(module("views").MethodView):
        async def get(self):
            return "get"

        def post(self):
            return "post"

    app.add_url_rule("/item/<int:number>", view_func=Item.as_view("item"))
    app.add_url_rule("/items", view_func=Items.as_view("items"))

    assert await (await client.get("/item/1")).get_data() == b"item 1"
    assert await (await client.get("/items")).get_data() == b"get"
    assert await (await client.post("/items")).get_data() == b"post"
    assert (await client.put("/items")).status_code == 405


async def test_blueprints(quart, app, client, tmp_path):
    (tmp_path / "file.txt").write_text("static")
    blueprint = quart.Blueprint(
        "shop", "shop", url_prefix="/shop", static_folder=tmp_path, root_path=str(tmp_path)
    )
    seen = []

    @blueprint.get("/")
    async def index():
        return quart.url_for(".index")

    @blueprint.websocket("/ws")
    async def ws():
        await quart.websocket.send("shop")

    @blueprint.before_app_request
    async def before():
        seen.append("request")

    @blueprint.before_app_websocket
    async def before_websocket():
        seen.append("websocket")

    @blueprint.app_errorhandler(404)
    async def missing(error):
        return "missing", 404

    app.register_blueprint(blueprint)
    async with client.websocket("/shop/ws") as connection:
        assert await connection.receive() == "shop"
    async with await blueprint.open_resource("file.txt") as file:
        assert await file.read() == b"static"

    static = await client.get(f"/shop/{tmp_path.name}/file.txt")
    assert await (await client.get("/shop/")).get_data() == b"/shop/"
    assert await static.get_data() == b"static"
    assert await (await client.get("/none")).get_data() == b"missing"
    assert seen == ["websocket", "request", "request", "request"]


async def test_resources_are_opened_with_await(app, tmp_path):
    app.root_path = str(tmp_path)
    (tmp_path / "file.txt").write_text("text")

    async with await app.open_resource("file.txt") as file:
        assert await file.read() == b"text"
    async with await app.open_resource("file.txt", "r") as file:
        assert await file.read() == "text"
    with pytest.raises(ValueError, match=r".+"):
        await app.open_resource("file.txt", "w")


async def test_the_page_of_an_error_shows_it(module):
    response = await module("debug").traceback_response(raised())

    assert response.status_code == 500
    assert b"a special error" in await response.get_data()


def raised():
    try:
        raise ValueError("a special error")
    except ValueError as error:
        return error


async def test_def_and_async_def_are_made_awaitable(app):
    def plain(value):
        return value, threading.get_ident()

    async def coroutine(value):
        return value, threading.get_ident()

    for function in (plain, coroutine):
        value, thread = await app.ensure_async(function)(1)
        assert value == 1
        assert (thread == threading.get_ident()) is (function is coroutine)


# -- paths and files -------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [("a", "b"), (b"a", "b"), (Path("a"), b"b"), (b"a/b",)])
def test_paths_are_joined_whatever_their_types(module, parts):
    assert module("utils").file_path_to_path(*parts) == Path("a", "b")


async def test_a_relative_path_of_send_file_begins_in_the_working_directory(
    quart, app, tmp_path, monkeypatch
):
    (tmp_path / "tea.txt").write_text("green")
    monkeypatch.chdir(tmp_path)

    async with app.test_request_context("/"):
        response = await quart.send_file("tea.txt")

    assert await response.get_data() == b"green"
    assert response.mimetype == "text/plain"


async def test_a_file_may_be_named_by_bytes(quart, app, tmp_path):
    path = tmp_path / "tea.txt"
    path.write_text("Darjeeling")

    async with app.test_request_context("/"):
        response = await quart.send_file(os.fsencode(path))

        assert await response.get_data() == b"Darjeeling"


def test_the_age_of_files_is_known_outside_of_contexts(app):
    assert app.get_send_file_max_age("tea.txt") == 12 * 60 * 60


@pytest.mark.parametrize("change", ["touch", "delete"])
async def test_a_change_during_the_first_wait_is_noticed(module, tmp_path, monkeypatch, change):
    path = tmp_path / "watched_by_quart.py"
    path.touch()
    watched = ModuleType("watched_by_quart")
    watched.__file__ = os.fspath(path)
    monkeypatch.setitem(sys.modules, "watched_by_quart", watched)
    stop = asyncio.Event()
    waits = []

    async def sleep(seconds):
        if not waits:
            os.utime(path, (2e9, 2e9)) if change == "touch" else path.unlink()
        waits.append(seconds)
        if waits.count(1) > 3:
            stop.set()

    with pytest.raises(module("utils").MustReloadError):
        await module("utils").observe_changes(sleep, stop)


# -- forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, "utf-8"),
        ("text/plain", "utf-8"),
        ("text/plain; charset=ISO-8859-1", "iso-8859-1"),
        ("text/plain; charset=zip", "utf-8"),
    ],
)
def test_a_field_may_name_its_encoding(module, content_type, charset):
    headers = Headers({} if content_type is None else {"Content-Type": content_type})

    assert module("formparser").MultiPartParser().get_part_charset(headers) == charset


async def test_a_multipart_form_that_is_too_large_is_refused(module):
    field = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n12345\r\n--b--\r\n'
    body = module("wrappers.request").Body(None, None)
    body.set_result(field)
    parser = module("formparser").MultiPartParser(max_content_length=10)

    with pytest.raises(RequestEntityTooLarge, match="413"):
        await parser.parse(body, b"b", None)


# -- threads and contexts --------------------------------------------------------------------------


async def test_the_result_of_a_generator_function_is_iterated(app):
    def pieces(count):
        yield from range(count)

    assert [piece async for piece in await app.ensure_async(pieces)(3)] == [0, 1, 2]
    assert app.ensure_async(pieces).__name__ == "pieces"


async def test_the_variables_have_the_contexts(quart, app, module):
    found = module("globals")

    assert found._cv_app.get(None) is None
    with pytest.raises(LookupError):
        found._cv_request.get()
    async with app.app_context():
        assert found._cv_app.get().app is app
        assert found._cv_request.get(None) is None
    async with app.test_request_context("/") as ctx:
        assert found._cv_app.get().app is app
        assert found._cv_request.get() is ctx
        assert found._cv_websocket.get("none") == "none"
