"""Promises of ``wrappers.request``: the asynchronous and the synchronous one share one body."""

from __future__ import annotations

import asyncio
import inspect
import json
from types import SimpleNamespace

import pytest
from flask import Flask
from flask import Request as FlaskRequest
from werkzeug.datastructures import FileStorage as WerkzeugFileStorage
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    RequestTimeout,
    SecurityError,
    UnsupportedMediaType,
)
from werkzeug.test import EnvironBuilder

from asyncflask import _contextvars
from asyncflask.exceptions import UnawaitedAccess
from asyncflask.wrappers.request.request import (
    Request,
    SyncRequest,
    body_of,
    prefetch,
)
from asyncflask.wsgi.environ import make_environ

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=bound"
FORM = b"a=1&b=2&a=3"
UPLOAD = (
    b'--bound\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nfile data\r\n--bound--\r\n"
)


@pytest.fixture
def request_of(context_of):
    return lambda *pieces, **options: Request(context_of(*pieces, **options))


async def in_thread(func, *args):
    return await asyncio.wait_for(asyncio.to_thread(func, *args), 5)


def sync_request(ctx):
    return SyncRequest(make_environ(ctx, asyncio.get_running_loop()))


@pytest.fixture(params=["awaited", "sync"])
def reader(request, context_of):
    """Read an attribute or call a method, with the same result expected of both requests."""

    class Reader:
        def make(self, *pieces, **options):
            self.ctx = context_of(*pieces, **options)
            make_request = Request if request.param == "awaited" else sync_request
            self.request = make_request(self.ctx)
            return self

        async def read(self, name, *args, **kwargs):
            def look():
                value = getattr(self.request, name)
                return value(*args, **kwargs) if inspect.ismethod(value) else value

            if request.param == "awaited":
                return await look()
            return await in_thread(look)

    return Reader()


def flasks(name, data, mimetype, **options):
    """What Flask's own request answers."""
    app = Flask("oracle")
    builder = EnvironBuilder(method="POST", data=data, content_type=mimetype)
    environ = {**builder.get_environ(), "CONTENT_LENGTH": str(len(data))}
    with app.app_context(), FlaskRequest(environ) as request:
        value = getattr(request, name)
        return value(**options) if inspect.ismethod(value) else value


# -- as Flask does ---------------------------------------------------------------------------------

SAMPLES = [(FORM, URLENCODED), (UPLOAD, MULTIPART), (b'{"a": 1}', JSON), (b"x\xff", "text/plain")]


@pytest.mark.parametrize(("data", "mimetype"), SAMPLES)
@pytest.mark.parametrize("name", ["data", "form", "values", "get_data", "want_form_data_parsed"])
async def test_the_body_reads_as_flasks(reader, name, data, mimetype):
    reader.make(data[:5], data[5:], mimetype=mimetype, length=len(data))
    if name == "want_form_data_parsed":
        assert reader.request.want_form_data_parsed
        return

    assert await reader.read(name) == flasks(name, data, mimetype)


@pytest.mark.parametrize("options", [{"as_text": True}, {"parse_form_data": True}])
@pytest.mark.parametrize(("data", "mimetype"), SAMPLES)
async def test_get_data_takes_flasks_arguments(reader, options, data, mimetype):
    reader.make(data, mimetype=mimetype, length=len(data))

    assert await reader.read("get_data", **options) == flasks("get_data", data, mimetype, **options)


