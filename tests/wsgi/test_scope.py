"""An environ becomes the scope of the same request; a faulty one is read as Werkzeug reads it."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request as WSGIRequest

import asyncflask
from asyncflask.flask import Flask
from asyncflask.testing import TestClient
from asyncflask.wsgi.scope import build_scope, routing_scope


def environ_with(**variables):
    """An environ of ``GET /a``; a value that is None leaves its key out."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a",
        "QUERY_STRING": "",
        "SERVER_NAME": "example.org",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        **variables,
    }
    return {key: value for key, value in environ.items() if value is not None}


def native(text):
    """The way in which WSGI's strings carry text (PEP 3333)."""
    return text.encode().decode("latin-1")


def test_an_environ_becomes_a_scope():
    app = Flask(__name__)
    ctx = app.test_request_context(
        "/é?a=b", base_url="https://example.org/below/", headers={"X-A": "ü"}
    )
    scope = build_scope(ctx.request.environ)

    assert (scope["scheme"], scope["root_path"], scope["path"]) == ("https", "/below", "/below/é")
    assert scope["raw_path"] == b"/below/%C3%A9"
    assert scope["query_string"] == b"a=b"
    assert (b"x-a", "ü".encode("latin-1")) in scope["headers"]
    assert scope["server"] == ("example.org", 443)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"REQUEST_METHOD": None, "wsgi.url_scheme": None},
        {"SERVER_PORT": ""},
        {"SERVER_PORT": "unix"},
        {"SERVER_PORT": None},
        {"SERVER_NAME": None},
        {"PATH_INFO": "/\xff"},
        {"PATH_INFO": native("/grüße")},
        {"PATH_INFO": "a"},
        {"PATH_INFO": None},
        {"SCRIPT_NAME": "/app/"},
        {"SCRIPT_NAME": "/app", "PATH_INFO": "a"},
        {"CONTENT_LENGTH": "3", "HTTP_CONTENT_LENGTH": "3"},
        {"CONTENT_LENGTH": "", "CONTENT_TYPE": ""},
        {"HTTP_X_A": "ü"},
        {"QUERY_STRING": "a=\xff"},
        {"REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "unknown"},
    ],
    ids=str,
)
def test_the_scope_has_the_values_of_werkzeugs_request(variables):
    theirs = WSGIRequest(environ_with(**variables))
    scope = build_scope(environ_with(**variables))

    assert scope["method"] == theirs.method
    assert scope["scheme"] == theirs.scheme
    assert scope["server"] == theirs.server
    assert scope["root_path"] == theirs.root_path
    assert scope["path"].removeprefix(scope["root_path"]).lstrip("/") == theirs.path.lstrip("/")
    assert scope["query_string"] == theirs.query_string
    assert (scope["client"] or (None,))[0] == theirs.remote_addr
    headers = [(name.decode().title(), value.decode("latin-1")) for name, value in scope["headers"]]
    assert headers == list(theirs.headers)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"PATH_INFO": "/\xff"},
        {"PATH_INFO": "a"},
        {"SCRIPT_NAME": "/app/"},
        {"HTTP_COOKIE": "a=b"},
    ],
    ids=str,
)
def test_dispatching_reads_the_same_values_from_its_part_of_the_scope(variables):
    whole, part = build_scope(environ_with(**variables)), routing_scope(environ_with(**variables))

    assert part == {key: whole[key] for key in part}


@pytest.mark.parametrize("key", ["PATH_INFO", "SCRIPT_NAME", "QUERY_STRING", "HTTP_COOKIE"])
def test_a_character_that_wsgi_does_not_allow_is_refused_with_the_key(key):
    with pytest.raises(UnicodeEncodeError) as caught:
        build_scope(environ_with(**{key: "/€"}))

    assert key in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("protocol", "version"),
    [("HTTP/1.0", "1.0"), ("HTTP/2", "2"), ("HTTP/1.1", "1.1"), ("INCLUDED", "1.1"), (None, "1.1")],
)
def test_the_http_version_is_one_that_asgi_knows(protocol, version):
    assert build_scope(environ_with(SERVER_PROTOCOL=protocol))["http_version"] == version


