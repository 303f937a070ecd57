"""EnvironBuilder and connection_scope: the request is the one that Flask's client would make."""

from __future__ import annotations

import io
import json

import flask
import flask.testing
import pytest
from werkzeug.datastructures import FileStorage, MultiDict

from asyncflask.testing.builder import (
    BODY_CHUNK,
    EnvironBuilder,
    body_messages,
    connection_scope,
    take_body,
)


class App:
    json = json

    def __init__(self, **config):
        self.config = {
            "SERVER_NAME": None,
            "APPLICATION_ROOT": "/",
            "PREFERRED_URL_SCHEME": "http",
            **config,
        }


@pytest.mark.parametrize(
    "data",
    [
        {"file": (io.BytesIO(), "a\r\nX-Evil: 1")},
        {"file\nX-Evil: 1": (io.BytesIO(), "a")},
        {"file": (io.BytesIO(), "a"), "field\r": "value"},
        {"file": (io.BytesIO(), "nul\0")},
    ],
)
def test_names_of_parts_cannot_end_their_header(data):
    """CVE-2026-34514, aiohttp."""
    with pytest.raises(ValueError, match="its header cannot have control characters"):
        environ_of(method="POST", data=data)


def test_a_parts_content_type_cannot_end_its_header():
    file = (io.BytesIO(), "a", "text/plain\r\nX-Evil: 1")

    with pytest.raises(ValueError, match="newline"):
        environ_of(method="POST", data={"file": file})


def test_any_name_is_allowed_in_an_urlencoded_form():
    environ = environ_of(method="POST", data={"line\nbreak": "value"})

    assert environ["wsgi.input"].read() == b"line%0Abreak=value"


def environ_of(*args, app=None, **kwargs):
    return EnvironBuilder(app or App(), *args, **kwargs).get_environ()


def scope_for(*args, **kwargs):
    return connection_scope(environ_of(*args, **kwargs))


def header(scope, name):
    return dict(scope["headers"]).get(name)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("/a?b=c",), {}),
        (("/ü/%2F/x y",), {"query_string": {"q": "ü &"}}),
        (("https://example.com:8443/a",), {}),
        (("/a",), {"base_url": "https://example.com/root"}),
        (("/a",), {"subdomain": "www", "url_scheme": "https"}),
        (("/a",), {"json": {"x": 1}, "method": "POST"}),
        (("/a",), {"data": {"a": ["1", "2"]}, "method": "POST"}),
        (("/a",), {"data": b"raw", "content_type": "text/x", "method": "PUT"}),
        (("/a",), {"auth": ("user", "secret"), "headers": {"X-A": "b"}}),
        (("/a",), {"environ_overrides": {"REMOTE_ADDR": "10.0.0.1", "extra": 1}}),
    ],
)
def test_environ_is_flasks(args, kwargs):
    config = {"SERVER_NAME": "site.test", "APPLICATION_ROOT": "/base"}
    oracle = flask.Flask(__name__)
    oracle.config.update(config)
    ours = environ_of(*args, app=App(**config), **kwargs)
    theirs = flask.testing.EnvironBuilder(oracle, *args, **kwargs).get_environ()
    bodies = ours.pop("wsgi.input").read(), theirs.pop("wsgi.input").read()

    assert ours == theirs
    assert json.loads(bodies[0]) == json.loads(bodies[1]) if "json" in kwargs else True
    assert len(bodies[0]) == len(bodies[1])


def test_the_scope_has_the_url():
    scope = scope_for("https://example.com:8443/a b/ü?q=%20")

    assert scope["type"] == "http"
    assert scope["scheme"] == "https"
    assert scope["path"] == "/a b/ü"
    assert scope["raw_path"] == b"/a%20b/%C3%BC"
    assert scope["query_string"] == b"q=%20"
    assert scope["server"] == ("example.com", 8443)
    assert header(scope, b"host") == b"example.com:8443"


def test_raw_path_keeps_what_decoding_loses():
    scope = scope_for("/a%2Fb")

    assert (scope["path"], scope["raw_path"]) == ("/a/b", b"/a%2Fb")


@pytest.mark.parametrize("url", ["", "?a=1", "http://shop.example", "//shop.example?a=1"])
def test_a_url_without_a_path_asks_for_the_slash(url):
    scope = scope_for(url)

    assert (scope["path"], scope["raw_path"], scope["root_path"]) == ("/", b"/", "")
    assert scope["query_string"] == (b"a=1" if "?" in url else b"")


def test_the_path_of_a_url_without_one_is_that_of_its_root():
    """An app answers with a redirect to the slash, as Flask."""
    scope = scope_for("http://shop.example", base_url="http://shop.example/root")

    assert scope["path"] == "/root"


