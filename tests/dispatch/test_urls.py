"""``url_for`` and URL adapters (tests/conformance compares with Flask)."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.exceptions import SecurityError
from werkzeug.routing import BuildError

import asyncflask.flask
from asyncflask import (
    Blueprint,
    Flask,
    Response,
    Websocket,
    flask,
    request,
    url_for,
    websocket,
)
from asyncflask.exceptions import OutOfContext, UnawaitedAccess
from asyncflask.testing import TestClient, WebsocketResponseError


@pytest.fixture
def app():
    app = Flask(__name__)
    app.add_url_rule("/page/<int:n>", "page")
    return app


def test_without_a_context_it_says_where_to_call_it():
    with pytest.raises(OutOfContext, match=r"`url_for\(\)` was called where no app is current"):
        url_for("page")


def test_without_server_name_and_request_it_names_the_setting(app):
    with app.app_context():
        with pytest.raises(RuntimeError, match=r"app\.config\['SERVER_NAME'\], for example"):
            url_for("page", n=1)


def test_with_server_name_it_is_external_outside_of_a_request(app):
    app.config["SERVER_NAME"] = "ex.test"
    with app.app_context():
        assert url_for("page", n=1) == "http://ex.test/page/1"
        assert url_for("page", n=1, _external=False) == "/page/1"
    assert app.url_for("page", n=1) == "http://ex.test/page/1"


def test_an_app_context_inside_a_request_builds_for_the_request(app):
    with app.test_request_context(base_url="https://other.test/"):
        with app.app_context():
            assert url_for("page", n=1) == "/page/1"


def test_a_scheme_needs_an_external_url(app):
    with app.test_request_context():
        with pytest.raises(ValueError, match="a URL without a host has no scheme"):
            url_for("page", n=1, _scheme="https", _external=False)


def test_values_named_like_parameters_are_values(app):
    app.add_url_rule("/e/<endpoint>", "named")
    with app.test_request_context():
        with pytest.raises(TypeError, match="endpoint"):
            url_for("named", endpoint="x")
        assert app.url_for("page", n=1, self="s") == "/page/1?self=s"


@pytest.mark.parametrize("anchor", ["a b", "ü", "x/y?z", "%41", "a#b", "<>\"'"])
def test_an_anchor_is_quoted(app, anchor):
    with app.test_request_context():
        fragment = url_for("page", n=1, _anchor=anchor).partition("#")[2]

    assert fragment.isascii()
    assert not set(fragment) & set(' <>"')


def test_build_error_handlers_are_asked_in_order(app):
    asked = []

    def gives_up(error, endpoint, values):
        asked.append(endpoint)
        raise error

    app.url_build_error_handlers += [
        gives_up,
        lambda error, endpoint, values: None,
        lambda error, endpoint, values: f"/{endpoint}/{values['_anchor']}/{values['x']}",
    ]
    with app.test_request_context():
        assert url_for("nowhere", x=1, _anchor="a") == "/nowhere/a/1"
    assert asked == ["nowhere"]


def test_a_build_error_without_a_helpful_handler_is_raised(app):
    app.url_build_error_handlers.append(lambda error, endpoint, values: None)
    with app.test_request_context():
        with pytest.raises(BuildError, match="nowhere"):
            url_for("nowhere")


async def test_a_relative_endpoint_belongs_to_the_current_blueprint(app):
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    inner.get("/in/<int:n>", endpoint="v")(lambda n: url_for(".v", n=n + 1))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.get("/out", endpoint="out")(lambda: url_for(".page", n=1))
    client = app.test_client()

    assert (await client.get("/in/1")).text == "/in/2"
    assert (await client.get("/out")).text == "/page/1"


async def test_a_websocket_builds_websocket_and_web_urls(app):
    app.testing = True

    @app.websocket("/ws", endpoint="ws")
    async def view():
        await websocket.accept()
        await websocket.send(url_for("page", n=1))
        await websocket.send(url_for("ws"))

    async with app.test_client().websocket("/ws") as connection:
        assert (await connection.receive()).endswith("/page/1")
        assert (await connection.receive()).endswith("/ws")


async def test_the_host_of_an_external_url_is_the_requests(app):
    app.get("/", endpoint="v")(lambda: url_for("page", n=1, _external=True))
    response = await app.test_client().get("/", base_url="https://ex.test:8443/root")

    assert response.text == "https://ex.test:8443/root/page/1"


def test_an_untrusted_host_has_no_adapter(app):
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    with app.test_request_context(base_url="http://bad.test/") as ctx:
        with pytest.raises(SecurityError, match=r"bad\.test"):
            app.create_url_adapter(ctx.request)


async def test_routing_errors_of_an_untrusted_host_are_400(app):
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    app.get("/")(lambda: "x")

    response = await app.test_client().get("/", headers={"Host": "bad.test"})
    assert response.status_code == 400


@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("how", ["subclass", "class of the app", "after a request context"])
@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
async def test_hosts_that_the_request_class_trusts_are_the_only_ones(api, how, keyword):
    class Trusting(api.Request):
        trusted_hosts = ["good.test"] if how != "after a request context" else None

    class Shop(api.Flask):
        request_class = Trusting

    app = (Shop if how == "class of the app" else api.Flask)(__name__)
    if how != "class of the app":
        app.request_class = Trusting
    with app.test_request_context("/"):
        Trusting.trusted_hosts = ["good.test"]

    async def view():
        return "x"

    app.get("/")(view if keyword == "async" else lambda: "x")
    client = TestClient(app, Response)

    assert (await client.get("/", headers={"Host": "good.test"})).text == "x"
    for path in ["/", "/missing"]:
        assert (await client.get(path, headers={"Host": "bad.test"})).status_code == 400


async def test_hosts_that_the_websocket_class_trusts_are_the_only_ones(app):
    class Trusting(Websocket):
        trusted_hosts = ("good.test",)

    app.websocket_class = Trusting

    @app.websocket("/ws")
    async def view():
        await websocket.send("hello")

    client = app.test_client()
    async with client.websocket("/ws", headers={"Host": "good.test"}) as connection:
        assert await connection.receive() == "hello"
    with pytest.raises(WebsocketResponseError, match="400"):
        async with client.websocket("/ws", headers={"Host": "bad.test"}):
            pass


async def test_the_page_for_an_untrusted_host_may_have_links(app):
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    app.get("/page")(lambda: "x")
    app.add_url_rule("/linked", "linked")
    app.errorhandler(400)(lambda error: (url_for("linked"), 400))

    response = await app.test_client().get("/page", headers={"Host": "bad.test"})
    assert (response.status_code, response.text) == (400, "/linked")


async def test_an_external_url_is_never_made_of_an_untrusted_host(app):
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    app.add_url_rule("/linked", "linked")
    async with app.test_request_context(base_url="http://bad.test/"):
        with pytest.raises(SecurityError, match=r"Host 'bad.test' is not among the TRUSTED_HOSTS"):
            url_for("linked", _external=True)


async def test_url_defaults_of_outer_blueprints_apply_first(app):
    order = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    app.url_defaults(lambda endpoint, values: order.append("app"))
    outer.url_defaults(lambda endpoint, values: order.append("outer"))
    inner.url_defaults(lambda endpoint, values: order.append("inner"))
    inner.get("/x", endpoint="v")(lambda: "x")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    with app.test_request_context():
        url_for("outer.inner.v")

    assert order == ["app", "outer", "inner"]


async def add_language(endpoint, values):
    values["lang"] = "de"


class AddsLanguage:
    async def __call__(self, endpoint, values):
        values["lang"] = "de"


def add_language_by_a_decorator(endpoint, values):
    return add_language(endpoint, values)


@pytest.mark.parametrize("kind", [Flask, flask.Flask])
@pytest.mark.parametrize("func", [add_language, AddsLanguage(), add_language_by_a_decorator])
@pytest.mark.parametrize("of", ["app", "blueprint", "app by blueprint"])
def test_async_url_defaults_are_refused(kind, func, of):
    app = kind("app")
    bp = (Blueprint if kind is Flask else flask.Blueprint)("bp", "app")
    {"app": app.url_defaults, "blueprint": bp.url_defaults}.get(of, bp.app_url_defaults)(func)
    bp.add_url_rule("/x", "v", lambda: "x")
    app.register_blueprint(bp)

    with (
        app.test_request_context(),
        pytest.raises(UnawaitedAccess, match=r"(?s)url_defaults function .*'bp\.v'.*plain `def`"),
    ):
        app.url_for("bp.v")


async def test_url_defaults_may_not_return_a_future(app):
    app.url_defaults(lambda endpoint, values: asyncio.get_running_loop().create_future())

    async with app.test_request_context():
        with pytest.raises(UnawaitedAccess, match="returned <Future"):
            app.url_for("page", n=1)


@pytest.mark.parametrize("kind", [Flask, flask.Flask])
def test_any_other_result_of_url_defaults_is_ignored(kind):
    app = kind("app")
    app.add_url_rule("/x", "v", lambda: "x")
    app.url_defaults(lambda endpoint, values: values.setdefault("lang", "de"))

    with app.test_request_context():
        assert app.url_for("v") == "/x?lang=de"


@pytest.mark.parametrize("kind", [Flask, flask.Flask])
def test_an_async_build_error_handler_is_refused(kind):
    async def elsewhere(error, endpoint, values):
        return "/elsewhere"

    app = kind("app")
    app.url_build_error_handlers.append(elsewhere)

    with (
        app.test_request_context(),
        pytest.raises(UnawaitedAccess, match=r"build error handler .*elsewhere returned"),
    ):
        app.url_for("nowhere")


# -- the host of a request -------------------------------------------------------------------------


def add_pages(app):
    app.add_url_rule("/<name>/", "slash", lambda name: name)
    app.add_url_rule("/old/<name>", "old", redirect_to="/new/<name>")
    app.add_url_rule("/ext", "ext", lambda: url_for("slash", name="x", _external=True))

    @app.get("/async")
    async def async_url():
        return request.url

    @app.get("/def")
    def def_url():
        return request.url


@pytest.mark.parametrize(
    "host",
    [
        "my_app",
        "my_app:8080",
        "web_1.example.test",
        "~me",
        "[::1]:80",
        "[::1]:8080",
        "a.test.",
        "A.b",
    ],
)
async def test_a_redirect_leads_to_the_host_that_was_asked(app, host):
    """Werkzeug drops an underscore's host: `http:///evil.test/` leads to evil.test."""
    add_pages(app)
    own = host.lower().removesuffix(":80")
    client = app.test_client()

    async def location_of(path):
        return (await client.get(path, headers={"Host": host})).headers["Location"]

    assert await location_of("/evil.test?a=b") == f"http://{own}/evil.test/?a=b"
    assert await location_of("/old/evil.test") == f"http://{own}/new/evil.test"
    assert (await client.get("/ext", headers={"Host": host})).text == f"http://{own}/x/"


