"""The synchronous test client and runner: Werkzeug's, without a server and without a loop."""

from __future__ import annotations

import click
import pytest
from werkzeug.test import EnvironBuilder as WerkzeugBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

from asyncflask.flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
)
from asyncflask.flask.cli import ScriptInfo
from asyncflask.flask.testing import EnvironBuilder, FlaskClient, FlaskCliRunner


@pytest.fixture(autouse=True)
def echo(app):
    @app.route("/", methods=["GET", "POST"])
    def echo():
        return {
            "url": request.url,
            "agent": request.user_agent.string,
            "address": request.remote_addr,
            "data": request.get_data(as_text=True),
        }


# -- requests --------------------------------------------------------------------------------------


def test_a_request_needs_only_a_path(client):
    assert client.get("/?a=1").json["url"] == "http://localhost/?a=1"


@pytest.mark.parametrize(
    ("config", "options", "url"),
    [
        ({"SERVER_NAME": "shop.test"}, {}, "http://shop.test/"),
        ({"SERVER_NAME": "shop.test"}, {"subdomain": "de"}, "http://de.shop.test/"),
        ({"PREFERRED_URL_SCHEME": "https"}, {}, "https://localhost/"),
        ({}, {"url_scheme": "https"}, "https://localhost/"),
        ({}, {"base_url": "https://other.test:1234"}, "https://other.test:1234/"),
        ({"APPLICATION_ROOT": "/below"}, {}, "http://localhost/below/"),
    ],
)
def test_the_url_is_the_configurations_unless_given(app, config, options, url):
    app.config.update(config)

    assert EnvironBuilder(app, "/", **options).get_request().url == url


@pytest.mark.parametrize("option", [{"subdomain": "de"}, {"url_scheme": "https"}])
def test_a_base_url_goes_with_neither_subdomain_nor_scheme(client, option):
    with pytest.raises(AssertionError, match="Write both into base_url"):
        client.get("/", base_url="http://shop.test", **option)


@pytest.mark.parametrize(
    "make",
    [
        lambda app: WerkzeugBuilder(path="/", method="POST", data="x"),
        lambda app: EnvironBuilder(app, path="/", method="POST", data="x"),
        lambda app: EnvironBuilder(app, path="/", method="POST", data="x").get_environ(),
        lambda app: WerkzeugRequest(EnvironBuilder(app, method="POST", data="x").get_environ()),
    ],
    ids=["Werkzeug's builder", "a builder", "an environ", "a request"],
)
def test_a_request_may_be_given_in_many_ways(app, client, make):
    response = client.open(make(app))

    assert response.json["data"] == "x"
    assert response.json["agent"].startswith("Werkzeug/")


def test_defaults_of_all_requests_are_set_on_the_client(client):
    client.environ_base["REMOTE_ADDR"] = "10.0.0.1"
    client.environ_base["HTTP_USER_AGENT"] = "robot"

    assert client.get("/").json["address"] == "10.0.0.1"
    assert client.get("/").json["agent"] == "robot"
    assert client.get("/", environ_base={"REMOTE_ADDR": "10.0.0.2"}).json["address"] == "10.0.0.2"


def test_json_is_read_and_written_with_the_apps_provider(app, client):
    class Shout(type(app.json)):
        def dumps(self, obj, **kwargs):
            return super().dumps(obj, **kwargs).upper()

    app.json = Shout(app)

    assert client.post("/", json={"a": "b"}).json["DATA"] == '{"A": "B"}'


def test_redirects_are_followed(app, client):
    app.get("/old")(lambda: app.redirect("/"))
    response = client.get("/old", follow_redirects=True)

    assert response.json["url"] == "http://localhost/"
    assert [r.status_code for r in response.history] == [302]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_client_that_adds_headers_to_each_call_follows_redirects(app, code):
    class SignedIn(FlaskClient):
        def open(self, *args, **kwargs):
            headers = {**kwargs.pop("headers", {}), "Authorization": "Bearer ada"}
            return super().open(*args, headers=headers, **kwargs)

    app.test_client_class = SignedIn

    @app.route("/login", methods=["GET", "POST"])
    def login():
        return redirect("/name", code)

    @app.route("/name", methods=["GET", "POST"])
    def name():
        return str(request.authorization)

    client = app.test_client()

    assert client.get("/login", follow_redirects=True).text == "Bearer ada"
    assert client.post("/login", data={"a": "b"}, follow_redirects=True).text == "Bearer ada"


@pytest.mark.parametrize(
    "make",
    [
        lambda app: WerkzeugBuilder(path="/", method="POST", data="x"),
        lambda app: EnvironBuilder(app, "/", method="POST", data="x"),
        lambda app: WerkzeugBuilder(path="/", method="POST", data="x").get_environ(),
        lambda app: WerkzeugRequest(
            WerkzeugBuilder(path="/", method="POST", data="x").get_environ()
        ),
    ],
)
def test_what_is_given_beside_a_complete_request_is_ignored(app, client, make):
    response = client.open(make(app), headers={"User-Agent": "other"}, data="y")

    assert (response.json["agent"], response.json["data"]) == (client.get("/").json["agent"], "x")


def test_the_response_is_the_apps(app):
    class Own(Response):
        pass

    app.response_class = Own

    assert isinstance(app.test_client().get("/"), Own)