@pytest.mark.parametrize("name", ["host", "x-empty", "cookie", "accept"])
def test_an_empty_header_is_in_the_scope(name):
    key = f"HTTP_{name.upper().replace('-', '_')}"

    assert build_scope(environ_with(**{key: ""}))["headers"] == [(name.encode(), b"")]


def test_a_client_whose_port_is_not_known_has_port_0():
    scope = build_scope(environ_with(REMOTE_ADDR="10.0.0.1", REMOTE_PORT="unknown"))

    assert scope["client"] == ("10.0.0.1", 0)


@pytest.mark.parametrize(
    ("uri", "raw_path"),
    [
        ("/app/a%2Fb?c", b"/app/a%2Fb"),
        ("/a%2Fb", b"/app/a%2Fb"),
        ("http://example.org/app/a%2Fb#c", b"/app/a%2Fb"),
        ("/changed/by/middleware", b"/app/a/b"),
        ("//[", b"/app/a/b"),
        (None, b"/app/a/b"),
    ],
)
def test_raw_path_is_the_path_as_it_was_sent_if_that_is_known(uri, raw_path):
    environ = environ_with(SCRIPT_NAME="/app", PATH_INFO="/a/b", REQUEST_URI=uri)

    assert build_scope(environ)["raw_path"] == raw_path


def test_a_path_that_is_a_whole_url_is_taken_apart():
    environ = environ_with(PATH_INFO="http://other.test/b")

    assert build_scope(environ)["path"] == "/b"
    assert environ["HTTP_HOST"] == "other.test"


# -- the server's scope ----------------------------------------------------------------------------


@pytest.fixture
def app():
    """A facade app with a view of the async API that returns what it sees of its scope."""
    app = Flask(__name__)
    app.seen = []
    bp = asyncflask.Blueprint("bp", __name__)

    @bp.get("/<path:path>")
    async def view(path):
        app.seen.append(asyncflask.request.scope)
        return {"scheme": asyncflask.request.scheme, "headers": dict(asyncflask.request.headers)}

    app.register_blueprint(bp)
    return app


async def test_on_asgi_the_servers_scope_is_kept(app):
    scopes = []
    inner = app.asgi_app

    async def keep(scope, receive, send):
        scopes.append(scope)
        await inner(scope, receive, send)

    app.asgi_app = keep
    await TestClient(app, asyncflask.Response).get("/a")

    assert app.seen[0] is scopes[0]


@pytest.mark.parametrize("copied", [False, True])
async def test_what_wsgi_middleware_changes_is_seen(app, copied):
    inner = app.wsgi_app

    def https(environ, start_response):
        environ = dict(environ) if copied else environ
        environ["wsgi.url_scheme"] = "https"
        environ["HTTP_X_A"] = "changed"
        return inner(environ, start_response)

    app.wsgi_app = https
    answer = (await TestClient(app, asyncflask.Response).get("/a", headers={"X-A": "b"})).json

    assert answer["scheme"] == "https"
    assert answer["headers"]["X-A"] == "changed"


async def test_a_key_that_wsgi_middleware_adds_leaves_the_scope_as_it_is(app):
    inner, seen = app.wsgi_app, []

    def add(environ, start_response):
        seen.append(environ["asgi.scope"])
        environ["shop.user"] = "Ada"
        return inner(environ, start_response)

    app.wsgi_app = add
    await TestClient(app, asyncflask.Response).get("/a")

    assert app.seen[0] is seen[0]


def test_on_wsgi_the_scope_is_made_from_the_environ(app):
    app.test_client().get("/a", headers={"X-A": "b"})

    assert app.seen[0]["path"] == "/a"
    assert (b"x-a", b"b") in app.seen[0]["headers"]