@pytest.mark.parametrize(
    "host",
    [
        *("a b", "a:99999", "a:0", "a:x", ":80", "[:::]", "[1]", "[::1", "a..b", ".a", "."),
        *("xn--", "xn--a", "XN--A", "a" * 64, "a." * 130, "a/b", "a@b", "a%41", "caf\xe9"),
    ],
)
@pytest.mark.parametrize("path", ["/async", "/def", "/ext", "/evil.test", "/old/x"])
async def test_a_host_that_no_url_can_be_built_for_is_a_400(app, path, host):
    add_pages(app)

    headers = [(b"host", host.encode("latin-1"))]  # The client's own code cannot take some.
    response = await app.test_client().get(path, scope_base={"headers": headers})

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("path", "location"),
    [("/evil.test?a=b", "/evil.test/?a=b"), ("//evil.test", "/evil.test/")],
)
async def test_without_a_host_a_redirect_is_relative(app, path, location):
    """Over a unix socket HTTP/1.0 has no host at all; the path must not become one."""
    app.add_url_rule("/<path:name>/", "slash", lambda name: name, merge_slashes=False)
    scope = {"headers": [], "server": ("/run/app.sock", None), "path": path.partition("?")[0]}

    response = await app.test_client().get(path, scope_base=scope)

    assert (response.status_code, response.headers["Location"]) == (308, location)


