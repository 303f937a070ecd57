"""Setup and configuration of an app. ``conformance/`` tests how requests are served."""

from __future__ import annotations

import flask
import pytest
from werkzeug.exceptions import Aborter, HTTPException

import asyncflask
import asyncflask.flask
from asyncflask import Config, Flask, abort, redirect, render_template_string
from asyncflask.dispatch.overrides import AWAITED
from asyncflask.exceptions import SetupFinished
from asyncflask.json.provider import DefaultJSONProvider
from asyncflask.routing import Map, Rule
from asyncflask.testing import CliRunner, TestClient


@pytest.fixture
def app():
    return Flask(__name__)


async def served(app, path="/"):
    response = await app.test_client().get(path)
    return response.status_code, response.text


# -- the constructor -------------------------------------------------------------------------------


def test_each_parameter_of_the_constructor_is_kept(tmp_path):
    app = Flask(
        "shop",
        static_url_path="/files",
        static_folder="assets",
        template_folder="pages",
        instance_path=str(tmp_path / "own"),
        root_path=str(tmp_path),
    )

    assert app.import_name == app.name == "shop"
    assert app.static_folder == str(tmp_path / "assets")
    assert app.static_url_path == "/files"
    assert app.template_folder == "pages"
    assert app.instance_path == str(tmp_path / "own")
    assert str(next(app.url_map.iter_rules("static"))) == "/files/<path:filename>"


def test_without_a_static_folder_there_is_no_static_route():
    app = Flask(__name__, static_folder=None)

    assert not app.has_static_folder
    assert app.static_url_path is None
    assert list(app.url_map.iter_rules()) == []


def test_a_relative_instance_path_is_refused():
    with pytest.raises(
        ValueError,
        match=r"'here' is a relative path; it must be absolute\. Give os",
    ):
        Flask(__name__, instance_path="here")


@pytest.mark.parametrize("options", [{"static_host": "a.test"}, {"host_matching": True}])
def test_a_static_host_and_host_matching_need_each_other(options):
    with pytest.raises(AssertionError, match=r"Set both, or static_folder=None\."):
        Flask(__name__, **options)


