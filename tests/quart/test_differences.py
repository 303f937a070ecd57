"""Rows of "Differences from Quart" in reference/quart-facade.md, on Quart and on the facade."""

from __future__ import annotations

import asyncio
import importlib
import logging

import pytest

import asyncflask.quart

quart = pytest.importorskip("quart")
BOTH = [quart, asyncflask.quart]


def new_app(lib):
    app = lib.Quart("shop")
    app.secret_key = "for tests"
    app.logger.disabled = True
    return app


@pytest.fixture(autouse=True)
def _logger_as_before():
    yield
    logging.getLogger("shop").disabled = False


async def serve(app, kind, *messages, headers=(), extensions=()):
    """Let an app serve one connection as an ASGI server does, and return what it has sent."""
    arriving, sent = list(messages), []

    async def receive():
        await asyncio.sleep(0.001)
        return arriving.pop(0) if arriving else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "asgi": {"version": "3.0", "spec_version": "2.3"}, "path": "/"}
    scope |= {"http_version": "1.1", "raw_path": b"/", "query_string": b"", "root_path": ""}
    scope |= {"headers": [(b"host", b"shop.test"), *headers], "subprotocols": []}
    scope |= {"extensions": {name: {} for name in extensions}, "method": "POST"}
    scope["scheme"] = "http" if kind == "http" else "ws"
    await asyncio.wait_for(app(scope, receive, send), 5)
    return sent