@pytest.mark.parametrize(
    "mimetype", [JSON, "application/vnd.api+json; charset=utf-8", "APPLICATION/JSON"]
)
async def test_json_is_parsed(reader, mimetype):
    assert await reader.make(b'{"a": ', b"[1]}", mimetype=mimetype).read("get_json") == {"a": [1]}
    assert await reader.read("json") == {"a": [1]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_json_may_be_utf_8_16_or_32(reader, encoding):
    """CVE-2018-1000656, CVE-2019-1010083."""
    reader.make('"ü"'.encode(encoding), mimetype=JSON)

    assert await reader.read("get_json") == "ü"


BAD_JSON = {
    "empty": b"",
    "cut off": b'{"a"',
    "odd encoding": b"\xff\xfe\xfa",
    "deep": b"[" * 100_000,
    "long number": b"1" * 100_000,
}


@pytest.mark.parametrize("name", BAD_JSON)
async def test_bad_json_is_a_400_and_silent_gives_none(reader, name):
    """CVE-2018-1000656, CVE-2019-1010083: never a 500."""
    reader.make(BAD_JSON[name], mimetype=JSON)

    with pytest.raises(BadRequest, match="400 Bad Request"):
        await reader.read("get_json")
    assert await reader.read("get_json", silent=True) is None


@pytest.mark.parametrize("debug", [False, True])
async def test_the_parsers_message_is_shown_in_debug_mode_only(reader, debug):
    reader.make(b"{", mimetype=JSON, debug=debug)
    with pytest.raises(BadRequest, match="400 Bad Request") as raised:
        await reader.read("get_json")

    assert ("Failed to decode JSON object" in raised.value.description) is debug


@pytest.mark.parametrize("mimetype", ["text/plain", URLENCODED, "text/json", None])
async def test_json_is_parsed_under_a_json_type_only(reader, mimetype):
    """CVE-2021-32677: a form of another site can send JSON as text/plain."""
    reader.make(b'{"a": 1}', mimetype=mimetype)

    with pytest.raises(UnsupportedMediaType, match="Send it as 'application/json'"):
        await reader.read("get_json")
    assert await reader.read("get_json", silent=True) is None
    assert await reader.read("get_json", force=True) == {"a": 1}


async def test_json_is_kept_and_not_parsed_again(reader):
    reader.make(b"[]", mimetype=JSON)

    assert await reader.read("get_json") is await reader.read("get_json")
    assert await reader.read("get_json", cache=False) is not await reader.read("get_json")


async def test_a_replaced_failure_handler_gives_the_value(context_of):
    class Lenient(Request):
        def on_json_loading_failed(self, e):
            return {"error": e is not None}

    assert await Lenient(context_of(b"{", mimetype=JSON)).get_json() == {"error": True}
    assert await Lenient(context_of(b"{")).json == {"error": False}


async def test_json_goes_through_the_apps_provider(reader):
    reader.make(b"x", mimetype=JSON)
    reader.ctx.app.json = SimpleNamespace(loads=lambda data: ["mine", data])

    assert await reader.read("get_json") == ["mine", b"x"]
    assert reader.request.json_module is reader.ctx.app.json


async def test_two_content_types_are_not_mixed(reader):
    """Hypercorn issue 280: the first one counts."""
    reader.make(b"a=1", headers=[("Content-Type", URLENCODED), ("Content-Type", JSON)])

    assert (await reader.read("form"))["a"] == "1"
    assert not reader.request.is_json


# -- what is awaited -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["form", "files", "values", "data", "json", "get_json()", "get_data()"]
)
def test_use_without_await_names_the_expression(request_of, name):
    request = request_of(b"")
    pending = getattr(request, name.removesuffix("()"))

    with pytest.raises(UnawaitedAccess, match="was used without `await`") as raised:
        (pending() if name.endswith("()") else pending)["name"]
    assert f"right: (await request.{name})['name']" in str(raised.value)


async def test_an_upload_is_saved_with_await(request_of, tmp_path):
    upload = (await request_of(UPLOAD, mimetype=MULTIPART).files)["f"]
    await upload.save(tmp_path / "saved")

    assert (tmp_path / "saved").read_bytes() == b"file data"


async def test_a_get_requests_values_are_its_query(reader):
    reader.make(b"a=1", mimetype=URLENCODED, method="GET", query_string=b"b=2")

    assert (await reader.read("values")).to_dict() == {"b": "2"}


async def test_a_posts_values_are_its_query_and_its_form(reader):
    reader.make(b"a=1", mimetype=URLENCODED, query_string=b"b=2")

    assert (await reader.read("values")).to_dict() == {"a": "1", "b": "2"}


async def test_a_request_without_a_content_type_has_an_empty_form(reader):
    assert not await reader.make(b"a=1").read("form")
    assert await reader.read("get_data") == b"a=1"


async def test_the_body_is_iterated_as_it_comes(request_of):
    request = request_of(b"one", b"two")

    assert [piece async for piece in request.stream] == [b"one", b"two"]
    assert await request.get_data() == b""


async def test_without_cache_the_data_is_read_once(reader):
    reader.make(b"data")

    assert await reader.read("get_data", cache=False) == b"data"
    assert await reader.read("get_data") == b""


async def test_data_that_was_kept_can_be_parsed_as_a_form(reader):
    reader.make(FORM, mimetype=URLENCODED)

    assert await reader.read("get_data") == FORM
    assert (await reader.read("form")).getlist("a") == ["1", "3"]


