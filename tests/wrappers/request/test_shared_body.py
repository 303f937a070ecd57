"""``def`` and ``async def`` functions read one body: what one has not returned, the other gets."""

from __future__ import annotations

import asyncio
import io

import pytest
from werkzeug.exceptions import BadRequest

from asyncflask import Flask, Request, request
from asyncflask.datastructures import FileStorage
from asyncflask.wrappers.request.body import Body
from asyncflask.wsgi.input import sync_input

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [(b"transfer-encoding", b"chunked")],
}
TEXT = b"first line\nsecond line\n\nwithout an end"
LONG = b"".join(b"line %d\n" % n for n in range(20_000))


@pytest.fixture
def app():
    return Flask(__name__)


@pytest.fixture
def body(client):
    return Body(client.receive)


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def fill(stream):
    buffer = bytearray(20)
    return bytes(buffer[: stream.readinto(buffer)])


# Reads of a synchronous stream, and the same of a file.
READS = {
    "bytes": lambda stream: stream.read(4),
    "more than a piece": lambda stream: stream.read(25),
    "no bytes": lambda stream: stream.read(0) + stream.read1(0) + stream.readline(0),
    "line": lambda stream: stream.readline(),
    "two lines": lambda stream: stream.readline() + stream.readline(),
    "lines": lambda stream: b"".join(stream.readlines(15)),
    "part of a line": lambda stream: stream.readline(3) + stream.readline(2),
    "rest of a line": lambda stream: stream.read(3) + stream.readline(None),
    "bytes after a line": lambda stream: stream.readline() + stream.read(12) + stream.readline(),
    "iteration": lambda stream: next(stream) + next(stream),
    "buffer": fill,
    "all": lambda stream: stream.read(None),
}


@pytest.mark.parametrize("data", [TEXT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("pieces", [1, 3, 40])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_loop_reads_on_where_a_thread_has_stopped(client, body, read, pieces, data):
    client.send_body(*cut(data, -(-len(data) // pieces)))
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)
    begin = await asyncio.to_thread(read, stream)

    assert begin == read(io.BytesIO(data))
    assert begin + await body.read_all() == data


async def test_a_thread_takes_a_piece_as_it_comes_or_its_first_bytes(client, body):
    client.send_body(b"one", b"two", b"three")
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)

    assert await asyncio.to_thread(stream.read1) == b"one"
    assert await asyncio.to_thread(stream.read1, 2) == b"tw"
    assert [piece async for piece in body] == [b"o", b"three"]


@pytest.mark.parametrize("size", [1, 10, 11, 10**6])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_two_streams_of_one_body_go_on_with_each_other(client, body, read, size):
    """A WSGI application that a view returns has a stream of its own."""
    client.send_body(*cut(TEXT, size))
    loop = asyncio.get_running_loop()
    begin = await asyncio.to_thread(read, sync_input(body, loop, SCOPE))
    rest = await asyncio.to_thread(sync_input(body, loop, SCOPE).read)

    assert begin + rest == TEXT


async def test_all_lines_are_those_of_a_file(client, body):
    client.send_body(*cut(LONG + TEXT, 1000))
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)

    assert await asyncio.to_thread(list, stream) == (LONG + TEXT).splitlines(keepends=True)
    assert await asyncio.to_thread(stream.readline) == b""


async def test_a_line_whose_end_has_not_come_is_waited_for(client, body):
    client.send_body(b"one\ntw", more=True)
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)
    first = await asyncio.to_thread(stream.readline)
    asyncio.get_running_loop().call_later(0.01, client.send_body, b"o\nthree")

    assert first == b"one\n"
    assert await asyncio.to_thread(stream.readline) == b"two\n"
    assert await asyncio.to_thread(stream.readline) == b"three"


async def test_the_pieces_of_an_iteration_follow_a_line(client, body):
    client.send_body(b"one\ntwo", b"three")
    await asyncio.to_thread(sync_input(body, asyncio.get_running_loop(), SCOPE).readline)

    assert [piece async for piece in body] == [b"two", b"three"]


async def test_lines_are_read_of_a_body_that_was_received_ahead(client, body, monkeypatch):
    monkeypatch.setattr("asyncflask.wrappers.request.body_bytes.SPOOL_AT", 4)
    client.send_body(b"one\ntwo\n", b"thr", b"ee\n")
    await body.receive_ahead(10**9)
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)

    assert stream.readline() == b"one\n"
    assert stream.read(1) == b"t"
    assert list(stream) == [b"wo\n", b"three\n"]


async def test_after_an_error_nothing_is_read_that_follows_a_line(client, body):
    """A form of which a part is lost must not be read on as if it were whole."""
    client.send_body(b"one\ntwo\n", b"three")
    stream = sync_input(body, asyncio.get_running_loop(), SCOPE)
    await asyncio.to_thread(stream.readline)
    body.fail(BadRequest("The form is cut off."))

    with pytest.raises(BadRequest, match="cut off"):
        await asyncio.to_thread(stream.readline)
    with pytest.raises(BadRequest, match="cut off"):
        await body.read_all()