def test_a_root_path_is_put_before_the_path():
    """ASGI: ``path`` contains ``root_path``."""
    scope = scope_for("/a", base_url="http://localhost/root")

    assert scope["root_path"] == "/root"
    assert scope["path"] == "/root/a"
    assert scope["raw_path"] == b"/root/a"


def test_raw_path_follows_a_path_that_was_overridden():
    scope = scope_for("/a", environ_overrides={"PATH_INFO": "/b c"})

    assert (scope["path"], scope["raw_path"]) == ("/b c", b"/b%20c")


def test_scope_has_method_version_and_client():
    overrides = {"REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "4711"}
    scope = scope_for("/", method="PATCH", environ_overrides=overrides)

    assert scope["method"] == "PATCH"
    assert scope["http_version"] == "1.1"
    assert scope["client"] == ("10.0.0.1", 4711)


def test_headers_are_lower_case_bytes():
    scope = scope_for("/", headers={"X-Some-Name": "é"}, data="x", content_type="text/x")

    assert header(scope, b"x-some-name") == b"\xe9"
    assert header(scope, b"content-type") == b"text/x"
    assert header(scope, b"content-length") == b"1"


def test_a_request_without_a_body_has_no_content_length():
    assert header(scope_for("/"), b"content-length") is None


def test_other_keys_of_the_environ_are_carried_to_the_app():
    scope = scope_for("/", environ_base={"my.key": 1})

    assert scope["asyncflask.environ"] == {"my.key": 1}


def test_a_websocket_scope_offers_denial_responses():
    scope = connection_scope(environ_of("/", url_scheme="wss"), "websocket")

    assert scope["type"] == "websocket"
    assert scope["scheme"] == "wss"
    assert scope["server"] == ("localhost", 443)
    assert scope["subprotocols"] == []
    assert "websocket.http.response" in scope["extensions"]
    assert "method" not in scope


def test_form_and_files_are_quarts_names_for_data():
    file = FileStorage(io.BytesIO(b"content"), "a.txt")
    environ = environ_of("/", method="POST", form={"a": ["1", "2"]}, files={"f": file})
    body = take_body(environ)

    assert environ["CONTENT_TYPE"].startswith("multipart/form-data")
    assert body.count(b'name="a"') == 2
    assert b'name="f"; filename="a.txt"' in body


def test_form_may_be_a_multidict():
    environ = environ_of("/", method="POST", form=MultiDict([("a", "1"), ("a", "2")]))

    assert take_body(environ) == b"a=1&a=2"


@pytest.mark.parametrize("other", ["data", "json"])
def test_form_excludes_other_bodies(other):
    with pytest.raises(TypeError, match=f"{other}='x' was given together with form or files"):
        environ_of("/", form={"a": "1"}, **{other: "x"})


def test_base_url_excludes_its_parts():
    with pytest.raises(TypeError, match="Write both into base_url"):
        environ_of("/", base_url="http://a", subdomain="b")


def test_reading_the_body_leaves_it_there():
    environ = environ_of("/", data=b"abc")

    assert take_body(environ) == b"abc"
    assert take_body(environ) == b"abc"


@pytest.mark.parametrize("size", [0, 1, BODY_CHUNK, BODY_CHUNK + 1, 3 * BODY_CHUNK])
def test_a_body_is_cut_into_messages(size):
    body = bytes(range(256)) * (size // 256 + 1)
    messages = list(body_messages(body[:size]))

    assert b"".join(message["body"] for message in messages) == body[:size]
    assert [message["more_body"] for message in messages] == [True] * (len(messages) - 1) + [False]
    assert all(len(message["body"]) <= BODY_CHUNK for message in messages)


def test_headers_of_one_name_are_lines_of_their_own():
    headers = [("X-Part", "1"), ("X-Other", "o"), ("X-Part", "2, 3")]
    environ = EnvironBuilder(App(), headers=headers).get_environ()

    assert connection_scope(environ)["headers"][-3:] == [
        (b"x-part", b"1"),
        (b"x-part", b"2, 3"),
        (b"x-other", b"o"),
    ]
    assert "asyncflask.environ" not in connection_scope(environ)


def test_a_value_of_the_environ_replaces_all_lines():
    headers = [("X-Part", "1"), ("X-Part", "2")]
    overrides = {"HTTP_X_PART": "3"}
    environ = EnvironBuilder(App(), headers=headers, environ_overrides=overrides).get_environ()

    assert connection_scope(environ)["headers"][-1:] == [(b"x-part", b"3")]
