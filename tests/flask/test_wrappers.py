"""Flask's synchronous request and response: limits, JSON, and the matched names."""

from __future__ import annotations

import asyncio
from io import BytesIO

import flask
import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask.flask
import asyncflask.wrappers
from asyncflask.flask import Blueprint, Request, Response, json, request
from asyncflask.flask.debughelpers import DebugFilesKeyError
from asyncflask.sse import event_stream
from asyncflask.testing import TestClient, WireClient


def test_they_are_werkzeugs():
    assert issubclass(Request, WerkzeugRequest)
    assert issubclass(Response, WerkzeugResponse)


# -- limits ----------------------------------------------------------------------------------------

#: limit, key of the configuration, value outside of every app (Werkzeug's)
LIMITS = [
    ("max_content_length", "MAX_CONTENT_LENGTH", None),
    ("max_form_memory_size", "MAX_FORM_MEMORY_SIZE", 500_000),
    ("max_form_parts", "MAX_FORM_PARTS", 1000),
]


@pytest.mark.parametrize(("name", "key", "default"), LIMITS)
def test_a_limit_is_the_configurations_unless_set_on_the_request(app, name, key, default):
    own = Request(app.test_request_context().request.environ)

    assert getattr(own, name) == default
    app.config[key] = 10
    with app.app_context():
        assert getattr(own, name) == 10
        setattr(own, name, 20)
        assert getattr(own, name) == 20
    setattr(own, name, None)
    assert getattr(own, name) == default


@pytest.mark.parametrize("name", [name for name, _, _ in LIMITS])
def test_a_limit_is_explained_on_the_class(name):
    assert "unless it is set" in getattr(Request, name).__doc__


@pytest.fixture
def form(app, client):
    """Post a form of two fields, one of them big, and read it."""
    app.testing = False

    @app.post("/", defaults={"limit": None})
    @app.post("/<limit>")
    def view(limit):
        if limit is not None:
            setattr(request, limit, 10**6)
        return str(len(request.form))

    def post(path="/", **options):
        return client.post(path, data={"a": "x" * 100, "b": "y"}, **options)

    return post


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("MAX_CONTENT_LENGTH", 90), ("MAX_FORM_MEMORY_SIZE", 90), ("MAX_FORM_PARTS", 1)],
)
def test_a_form_over_a_limit_is_refused_where_flask_refuses_it(app, form, key, value, kind):
    """Versions of Werkzeug differ in limiting the memory of a URL-encoded form."""
    app.config[key] = value
    real = flask.Flask(__name__)
    real.config[key] = value
    real.post("/")(lambda: str(len(flask.request.form)))
    data = {"a": "x" * 100, "b": "y"}

    expected = real.test_client().post("/", data=data, content_type=kind).status_code

    assert form(content_type=kind).status_code == expected
    assert form(f"/{key.lower()}", content_type=kind).text == "2"


def test_a_multipart_form_over_each_limit_is_refused(app, form):
    limits = {"MAX_CONTENT_LENGTH": 90, "MAX_FORM_MEMORY_SIZE": 90, "MAX_FORM_PARTS": 1}
    for key, value in limits.items():
        app.config[key] = value

        assert form(content_type="multipart/form-data").status_code == 413
        app.config[key] = None


def test_reading_over_the_limit_raises(app):
    app.config["MAX_CONTENT_LENGTH"] = 3

    with (
        app.test_request_context(method="POST", data=b"four"),
        pytest.raises(RequestEntityTooLarge, match="413"),
    ):
        request.get_data()


# -- JSON ------------------------------------------------------------------------------------------


def test_json_is_read_by_flasks_module():
    assert Request.json_module is json
    assert Response.json_module is json


@pytest.mark.parametrize("debug", [True, False])
def test_only_in_debug_mode_a_malformed_body_is_explained(app, debug):
    app.debug = debug

    with (
        app.test_request_context(method="POST", data="{", content_type="application/json"),
        pytest.raises(BadRequest) as caught,
    ):
        request.get_json()
    assert ("Failed to decode JSON" in caught.value.description) == debug


@pytest.mark.parametrize("lib", [flask, asyncflask.flask], ids=lambda lib: lib.__name__)
@pytest.mark.parametrize("has_its_own", [False, True])
def test_the_json_of_a_request_is_that_of_its_app_also_after_its_context(lib, has_its_own):
    class Provider(lib.json.provider.DefaultJSONProvider):
        def loads(self, text, **kwargs):
            return {"read": super().loads(text, **kwargs)}

    class OwnRequest(lib.Request):
        json_module = None

    app = lib.Flask("shop")
    app.json = Provider(app)
    if has_its_own:
        app.request_class = OwnRequest
    with app.test_request_context(method="POST", json=[1]) as ctx:
        made = ctx.request

    assert made.json_module is app.json
    assert made.get_json() == {"read": [1]}