async def test_what_follows_a_line_is_discarded_with_the_body(client, body):
    client.send_body(b"one\ntwo\n", b"three")
    await asyncio.to_thread(sync_input(body, asyncio.get_running_loop(), SCOPE).readline)
    await body.discard()

    with pytest.raises(RuntimeError, match="was discarded"):
        await body.read_all()


@pytest.mark.parametrize("affinity", [True, False])
@pytest.mark.parametrize("read", [READS["bytes"], READS["line"], READS["buffer"]])
async def test_an_async_view_gets_what_a_def_hook_has_left(app, read, affinity):
    app.config["WORKER_AFFINITY"] = affinity
    begun = []

    @app.before_request
    def look():
        begun.append(read(request.stream))

    @app.post("/data")
    async def data():
        return begun[-1] + await request.get_data()

    @app.post("/pieces")
    async def pieces():
        return begun[-1] + b"".join([piece async for piece in request.body])

    @app.post("/def")
    def synchronous():
        return begun[-1] + request.get_data()

    client = app.test_client()
    for path in ("/data", "/pieces", "/def"):
        assert (await client.post(path, data=LONG)).data == LONG


# -- uploads ---------------------------------------------------------------------------------------


def send(app, path="/"):
    data = {"photo": (io.BytesIO(b"0123456789"), "me.png", "image/png"), "title": "Me"}
    return app.test_client().post(path, data=data)


def call_with_upload(app, function, order):
    """Let hooks of both kinds, in an order, call a function with their object of the upload."""

    @app.before_request
    def first():
        if order == "def":
            function(request.files["photo"])

    @app.before_request
    async def second():
        function((await request.files)["photo"])

    @app.before_request
    def third():
        if order == "async":
            function(request.files["photo"])


@pytest.mark.parametrize("order", ["def", "async"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_what_is_set_on_an_upload_is_read_by_functions_of_both_kinds(app, order, is_async):
    def note(file):
        file.steps = [*getattr(file, "steps", ()), type(file).__module__.partition(".")[0]]
        file.filename += "!"
        file.mimetype_params["n"] = str(len(file.steps))
        file.seek(3 * len(file.steps))

    def summary(file):
        return [file.steps, file.filename, file.mimetype_params["n"], file.read().decode()]

    call_with_upload(app, note, order)

    @app.post("/def")
    def view():
        return summary(request.files["photo"])

    @app.post("/async")
    async def async_view():
        return summary((await request.files)["photo"])

    response = await send(app, "/async" if is_async else "/def")

    modules = ["werkzeug", "asyncflask"] if order == "def" else ["asyncflask", "werkzeug"]
    assert response.json == [modules, "me.png!!", "2", "6789"]


async def test_an_upload_that_one_kind_of_function_replaces_is_replaced_for_the_other(app):
    @app.before_request
    def scan():
        file = request.files["photo"]
        with file.stream as sent:
            file.stream = io.BytesIO(sent.read()[::-1])
        file.name = "scanned"

    @app.before_request
    async def look():
        file = (await request.files)["photo"]
        file.headers["Content-Type"] = "image/gif"

    @app.post("/")
    async def view():
        file = (await request.files)["photo"]
        return [file.name, file.content_type, file.read().decode()]

    assert (await send(app)).json == ["scanned", "image/gif", "9876543210"]


@pytest.mark.parametrize("first", ["def", "async"])
async def test_functions_of_one_kind_get_the_same_object_of_an_upload(app, first):
    found = {"def": [], "async": []}

    def add():
        found["def"].append(request.files["photo"])

    async def add_async():
        found["async"].append((await request.files)["photo"])

    hooks = [add, add_async] if first == "def" else [add_async, add]
    for hook in hooks * 2:
        app.before_request(hook)
    app.post("/")(add_async)
    app.after_request(lambda response: add() or response)
    await send(app)

    assert len(found["def"]) == len(found["async"]) == 3
    assert len(set(map(id, found["def"]))) == len(set(map(id, found["async"]))) == 1


async def test_an_upload_class_with_attributes_of_its_own_has_them(app):
    class Photo(FileStorage):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.checked = False

    class OwnRequest(Request):
        file_storage_class = Photo

    app.request_class = OwnRequest

    @app.before_request
    def check():
        request.files["photo"].read(4)

    @app.post("/")
    async def view():
        file = (await request.files)["photo"]
        await file.save(target)
        return [type(file).__name__, file.checked, target.getvalue().decode()]

    target = io.BytesIO()

    assert (await send(app)).json == ["Photo", False, "456789"]
