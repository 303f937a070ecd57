"""``ProxyFix``, beside Werkzeug's."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import flask as oracle
import pytest
from werkzeug.middleware.proxy_fix import ProxyFix as WSGIProxyFix

import asyncflask
import asyncflask.flask as facade
from asyncflask import Flask, redirect, request, url_for, websocket
from asyncflask.middleware.proxy_fix import ProxyFix

HEADERS = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/shop",
}
TWO = {name: f"forged, {value}" for name, value in HEADERS.items()}
ALL = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 1, "x_prefix": 1}
NONE = dict.fromkeys(ALL, 0)
CASES: list[tuple[dict[str, int], dict[str, str]]] = [
    ({}, HEADERS),
    (NONE, HEADERS),
    *(({**NONE, name: 1}, headers) for name in ALL for headers in (HEADERS, TWO)),
    (ALL, HEADERS),
    (ALL, {}),
    (dict.fromkeys(ALL, 2), HEADERS),
    (dict.fromkeys(ALL, 2), {name: f"forged, {value}, last" for name, value in HEADERS.items()}),
    (ALL, dict.fromkeys(HEADERS, "")),
    ({"x_host": 1}, {"X-Forwarded-Host": "shop.example:8080"}),
    ({"x_host": 1, "x_port": 1}, {"X-Forwarded-Host": "a.example:1", "X-Forwarded-Port": "2"}),
    ({"x_host": 1, "x_port": 1}, {"X-Forwarded-Host": "[::1]", "X-Forwarded-Port": "2"}),
    ({"x_prefix": 1}, {"X-Forwarded-Prefix": "/a/b"}),
]


def seen(flask: Any, here: Any) -> dict[str, Any]:
    """Return what a view learns of a request."""
    return {
        "client": here.remote_addr,
        "url": here.url,
        "path": here.path,
        "root": here.root_path,
        "link": flask.url_for("index", _external=True),
        "own": flask.url_for("index"),
    }


def expected(settings: dict[str, int], headers: dict[str, str], path: str) -> Any:
    """Return the same of Flask behind Werkzeug's middleware."""
    app = oracle.Flask("shop")
    app.add_url_rule("/a b/", "index", lambda: seen(oracle, oracle.request))
    app.wsgi_app = WSGIProxyFix(app.wsgi_app, **settings)  # type: ignore[method-assign]
    response = app.test_client().get(path, headers=headers)
    return response.json or response.location


@pytest.mark.parametrize("path", ["/a b/", "/a b"])
@pytest.mark.parametrize(("settings", "headers"), CASES)
async def test_a_request_is_seen_as_behind_werkzeugs(
    settings: dict[str, int], headers: dict[str, str], path: str
) -> None:
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app, **settings)  # type: ignore[method-assign]

    @app.get("/a b/")
    async def index() -> Any:
        return seen(asyncflask, request)

    response = await app.test_client().get(path, headers=headers)

    assert (response.json or response.location) == expected(settings, headers, path)


def test_the_facade_served_by_asgi_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCFLASK_TEST_TRANSPORT", "asgi")
    app = facade.Flask("shop")
    app.add_url_rule("/a b/", "index", lambda: seen(facade, facade.request))
    app.asgi_app = ProxyFix(app.asgi_app, **ALL)  # type: ignore[method-assign]

    assert app.test_client().get("/a b/", headers=HEADERS).json == expected(ALL, HEADERS, "/a b/")


@pytest.mark.parametrize(("proto", "scheme"), [("https", "wss"), ("http", "ws"), ("WSS", "wss")])
async def test_a_websocket_has_its_own_schemes(proto: str, scheme: str) -> None:
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app)  # type: ignore[method-assign]

    @app.websocket("/")
    async def talk() -> None:
        await websocket.send(f"{websocket.scheme} {websocket.remote_addr}")

    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": proto}
    async with app.test_client().websocket("/", headers=headers) as connection:
        assert await connection.receive() == f"{scheme} 203.0.113.7"