def test_another_type_than_json_is_refused(app):
    with (
        app.test_request_context(method="POST", data="{}"),
        pytest.raises(UnsupportedMediaType, match="415"),
    ):
        request.get_json()


def test_a_missing_file_is_explained_in_debug_mode(app):
    """The form lacks its ``enctype``."""
    app.debug = True

    with (
        app.test_request_context(method="POST", data={"file": "name.txt"}),
        pytest.raises(DebugFilesKeyError, match="multipart/form-data"),
    ):
        request.files["file"]


# -- what matched ----------------------------------------------------------------------------------


def test_a_request_knows_rule_endpoint_and_blueprints(app, client):
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)

    @inner.get("/<int:number>")
    def view(number):
        found = request
        return [found.endpoint, found.blueprint, found.blueprints, found.url_rule.rule]

    outer.register_blueprint(inner)
    app.register_blueprint(outer, url_prefix="/o")

    assert client.get("/o/1").json == [
        "outer.inner.view",
        "outer.inner",
        ["outer.inner", "outer"],
        "/o/<int:number>",
    ]


def test_before_matching_all_of_them_are_empty(app):
    plain = Request(app.test_request_context().request.environ)

    assert (plain.url_rule, plain.view_args, plain.routing_exception) == (None, None, None)
    assert (plain.endpoint, plain.blueprint, plain.blueprints) == (None, None, [])


def test_an_endpoint_without_a_blueprint_has_none(app):
    app.get("/", endpoint="index")(print)

    with app.test_request_context():
        assert (request.endpoint, request.blueprint, request.blueprints) == ("index", None, [])


# -- responses -------------------------------------------------------------------------------------


def test_a_response_is_html_with_the_location_as_given():
    response = Response("", headers={"Location": "/there"})

    assert (response.mimetype, response.location) == ("text/html", "/there")
    assert response.autocorrect_location_header is False


@pytest.mark.parametrize("value", ["text", ("text", 201), {"a": 1}])
@pytest.mark.parametrize(
    "steps",
    [
        {"get_wsgi_response": lambda self, environ: ([b"own"], "200 OK", [])},
        {"get_app_iter": lambda self, environ: [b"own"]},
        {"iter_encoded": lambda self: iter([b"own"])},
    ],
    ids=lambda steps: next(iter(steps)),
)
def test_what_a_subclass_makes_of_the_body_is_sent(app, client, steps, value):
    app.response_class = type("Own", (Response,), steps)
    app.get("/")(lambda: value)

    assert client.get("/").data == b"own"


@pytest.mark.parametrize("transport", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    "headers", [{"X-Tea": "Assam"}, {"TE": "1"}, {"X-Tea": ["1", "2"]}, [("X-Tea", "1")], {}]
)
@pytest.mark.parametrize("status", [200, 204, 418])
def test_headers_may_be_replaced_by_a_plain_dict(monkeypatch, transport, headers, status):
    """As httpbin does for some statuses."""
    monkeypatch.setenv("ASYNCFLASK_TEST_TRANSPORT", transport)
    answers = []
    for module in (flask, asyncflask.flask):
        app = module.Flask(__name__)

        def plain(module=module):
            response = module.make_response("text", status)
            response.headers = headers
            return response

        async def native(plain=plain):
            return plain()

        app.add_url_rule("/def", view_func=plain)
        app.add_url_rule("/async", view_func=native)
        client = app.test_client()
        given = [client.get(path) for path in ("/def", "/async")]
        answers.append([(r.status, sorted(r.headers), r.data) for r in given])

    assert answers[0] == answers[1]


def test_the_largest_cookie_is_the_configurations(app):
    assert Response().max_cookie_size == WerkzeugResponse.max_cookie_size
    app.config["MAX_COOKIE_SIZE"] = 10
    with app.app_context(), pytest.warns(UserWarning, match="cookie is too large"):
        Response().set_cookie("name", "value" * 3)


def test_an_upload_is_read_synchronously(app, client):
    app.post("/")(lambda: request.files["file"].read())

    assert client.post("/", data={"file": (BytesIO(b"content"), "x.txt")}).text == "content"


# -- bodies without a Content-Length ---------------------------------------------------------------

READERS = {
    "data": lambda: len(request.get_data()),
    "stream": lambda: len(request.stream.read()),
    "pieces": lambda: sum(map(len, iter(lambda: request.stream.read(7), b""))),
    "form": lambda: len(request.form),
    "json": lambda: len(request.get_json()),
    "data after form": lambda: (request.form, len(request.get_data()))[1],
}
URLENCODED = "application/x-www-form-urlencoded"
TYPES = {"form": URLENCODED, "json": "application/json", "data after form": URLENCODED}