async def test_two_tasks_that_want_the_form_get_the_same(request_of):
    request = request_of(mimetype=URLENCODED)
    both = asyncio.gather(request.form, request.form, request.files)
    await asyncio.sleep(0)
    request._ctx.client.send_body(FORM)
    first, second, files = await both

    assert first is second
    assert first["a"] == "1"
    assert not files


async def test_a_form_that_failed_fails_again(reader):
    reader.make(UPLOAD[:-20], mimetype=MULTIPART)
    for _ in range(2):
        with pytest.raises(BadRequest, match="closing boundary"):
            await reader.read("form")


async def test_a_form_whose_reader_was_cancelled_is_an_error(request_of):
    """The bytes that it had read are lost; the rest must not count as the whole form."""
    request = request_of(mimetype=URLENCODED)
    reading = asyncio.ensure_future(request.form)
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.sleep(0)
    request._ctx.client.send_body(FORM)

    with pytest.raises(BadRequest, match="was interrupted"):
        await request.form


async def test_a_client_that_disconnects_is_noticed(request_of):
    request = request_of(b"data")
    await request.data
    assert not await request.is_disconnected()
    request._ctx.client.leave()

    assert await request.is_disconnected()


async def test_a_client_that_disconnects_in_the_middle_is_an_error(reader):
    reader.make(mimetype=JSON, length=100)
    reader.ctx.client.send_body(b"{", more=True)
    reader.ctx.client.leave()

    with pytest.raises(ClientDisconnected, match="before it had sent the whole body"):
        await reader.read("get_json")


# -- limits ----------------------------------------------------------------------------------------


async def test_limits_are_the_configurations(reader):
    config = {"MAX_CONTENT_LENGTH": 100, "MAX_FORM_MEMORY_SIZE": 50, "MAX_FORM_PARTS": 3}
    request = reader.make(b"", config=config).request

    assert request.max_content_length == 100
    assert request.max_form_memory_size == 50
    assert request.max_form_parts == 3


async def test_limits_set_on_the_request_replace_those_of_the_configuration(reader):
    request = reader.make(b"", config={"MAX_CONTENT_LENGTH": 100}).request
    request.max_content_length = 90
    assert request.max_content_length == 90
    request.max_content_length = None

    assert request.max_content_length == 100


@pytest.mark.parametrize("length", [None, 11])
@pytest.mark.parametrize("name", ["get_data", "get_json", "form"])
async def test_a_body_over_the_limit_is_a_413(reader, name, length):
    """Also without a Content-Length (chunked)."""
    mimetype = URLENCODED if name == "form" else JSON
    reader.make(b"x" * 6, b"x" * 5, mimetype=mimetype, length=length)
    reader.request.max_content_length = 10

    with pytest.raises(RequestEntityTooLarge, match="413"):
        await reader.read(name)


def test_limits_say_what_configures_them():
    assert "MAX_FORM_PARTS" in Request.max_form_parts.__doc__


async def test_a_limit_raised_on_the_request_lets_more_in(reader):
    reader.make(b"x" * 20, config={"MAX_CONTENT_LENGTH": 10}, length=20)
    reader.request.max_content_length = 20

    assert len(await reader.read("get_data")) == 20


@pytest.mark.parametrize(
    ("name", "value", "mimetype", "data"),
    [
        ("max_form_memory_size", 3, URLENCODED, b"a=12"),
        ("max_form_memory_size", 0, MULTIPART, UPLOAD),
        ("max_form_parts", 1, URLENCODED, b"a=1&b=2"),
        ("max_form_parts", 1, MULTIPART, UPLOAD),
    ],
)
async def test_form_limits_are_per_request_and_a_413(reader, name, value, mimetype, data):
    """CVE-2026-54283 and the multipart rows: the same limits for both kinds of form."""
    reader.make(data, mimetype=mimetype)
    setattr(reader.request, name, value)

    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM"):
        await reader.read("form")


async def test_a_subclass_may_have_limits_of_its_own(context_of):
    class Small(Request):
        max_content_length = 3
        max_form_parts = 1

    with pytest.raises(RequestEntityTooLarge, match="3 are accepted"):
        await Small(context_of(b"1234")).get_data()
    with pytest.raises(RequestEntityTooLarge, match="more than 1 parts"):
        await Small(context_of(b"&b", mimetype=URLENCODED)).form


async def test_a_limit_that_was_set_on_the_body_is_kept(context_of):
    class Small(Request):
        max_content_length = 3

    request = Small(context_of(b"1234"))
    request.body.max_content_length = 4

    assert await request.get_data() == b"1234"


