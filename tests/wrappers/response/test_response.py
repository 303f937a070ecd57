"""Promises of ``asyncflask.wrappers.response.response`` and of its headers."""

from __future__ import annotations

import contextvars
import pickle
from types import SimpleNamespace

import flask
import pytest
from werkzeug import exceptions
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WsgiRequest

from asyncflask import _contextvars
from asyncflask.wrappers.response.bodies import FileBody
from asyncflask.wrappers.response.headers import Headers, encode_headers
from asyncflask.wrappers.response.response import Response


class AsyncRequest:
    """What ``make_conditional`` sees of an asynchronous request."""

    def __init__(self, method="GET", **headers):
        self.method = method
        self.headers = WerkzeugHeaders({k.replace("_", "-"): v for k, v in headers.items()})


def wsgi_request(method="GET", **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    return WsgiRequest(EnvironBuilder(method=method, headers=headers).get_environ())


async def letters():
    yield "a"
    yield b"bc"


def comparable(response):
    return (
        response.status,
        response.status_code,
        response.headers.to_wsgi_list(),
        response.get_data(),
        response.direct_passthrough,
        response.is_sequence,
    )


# -- construction ----------------------------------------------------------------------------------

ARGUMENTS = [
    {},
    {"response": "text"},
    {"response": b"bytes", "status": 201},
    {"response": bytearray(b"bytes"), "mimetype": "application/json"},
    {"response": "ü", "status": "404 Gone Fishing", "mimetype": "text/plain"},
    {"response": "x", "status": 799},
    {"response": "x", "content_type": "text/csv; header=present"},
    {"response": "x", "headers": {"X-A": "1"}},
    {"response": "x", "headers": [("Content-Type", "a/b"), ("X-A", "1"), ("X-A", "2")]},
    {"response": "x", "headers": {"Content-Length": "9", "X-A": "1"}},
    {"response": "x", "headers": {"content-type": "a/b"}, "mimetype": "text/plain"},
    {"response": ["a", b"b"], "status": 204},
]


@pytest.mark.parametrize("kwargs", ARGUMENTS)
def test_constructor_gives_what_flasks_gives(kwargs):
    assert comparable(Response(**kwargs)) == comparable(flask.Response(**kwargs))


@pytest.mark.parametrize("status", [200, 404, 799])
def test_a_buffered_response_equals_a_constructed_one(status):
    quick = Response.buffered(b"body", "text/plain; charset=utf-8", status)
    normal = Response(b"body", status, content_type="text/plain; charset=utf-8")

    assert comparable(quick) == comparable(normal)
    assert {name: getattr(quick, name) for name in vars(normal)} == vars(normal)
    assert type(quick.headers) is type(normal.headers)


def test_buffered_calls_the_constructor_of_a_subclass_that_has_one():
    class Stamped(Response):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.headers["X-Stamp"] = "1"

    assert Stamped.buffered(b"x").headers["X-Stamp"] == "1"


def test_subclass_may_switch_the_content_length_off():
    class Unmeasured(Response):
        automatically_set_content_length = False

    assert "Content-Length" not in Unmeasured.buffered(b"x").headers
    assert "Content-Length" not in Unmeasured("x").headers


def test_subclass_may_replace_set_data():
    class Shouting(Response):
        def set_data(self, value):
            super().set_data(value.upper())

    assert Shouting("hey").get_data() == b"HEY"


def test_subclass_may_change_the_default_mimetype():
    class Plain(Response):
        default_mimetype = "text/plain"

    class Untyped(Response):
        default_mimetype = None

    assert Plain("x").content_type == "text/plain; charset=utf-8"
    assert Untyped("x").content_type is None


def test_headers_object_of_the_caller_is_kept():
    headers = WerkzeugHeaders()

    assert Response("x", headers=headers).headers is headers


async def test_coroutine_as_body_says_that_it_was_not_awaited():
    async def render():
        return "x"

    coroutine = render()
    with pytest.raises(TypeError, match="not awaited"):
        Response(coroutine)
    coroutine.close()


def test_response_can_be_frozen_and_pickled():
    response = Response(["a", "b"])
    response.freeze()

    assert comparable(pickle.loads(pickle.dumps(response))) == comparable(response)
    assert response.headers["ETag"]


def test_repr_tells_size_or_streaming():
    assert repr(Response("abc")) == "<Response 3 bytes [200 OK]>"
    assert repr(Response(letters())) == "<Response streamed [200 OK]>"


# -- Flask's API of a buffered response ------------------------------------------------------------


def test_data_can_be_read_and_set():
    response = Response("old")
    response.data = "neü"

    assert response.get_data(as_text=True) == "neü"
    assert response.content_length == 4


def test_json_is_parsed_only_under_a_json_type():
    assert Response('{"a": 1}', mimetype="application/json").json == {"a": 1}
    assert Response('{"a": 1}').json is None
    assert Response('{"a": 1}').get_json(force=True) == {"a": 1}
    assert Response("{", mimetype="application/json").get_json(silent=True) is None


def test_sync_generator_is_buffered_on_demand():
    response = Response(c for c in ("a", b"b"))

    assert response.is_streamed
    assert response.get_data() == b"ab"
    assert not response.is_streamed


def test_cookie_takes_partitioned():
    response = Response()
    response.set_cookie("a", "1", secure=True, partitioned=True)

    assert response.headers["Set-Cookie"] == "a=1; Secure; Path=/; Partitioned"


def test_max_cookie_size_is_the_apps():
    assert Response().max_cookie_size == 4093
    app = SimpleNamespace(config={"MAX_COOKIE_SIZE": 7})
    inside = contextvars.copy_context()
    inside.run(_contextvars.context_var.set, SimpleNamespace(app=app))

    assert inside.run(lambda: Response().max_cookie_size) == 7


def test_response_is_still_a_wsgi_application():
    body, status, headers = Response("x", 201).get_wsgi_response(EnvironBuilder().get_environ())

    assert (b"".join(body), status) == (b"x", "201 CREATED")
    assert ("Content-Length", "1") in headers


# -- asynchronous bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize("read", [Response.get_data, Response.freeze, Response.make_sequence])
async def test_synchronous_reading_of_an_async_body_names_the_remedy(read):
    response = Response(letters())
    with pytest.raises(RuntimeError, match=r"await response\.read\(\)"):
        read(response)


async def test_read_buffers_an_async_body():
    response = Response(letters())

    assert await response.read() == b"abc"
    assert response.is_sequence
    assert response.get_data() == b"abc"


async def test_read_buffers_sync_bodies_and_files_too(tmp_path):
    (tmp_path / "f").write_bytes(b"file")

    assert await Response("text").read() == b"text"
    assert await Response(iter(["a", "b"])).read() == b"ab"
    assert await Response(FileBody(tmp_path / "f")).read() == b"file"


async def test_iter_chunks_gives_each_chunk_as_bytes():
    assert [c async for c in Response(letters()).iter_chunks()] == [b"a", b"bc"]
    assert [c async for c in Response(["a", b"b"]).iter_chunks()] == [b"a", b"b"]


async def test_content_length_of_an_async_body_is_unknown_not_an_error():
    assert Response(letters()).calculate_content_length() is None


async def test_aclose_calls_sync_and_async_callbacks_even_if_one_raises():
    called = []
    response = Response("x")

    @response.call_on_close
    def broken():
        called.append("broken")
        raise LookupError("first")

    @response.call_on_close
    async def fine():
        called.append("fine")

    with pytest.raises(LookupError, match="first"):
        await response.aclose()
    assert called == ["broken", "fine"]


async def test_callback_that_returns_an_awaitable_is_awaited():
    closed = []

    async def close():
        closed.append(True)

    response = Response("x")
    response.call_on_close(lambda: close())
    await response.aclose()

    assert closed == [True]


async def test_aclose_runs_the_finally_of_a_generator():
    closed = []

    async def body():
        try:
            yield "x"
        finally:
            closed.append(True)

    response = Response(body())
    await anext(response.response)
    await response.aclose()

    assert closed == [True]


async def test_close_refuses_what_only_aclose_can_close():
    response = Response(letters())
    with pytest.raises(RuntimeError, match=r"await response\.aclose\(\)"):
        response.close()
    await response.aclose()


def test_close_of_a_sync_response_works_as_in_flask():
    called = []
    with Response("x") as response:
        response.call_on_close(lambda: called.append(True))

    assert called == [True]


# -- conditional answers ---------------------------------------------------------------------------

CONDITIONS = [
    {},
    {"If_None_Match": '"tag"'},
    {"If_None_Match": '"other"'},
    {"If_Match": '"other"'},
    {"If_Modified_Since": "Tue, 01 Jan 2030 00:00:00 GMT"},
    {"Range": "bytes=2-4"},
    {"Range": "bytes=-3"},
    {"Range": "bytes=7-"},
    {"Range": "bytes=2-4", "If_Range": '"tag"'},
    {"Range": "bytes=2-4", "If_Range": '"other"'},
    {"method": "POST", "If_None_Match": '"tag"'},
]


def conditioned(response_class, request):
    response = response_class(b"0123456789", headers={"Date": "x", "ETag": '"tag"'})
    response.last_modified = 10**9
    response.make_conditional(request, accept_ranges=True, complete_length=10)
    body = b"".join(response.get_app_iter({"REQUEST_METHOD": "GET"}))
    return response.status, response.headers.to_wsgi_list(), body


def test_make_conditional_leaves_the_date_to_the_server():
    response = Response(b"0123456789", headers={"ETag": '"tag"'})
    response.make_conditional(wsgi_request(If_None_Match='"tag"'))

    assert response.status_code == 304
    assert "Date" not in response.headers


@pytest.mark.parametrize("headers", CONDITIONS)
@pytest.mark.parametrize("make_request", [AsyncRequest, wsgi_request])
def test_make_conditional_is_as_in_flask_for_sync_and_async_requests(make_request, headers):
    ours = conditioned(Response, make_request(**headers))

    assert ours == conditioned(flask.Response, wsgi_request(**headers))


@pytest.mark.parametrize(
    "asked", ["bytes=10-", "bytes=5-2", "bytes=x", "lines=1-2", "bytes=0-1,3-4"]
)
def test_unsatisfiable_or_malformed_range_is_416(asked):
    with pytest.raises(exceptions.RequestedRangeNotSatisfiable, match="416"):
        conditioned(Response, AsyncRequest(Range=asked))


def test_thousands_of_ranges_are_416_cve_2025_62727():
    many = "bytes=" + ",".join(f"{n}-{n}" for n in range(20_000))
    with pytest.raises(exceptions.RequestedRangeNotSatisfiable, match="416"):
        conditioned(Response, AsyncRequest(Range=many))


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (2, 4), (3, 9), (9, 9)])
async def test_range_of_an_async_body_is_cut_out_of_its_chunks(start, stop):
    async def body():
        for piece in ("01", "234", "56789"):
            yield piece

    response = Response(body())
    response.make_conditional(
        AsyncRequest(Range=f"bytes={start}-{stop}"), accept_ranges=True, complete_length=10
    )

    assert await response.read() == b"0123456789"[start : stop + 1]
    await response.aclose()


