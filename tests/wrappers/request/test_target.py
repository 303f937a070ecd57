"""A target in absolute form, ``GET http://host/path``, behind servers that pass it on unchanged."""

from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

import asyncflask
import asyncflask.flask
from asyncflask import Flask
from asyncflask.testing.asgi_connection import ASGIConnection
from asyncflask.wrappers.request.target import split_target, take_apart, take_environ_apart


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("http://localhost/path", ("localhost", 16)),
        ("HTTPS://Example.com:8443/", ("Example.com:8443", 24)),
        ("http://[::1]:80/a", ("[::1]:80", 15)),
        ("ws://localhost/live", ("localhost", 14)),
        ("http://localhost", ("localhost", 16)),
        ("/path", None),
        ("http:///path", None),
        ("http://b@a/path", None),
        ("http://a b/path", None),
        ("http://a?b/path", None),
        ("http://a:99999/path", None),
        ("ftp://localhost/path", None),
        ("//localhost/path", None),
        ("@localhost/path", None),
        ("localhost:80", None),
        ("*", None),
    ],
)
def test_the_host_is_found(target, found):
    assert split_target(target) == found


def test_an_escape_in_the_host_is_no_part_of_it():
    """Decoded, ``a%2Fb`` would be the host ``a``."""
    assert split_target("http://a/b/path", b"http://a%2Fb/path") is None
    assert split_target("http://a/b", b"http://a/%62") == ("a", 8)


def scope(path, kind="http", **more):
    return {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"q=1",
        "root_path": "",
        "headers": [(b"host", b"other.test"), (b"cookie", b"a=1"), (b"host", b"second.test")],
        "http_version": "1.1",
        "subprotocols": [],
        "server": ("127.0.0.1", 80),
        **more,
    }


def test_path_and_host_of_a_scope_become_the_targets():
    changed = scope("http://localhost/a/b")

    assert take_apart(changed)
    assert (changed["path"], changed["raw_path"]) == ("/a/b", b"/a/b")
    assert changed["headers"] == [(b"cookie", b"a=1"), (b"host", b"localhost")]


def test_a_target_without_a_path_asks_for_the_root():
    changed = scope("http://localhost")
    environ = {"PATH_INFO": "http://localhost:81"}

    assert take_apart(changed)
    assert take_environ_apart(environ)
    assert (changed["path"], changed["raw_path"]) == ("/", b"/")
    assert environ == {"PATH_INFO": "/", "HTTP_HOST": "localhost:81"}


@pytest.mark.parametrize("path", ["/path", "ftp://a/b", "*", "http://b@a/"])
def test_another_kind_of_target_is_not_changed(path):
    before, after = scope(path), scope(path)
    environ = {"PATH_INFO": path}

    assert not take_apart(after)
    assert not take_environ_apart(environ)
    assert (after, environ) == (before, {"PATH_INFO": path})


# -- in an app -------------------------------------------------------------------------------------


def app_of(api, **config):
    app = api("app", static_folder=None)
    app.config.update(config)
    mod = asyncflask.flask if api is asyncflask.flask.Flask else asyncflask

    def answer(**kwargs):
        request = mod.request
        return f"{request.url} {request.host} {request.path} {mod.url_for('in_worker', n=2)}"

    @app.get("/path")
    async def on_loop():
        return answer()

    app.get("/def/<int:n>", endpoint="in_worker")(answer)
    return app


async def ask(app, path, **more):
    async with ASGIConnection(app, scope(path, **more)) as exchange:
        exchange.put({"type": "http.request", "body": b"", "more_body": False})
        start = await exchange.take()
        body = (await exchange.take())["body"]
    return start["status"], body.decode()


both = pytest.mark.parametrize("api", [asyncflask.flask.Flask, Flask], ids=["facade", "async"])


@both
@pytest.mark.parametrize("path", ["/path", "/def/1"])
async def test_the_app_answers_for_path_and_host_of_the_target(api, path):
    answer = await ask(app_of(api), f"http://shop.test:81{path}")

    assert answer == (
        200,
        f"http://shop.test:81{path}?q=1 shop.test:81 {path} /def/2",
    )


@both
async def test_a_wrong_path_is_404_and_a_wrong_method_405(api):
    app = app_of(api)

    assert (await ask(app, "http://shop.test/nowhere"))[0] == 404
    assert (await ask(app, "http://shop.test/path", method="POST"))[0] == 405


@both
async def test_trusted_hosts_check_the_host_of_the_target(api):
    """SECURITY: neither of the two hosts can bypass the list."""
    app = app_of(api, TRUSTED_HOSTS=["shop.test"])

    assert (await ask(app, "http://shop.test/path"))[0] == 200
    assert (await ask(app, "http://evil.test/path"))[0] == 400
    trusted = {"headers": [(b"host", b"shop.test")]}
    assert (await ask(app, "http://evil.test/path", **trusted))[0] == 400


@both
@pytest.mark.parametrize(
    "target", ["ftp://a/path", "http://b@a/path", "http:///path", "http://a:0x/path", "@a/path"]
)
async def test_a_target_that_is_no_such_url_is_refused(api, target):
    assert (await ask(app_of(api), target))[0] == 400


@both
async def test_a_host_with_an_escape_is_refused(api):
    answer = await ask(app_of(api), "http://a/path", raw_path=b"http://a%2Fpath")

    assert answer[0] == 400


@both
async def test_hosts_are_matched_by_the_targets(api):
    app = api("app", static_folder=None, host_matching=True)
    app.get("/", host="a.test", endpoint="a")(lambda: "a")
    app.get("/", host="b.test", endpoint="b")(lambda: "b")

    assert await ask(app, "http://b.test/") == (200, "b")


async def test_a_mounted_app_is_found_by_the_targets_path():
    app = Flask("app", static_folder=None)
    app.mount("/old", app_of(asyncflask.flask.Flask))

    assert (await ask(app, "http://shop.test/old/path"))[1].startswith(
        "http://shop.test/old/path?q=1 shop.test /path"
    )


async def test_a_websocket_is_found_by_the_targets_path():
    app = Flask("app", static_folder=None)

    @app.websocket("/live")
    async def live():
        await asyncflask.websocket.send(asyncflask.websocket.host)

    for target in ("http://shop.test/live", "ws://shop.test/live"):
        async with ASGIConnection(app, scope(target, "websocket")) as exchange:
            exchange.put({"type": "websocket.connect"})
            assert (await exchange.take())["type"] == "websocket.accept"
            assert (await exchange.take())["text"] == "shop.test"


def test_a_wsgi_server_may_pass_it_on_as_well():
    """Hypercorn's WSGI side does."""
    app = app_of(asyncflask.flask.Flask)
    environ = EnvironBuilder(path="/", query_string="q=1").get_environ()
    environ.update(PATH_INFO="http://shop.test/def/1", HTTP_HOST="other.test")

    body, status, _ = run_wsgi_app(app, environ)

    assert status == "200 OK"
    assert b"".join(body) == b"http://shop.test/def/1?q=1 shop.test /def/1 /def/2"