# -- one body, two requests ------------------------------------------------------------------------


async def test_a_body_read_on_the_loop_is_there_for_the_worker(context_of):
    ctx = context_of(FORM, mimetype=URLENCODED)
    data = await Request(ctx).get_data()
    sync = sync_request(ctx)

    assert await in_thread(sync.get_data) == data == FORM
    assert await in_thread(lambda: sync.form.getlist("a")) == ["1", "3"]


async def test_a_body_read_in_the_worker_is_there_on_the_loop(context_of):
    ctx = context_of(FORM[:3], FORM[3:], mimetype=URLENCODED)
    sync = sync_request(ctx)
    data = await in_thread(sync.get_data)

    assert await Request(ctx).get_data() == data == FORM
    assert (await Request(ctx).form).getlist("a") == ["1", "3"]


async def test_both_requests_share_a_parsed_form(context_of):
    ctx = context_of(UPLOAD, mimetype=MULTIPART)
    request, sync = Request(ctx), sync_request(ctx)
    form, files = await request.form, await request.files

    assert await in_thread(lambda: sync.form) is form
    assert type(sync.files["f"]) is WerkzeugFileStorage
    assert sync.files is sync.files
    assert sync.files["f"].stream is files["f"].stream
    assert (sync.files["f"].filename, sync.files["f"].mimetype) == ("x.txt", "text/plain")


async def test_a_form_parsed_in_the_worker_is_there_on_the_loop(context_of, tmp_path):
    ctx = context_of(UPLOAD[:50], UPLOAD[50:], mimetype=MULTIPART)
    sync = sync_request(ctx)
    form = await in_thread(lambda: sync.form)
    upload = (await Request(ctx).files)["f"]
    await upload.save(tmp_path / "saved")

    assert await Request(ctx).form is form
    assert (tmp_path / "saved").read_bytes() == b"file data"


async def test_both_requests_share_parsed_json(context_of):
    ctx = context_of(b"[]", mimetype=JSON)
    sync = sync_request(ctx)
    value = await in_thread(sync.get_json)

    assert await Request(ctx).get_json() is value


async def test_a_limit_set_on_one_request_holds_on_the_other(context_of):
    ctx = context_of(b"x" * 20)
    Request(ctx).max_content_length = 10
    sync = sync_request(ctx)

    assert sync.max_content_length == 10
    with pytest.raises(RequestEntityTooLarge, match="10 are accepted"):
        await in_thread(sync.get_data)


async def test_closing_one_request_closes_the_uploads_of_both(context_of):
    ctx = context_of(UPLOAD, mimetype=MULTIPART)
    upload = (await Request(ctx).files)["f"]
    sync_request(ctx).close()

    assert upload.stream.closed


async def test_routing_is_the_same_on_both_requests(context_of):
    ctx = context_of(b"")
    sync = sync_request(ctx)
    Request(ctx).url_rule = SimpleNamespace(endpoint="shop.index")
    sync.view_args = {"id": 1}

    assert sync.endpoint == "shop.index"
    assert sync.blueprints == ["shop"]
    assert Request(ctx).view_args == {"id": 1}


# -- the synchronous request -----------------------------------------------------------------------


async def test_a_worker_reads_an_upload_that_is_still_coming(context_of):
    ctx = context_of(mimetype=MULTIPART)
    sync = sync_request(ctx)
    reading = asyncio.ensure_future(in_thread(lambda: sync.files["f"].read()))
    for start in range(0, len(UPLOAD), 40):
        await asyncio.sleep(0.001)
        ctx.client.send_body(UPLOAD[start : start + 40], more=start + 40 < len(UPLOAD))

    assert await reading == b"file data"


async def test_a_small_body_that_has_arrived_is_read_without_the_loop(context_of, still_loop):
    """``prefetch`` on the loop; then it is read in a thread while the loop does not run."""
    ctx = context_of(b"a=1", b"", mimetype=URLENCODED, length=3)
    prefetch(ctx)
    request = SyncRequest(make_environ(ctx, still_loop))

    assert request.form["a"] == "1"


@pytest.mark.parametrize("headers", [[], [("Content-Length", "4"), ("Expect", "100-continue")]])
async def test_nothing_is_prefetched_without_a_body_or_before_a_100_continue(context_of, headers):
    ctx = context_of(b"data", headers=headers)
    prefetch(ctx)

    assert ctx.client.asked == 0


