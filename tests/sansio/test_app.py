"""Setup and configuration of an app. ``conformance/`` tests how requests are served."""

from __future__ import annotations

import datetime
import logging

import flask
import jinja2
import pytest
from werkzeug.exceptions import Aborter, HTTPException
from werkzeug.routing import BuildError

import asyncflask
import asyncflask.flask
from asyncflask import Config, Flask, abort, redirect, render_template_string, url_for
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


@pytest.mark.parametrize("colour", ["def", "async"])
async def test_redirect_calls_the_apps_method(colour):
    class Own(Flask):
        def redirect(self, location, code=302):
            return super().redirect(f"/v2{location}", 307 if code == 302 else code)

    async def view():
        return redirect("/there")

    app = Own(__name__)
    app.get("/")(view if colour == "async" else lambda: redirect("/there"))
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


# -- configuration ---------------------------------------------------------------------------------


def test_attributes_read_and_set_the_configuration(app):
    app.testing = True
    app.secret_key = "k"
    app.config["PERMANENT_SESSION_LIFETIME"] = 60

    assert app.config["TESTING"] is True
    assert app.config["SECRET_KEY"] == "k"
    assert app.permanent_session_lifetime == datetime.timedelta(seconds=60)


def test_a_lifetime_may_be_a_timedelta(app):
    app.permanent_session_lifetime = datetime.timedelta(days=1)

    assert app.config["PERMANENT_SESSION_LIFETIME"] == app.permanent_session_lifetime


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False)])
def test_debug_mode_comes_from_the_environment(monkeypatch, value, debug):
    monkeypatch.setenv("FLASK_DEBUG", value)

    assert Flask(__name__).debug is debug


@pytest.mark.parametrize(("setting", "reload"), [(None, True), (False, False)])
def test_debug_mode_reloads_templates_unless_told_otherwise(app, setting, reload):
    app.config["TEMPLATES_AUTO_RELOAD"] = setting
    assert app.jinja_env.auto_reload is False
    app.debug = True

    assert app.jinja_env.auto_reload is reload


def test_a_config_file_beside_the_instance_is_found(tmp_path):
    (tmp_path / "own.cfg").write_text("SECRET_KEY = 'instance'")
    app = Flask(__name__, instance_path=str(tmp_path), instance_relative_config=True)
    app.config.from_pyfile("own.cfg")

    assert app.secret_key == "instance"


def test_the_instance_folder_is_that_of_flask(tmp_path):
    options = {"import_name": __name__, "root_path": str(tmp_path)}

    assert Flask(**options).instance_path == flask.Flask(**options).instance_path


def test_instance_resources_are_written_and_read(tmp_path):
    app = Flask(__name__, instance_path=str(tmp_path))
    with app.open_instance_resource("note.txt", "w") as file:
        file.write("Grüße")
    with app.open_instance_resource("note.txt") as file:
        assert file.read() == "Grüße".encode()


def test_the_logger_is_named_like_the_app():
    assert Flask("shop.web").logger is logging.getLogger("shop.web")


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


# -- templates -------------------------------------------------------------------------------------


KINDS = {
    "template_filter": "{{ 'x' | %s }}",
    "template_test": "{{ 'x' is %s }}",
    "template_global": "{{ %s('x') }}",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("form", "name"),
    [
        (lambda decorator: decorator, "shout"),
        (lambda decorator: decorator(), "shout"),
        (lambda decorator: decorator("other"), "other"),
        (lambda decorator: decorator(name="other"), "other"),
    ],
    ids=["bare", "empty", "positional", "named"],
)
def test_template_decorators_with_and_without_parentheses(app, kind, form, name):
    def shout(value):
        return value + "!"

    decorated = form(getattr(app, kind))(shout)
    with app.app_context():
        text = render_template_string(KINDS[kind] % name)

    assert decorated is shout
    assert text == "x!"


@pytest.mark.parametrize("kind", ["filter", "test", "global"])
@pytest.mark.parametrize(("name", "found"), [(None, "shout"), ("other", "other")])
def test_template_functions_may_be_added_without_decorators(app, kind, name, found):
    def shout(value):
        return value

    getattr(app, f"add_template_{kind}")(shout, name)

    assert getattr(app.jinja_env, f"{kind}s")[found] is shout


def test_jinja_options_go_into_the_environment():
    class Own(Flask):
        jinja_options = {"trim_blocks": True, "auto_reload": True, "autoescape": False}

    env = Own(__name__).jinja_env

    assert env.trim_blocks
    assert env.auto_reload
    assert env.autoescape is False
    assert Flask.jinja_options == {}


def test_the_steps_that_make_the_environment_may_be_overridden():
    class Own(Flask):
        def create_global_jinja_loader(self):
            return jinja2.DictLoader({"a.txt": "{{ '<' }}", "a.html": "{{ '<' }}"})

        def select_jinja_autoescape(self, filename):
            return filename == "a.txt"

    env = Own(__name__).jinja_env

    assert env.get_template("a.txt").render() == "&lt;"
    assert env.get_template("a.html").render() == "<"


