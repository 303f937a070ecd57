"""Reading the body synchronously: the result is the same however the network splits the request.

Extensions for Flask read ``flask.request`` wherever they are called. In an ``async def`` view that
is the event loop, which must not wait there; what is read may not depend on what has come by then.
"""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest

import asyncflask
from asyncflask import Flask, flask
from asyncflask.testing import TestClient

FORM = (b"application/x-www-form-urlencoded", b"name=ada&age=36")
JSON = (b"application/json", b'{"name": "ada"}')
MULTIPART = (
    b"multipart/form-data; boundary=b",
    b'--b\r\nContent-Disposition: form-data; name="name"; filename="n"\r\n\r\nada\r\n--b--\r\n',
)

#: What extensions read: of which body, how, and what it gives.
READS = {
    "form": (FORM, lambda: flask.request.form["name"], "ada"),
    "values": (FORM, lambda: flask.request.values["name"], "ada"),
    "files": (MULTIPART, lambda: flask.request.files["name"].read().decode(), "ada"),
    "json": (JSON, lambda: flask.request.json["name"], "ada"),
    "get_json": (JSON, lambda: flask.request.get_json(silent=True)["name"], "ada"),
    "get_data": (JSON, lambda: flask.request.get_data(as_text=True), JSON[1].decode()),
    "data": (JSON, lambda: flask.request.data.decode(), JSON[1].decode()),
}
STREAMS = {
    "read": lambda: flask.request.stream.read(),
    "readline": lambda: flask.request.stream.readline(),
    "wsgi.input": lambda: flask.request.environ["wsgi.input"].read(1),
}


def at_once(body):
    return [[body]]


def in_two(body):
    return [[body[:3], body[3:]]]


def by_bytes(body):
    return [[bytes([byte]) for byte in body]]


def late(body):
    return [[], [body]]


def later(body):
    return [[body[:3]], [body[3:-1]], [body[-1:], b""]]


CUTS = [at_once, in_two, by_bytes, late, later]


async def answer(app, body, cut, headers, path="/"):
    """Return the status and the text of a POST whose body arrives in the pieces of ``cut``."""
    messages, sent = asyncio.Queue(), []

    async def send(message):
        sent.append(message)

    batches = cut(body)
    pieces = [piece for batch in batches for piece in batch]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "scheme": "http",
        "root_path": "",
    }

    async def arrive():
        left = len(pieces)
        for number, batch in enumerate(batches):
            if number:
                await asyncio.sleep(0.02)
            for piece in batch:
                left -= 1
                messages.put_nowait({"type": "http.request", "body": piece, "more_body": left > 0})

    arriving = asyncio.create_task(arrive())
    await asyncio.sleep(0)  # What comes with the head is there before the app is called.
    await app(scope, messages.get, send)
    await arriving
    text = b"".join(message.get("body", b"") for message in sent).decode()
    return sent[0]["status"], text


def headers_of(kind, body, length):
    framing = (
        (b"content-length", b"%d" % len(body)) if length else (b"transfer-encoding", b"chunked")
    )
    return [(b"host", b"localhost"), (b"content-type", kind), framing]


@pytest.fixture
def app():
    app = Flask(__name__)
    app.logger.disabled = True
    app.register_error_handler(RuntimeError, lambda error: (str(error), 500))
    return app


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", sorted(READS))
async def test_a_read_on_the_loop_is_always_the_same_error(app, name, cut, length):
    (kind, body), read, _ = READS[name]

    @app.post("/")
    async def view():
        return str(read())

    status, text = await answer(app, body, cut, headers_of(kind, body, length))

    assert (status, "right: receives the body, and parses a form" in text) == (500, True)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", sorted(READS))
@pytest.mark.parametrize("where", ["view", "hook", "def view"])
async def test_with_the_remedy_a_read_always_returns_the_body(app, name, cut, where):
    (kind, body), read, value = READS[name]

    async def view():
        if where == "view":
            await asyncflask.request.data
        return str(read())

    def def_view():
        return str(read())

    if where == "hook":

        @app.before_request
        async def receive_body():
            await asyncflask.request.data

    app.post("/", endpoint="view")(def_view if where == "def view" else view)

    assert await answer(app, body, cut, headers_of(kind, body, True)) == (200, value)


@pytest.mark.parametrize("cut", [at_once, late, by_bytes])
@pytest.mark.parametrize("name", sorted(STREAMS))
async def test_reading_the_stream_on_the_loop_is_the_same_error(app, name, cut):
    @app.post("/")
    async def view():
        return STREAMS[name]()

    status, text = await answer(app, FORM[1], cut, headers_of(*FORM, True))

    assert (status, "was read synchronously" in text) == (500, True)


@pytest.mark.parametrize("cut", CUTS)
async def test_a_def_hook_that_has_read_the_form_leaves_it_to_the_view(app, cut):
    app.before_request(lambda: flask.request.form and None)

    @app.post("/")
    async def view():
        return flask.request.form["name"]

    assert await answer(app, FORM[1], cut, headers_of(*FORM, True)) == (200, "ada")


@pytest.mark.parametrize("cut", [at_once, late])
async def test_after_a_def_view_that_read_nothing_it_is_the_same_error(app, cut):
    app.post("/", endpoint="view")(lambda: "view")

    @app.after_request
    async def after(response):
        with pytest.raises(RuntimeError, match="was read synchronously"):
            flask.request.form["name"]
        return response

    assert await answer(app, FORM[1], cut, headers_of(*FORM, True)) == (200, "view")


@pytest.mark.parametrize("cut", [lambda body: [[b""]], lambda body: [[], [b""]]])
@pytest.mark.parametrize("views", ["async", "def"])
async def test_an_empty_body_that_may_arrive_late_is_the_same_error(app, cut, views):
    async def read():
        return flask.request.get_data()

    app.post("/", endpoint="view")(read if views == "async" else lambda: "")

    @app.after_request
    async def after(response):
        flask.request.get_data()
        return response

    status, _ = await answer(app, b"", cut, headers_of(b"text/plain", b"", False))

    assert status == 500


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]])
async def test_a_request_without_a_body_is_read_anywhere(app, headers):
    @app.post("/")
    async def view():
        assert not flask.request.form
        assert flask.request.get_json(silent=True) is None
        return f"{flask.request.get_data()}"

    assert await answer(app, b"", lambda _: [[]], headers) == (200, "b''")


async def test_a_body_over_the_limit_is_refused_as_everywhere(app):
    app.config["MAX_CONTENT_LENGTH"] = 5

    @app.post("/")
    async def view():
        return flask.request.form["name"]

    status, _ = await answer(app, FORM[1], at_once, headers_of(*FORM, True))

    assert status == 413


async def test_the_test_client_has_the_same_error(app):
    @app.post("/")
    async def view():
        return flask.request.form["name"]

    response = await TestClient(app, app.response_class).post("/", data={"name": "ada"})

    assert (response.status_code, "flask.request" in response.text) == (500, True)


async def test_in_a_test_request_context_the_body_can_be_read(app):
    data = {"name": "ada", "file": (BytesIO(b"x" * 100_000), "f")}
    async with app.test_request_context(method="POST", data=data):
        assert flask.request.form["name"] == "ada"

        assert len(flask.request.files["file"].read()) == 100_000


async def test_the_error_names_the_endpoint_and_both_remedies(app):
    @app.post("/names")
    async def names():
        return flask.request.form["name"]

    _, text = await answer(app, FORM[1], at_once, headers_of(*FORM, True), path="/names")

    assert text.startswith("The body of POST '/names' was read synchronously")

    assert "endpoint 'names'" in text

    assert "declare the view with `def`" in text