async def test_the_stream_is_read_as_a_file(context_of):
    sync = sync_request(context_of(b"one\ntwo\n", b"three"))

    assert await in_thread(sync.stream.readline) == b"one\n"
    assert await in_thread(sync.stream.read) == b"two\nthree"


async def test_a_request_from_a_bare_environ_is_flasks():
    """`app.request_class(environ)`, as extensions and Flask's own tests make it."""
    environ = EnvironBuilder(method="POST", data={"a": "1"}).get_environ()
    request = SyncRequest(environ)

    assert request.max_content_length is None
    assert (request.max_form_memory_size, request.max_form_parts) == (500_000, 1000)
    assert request.form["a"] == "1"
    assert request.get_data() == b""
    assert request.url_rule is request.endpoint is request.routing_exception is None
    assert request.json_module is json
    request.close()


async def test_a_query_that_is_not_utf8_is_no_crash(context_of):
    request = sync_request(context_of(query_string=b"a=\xff&b=%FF"))

    assert dict(request.args) == {"a": "\ufffd", "b": "%FF"}
    assert request.full_path == "/?a=\ufffd&b=%FF"


def test_a_bare_request_takes_limits_from_the_current_app():
    request = SyncRequest({"REQUEST_METHOD": "GET"})
    app = SimpleNamespace(config={"MAX_CONTENT_LENGTH": 7}, json=json, debug=False)
    token = _contextvars.context_var.set(SimpleNamespace(app=app))
    try:
        assert request.max_content_length == 7
        request.max_content_length = 5
    finally:
        _contextvars.context_var.reset(token)

    assert request.max_content_length == 5


def test_shallow_refuses_to_read():
    request = SyncRequest(EnvironBuilder(data=b"x").get_environ(), shallow=True)

    with pytest.raises(RuntimeError, match="shallow"):
        request.get_data()


async def test_a_malformed_host_is_refused_by_the_synchronous_request_too(context_of):
    """CVE-2026-48710."""
    sync = sync_request(context_of(b"", headers=[("Host", "a/?x")]))

    with pytest.raises(SecurityError, match="is not `name` or `name:port`"):
        sync.url


async def test_untrusted_hosts_are_refused_by_the_synchronous_request_too(context_of):
    config = {"TRUSTED_HOSTS": ["example.com"]}
    sync = sync_request(context_of(b"", headers=[("Host", "evil.test")], config=config))

    with pytest.raises(SecurityError, match="TRUSTED_HOSTS"):
        sync.host


# -- the environ -----------------------------------------------------------------------------------