def chunks_of(size, mimetype):
    """A body of ``size`` bytes that its media type allows."""
    body = b"[" + b" " * (size - 2) + b"]" if mimetype == "application/json" else b"a" * size
    return [body[start : start + 40] for start in range(0, size, 40)]


def post_by_wsgi(app, pieces, mimetype):
    """A WSGI server that decodes chunks, such as gunicorn."""
    environ = {
        "wsgi.input": BytesIO(b"".join(pieces)),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": mimetype,
    }
    response = app.test_client().post("/", environ_overrides=environ)
    return response.status_code, response.text


async def post_by_asgi(app, pieces, mimetype):
    async with WireClient(app) as wire:
        chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
        await wire.send(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\nContent-Type: "
            + mimetype.encode()
            + b"\r\n\r\n"
            + b"".join(chunks)
            + b"0\r\n\r\n"
        )
        head, _, text = (await wire.receive_all()).decode().partition("\r\n\r\n")
    return int(head.split()[1]), text


def app_that_reads(by, wait, **config):
    app = asyncflask.flask.Flask("app")
    app.config.update(config)
    if wait:

        @app.post("/")
        async def view():
            return str(READERS[by]())
    else:
        app.post("/")(lambda: str(READERS[by]()))
    return app


@pytest.mark.parametrize("wait", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("by", READERS)
@pytest.mark.parametrize(("size", "status"), [(90, 200), (100, 200), (101, 413), (400, 413)])
async def test_a_chunked_body_over_max_content_length_is_a_413(by, size, status, wait):
    """Flask cuts it off at the limit, and refuses a body of exactly the limit read in pieces."""
    app = app_that_reads(by, wait, MAX_CONTENT_LENGTH=100)
    mimetype = TYPES.get(by, "text/plain")
    pieces = chunks_of(size, mimetype)

    assert (await post_by_asgi(app, pieces, mimetype))[0] == status
    if not wait:
        assert (await asyncio.to_thread(post_by_wsgi, app, pieces, mimetype))[0] == status


async def test_reading_a_body_over_the_limit_again_fails_as_well():
    app = asyncflask.flask.Flask("app")
    app.config["MAX_CONTENT_LENGTH"] = 100

    @app.post("/")
    def view():
        for _ in range(3):
            with pytest.raises(RequestEntityTooLarge):
                request.get_data()
        return "refused"

    assert post_by_wsgi(app, [b"x" * 101], "text/plain") == (200, "refused")


@pytest.mark.parametrize("wait", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 413), (300, 413)])
async def test_a_chunked_urlencoded_form_has_the_limit_of_memory(size, status, wait):
    """CVE-2026-54283. A form with a Content-Length is read as a whole, as in Flask."""
    app = app_that_reads("form", wait, MAX_FORM_MEMORY_SIZE=100)
    pieces = chunks_of(size, URLENCODED)

    assert (await post_by_asgi(app, pieces, URLENCODED))[0] == status
    if not wait:
        assert post_by_wsgi(app, pieces, URLENCODED)[0] == status
        announced = app.test_client().post("/", data=b"".join(pieces), content_type=URLENCODED)
        assert announced.status_code == 200


def test_a_body_without_a_limit_is_read_completely():
    app = app_that_reads("data", False)

    assert post_by_wsgi(app, [b"x" * 200_000], "text/plain") == (200, "200000")


def test_the_async_apis_synchronous_request_refuses_it_too():
    environ = {
        "wsgi.input": BytesIO(b"x" * 101),
        "wsgi.input_terminated": True,
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
    }
    made = asyncflask.wrappers.SyncRequest(environ)
    made.max_content_length = 100

    with pytest.raises(RequestEntityTooLarge, match="413"):
        made.get_data()


# -- asynchronous bodies ---------------------------------------------------------------------------


async def pieces():
    yield "piece"


async def stream():
    return pieces()


async def events():
    return event_stream(pieces())


@pytest.mark.parametrize(
    "view", [lambda: pieces(), stream, events], ids=["def", "async def", "events"]
)
@pytest.mark.parametrize("blueprint_class", [Blueprint, asyncflask.Blueprint])
async def test_an_asynchronous_body_says_where_it_is_possible(view, blueprint_class):
    """It is possible on neither interface, nor with a blueprint of the async API."""
    blueprint = blueprint_class("live", __name__)
    blueprint.get("/")(view)
    app = asyncflask.flask.Flask("shop")
    app.testing = True
    app.register_blueprint(blueprint)

    with pytest.raises(
        RuntimeError, match=r"Return a `def` generator, or move the view\s+to an app"
    ):
        await TestClient(app, app.response_class).get("/")
    with pytest.raises(
        RuntimeError, match=r"Return a `def` generator, or move the view\s+to an app"
    ):
        await asyncio.to_thread(app.test_client().get, "/")
