"""Requests, websockets and responses that are made by hand, and the bodies of responses."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
import werkzeug
from werkzeug.datastructures import Headers
from werkzeug.exceptions import (
    RequestedRangeNotSatisfiable,
    RequestEntityTooLarge,
    RequestTimeout,
)

import asyncflask.quart

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "asgi": {"spec_version": "2.1"},
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "headers": [],
    "extensions": {},
}


@pytest.fixture
def make_request(quart, module):
    no_op_push = module("testing").no_op_push

    def make_request(method="GET", path="/", query=b"", headers=(), **options):
        return quart.Request(
            method,
            "http",
            path,
            query,
            Headers(headers),
            "",
            "1.1",
            SCOPE,
            **{"send_push_promise": no_op_push, **options},
        )

    return make_request


async def test_a_request_has_its_parts(make_request):
    request = make_request("POST", "/path", b"a=b&a=c", {"Host": "quart.com", "X-A": "1"})

    assert request.method == "POST"
    assert request.full_path == "/path?a=b&a=c"
    assert request.url == "http://quart.com/path?a=b&a=c"
    assert request.base_url == "http://quart.com/path"
    assert request.host_url == "http://quart.com/"
    assert request.args.getlist("a") == ["b", "c"]
    assert request.headers["X-A"] == "1"
    assert request.query_string == b"a=b&a=c"


async def test_headers_may_be_set_after_a_request_was_made(make_request):
    request = make_request()
    request.headers["Cookie"] = "a=1"

    assert request.cookies["a"] == "1"


async def test_a_body_is_put_into_a_request(make_request):
    request = make_request("POST", headers={"Content-Type": "application/x-www-form-urlencoded"})
    request.body.append(b"a=1")
    request.body.append(b"&b=2")
    request.body.set_complete()

    assert dict(await request.form) == {"a": "1", "b": "2"}
    assert await request.get_data() == b"a=1&b=2"
    assert await request.data == b"a=1&b=2"
    assert (await request.values)["b"] == "2"


async def test_a_body_is_awaited_or_iterated(module):
    whole = module("wrappers").Body(None, None)
    for _ in range(3):
        whole.append(b"a")
    whole.set_complete()
    pieces = module("wrappers").Body(None, None)

    async def fill():
        for _ in range(3):
            pieces.append(b"a")
            await asyncio.sleep(0)
        pieces.set_complete()

    task = asyncio.create_task(fill())

    assert await whole == b"aaa"
    assert b"".join([piece async for piece in pieces]) == b"aaa"
    await task


async def test_a_body_that_is_too_large_is_refused(module, make_request):
    body = module("wrappers").Body(None, 5)
    body.append(b"123456")
    with pytest.raises(RequestEntityTooLarge):
        await body

    announced = make_request("POST", headers={"Content-Length": "6"}, max_content_length=5)
    with pytest.raises(RequestEntityTooLarge):
        await announced.get_data()


async def test_a_body_that_does_not_come_is_a_timeout(make_request):
    request = make_request("POST", body_timeout=0.01)

    with pytest.raises(RequestTimeout):
        await asyncio.wait_for(request.get_data(), 10)


async def test_json_needs_its_content_type(make_request):
    request = make_request("POST")
    request.body.set_result(b'{"a": 1}')

    assert await request.get_json() is None
    assert await request.get_json(force=True) == {"a": 1}


async def test_a_push_promise_has_the_headers_that_choose_the_response(make_request):
    pushed = []

    async def push(path, headers):
        pushed.append((path, dict(headers)))

    request = make_request(
        headers={"Accept": "*/*", "Accept-Encoding": "gzip", "X-Other": "1"}, send_push_promise=push
    )
    await request.send_push_promise("/style.css")

    [(path, headers)] = pushed
    assert path == "/style.css"
    assert {name.lower(): value for name, value in headers.items()} == {
        "accept": "*/*",
        "accept-encoding": "gzip",
    }


# -- responses -------------------------------------------------------------------------------------


async def test_the_data_of_a_response_are_awaited(quart):
    response = quart.Response(b"body")

    assert await response.get_data() == b"body"
    assert await response.get_data(as_text=True) == "body"
    assert await response.data == b"body"
    response.set_data("other")
    assert await response.get_data() == b"other"
    assert response.content_length == 5


async def test_a_streamed_response_can_be_read_twice(quart):
    async def chunks():
        yield b"a"
        yield "b"

    response = quart.Response(chunks())

    assert await response.get_data() == b"ab"
    assert await response.get_data() == b"ab"


async def test_the_json_of_a_response_is_awaited(quart):
    response = quart.Response('{"a": 1}', content_type="application/json")

    assert await response.json == {"a": 1}
    assert await response.get_json() == {"a": 1}
    assert await quart.Response("{}").get_json() is None


async def test_a_body_is_opened_and_iterated(module, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    bodies = module("wrappers.response")

    async def numbers():
        for number in range(3):
            yield str(number).encode()

    async def read(body):
        found = b""
        async with body as opened:
            async for chunk in opened:
                found += chunk
        return found

    assert await read(bodies.DataBody(b"0123456789")) == b"0123456789"
    assert await read(bodies.IterableBody(numbers())) == b"012"
    assert await read(bodies.IterableBody([b"0", b"1"])) == b"01"
    assert await read(bodies.FileBody(path, buffer_size=3)) == b"0123456789"
    assert await read(bodies.IOBody(BytesIO(b"0123456789"), buffer_size=3)) == b"0123456789"


@pytest.mark.parametrize("name", ["DataBody", "FileBody", "IOBody"])
async def test_a_part_of_a_body_is_sent(module, tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")
    argument = {"DataBody": b"abcdef", "FileBody": path, "IOBody": BytesIO(b"abcdef")}[name]
    body = getattr(module("wrappers.response"), name)(argument)

    assert await body.make_conditional(0, 3) == 6
    async with body as opened:
        assert b"".join([chunk async for chunk in opened]) == b"abc"


async def test_the_body_of_a_response_is_one_of_the_classes(quart, module):
    bodies = module("wrappers.response")

    async def chunks():
        yield b"a"

    assert isinstance(quart.Response(b"a").response, bodies.DataBody)
    assert isinstance(quart.Response(chunks()).response, bodies.IterableBody)


@pytest.mark.parametrize(
    ("asked", "status", "data", "content_range"),
    [
        ("bytes=0-2", 206, b"abc", "bytes 0-2/6"),
        ("bytes=3-", 206, b"def", "bytes 3-5/6"),
        (None, 200, b"abcdef", None),
    ],
)
async def test_make_conditional_serves_ranges(
    quart, make_request, asked, status, data, content_range
):
    response = quart.Response(b"abcdef")
    headers = {} if asked is None else {"Range": asked}
    await response.make_conditional(
        make_request(headers=headers), accept_ranges=True, complete_length=6
    )

    assert response.status_code == status
    assert await response.get_data() == data
    assert response.headers.get("Content-Range") == content_range


async def test_a_range_outside_of_the_body_is_an_error(quart, make_request):
    response = quart.Response(b"abcdef")
    with pytest.raises(RequestedRangeNotSatisfiable):
        await response.make_conditional(
            make_request(headers={"Range": "bytes=8-16"}), accept_ranges=True, complete_length=6
        )


async def test_make_conditional_knows_what_has_not_changed(quart, make_request):
    response = quart.Response(b"abcdef")
    await response.add_etag()
    etag = response.headers["ETag"]
    await response.make_conditional(make_request(headers={"If-None-Match": etag}))

    assert response.status_code == 304
    assert await response.get_data() == b""


async def test_a_frozen_response_has_its_length(quart):
    async def chunks():
        yield b"ab"

    response = quart.Response(chunks())
    await response.freeze()

    assert response.content_length == 2
    assert await response.get_data() == b"ab"


async def test_a_view_may_return_a_response_of_werkzeug():
    app = asyncflask.quart.Quart("tests", root_path=".")  # Quart's functions cannot await it.
    client = app.test_client()

    @app.get("/")
    async def index():
        return werkzeug.Response("other", 201)

    @app.after_request
    async def after(response):
        response.headers["X-Length"] = len(await response.get_data())
        return response

    response = await client.get("/")

    assert response.status_code == 201
    assert response.headers["X-Length"] == str(len(await response.get_data()))


# -- what a request that is made by hand does not know ---------------------------------------------


@pytest.mark.parametrize(
    ("headers", "address"), [((), None), ({"Remote-Addr": "1.2.3.4"}, "1.2.3.4")]
)
async def test_the_address_is_what_the_headers_say(make_request, headers, address):
    assert make_request(headers=headers).remote_addr == address


@pytest.mark.parametrize("view", ["def", "async"])
@pytest.mark.parametrize("hook", ["def", "async"])
@pytest.mark.parametrize("name", ["remote_addr", "scheme", "user_agent"])
async def test_a_view_reads_a_value_that_a_hook_has_set(quart, app, client, name, hook, view):
    def replace():
        getattr(quart.request, name)
        setattr(quart.request, name, "set")

    async def replace_on_loop():
        replace()

    def read():
        return getattr(quart.request, name)

    async def read_on_loop():
        return read()

    app.before_request(replace if hook == "def" else replace_on_loop)
    app.get("/")(read if view == "def" else read_on_loop)

    assert await (await client.get("/")).get_data(as_text=True) == "set"


async def test_the_scope_is_the_one_that_was_given(make_request):
    assert make_request().scope is SCOPE


async def test_data_that_are_not_cached_are_read_once(make_request):
    request = make_request("POST")
    request.body.set_result(b"abc")

    assert await request.get_data() == b"abc"
    assert await request.get_data(cache=False) == b"abc"
    assert await request.get_data() == b""


async def test_a_request_that_is_served_has_data_once_too(quart, app, client):
    @app.post("/")
    async def index():
        return [await quart.request.get_data(cache=False, as_text=True) for _ in range(2)]

    assert await (await client.post("/", data="abc")).get_json() == ["abc", ""]


async def test_the_stream_of_a_request_is_its_body(make_request):
    with pytest.raises(NotImplementedError, match="body"):
        await make_request().stream


async def test_pieces_that_have_come_are_one(module):
    body = module("wrappers.request").Body(None, None)
    body.append(b"a")
    body.append(b"b")
    body.set_complete()

    assert [piece async for piece in body] == [b"ab"]


async def test_a_body_is_cleared(module):
    body = module("wrappers.request").Body(None, None)
    body.set_result(b"abc")
    body.clear()

    assert await asyncio.wait_for(body, 10) == b""

    body = module("wrappers.request").Body(None, None)
    body.set_result(b"abc")
    await body
    body.clear()

    assert await asyncio.wait_for(body, 10) == b""


async def test_a_part_of_an_iterable_is_sent(quart, make_request):
    async def pieces():
        yield b"0123"
        yield b"4567"

    for body in (pieces(), iter([b"0123", b"4567"])):
        response = quart.Response(body)
        request = make_request(headers={"Range": "bytes=2-5"})
        await response.make_conditional(request, accept_ranges=True, complete_length=8)

        assert response.status_code == 206
        assert await response.get_data() == b"2345"


async def test_the_etag_of_a_body_is_the_same_as_on_quart(quart):
    response = quart.Response("abc")
    await response.add_etag()

    assert response.get_etag() == ("900150983cd24fb0d6963f7d28e17f72", False)


async def test_a_request_class_may_have_its_own_constructor(quart, app):
    """Extensions subclass the request, and Quart calls its constructor for each."""

    class Request(quart.Request):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.seen = [args[0], args[2], kwargs["max_content_length"]]

    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = 100

    @app.post("/path")
    async def index():
        return {"seen": quart.request.seen, "data": await quart.request.get_data(as_text=True)}

    response = await app.test_client().post("/path", data="body")

    assert await response.get_json() == {"seen": ["POST", "/path", 100], "data": "body"}


async def test_the_bytes_of_a_form_are_there_beside_its_fields(quart, app):
    @app.post("/")
    async def index():
        data = await quart.request.get_data(parse_form_data=True)
        return {"data": data.decode(), "form": (await quart.request.form).to_dict()}

    response = await app.test_client().post("/", form={"a": "b"})

    assert await response.get_json() == {"data": "a=b", "form": {"a": "b"}}


async def test_json_that_cannot_be_read_is_what_an_override_returns(quart, app):
    class Request(quart.Request):
        def on_json_loading_failed(self, error):
            return {"error": type(error).__name__}

    app.request_class = Request

    @app.post("/")
    async def index():
        return await quart.request.get_json()

    response = await app.test_client().post(
        "/", data="{", headers={"content-type": "application/json"}
    )

    assert (await response.get_json())["error"].endswith("Error")


@pytest.mark.parametrize("kind", ["path", "memory"])
async def test_a_response_sends_a_file(quart, app, module, tmp_path, kind):
    (tmp_path / "a.txt").write_bytes(b"file")
    bodies = module("wrappers.response")

    @app.get("/")
    async def index():
        if kind == "path":
            return quart.Response(bodies.FileBody(tmp_path / "a.txt"))
        return quart.Response(bodies.IOBody(BytesIO(b"file")))

    response = await app.test_client().get("/")

    assert await response.get_data() == b"file"


@pytest.mark.parametrize("kind", ["path", "memory"])
async def test_a_file_may_be_given_as_it_is(kind, tmp_path):
    """Quart asks for one of its bodies around it."""
    (tmp_path / "a.txt").write_bytes(b"file")
    given = tmp_path / "a.txt" if kind == "path" else BytesIO(b"file")

    assert await asyncflask.quart.Response(given).get_data() == b"file"


async def test_json_of_a_response_may_be_wrong():
    """Quart means the opposite by ``silent``."""
    response = asyncflask.quart.Response("{", content_type="application/json")

    assert await response.get_json(silent=True) is None
    with pytest.raises(ValueError, match=r".+"):
        await response.get_json()


async def test_the_data_of_a_response_may_be_assigned(quart):
    response = quart.Response("a")
    response.data = "longer"

    assert await response.data == b"longer"
    assert response.content_length == 6


async def test_a_stream_that_is_read_synchronously_says_what_to_write():
    async def chunks():
        yield b"a"

    assert list(asyncflask.quart.Response(b"a").iter_encoded()) == [b"a"]
    with pytest.raises(RuntimeError, match=r"Write `await response\.get_data\(\)`"):
        asyncflask.quart.Response(chunks()).iter_encoded()


@pytest.mark.parametrize("kind", ["bytes", "file", "stream"])
async def test_a_response_of_a_view_has_its_length_and_is_closed(
    quart, app, module, tmp_path, kind
):
    (tmp_path / "a.txt").write_bytes(b"file")
    closed = []

    async def chunks():
        try:
            yield b"fi"
            yield b"le"
        finally:
            closed.append("stream")

    @app.get("/")
    async def index():
        body = {"bytes": b"file", "stream": chunks()}.get(kind)
        response = quart.Response(
            module("wrappers.response").FileBody(tmp_path / "a.txt") if body is None else body
        )
        if kind == "file":
            await response.make_conditional(quart.request, True, complete_length=4)
        return response

    response = await app.test_client().get("/", headers={"range": "bytes=1-2"})

    expected = (206, b"il") if kind == "file" else (200, b"file")
    assert (response.status_code, await response.get_data()) == expected
    assert closed == (["stream"] if kind == "stream" else [])