async def test_the_environ_is_the_one_werkzeug_would_make(context_of):
    headers = [("Host", "example.com"), ("X-Foo", "bar"), ("Cookie", "a=1")]
    theirs = EnvironBuilder(
        "/ü b",
        "http://example.com/app",
        query_string="q=%C3%BC",
        method="PUT",
        headers=dict(headers),
        content_type="text/plain",
        data=b"data",
        environ_base={"REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "4711"},
    ).get_environ()
    ours = make_environ(
        context_of(
            b"data",
            headers=headers,
            mimetype="text/plain",
            length=4,
            method="PUT",
            path="/app/ü b",
            root_path="/app",
            query_string=b"q=%C3%BC",
            raw_path=b"/app/%C3%BC%20b",
            server=("example.com", 80),
        ),
        asyncio.get_running_loop(),
    )

    differ = {"wsgi.input", "wsgi.errors", "wsgi.multithread", "REQUEST_URI", "RAW_URI"}
    assert {k: ours[k] for k in theirs if k not in differ} == {
        k: v for k, v in theirs.items() if k not in differ
    }
    assert ours["REQUEST_URI"] == ours["RAW_URI"] == "/app/%C3%BC%20b?q=%C3%BC"
    assert ours["wsgi.input_terminated"]
    assert ours["asgi.scope"]["path"] == "/app/ü b"


async def test_both_requests_have_the_same_values(context_of):
    ctx = context_of(
        b"",
        headers=[("Host", "a:81"), ("Cookie", "x=1"), ("Cookie", "y=2")],
        path="/app/ü",
        root_path="/app",
        query_string=b"q=1",
    )
    request, sync = Request(ctx), sync_request(ctx)

    names = [
        "method",
        "scheme",
        "path",
        "root_path",
        "full_path",
        "url",
        "host",
        "remote_addr",
        "args",
        "cookies",
    ]
    assert {n: getattr(sync, n) for n in names} == {n: getattr(request, n) for n in names}


async def test_repeated_headers_are_joined(context_of):
    headers = [("Via", "a"), ("Via", "b"), ("Cookie", "x=1"), ("Cookie", "y=2"), ("Host", "a")]
    environ = make_environ(context_of(b"", headers=[*headers, ("Host", "b")]), None)

    assert environ["HTTP_VIA"] == "a,b"
    assert environ["HTTP_COOKIE"] == "x=1; y=2"
    assert environ["HTTP_HOST"] == "a"


async def test_a_name_with_an_underscore_does_not_pass_for_one_with_a_hyphen(context_of):
    """A proxy removes `X-Forwarded-For`, and would let `X_Forwarded_For` through."""
    environ = make_environ(context_of(b"", headers=[("X_Forwarded_For", "1.2.3.4")]), None)

    assert "HTTP_X_FORWARDED_FOR" not in environ


async def test_a_unix_socket_has_no_host(context_of):
    environ = make_environ(context_of(b"", server=("/run/app.sock", None), client=None), None)

    assert "REMOTE_ADDR" not in environ
    assert SyncRequest(environ).host == ""
    assert SyncRequest(environ).remote_addr is None


# -- what the server can do ------------------------------------------------------------------------


async def test_a_push_promise_goes_to_a_server_that_can(request_of):
    request = request_of(
        headers=[("Accept", "*/*"), ("Cookie", "secret=1")],
        extensions={"http.response.push": {}},
    )
    await request.send_push_promise("/style.css?v=1")

    assert request._ctx.sent == [
        {
            "type": "http.response.push",
            "path": "/style.css?v=1",
            "headers": [(b"accept", b"*/*")],
        }
    ]


async def test_early_hints_go_to_a_server_that_can(request_of):
    request = request_of(extensions={"http.response.early_hint": {}})
    await request.send_early_hints(["</a.css>; rel=preload", "</b.js>; rel=preload"])

    assert request._ctx.sent == [
        {
            "type": "http.response.early_hint",
            "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"],
        }
    ]


@pytest.mark.parametrize("scope", [{}, {"extensions": None}, {"extensions": {}}])
async def test_other_servers_get_no_such_message(request_of, scope):
    request = request_of(**scope)
    await request.send_push_promise("/style.css")
    await request.send_early_hints(["</style.css>; rel=preload"])

    assert request._ctx.sent == []


@pytest.mark.parametrize("path", ["style.css", "/a\r\nb", "http://evil.test/", "/a b"])
async def test_a_push_promise_takes_a_path_only(request_of, path):
    with pytest.raises(ValueError, match="this is not a path on this host"):
        await request_of().send_push_promise(path)


@pytest.mark.parametrize("link", ["</a>\r\nSet-Cookie: x=1", "</ü>"])
async def test_early_hints_take_no_control_characters(request_of, link):
    with pytest.raises(ValueError, match="printable ASCII only"):
        await request_of().send_early_hints([link])


# -- nothing needless ------------------------------------------------------------------------------


def test_a_request_that_is_not_read_has_no_body_object(request_of):
    request = request_of(b"x")
    request.close()

    assert request._ctx.made_body is None


def test_the_body_is_made_once(context_of):
    ctx = context_of(b"")

    assert body_of(ctx) is Request(ctx).body is Request(ctx).stream


def test_the_environ_of_the_awaitable_request_is_an_error_that_names_the_remedy(request_of):
    request = request_of()

    assert not hasattr(request, "environ")
    with pytest.raises(AttributeError, match=r"`request\.scope`"):
        request.environ


# -- time for one request's body -------------------------------------------------------------------


async def test_the_time_for_the_body_can_be_set_on_the_request(context_of):
    ctx = context_of()  # Nothing arrives.
    request = Request(ctx)
    request.body_timeout = 0.01

    with pytest.raises(RequestTimeout, match="did not come in time"):
        await request.get_data()
    assert request.body_timeout == 0.01


@pytest.mark.parametrize("configured", [None, 7])
async def test_the_time_for_the_body_is_the_configurations_by_default(context_of, configured):
    request = Request(context_of(b"x", config={"BODY_TIMEOUT": configured}))

    assert request.body_timeout == configured


async def test_the_time_for_a_form_can_be_set_on_the_request(context_of):
    request = Request(context_of(mimetype=URLENCODED, config={"BODY_TIMEOUT": 60}))
    request.body_timeout = 0.01

    with pytest.raises(RequestTimeout, match="did not come in time"):
        await request.form