def test_templates_see_flasks_globals(app):
    app.config["SERVER_NAME"] = "shop.test"
    app.get("/cart", endpoint="cart")(lambda: "")
    with app.test_request_context("/?a=1"):
        text = render_template_string(
            "{{ url_for('cart') }} {{ config.SERVER_NAME }} {{ request.args.a }}"
            " {{ session.get('k') }} {{ g.get('x') }} {{ get_flashed_messages() }}"
        )

    assert text == "/cart shop.test 1 None None []"


# -- rules -----------------------------------------------------------------------------------------


def test_a_rule_without_a_name_is_refused(app):
    with pytest.raises(AssertionError, match=r"neither `endpoint` nor `view_func`\. Give one"):
        app.add_url_rule("/")


def test_two_views_of_one_endpoint_are_refused(app):
    app.add_url_rule("/", "home", lambda: "")
    with pytest.raises(AssertionError, match=r"'/b': endpoint 'home' has another view .* Rename"):
        app.add_url_rule("/b", "home", lambda: "")


def test_one_view_may_have_several_rules(app):
    def home():
        return ""

    app.add_url_rule("/a", view_func=home)
    app.add_url_rule("/b", view_func=home)

    assert [str(rule) for rule in app.url_map.iter_rules("home")] == ["/a", "/b"]


def test_methods_that_are_one_string_are_refused(app):
    with pytest.raises(TypeError, match=r"methods='POST' is one string\. Write a list: .*\['POST'"):
        app.route("/", methods="POST")(lambda: "")


def test_a_view_may_say_its_methods(app):
    def view():
        return ""

    view.methods = ["post"]
    view.required_methods = ["PUT"]
    view.provide_automatic_options = False
    app.add_url_rule("/", view_func=view)

    assert next(app.url_map.iter_rules("view")).methods == {"POST", "PUT"}


@pytest.mark.parametrize(
    ("argument", "methods"), [(True, {"OPTIONS"}), (False, set()), (None, set())]
)
def test_automatic_options_may_be_turned_off_for_an_app_and_on_for_a_rule(app, argument, methods):
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/", "view", lambda: "", provide_automatic_options=argument)

    assert next(app.url_map.iter_rules("view")).methods == {"GET", "HEAD"} | methods


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


# -- URLs ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(app):
    app.config["SERVER_NAME"] = "shop.test"
    app.add_url_rule("/item/<int:n>", "item", lambda n: "")
    app.add_url_rule("/item/<int:n>", "item", methods=["PUT"])
    app.add_websocket("/live", "live", lambda: None)
    return app


@pytest.mark.parametrize(
    ("values", "inside", "outside"),
    [
        ({}, "/item/1", "http://shop.test/item/1"),
        ({"_external": True}, "http://shop.test/item/1", "http://shop.test/item/1"),
        ({"_external": False}, "/item/1", "/item/1"),
        ({"_scheme": "https"}, "https://shop.test/item/1", "https://shop.test/item/1"),
        ({"_anchor": "a b/ü"}, "/item/1#a%20b/%C3%BC", "http://shop.test/item/1#a%20b/%C3%BC"),
        ({"_method": "PUT"}, "/item/1", "http://shop.test/item/1"),
        ({"q": ["a&b", 2]}, "/item/1?q=a%26b&q=2", "http://shop.test/item/1?q=a%26b&q=2"),
        ({"q": None}, "/item/1", "http://shop.test/item/1"),
    ],
)
def test_url_for_inside_and_outside_of_a_request(shop, values, inside, outside):
    with shop.test_request_context("/"):
        assert url_for("item", n=1, **values) == inside
    with shop.app_context():
        assert url_for("item", n=1, **values) == outside
    assert shop.url_for("item", n=1, **values) == outside


def test_url_for_a_websocket_has_its_scheme(shop):
    assert shop.url_for("live") == "ws://shop.test/live"
    assert shop.url_for("live", _scheme="https") == "wss://shop.test/live"


def test_the_last_build_error_is_raised_where_no_handler_helps(shop):
    class Own(BuildError):
        pass

    def handler(error, endpoint, values):
        raise Own(endpoint, values, None)

    shop.url_build_error_handlers.append(handler)

    with pytest.raises(Own, match="nowhere"):
        shop.url_for("nowhere")


def test_url_steps_may_be_overridden():
    class Own(Flask):
        def inject_url_defaults(self, endpoint, values):
            values.setdefault("n", 7)
            super().inject_url_defaults(endpoint, values)

        def handle_url_build_error(self, error, endpoint, values):
            return f"/missing/{endpoint}"

    app = Own(__name__)
    app.config["SERVER_NAME"] = "x.test"
    app.add_url_rule("/<int:n>", "item", lambda n: "")

    assert app.url_for("item", _external=False) == "/7"
    assert app.url_for("nowhere") == "/missing/nowhere"


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