def test_range_of_a_sync_iterable_is_werkzeugs():
    response = Response(iter([b"0123", b"456789"]))
    response.make_conditional(AsyncRequest(Range="bytes=3-5"), True, 10)

    assert response.get_data() == b"345"


# -- headers ---------------------------------------------------------------------------------------

CONTROLS = ["\r\nX: y", "\n", "\r", "\0", "\x0b", "\x1f", "\x7f"]


@pytest.mark.parametrize("bad", CONTROLS)
def test_control_characters_are_refused_when_set_cve_2023_49081(bad):
    """CVE-2023-49081, CVE-2012-2374 and similar ones: every control, not only CR and LF."""
    headers = Response().headers
    value = f"a{bad}b"
    setters = [
        lambda: headers.__setitem__("X-A", value),
        lambda: headers.__setitem__(0, ("X-A", value)),
        lambda: headers.__setitem__(slice(0, 1), [("X-A", value)]),
        lambda: headers.add("X-A", value),
        lambda: headers.extend({"X-A": value}),
        lambda: headers.update({"X-A": [value]}),
        lambda: headers.setdefault("X-A", value),
        lambda: headers.setlist("X-A", ["ok", value]),
        lambda: Response(headers={"X-A": value}),
        lambda: Response(mimetype=value),
        lambda: Response(content_type=value),
    ]
    for setter in setters:
        with pytest.raises(ValueError, match="must not contain newline"):
            setter()


