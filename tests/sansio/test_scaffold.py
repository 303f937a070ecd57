"""What apps and blueprints have in common; each test runs on both, unless only one is meant."""

from __future__ import annotations

import datetime
import io
import os

import flask
import pytest
from werkzeug.exceptions import HTTPException, NotFound

from asyncflask import Blueprint, Flask, websocket
from asyncflask.concurrency.inspection import is_async
from asyncflask.sansio.scaffold import Scaffold


@pytest.fixture(params=["app", "blueprint"])
def scaffold(request, tmp_path):
    return make(request.param, root_path=str(tmp_path))


def make(kind, **options):
    if kind == "app":
        return Flask("shop", **{"static_folder": None, "template_folder": None, **options})
    return Blueprint("shop", "shop", **options)


def rules_of(scaffold):
    """The rules that were registered, on an app of their own for a blueprint."""
    app = scaffold
    if isinstance(scaffold, Blueprint):
        app = make("app")
        app.register_blueprint(scaffold)
    return {rule.endpoint.removeprefix("shop."): rule for rule in app.url_map.iter_rules()}


# -- folders and files -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["app", "blueprint"])
@pytest.mark.parametrize(
    ("folder", "url", "expected"),
    [
        (None, None, None),
        ("static", None, "/static"),
        ("assets/deep/", None, "/deep"),
        ("static", "/files/", "/files"),
        ("static", "", ""),
    ],
)
def test_the_static_url_follows_the_folder_unless_given(kind, folder, url, expected):
    scaffold = make(kind, static_folder=folder, static_url_path=url)

    assert scaffold.static_url_path == expected


def test_folders_may_be_paths(tmp_path, scaffold):
    scaffold.static_folder = tmp_path / "elsewhere"

    assert scaffold.static_folder == str(tmp_path / "elsewhere")
    assert scaffold.has_static_folder


def test_without_a_folder_there_is_no_static_file(scaffold):
    with pytest.raises(
        RuntimeError, match=r"'shop'> has no static folder to send 'a\.txt' from\. "
    ):
        scaffold.send_static_file("a.txt")


def test_a_static_file_is_sent(tmp_path, scaffold):
    (tmp_path / "a.txt").write_text("a")
    scaffold.static_folder = "."

    with Flask("app").test_request_context(), scaffold.send_static_file("a.txt") as response:
        assert response.mimetype == "text/plain"
        with pytest.raises(NotFound, match="404"):
            scaffold.send_static_file("../a.txt")


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), (60, 60), (datetime.timedelta(hours=1), 3600)]
)
def test_the_age_of_files_is_configured(scaffold, value, seconds):
    app = Flask("app")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = value

    with app.app_context():
        assert scaffold.get_send_file_max_age("a.txt") == seconds


def test_the_age_of_files_may_depend_on_their_name(tmp_path):
    class Own(Flask):
        def get_send_file_max_age(self, filename):
            return 7 if filename.endswith(".css") else None

    for name in ("a.css", "a.txt"):
        (tmp_path / name).write_text("")
    app = Own("app", root_path=str(tmp_path), static_folder=".")

    with app.test_request_context():
        assert app.send_static_file("a.css").cache_control.max_age == 7
        assert app.send_static_file("a.txt").cache_control.max_age is None


def test_templates_are_looked_for_in_the_own_folder(tmp_path, scaffold):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("")
    scaffold.template_folder = "pages"

    assert scaffold.jinja_loader.list_templates() == ["a.html"]


def test_without_a_template_folder_there_is_no_loader(scaffold):
    assert scaffold.jinja_loader is None


@pytest.mark.parametrize(("mode", "content"), [("rb", b"\xc3\xbc"), ("r", "ü"), ("rt", "ü")])
def test_a_resource_is_read(tmp_path, scaffold, mode, content):
    (tmp_path / "a.txt").write_bytes(b"\xc3\xbc")

    with scaffold.open_resource("a.txt", mode, encoding="utf-8") as file:
        assert file.read() == content