async def post(app, *pieces, content_type=b"text/plain"):
    """Return the status and the body of a request whose body comes in pieces."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent = await serve(app, "http", *messages, headers=[(b"content-type", content_type)])
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def connect(app, *messages, **options):
    """Return what an app has sent to a client of a websocket: kinds and codes."""
    sent = await serve(app, "websocket", {"type": "websocket.connect"}, *messages, **options)
    return [(m["type"].removeprefix("websocket."), m.get("code", m.get("status"))) for m in sent]


@pytest.mark.parametrize("reads", ["pieces", "data"])
async def test_the_limit_of_a_body_that_is_read_piece_by_piece(reads):
    found = []
    for lib in BOTH:
        app = new_app(lib)
        app.config["MAX_CONTENT_LENGTH"] = 10

        @app.post("/")
        async def view(lib=lib):
            if reads == "data":
                return await lib.request.get_data()
            return b"".join([piece async for piece in lib.request.body])

        found.append(await post(app, b"12345", b"67890", b"12345"))

    statuses, pages = zip(*found, strict=True)
    assert statuses == ((200, 413) if reads == "pieces" else (413, 413))
    assert b"10 are accepted (MAX_CONTENT_LENGTH)" in pages[1]


@pytest.mark.parametrize(
    "body",
    [b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", b"--x\r\nbad", b"--y\r\n\r\n"],
)
@pytest.mark.parametrize("parameter", [b"; boundary=x", b""])
async def test_a_malformed_multipart_form(body, parameter):
    found = []
    for lib in BOTH:
        app = new_app(lib)

        @app.post("/")
        async def view(lib=lib):
            return str(len(await lib.request.form))

        found.append(await post(app, body, content_type=b"multipart/form-data" + parameter))

    assert found[0] == (200, b"0")
    assert found[1][0] == 400


@pytest.mark.parametrize("refuses", ["abort", "return", "error", "no route"])
async def test_a_websocket_that_is_refused(refuses):
    found, with_extension = [], []
    for lib in BOTH:
        app = new_app(lib)

        async def view(lib=lib):
            if refuses == "abort":
                lib.abort(403)
            if refuses == "error":
                raise LookupError
            return "no", 401

        if refuses != "no route":
            app.websocket("/")(view)
        found.append(await connect(app))
        sent = await connect(app, extensions=["websocket.http.response"])
        with_extension.append(sent[0])

    assert found == [[("close", 1000)], [("close", 1008)]]
    assert with_extension[0] == with_extension[1]


async def test_a_websocket_view_that_returns_without_accept():
    found = []
    for lib in BOTH:
        app = new_app(lib)

        @app.websocket("/")
        async def view():
            return None

        found.append(await connect(app))

    assert found == [[], [("close", 1000)]]


@pytest.mark.parametrize(
    ("ends", "statuses"),
    [
        ("well", [[None], [200, 200]]),
        ("without accept", [[None], [200]]),
        ("with an error", [[500], [200, 200]]),
        ("with its client", [[], [200, 200]]),
        ("refused", [[403], [403]]),
    ],
)
async def test_save_session_of_a_websocket(ends, statuses):
    found = []
    for lib in BOTH:
        app, saved = new_app(lib), []
        sessions = importlib.import_module(f"{lib.__name__}.sessions")

        class Interface(sessions.SecureCookieSessionInterface):
            async def open_session(self, app, request, kind=sessions.SecureCookieSession):
                return kind()

            async def save_session(self, app, session, response, saved=saved):
                saved.append(None if response is None else response.status_code)

        app.session_interface = Interface()

        @app.websocket("/")
        async def view(lib=lib):
            lib.session["seen"] = 1
            if ends == "refused":
                return "no", 403
            if ends != "without accept":
                await lib.websocket.accept()
            if ends == "with an error":
                raise LookupError
            if ends == "with its client":
                await lib.websocket.receive()
            return None

        gone = [{"type": "websocket.disconnect", "code": 1001}] * (ends == "with its client")
        await connect(app, *gone)
        found.append(saved)

    assert found == statuses


async def test_a_session_that_is_changed_before_accept():
    found = []
    for lib in BOTH:
        app = new_app(lib)

        @app.websocket("/")
        async def view(lib=lib):
            lib.session["seen"] = 1
            await lib.websocket.accept()

        sent = await serve(app, "websocket", {"type": "websocket.connect"})
        found.append([name for name, _ in sent[0]["headers"]])

    assert found == [[], [b"set-cookie"]]


async def test_websockets_in_the_list_of_routes():
    found = []
    for lib in BOTH:
        app = lib.Quart("shop", static_folder=None)
        app.websocket("/chat")(lambda: None)
        cli = importlib.import_module(f"{lib.__name__}.cli")
        invoke, info = app.test_cli_runner().invoke, cli.ScriptInfo(create_app=lambda app=app: app)
        result = await asyncio.to_thread(invoke, cli.routes_command, obj=info)
        found.append(result.output.splitlines()[-1].split()[1:])

    assert found == [["GET", "/chat"], ["WS", "/chat"]]


async def test_a_response_that_is_asked_for_before_it_has_come():
    for lib in BOTH:
        app = new_app(lib)
        app.get("/")(lambda: "page")

        async with app.test_client().request("/") as connection:
            await connection.send_complete()
            if lib is quart:
                assert await (await connection.as_response()).get_data() == b""
            else:
                with pytest.raises(RuntimeError, match="after the `async with` block"):
                    await connection.as_response()
        assert await (await connection.as_response()).get_data() == b"page"


async def test_the_order_of_the_teardown_functions_of_the_app_context():
    found = []
    for lib in BOTH:
        app, ended = new_app(lib), []
        for name in ("first", "second"):
            app.teardown_appcontext(lambda error, name=name, ended=ended: ended.append(name))
        async with app.app_context():
            pass
        found.append(ended)

    assert found == [["first", "second"], ["second", "first"]]


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_async_hook_of_a_view_whose_client_disconnects(is_async):
    found = []
    for lib in BOTH:
        app = new_app(lib)
        ended = asyncio.Event()
        seen = []

        @app.before_request
        async def wait(seen=seen, ended=ended):
            try:
                await asyncio.sleep(0.2)
                seen.append("ended")
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise
            finally:
                ended.set()

        async def async_view():
            return ""

        app.post("/")(async_view if is_async else lambda: "")
        gone = [{"type": "http.request", "body": b"", "more_body": False}]
        gone.append({"type": "http.disconnect"})
        serving = asyncio.create_task(serve(app, "http", *gone))
        await asyncio.wait_for(ended.wait(), 5)
        await asyncio.wait({serving})
        found.append(seen)

    assert found == [["cancelled"], ["cancelled" if is_async else "ended"]]
