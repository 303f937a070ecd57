"""``url_for`` and URL adapters (tests/conformance compares with Flask)."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import SecurityError
from werkzeug.routing import BuildError

from asyncflask import Blueprint, Flask, url_for, websocket
from asyncflask.exceptions import OutOfContext


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


async def test_a_relative_endpoint_is_of_the_current_blueprint(app):
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
        with pytest.raises(RuntimeError, match="in a request to an unknown host"):
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