def test_a_blueprints_resource_is_utf_8_by_default_as_in_flask(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xc3\xbc")

    with make("blueprint", root_path=str(tmp_path)).open_resource("a.txt", "r") as file:
        assert isinstance(file, io.TextIOWrapper)
        assert file.encoding.lower() == "utf-8"


def test_a_resource_is_not_written(scaffold):
    with pytest.raises(ValueError, match=r"open_resource\('a'\) was called with mode='w'.*only\."):
        scaffold.open_resource("a", "w")


def test_the_root_path_is_found_from_the_import_name():
    assert Flask(__name__).root_path == os.path.dirname(__file__)
    assert Blueprint("b", __name__).root_path == os.path.dirname(__file__)


# -- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_verbs_decorator_registers_this_method(scaffold, method):
    @getattr(scaffold, method)("/x", endpoint="named", defaults={"a": 1})
    def view():
        return ""

    rule = rules_of(scaffold)["named"]
    assert rule.methods - {"HEAD", "OPTIONS"} == {method.upper()}
    assert rule.defaults == {"a": 1}
    assert callable(view)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_verbs_decorator_takes_no_methods(scaffold, method):
    with pytest.raises(TypeError, match=rf"`methods=\['GET'\]` was given to @{method}\('/x'\)"):
        getattr(scaffold, method)("/x", methods=["GET"])


def test_route_passes_its_options_on(scaffold):
    @scaffold.route("/x/", methods=["GET", "post"], strict_slashes=False)
    def view():
        return ""

    rule = rules_of(scaffold)["view"]
    assert rule.methods == {"GET", "HEAD", "POST", "OPTIONS"}
    assert rule.strict_slashes is False


@pytest.mark.parametrize("way", ["decorator", "function"])
def test_a_websocket_rule_has_no_methods(scaffold, way):
    async def chat():
        pass

    if way == "decorator":
        scaffold.websocket("/chat")(chat)
    else:
        scaffold.add_websocket("/chat", view_func=chat)

    rule = rules_of(scaffold)["chat"]
    assert rule.websocket
    assert rule.methods is None


async def test_one_path_may_be_a_page_and_a_websocket():
    app = make("app")
    app.get("/live", endpoint="page")(lambda: "page")

    @app.websocket("/live")
    async def live():
        await websocket.send(websocket.path)

    client = app.test_client()
    async with client.websocket("/live") as connection:
        assert await connection.receive() == "/live"
    assert (await client.get("/live")).text == "page"


async def test_an_endpoints_view_may_come_before_or_after_its_rule():
    app = make("app")
    app.endpoint("early")(lambda: "early")
    app.add_url_rule("/early", endpoint="early")
    app.add_url_rule("/late", endpoint="late")
    app.endpoint("late")(lambda: "late")
    client = app.test_client()

    assert (await client.get("/early")).text == "early"
    assert (await client.get("/late")).text == "late"


def test_add_url_rule_is_for_apps_and_blueprints():
    class Other(Scaffold):
        def _check_setup_finished(self, f_name):
            pass

    with pytest.raises(NotImplementedError, match="register rules in their own way"):
        Other("other").get("/")(lambda: "")


def test_the_end_of_setup_is_known_by_apps_and_blueprints():
    with pytest.raises(NotImplementedError, match="when their setup is over"):
        Scaffold("other").before_request(lambda: None)


# -- hooks -----------------------------------------------------------------------------------------

#: decorator → registry
HOOKS = {
    "before_request": "before_request_funcs",
    "after_request": "after_request_funcs",
    "teardown_request": "teardown_request_funcs",
    "before_websocket": "before_websocket_funcs",
    "after_websocket": "after_websocket_funcs",
    "teardown_websocket": "teardown_websocket_funcs",
    "context_processor": "template_context_processors",
    "url_value_preprocessor": "url_value_preprocessors",
    "url_defaults": "url_default_functions",
}


@pytest.mark.parametrize(("decorator", "registry"), HOOKS.items())
def test_a_hook_is_returned_and_is_in_flasks_registry(scaffold, decorator, registry):
    def hook(*args):
        return args

    assert getattr(scaffold, decorator)(hook) is hook
    assert getattr(scaffold, registry)[None][-1] is hook


# -- error handlers --------------------------------------------------------------------------------


class Custom(HTTPException):
    code = 499


@pytest.mark.parametrize(
    ("key", "code", "cls"),
    [
        (404, 404, NotFound),
        (NotFound, 404, NotFound),
        (Custom, 499, Custom),
        (HTTPException, None, HTTPException),
        (KeyError, None, KeyError),
    ],
)
@pytest.mark.parametrize("way", ["decorator", "function"])
def test_a_handler_is_kept_by_code_and_class(scaffold, key, code, cls, way):
    def handler(error):
        return ""

    if way == "decorator":
        assert scaffold.errorhandler(key)(handler) is handler
    else:
        scaffold.register_error_handler(key, handler)

    assert scaffold.error_handler_spec[None][code][cls] is handler


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (999, r"^999 is not the code of an HTTP error that can be handled\. Use a code of 4xx or"),
        (200, r"^200 is not the code"),
        (
            KeyError("k"),
            r"^KeyError\('k'\) is an instance, not a class\. Register its class, Key",
        ),
        (NotFound(), r"^<NotFound '404: Not Found'> is an instance, not a class\."),
        (str, r"^'str' is not a subclass of Exception\. Register an exception class or a status"),
        (BaseException, r"^'BaseException' is not a subclass of Exception\."),
    ],
)
def test_an_invalid_argument_of_errorhandler_raises_flasks_exception(scaffold, key, message):
    with pytest.raises((TypeError, ValueError), match=message) as ours:
        scaffold.register_error_handler(key, lambda error: "")
    with pytest.raises((TypeError, ValueError), match=r"\.$") as theirs:
        flask.Flask("shop").register_error_handler(key, lambda error: "")

    assert ours.type is theirs.type


@pytest.mark.parametrize("key", ["404", None, object()])
def test_an_argument_of_errorhandler_that_is_no_class_is_refused_too(scaffold, key):
    """Flask ends with Python's own error about issubclass there."""
    with pytest.raises(
        ValueError,
        match=r"is not a subclass of Exception\. Register an exception",
    ):
        scaffold.register_error_handler(key, lambda error: "")


def test_the_static_views_need_no_worker():
    """Finding a file is quick; it is read by the response, off the loop."""
    app = make("app", static_folder="static")
    app.register_blueprint(make("blueprint", static_folder="static"))

    assert app.view_functions.keys() == {"static", "shop.static"}
    assert all(is_async(view) for view in app.view_functions.values())