async def test_the_lifespans_state_is_the_same_object() -> None:
    """It may hold what cannot be copied, as a connection pool."""
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app)  # type: ignore[method-assign]
    pool = threading.Lock()

    @app.get("/")
    async def index() -> str:
        return str(request.scope["state"]["pool"] is pool)

    async with app.test_app() as running:
        running.state["pool"] = pool
        response = await running.test_client().get("/", headers=HEADERS)

    assert response.text == "True"


@pytest.mark.parametrize("prefix", ["//evil.example", "evil.example/", "/", "//"])
async def test_a_prefix_leads_to_no_other_host(prefix: str) -> None:
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app, x_prefix=1)  # type: ignore[method-assign]

    @app.get("/")
    async def index() -> str:
        return url_for("index")

    response = await app.test_client().get("/", headers={"X-Forwarded-Prefix": prefix})

    assert response.text in ("/evil.example/", "/")


async def test_a_scheme_that_is_none_of_http_is_ignored() -> None:
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app)  # type: ignore[method-assign]

    @app.get("/")
    async def index() -> str:
        return request.scheme

    response = await app.test_client().get("/", headers={"X-Forwarded-Proto": "javascript"})

    assert response.text == "http"


async def test_the_prefix_comes_before_the_servers_own_root_path() -> None:
    app = Flask("shop")
    app.asgi_app = ProxyFix(app.asgi_app, x_prefix=1)  # type: ignore[method-assign]

    @app.get("/old/")
    async def old() -> Any:
        return redirect(url_for("new"))

    @app.get("/new/")
    async def new() -> str:
        return request.path

    client = app.test_client()
    response = await client.get(
        "/old/",
        headers={"X-Forwarded-Prefix": "/shop"},
        scope_base={"root_path": "/inner", "path": "/inner/old/"},
    )

    assert response.location == "/shop/inner/new/"


async def test_the_scope_of_the_server_is_not_changed() -> None:
    scopes: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    headers = [(b"host", b"a"), (b"x-forwarded-host", b"b"), (b"x-forwarded-prefix", b"/p")]
    scope = {"type": "http", "path": "/", "raw_path": b"/%20", "headers": headers}
    before = {**scope, "headers": [*headers]}

    async def never() -> Any:
        await asyncio.Event().wait()

    await ProxyFix(inner, x_host=1, x_prefix=1)(scope, never, never)  # type: ignore[arg-type]

    assert scope == before
    assert scopes[0]["raw_path"] == b"/p/%20"
    assert (b"host", b"b") in scopes[0]["headers"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], []),
        ([(b"host", b"a.test:80")], [(b"host", b"a.test:8443")]),
    ],
)
async def test_a_port_belongs_to_a_host(
    headers: list[tuple[bytes, bytes]], expected: list[tuple[bytes, bytes]]
) -> None:
    """A client of HTTP/1.0 may send no host."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    port = (b"x-forwarded-port", b"8443")
    scope = {"type": "http", "path": "/", "headers": [*headers, port]}
    await ProxyFix(app, x_port=1)(scope, None, None)  # type: ignore[arg-type]  # not called

    assert scopes[0]["headers"] == [*expected, port]


async def test_a_scope_without_a_raw_path_gets_none() -> None:
    """It is optional in ASGI."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {"type": "http", "path": "/a", "headers": [(b"x-forwarded-prefix", b"/shop")]}
    await ProxyFix(app, x_prefix=1)(scope, None, None)  # type: ignore[arg-type]  # not called

    assert (scopes[0]["root_path"], scopes[0]["path"]) == ("/shop", "/shop/a")
    assert "raw_path" not in scopes[0]


@pytest.mark.parametrize("count", [-1, "1", 0.5])
def test_what_is_no_number_of_proxies_is_refused(count):
    with pytest.raises(ValueError, match=r"ProxyFix\(x_host=.*\) is no number of proxies\. Write"):
        ProxyFix(Flask("shop"), x_host=count)