def test_the_classes_may_be_custom(app):
    class OwnClient(FlaskClient):
        def __init__(self, *args, greeting=None, **kwargs):
            super().__init__(*args, **kwargs)
            self.greeting = greeting

    class OwnRunner(FlaskCliRunner):
        pass

    app.test_client_class, app.test_cli_runner_class = OwnClient, OwnRunner

    assert app.test_client(greeting="hi").greeting == "hi"
    assert type(app.test_cli_runner()) is OwnRunner


async def test_it_may_be_used_inside_a_running_loop(client):
    assert client.get("/").status_code == 200


# -- preserved contexts ----------------------------------------------------------------------------


@pytest.fixture
def ended(app):
    seen = []
    app.teardown_request(lambda error: seen.append(request.path))
    return seen


def test_inside_of_with_the_context_is_entered_again_until_the_next_request(client, ended):
    """As in Flask, teardown functions run with the request, and when the context is left."""
    with client:
        client.get("/?first")
        assert (request.query_string, len(ended)) == (b"first", 1)
        client.get("/?second")
        assert (request.query_string, len(ended)) == (b"second", 3)

    assert len(ended) == 4
    assert not has_request_context()


def test_outside_of_with_the_context_is_not_kept(client, ended):
    client.get("/")

    assert ended == ["/"]
    assert not has_request_context()


def test_the_test_sees_g_and_the_session_of_the_view(app, client):
    @app.get("/login")
    def login():
        g.user = session["user"] = "Ada"
        return ""

    with client:
        client.get("/login")
        assert (g.user, session["user"]) == ("Ada", "Ada")


def test_after_an_error_the_context_ends_with_the_block(app, client, ended):
    app.get("/broken")(lambda: 1 / 0)

    with client, pytest.raises(ZeroDivisionError, match="division"):
        client.get("/broken")
    assert set(ended) == {"/broken"}
    assert not has_request_context()


def test_a_client_is_not_entered_twice(client):
    with client, pytest.raises(RuntimeError, match="is in a `with` block already"):
        client.__enter__()


def test_two_clients_may_be_nested(app):
    with app.test_client() as outer, app.test_client() as inner:
        outer.get("/?outer")
        inner.get("/?inner")
        assert request.query_string == b"inner"

    assert not has_request_context()


# -- sessions --------------------------------------------------------------------------------------


def test_a_session_is_prepared_and_looked_at(app, client):
    @app.get("/count")
    def count():
        session["count"] = session.get("count", 0) + 1
        return ""

    with client.session_transaction() as prepared:
        prepared["count"] = 41
    client.get("/count")

    with client.session_transaction() as after:
        assert after["count"] == 42


def test_a_session_transaction_leaves_no_context_behind(client):
    with client.session_transaction():
        assert not has_request_context()
    assert not has_request_context()


def test_a_session_transaction_may_be_inside_of_with_client(client):
    with client:
        client.get("/")
        with client.session_transaction() as prepared:
            prepared["x"] = 1
        assert request.path == "/"


def test_a_session_transaction_of_another_host_is_another_session(app, client):
    app.get("/x")(lambda: str(session.get("x")))
    with client.session_transaction(base_url="http://other.test") as prepared:
        prepared["x"] = 1

    assert client.get("/x").text == "None"
    assert client.get("/x", base_url="http://other.test").text == "1"


def test_without_cookies_there_is_no_session_transaction(app):
    client = app.test_client(use_cookies=False)

    with pytest.raises(TypeError, match="Cookies are disabled"), client.session_transaction():
        pass


def test_a_session_transaction_waits_for_an_async_session_interface(app, client):
    class Awaited(type(app.session_interface)):
        async def open_session(self, app, request):
            return super().open_session(app, request)

        async def save_session(self, app, session, response):
            return super().save_session(app, session, response)

    app.session_interface = Awaited()
    app.get("/who")(lambda: session["who"])
    with client.session_transaction() as prepared:
        prepared["who"] = "Ada"

    assert client.get("/who").text == "Ada"


def test_without_a_session_there_is_no_session_transaction(app, client):
    class NoSessions(type(app.session_interface)):
        def open_session(self, app, request):
            return None

    app.session_interface = NoSessions()

    with (
        pytest.raises(RuntimeError, match="Session backend did not open a session"),
        client.session_transaction(),
    ):
        pass


# -- commands --------------------------------------------------------------------------------------


@pytest.fixture
def hello(app):
    @app.cli.command("hello")
    @click.argument("name", default="you")
    def hello(name):
        click.echo(f"Hello {name}")

    return hello


def test_the_runner_runs_the_apps_commands(app, hello):
    runner = app.test_cli_runner()

    assert runner.invoke(args=["hello", "Ada"]).output == "Hello Ada\n"
    assert runner.invoke(hello, ["Ada"]).output == "Hello Ada\n"


def test_the_runner_takes_a_script_info_of_ones_own(app, hello):
    other = Flask("other")
    other.cli.command("name")(lambda: click.echo(current_app.name))
    info = ScriptInfo(create_app=lambda: other)
    result = app.test_cli_runner().invoke(other.cli, ["name"], obj=info)

    assert result.output == "other\n"