async def test_another_app_builds_without_the_request():
    app, other = Flask("app"), Flask("other")
    other.config["SERVER_NAME"] = "other.test"
    other.add_url_rule("/page", "page")
    app.add_url_rule("/", "link", lambda: other.url_for("page"))

    assert (await app.test_client().get("/")).text == "http://other.test/page"


async def test_without_a_host_there_is_no_external_url(app):
    add_pages(app)

    response = await app.test_client().get("/ext", scope_base={"headers": [], "server": None})

    assert response.status_code == 400


def test_on_the_facade_an_external_url_of_an_invalid_host_is_flasks():
    app = flask.Flask("app")
    app.add_url_rule("/", "link", lambda: app.url_for("link", _external=True))

    assert app.test_client().get("/", headers={"Host": "a b"}).text == "http:///"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("my_shop.example.test:5000", "my_shop"),
        ("A.example.test:5000", "a"),
        ("example.test:5000", "none"),
    ],
)
async def test_a_subdomain_may_have_an_underscore(host, found):
    app = Flask("app", subdomain_matching=True)
    app.config["SERVER_NAME"] = "Example.test:5000"
    app.add_url_rule("/", "sub", lambda sub: sub, subdomain="<sub>")
    app.add_url_rule("/", "own", lambda: "none")

    response = await app.test_client().get("/", base_url=f"http://{host}/")

    assert response.text == found


async def test_a_host_of_another_domain_is_named_in_a_warning():
    app = Flask("app", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test"
    app.add_url_rule("/", "own", lambda: "none")

    with pytest.warns(UserWarning, match="the host 'other.test', which does not belong to SERV"):
        response = await app.test_client().get("/", base_url="http://other.test/")

    assert response.status_code == 404


async def test_host_matching_knows_hosts_with_an_underscore():
    app = Flask("app", host_matching=True, static_host="static")
    app.add_url_rule("/", "own", lambda: "own", host="my_app:80")
    app.add_url_rule("/", "other", lambda name: name, host="<name>.my_app:8080")

    client = app.test_client()
    assert (await client.get("/", base_url="http://a.my_app:8080/")).text == "a"


async def test_a_websocket_is_matched_with_its_host(app):
    app = Flask("app", host_matching=True, static_host="static")

    @app.websocket("/", host="my_app")
    async def view():
        await websocket.send(url_for("view", _external=True))

    async with app.test_client().websocket("/", headers={"Host": "my_app"}) as connection:
        assert await connection.receive() == "ws://my_app/"