@pytest.mark.parametrize("name", ["", "X:Y", "X\r\nY", "X Y", "Ü", "X\n"])
def test_names_that_are_no_token_are_refused_when_set_and_when_written(name):
    with pytest.raises(ValueError, match="is no header name"):
        Response().headers.add(name, "x")
    with pytest.raises(ValueError, match="is no header name"):
        encode_headers([(name, "x")])


@pytest.mark.parametrize("bad", CONTROLS)
def test_control_characters_are_refused_when_written_cve_2023_49081(bad):
    with pytest.raises(ValueError, match="must not contain newline"):
        encode_headers([("Content-Type", f"text/html{bad}")])


def test_tab_and_latin_1_are_allowed_in_values():
    assert encode_headers([("X-A", "a\tü")]) == [(b"x-a", b"a\t\xfc")]


def test_values_beyond_latin_1_are_refused_when_written():
    with pytest.raises(ValueError, match="latin-1"):
        encode_headers([("X-A", "日本")])


def test_known_pairs_are_bounded():
    for n in range(3000):
        encode_headers([("Content-Length", str(n)), (f"X-{n}", "a")])

    from asyncflask.wrappers.response import headers

    assert 0 < len(headers._pairs) <= 1024
    assert 0 < len(headers._names) <= 1024


def test_cookies_are_not_kept():
    encode_headers([("Set-Cookie", "session=secret")])

    from asyncflask.wrappers.response import headers

    assert ("Set-Cookie", "session=secret") not in headers._pairs


def test_headers_equal_werkzeugs():
    ours = Headers({"A": "1"})

    assert ours == WerkzeugHeaders({"a": "1"})
    assert WerkzeugHeaders({"a": "1"}) == ours
    assert ours != WerkzeugHeaders({"a": "2"})
    assert ours != {"A": "1"}


def test_header_options_are_dumped_as_werkzeugs():
    ours = Headers()
    ours.add("Content-Disposition", "attachment", filename="a b.txt")
    theirs = WerkzeugHeaders()
    theirs.add("Content-Disposition", "attachment", filename="a b.txt")

    assert ours == theirs


def test_a_cookie_whose_options_have_a_control_character_is_refused():
    with pytest.raises(ValueError, match="newline characters"):
        Response().set_cookie("a", "b", domain="shop.example\nx")