async def test_static_files_are_served_on_the_static_host_alone(tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("a")
    app = Flask("x", root_path=str(tmp_path), static_host="cdn.test", host_matching=True)
    client = app.test_client()

    assert (await client.get("http://cdn.test/static/a.txt")).text == "a"
    assert (await client.get("http://www.test/static/a.txt")).status_code == 404


def test_an_app_in_a_script_is_named_after_its_file(monkeypatch):
    monkeypatch.setattr("__main__.__file__", "/srv/shop.py", raising=False)

    assert Flask("__main__").name == "shop"


def test_an_app_in_an_interactive_session_is_named_main(monkeypatch):
    monkeypatch.delattr("__main__.__file__", raising=False)
    monkeypatch.setattr("__main__.__spec__", None)

    assert Flask("__main__").name == "__main__"


def test_an_app_shows_its_name():
    assert repr(Flask("shop")) == "<Flask 'shop'>"


# -- what a subclass may put in --------------------------------------------------------------------


def test_the_parts_of_an_app_are_of_the_classes_it_names():
    class Own(Flask):
        config_class = type("OwnConfig", (Config,), {})
        aborter_class = type("OwnAborter", (Aborter,), {})
        json_provider_class = type("OwnJSON", (DefaultJSONProvider,), {})
        url_map_class = type("OwnMap", (Map,), {})
        url_rule_class = type("OwnRule", (Rule,), {})
        app_ctx_globals_class = type("OwnG", (Flask.app_ctx_globals_class,), {})
        jinja_environment = type("OwnEnvironment", (Flask.jinja_environment,), {})
        test_client_class = type("OwnClient", (TestClient,), {})
        test_cli_runner_class = type("OwnRunner", (CliRunner,), {})

    app = Own(__name__)

    assert type(app.config) is Own.config_class
    assert type(app.aborter) is Own.aborter_class
    assert type(app.json) is Own.json_provider_class
    assert type(app.url_map) is Own.url_map_class
    assert {type(rule) for rule in app.url_map.iter_rules()} == {Own.url_rule_class}
    assert type(app.app_context().g) is Own.app_ctx_globals_class
    assert type(app.jinja_env) is Own.jinja_environment
    assert type(app.test_client()) is Own.test_client_class
    assert type(app.test_cli_runner()) is Own.test_cli_runner_class


def test_the_classes_of_client_and_runner_can_be_subclassed():
    """As in Quart; in Flask, and so in the facade, they are None."""
    app = Flask(__name__)

    assert app.test_client_class is Flask.test_client_class is TestClient
    assert app.test_cli_runner_class is Flask.test_cli_runner_class is CliRunner
    assert type(app.test_client_class(app)) is type(app.test_client()) is TestClient
    assert asyncflask.flask.Flask.test_client_class is None
    assert asyncflask.flask.Flask.test_cli_runner_class is None


@pytest.mark.parametrize("assigned", [None, TestClient])
def test_the_class_of_the_client_may_be_assigned(assigned):
    app = Flask(__name__)
    app.test_client_class = assigned

    assert type(app.test_client()) is TestClient


def test_default_config_may_be_replaced():
    class Own(Flask):
        default_config = {**Flask.default_config, "MAX_CONTENT_LENGTH": 10, "SHOP": "open"}

    app = Own(__name__)

    assert app.config["MAX_CONTENT_LENGTH"] == 10
    assert app.config["SHOP"] == "open"
    assert "SHOP" not in Flask.default_config


def test_make_config_may_be_overridden(tmp_path):
    class Own(Flask):
        def make_config(self, instance_relative=False):
            config = super().make_config(instance_relative)
            config["INSTANCE_RELATIVE"] = instance_relative
            return config

    assert Own(__name__, instance_relative_config=True).config["INSTANCE_RELATIVE"] is True


async def test_make_aborter_may_add_codes():
    class OutOfTea(HTTPException):
        code = 499
        description = "No tea left."

    class Own(Flask):
        def make_aborter(self):
            return Aborter(extra={499: OutOfTea})

    app = Own(__name__)
    app.get("/")(lambda: abort(499))
    status, text = await served(app)

    assert status == 499
    assert "No tea left." in text


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_redirect_calls_the_apps_method(keyword):
    class Own(Flask):
        def redirect(self, location, code=302):
            return super().redirect(f"/v2{location}", 307 if code == 302 else code)

    async def view():
        return redirect("/there")

    app = Own(__name__)
    app.get("/")(view if keyword == "async" else lambda: redirect("/there"))
    response = await app.test_client().get("/")

    assert response.status_code == 307
    assert response.location == "/v2/there"


async def test_another_json_provider_serves_responses_requests_and_templates():
    class Upper(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return super().dumps(obj, **kwargs).upper()

    app = Flask(__name__)
    app.json = Upper(app)
    app.get("/")(lambda: {"a": "x"})
    app.get("/template", endpoint="t")(lambda: render_template_string("{{ ['x'] | tojson }}"))

    assert (await served(app))[1].strip() == '{"A":"X"}'
    assert (await served(app, "/template"))[1] == '["X"]'


# -- setup is locked -------------------------------------------------------------------------------


def setup_methods(cls):
    wrapped = [name for name in dir(cls) if hasattr(getattr(cls, name, None), "__wrapped__")]
    return [name for name in wrapped if name not in AWAITED]


def test_flasks_setup_methods_are_setup_methods_here():
    assert set(setup_methods(flask.Flask)) <= set(setup_methods(Flask))


@pytest.mark.parametrize("name", setup_methods(Flask))
def test_a_setup_method_refuses_after_the_first_request(name):
    """The error says which method, on which app, and what to do."""
    app = Flask("shop")
    app._got_first_request = True

    with pytest.raises(
        SetupFinished,
        match=rf"^The setup method '{name}' was called on <Flask 'shop'> after .* request; .* Do"
        r" all setup \(routes, hooks, blueprints and the imports that make them\) before the app",
    ):
        getattr(app, name)()


# -- blueprints and options ------------------------------------------------------------------------


async def test_default_options_response_may_be_overridden():
    class Own(Flask):
        def make_default_options_response(self):
            response = super().make_default_options_response()
            response.headers["X-Own"] = "1"
            return response

    app = Own(__name__)
    app.get("/")(lambda: "")
    response = await app.test_client().options("/")

    assert response.headers["X-Own"] == "1"
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}


def test_blueprints_are_listed_in_their_order(app):
    for name in ("b", "a"):
        app.register_blueprint(asyncflask.Blueprint(name, __name__))

    assert [blueprint.name for blueprint in app.iter_blueprints()] == ["b", "a"]


# -- the shell -------------------------------------------------------------------------------------


def test_the_shell_has_app_and_g_and_the_processors_names(app):
    assert app.shell_context_processor(extra := lambda: {"x": 1, "app": "mine"}) is extra
    names = app.make_shell_context()

    assert names["x"] == 1
    assert names["app"] == "mine"
    assert "g" in names


# -- errors ----------------------------------------------------------------------------------------


async def test_trap_http_exception_may_be_overridden():
    class Own(Flask):
        def trap_http_exception(self, e):
            return e.code == 404

    app = Own(__name__)
    app.testing = True

    with pytest.raises(HTTPException, match="404"):
        await served(app, "/nowhere")
