"""Blueprints: what is recorded, when it is registered on the app, and for which requests."""

from __future__ import annotations

import threading

import click
import flask
import pytest

import asyncflask
from asyncflask import (
    Blueprint,
    Flask,
    g,
    render_template,
    render_template_string,
    request,
    url_for,
    websocket,
)
from asyncflask.exceptions import SetupFinished
from asyncflask.sansio.blueprints import BlueprintSetupState


@pytest.fixture
def app(tmp_path):
    return Flask("shop", root_path=str(tmp_path))


@pytest.fixture
def bp():
    return Blueprint("bp", __name__, url_prefix="/bp")


async def text_of(app, path):
    return (await app.test_client().get(path)).text


# -- construction and registration -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"^Blueprint\('', 'x'\): its name is empty\. Give it one, such as 'blog'; its"),
        ("a.b", r"^Blueprint\('a\.b', 'x'\): its name has a dot, .* Write '_' instead\.$"),
    ],
)
def test_a_name_that_cannot_be_an_endpoints_prefix_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        Blueprint(name, "x")


@pytest.mark.parametrize("what", ["endpoint", "view function's name"])
def test_an_endpoint_with_a_dot_is_refused(bp, what):
    def view():
        return ""

    view.__name__ = "view" if what == "endpoint" else "my.view"
    endpoint = "my.view" if what == "endpoint" else None

    with pytest.raises(
        ValueError, match=rf"^The {what} 'my\.view' of rule '/x' has a dot.* out\.$"
    ):
        bp.add_url_rule("/x", endpoint, view)


def test_a_rule_without_a_name_is_refused_at_registration(app, bp):
    bp.add_url_rule("/x")

    with pytest.raises(AssertionError, match="neither `endpoint` nor `view_func`"):
        app.register_blueprint(bp)


@pytest.mark.parametrize("other", [False, True])
def test_a_name_is_registered_once(app, bp, other):
    app.register_blueprint(bp)
    second = Blueprint("bp", "y") if other else bp
    whose = "for another one, <Blueprint 'bp'>" if other else "for this same blueprint"

    with pytest.raises(
        ValueError, match=rf"^The name 'bp' is registered on .*, {whose}\. Give `name"
    ):
        app.register_blueprint(second)


def test_a_blueprint_is_not_registered_on_itself(bp):
    with pytest.raises(
        ValueError, match=r"<Blueprint 'bp'> was registered on itself\. Register it"
    ):
        bp.register_blueprint(bp)


def setup_methods(cls):
    return [name for name in dir(cls) if hasattr(getattr(cls, name, None), "__wrapped__")]


def test_flasks_setup_methods_are_setup_methods_here():
    assert set(setup_methods(flask.Blueprint)) <= set(setup_methods(Blueprint))


@pytest.mark.parametrize("name", setup_methods(Blueprint))
def test_a_setup_method_refuses_after_registration(app, name):
    bp = Blueprint("bp", __name__)
    app.register_blueprint(bp)

    with pytest.raises(
        SetupFinished,
        match=rf"^`{name}` was called on <Blueprint 'bp'>, which is registered on an app already; "
        r".* before app\.register_blueprint\(\)\.$",
    ):
        getattr(bp, name)()


async def test_an_app_takes_no_blueprint_after_the_first_request(app, bp):
    await app.test_client().get("/")

    with pytest.raises(SetupFinished, match="'register_blueprint' was called"):
        app.register_blueprint(bp)


def test_one_blueprint_may_serve_two_apps(bp):
    bp.get("/", endpoint="home")(lambda: "")
    apps = [Flask("a"), Flask("b")]
    for app in apps:
        app.register_blueprint(bp)

    assert [app.view_functions.keys() - {"static"} for app in apps] == [{"bp.home"}] * 2


# -- record ----------------------------------------------------------------------------------------


def test_recorded_functions_get_the_state_each_time_or_once(app, bp):
    every, once = [], []
    bp.record(every.append)
    bp.record_once(once.append)
    app.register_blueprint(bp, url_defaults={"a": 1})
    app.register_blueprint(bp, name="again", url_prefix="/again", subdomain="s", own="option")

    assert [state.first_registration for state in every] == [True, False]
    assert once == every[:1]
    first, second = every
    assert (first.app, first.blueprint, first.name, first.url_prefix) == (app, bp, "bp", "/bp")
    assert first.url_defaults == {"a": 1}
    assert (second.name, second.url_prefix, second.subdomain) == ("again", "/again", "s")
    assert second.options["own"] == "option"


def test_once_means_once_per_app(bp):
    once = []
    bp.record_once(lambda state: once.append(state.app.name))
    for name in "ab":
        Flask(name).register_blueprint(bp)

    assert once == ["a", "b"]


def test_the_state_may_be_of_a_custom_class(app):
    class State(BlueprintSetupState):
        def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
            super().add_url_rule(f"/v1{rule}", endpoint, view_func, **options)

    class Versioned(Blueprint):
        def make_setup_state(self, app, options, first_registration=False):
            return State(self, app, options, first_registration)

    bp = Versioned("bp", __name__)
    bp.get("/x", endpoint="x")(lambda: "")
    app.register_blueprint(bp)

    assert [str(rule) for rule in app.url_map.iter_rules("bp.x")] == ["/v1/x"]


def test_an_endpoints_view_may_be_given_apart(app, bp):
    bp.add_url_rule("/x", "x")
    bp.endpoint("bp.x")(view := lambda: "")
    app.register_blueprint(bp)

    assert app.view_functions["bp.x"] is view


# -- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "rule", "path"),
    [
        (None, "/x", "/x"),
        ("/p", "/x", "/p/x"),
        ("/p/", "/x", "/p/x"),
        ("/p", "x", "/p/x"),
        ("/p", "/", "/p/"),
        ("/p", "", "/p"),
        ("", "/x", "/x"),
        ("/", "/x", "/x"),
        ("/<lang>", "/x", "/<lang>/x"),
    ],
)
@pytest.mark.parametrize("given", ["blueprint", "registration"])
def test_prefix_and_rule_are_joined_by_one_slash(prefix, rule, path, given):
    def paths(lib):
        app = lib.Flask("x", static_folder=None)
        bp = lib.Blueprint("bp", "x", url_prefix=prefix if given == "blueprint" else "/not/this")
        bp.add_url_rule(rule, "v", lambda **kwargs: "")
        app.register_blueprint(bp, **({} if given == "blueprint" else {"url_prefix": prefix}))
        return [str(rule) for rule in app.url_map.iter_rules()]

    expected = path if given == "blueprint" or prefix is not None else "/not/this/x"
    assert paths(asyncflask) == paths(flask) == [expected]


async def test_one_blueprint_under_several_names(app, bp):
    bp.get("/", endpoint="v")(lambda: f"{request.endpoint} {request.blueprint} {url_for('.v')}")
    bp.before_request(lambda: g.setdefault("names", []).append(request.blueprint))
    app.register_blueprint(bp)
    app.register_blueprint(bp, name="two", url_prefix="/two")
    app.register_blueprint(bp, name="three", url_prefix="/three/deep")

    assert await text_of(app, "/bp/") == "bp.v bp /bp/"
    assert await text_of(app, "/two/") == "two.v two /two/"
    assert await text_of(app, "/three/deep/") == "three.v three /three/deep/"
    assert app.blueprints == {"bp": bp, "two": bp, "three": bp}


async def test_one_blueprint_nested_in_two(app, bp):
    bp.get("/", endpoint="v")(lambda: f"{request.endpoint} {' '.join(request.blueprints)}")
    bp.errorhandler(404)(lambda error: (f"404 in {request.blueprint}", 404))
    bp.get("/none", endpoint="none")(lambda: flask.abort(404))
    for name in ("a", "b"):
        outer = Blueprint(name, __name__, url_prefix=f"/{name}")
        outer.register_blueprint(bp)
        app.register_blueprint(outer)

    assert await text_of(app, "/a/bp/") == "a.bp.v a.bp a"
    assert await text_of(app, "/b/bp/") == "b.bp.v b.bp b"
    assert await text_of(app, "/b/bp/none") == "404 in b.bp"


async def test_defaults_come_from_blueprint_registration_and_rule(app):
    bp = Blueprint("bp", __name__, url_defaults={"a": "blueprint", "b": "blueprint"})

    @bp.get("/", defaults={"c": "rule"})
    def view(a, b, c):
        return f"{a} {b} {c}"

    app.register_blueprint(bp, url_defaults={"b": "registration", "c": "registration"})

    assert await text_of(app, "/") == "blueprint registration rule"


@pytest.mark.parametrize(
    ("outer", "inner", "host"),
    [
        (None, "in", "in.x.test"),
        ("out", None, "out.x.test"),
        ("out", "in", "in.out.x.test"),
    ],
)
@pytest.mark.parametrize("given", ["blueprint", "registration"])
async def test_subdomains_are_nested_too(outer, inner, host, given):
    app = Flask("x", subdomain_matching=True)
    app.config["SERVER_NAME"] = "x.test"
    at_once = given == "blueprint"
    parent = Blueprint("out", __name__, subdomain=outer if at_once else None)
    child = Blueprint("in", __name__, subdomain=inner if at_once else None)
    child.get("/", endpoint="v")(lambda: url_for(".v", _external=True))
    parent.register_blueprint(child, **({} if at_once else {"subdomain": inner}))
    app.register_blueprint(parent, **({} if at_once else {"subdomain": outer}))

    assert await text_of(app, f"http://{host}/") == f"http://{host}/"
    assert (await app.test_client().get("http://x.test/")).status_code == 404


async def test_websocket_rules_have_prefix_and_endpoint(app, bp):
    @bp.websocket("/ws/<name>")
    async def ws(name):
        await websocket.send(f"{websocket.endpoint} {websocket.blueprint} {name}")

    app.register_blueprint(bp)

    async with app.test_client().websocket("/bp/ws/x") as connection:
        assert await connection.receive() == "bp.ws bp x"


# -- hooks -----------------------------------------------------------------------------------------


def logging(log, name, keyword):
    """Make a sync or async hook of any kind that notes its name."""

    def hook(*args):
        log.append(name)
        return args[0] if "after" in name else None

    async def async_hook(*args):
        return hook(*args)

    return async_hook if keyword == "async" else hook


def register(on, kind, log, name, keyword="def"):
    getattr(on, kind)(logging(log, f"{name} {kind}", keyword))


@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("connection", ["request", "websocket"])
async def test_hooks_run_for_the_blueprint_and_app_hooks_for_all(app, connection, keyword):
    """From the outside in before the view, from the inside out after it."""
    log = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/in")
    for kind in ("before", "after", "teardown"):
        for on, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
            register(on, f"{kind}_{connection}", log, name, keyword)
        register(inner, f"{kind}_app_{connection}", log, "wide", keyword)
    if connection == "request":
        inner.get("/", endpoint="v")(logging(log, "view", keyword))
        app.get("/", endpoint="v")(logging(log, "view", keyword))
    else:
        inner.websocket("/", endpoint="v")(logging(log, "view", keyword))
        app.websocket("/", endpoint="v")(logging(log, "view", keyword))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    expected = """
        app before, wide before_app, outer before, inner before, view,
        inner after, outer after, wide after_app, app after,
        inner teardown, outer teardown, wide teardown_app, app teardown
        """
    await connect(app, connection, "/in/")
    assert named(log, connection) == words(expected)
    log.clear()
    await connect(app, connection, "/")
    assert named(log, connection) == [w for w in words(expected) if w[:3] in ("app", "wid", "vie")]


async def connect(app, connection, path):
    if connection == "request":
        await app.test_client().get(path)
        return
    opened = app.test_client().websocket(path)
    with pytest.raises(Exception, match="refused"):
        async with opened:
            pass


def words(text):
    return [part.strip() for part in text.split(",")]


def named(log, connection):
    return [name.replace(f"_{connection}", "") for name in log]


@pytest.mark.parametrize("times", [1, 2])
async def test_app_wide_registrations_count_once(app, bp, times):
    """Registered twice under two names, a blueprint's ``app_*`` hook runs once all the same."""
    log = []
    bp.before_app_request(logging(log, "before", "def"))
    bp.app_context_processor(lambda: log.append("context") or {})
    bp.app_url_defaults(lambda endpoint, values: log.append("defaults"))
    bp.app_url_value_preprocessor(lambda endpoint, values: log.append("values"))
    app.get("/", endpoint="v")(lambda: render_template_string("{{ url_for('v') }}"))
    for number in range(times):
        app.register_blueprint(bp, name=f"bp{number}")
    await app.test_client().get("/")

    assert sorted(log) == ["before", "context", "defaults", "values"]


async def test_context_processors_and_url_functions_of_a_blueprint_are_its_own(app):
    bp = Blueprint("bp", __name__, url_prefix="/<lang>")
    bp.context_processor(lambda: {"who": "blueprint"})
    bp.url_value_preprocessor(lambda endpoint, values: setattr(g, "lang", values.pop("lang")))
    bp.url_defaults(lambda endpoint, values: values.setdefault("lang", g.lang))
    bp.get("/", endpoint="v")(lambda: render_template_string("{{ who }} {{ url_for('.v') }}"))
    app.get("/", endpoint="v")(lambda: render_template_string("{{ who }} {{ url_for('v') }}"))
    app.register_blueprint(bp)

    assert await text_of(app, "/de/") == "blueprint /de/"
    assert await text_of(app, "/") == " /"


async def test_app_errorhandler_is_for_all_and_errorhandler_for_its_own(app, bp):
    bp.app_errorhandler(404)(lambda error: ("app-wide", 404))
    bp.errorhandler(KeyError)(lambda error: ("own", 400))
    app.errorhandler(KeyError)(lambda error: ("app", 400))
    for on in (app, bp):
        on.get("/key", endpoint="key")(lambda: {}["key"])
    app.register_blueprint(bp)

    assert await text_of(app, "/nowhere") == "app-wide"
    assert await text_of(app, "/bp/key") == "own"
    assert await text_of(app, "/key") == "app"


KINDS = {
    "filter": "{{ 'x' | %s }}",
    "test": "{{ 'x' is %s }}",
    "global": "{{ %s('x') }}",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("form", "name"),
    [
        (lambda decorator: decorator, "shout"),
        (lambda decorator: decorator(), "shout"),
        (lambda decorator: decorator("other"), "other"),
    ],
    ids=["bare", "empty", "named"],
)
def test_template_functions_are_the_whole_apps(app, bp, kind, form, name):
    def shout(value):
        return value + "!"

    assert form(getattr(bp, f"app_template_{kind}"))(shout) is shout
    app.register_blueprint(bp)
    with app.app_context():
        assert render_template_string(KINDS[kind] % name) == "x!"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "found"), [(None, "shout"), ("other", "other")])
def test_template_functions_may_be_added_without_decorators(app, bp, kind, name, found):
    def shout(value):
        return value

    getattr(bp, f"add_app_template_{kind}")(shout, name)
    app.register_blueprint(bp)

    assert getattr(app.jinja_env, f"{kind}s")[found] is shout


async def test_a_blueprint_may_register_what_runs_around_serving(app, bp):
    log = []

    @bp.before_app_serving
    async def before():
        log.append("before")

    @bp.while_app_serving
    async def around():
        log.append("around, first")
        yield
        log.append("around, last")

    @bp.after_app_serving
    def after():
        log.append("after off the loop" if threading.current_thread() is not main else "on it")

    main = threading.current_thread()
    app.register_blueprint(bp)
    app.register_blueprint(bp, name="again")
    async with app.test_app():
        pass

    assert log == ["before", "around, first", "around, last", "after off the loop"]


# -- files and templates ---------------------------------------------------------------------------


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


async def test_a_blueprint_has_static_files_of_its_own(app, tmp_path):
    write(tmp_path, {"static/a.txt": "app's", "own/a.txt": "blueprint's"})
    bp = Blueprint(
        "bp", "x", url_prefix="/bp", static_folder="own", static_url_path="/files",
        root_path=str(tmp_path),
    )  # fmt: skip
    bp.get("/", endpoint="v")(lambda: url_for(".static", filename="a.txt"))
    app.register_blueprint(bp)
    app.register_blueprint(bp, name="other", url_prefix="/other")

    assert await text_of(app, "/static/a.txt") == "app's"
    assert await text_of(app, "/bp/files/a.txt") == "blueprint's"
    assert await text_of(app, "/other/files/a.txt") == "blueprint's"
    assert await text_of(app, "/other/") == "/other/files/a.txt"
    assert (await app.test_client().get("/bp/files/../static/a.txt")).status_code == 404


async def test_templates_are_looked_for_in_the_app_then_in_blueprints_in_order(app, tmp_path):
    write(
        tmp_path,
        {
            "templates/both.html": "app",
            "one/both.html": "one",
            "one/blueprints.html": "one",
            "two/blueprints.html": "two",
            "two/last.html": "two",
        },
    )
    for name in ("one", "two"):
        bp = Blueprint(name, "x", template_folder=name, root_path=str(tmp_path))
        app.register_blueprint(bp)
    app.get("/<name>", endpoint="v")(lambda name: render_template(f"{name}.html"))

    assert await text_of(app, "/both") == "app"
    assert await text_of(app, "/blueprints") == "one"
    assert await text_of(app, "/last") == "two"


# -- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_blueprint", "of_registration", "command"),
    [
        ({}, {}, ["bp", "hello"]),
        ({"cli_group": "own"}, {}, ["own", "hello"]),
        ({"cli_group": None}, {}, ["hello"]),
        ({"cli_group": "own"}, {"cli_group": "late"}, ["late", "hello"]),
        ({"cli_group": "own"}, {"cli_group": None}, ["hello"]),
        ({}, {"name": "renamed"}, ["renamed", "hello"]),
    ],
)
def test_commands_of_a_blueprint_are_in_a_group(app, of_blueprint, of_registration, command):
    bp = Blueprint("bp", __name__, **of_blueprint)
    bp.cli.command("hello")(lambda: click.echo("hello"))
    app.register_blueprint(bp, **of_registration)
    result = app.test_cli_runner().invoke(args=command)

    assert (result.exit_code, result.output) == (0, "hello\n")


def test_a_blueprint_without_commands_adds_no_group(app, bp):
    app.register_blueprint(bp)

    assert "bp" not in app.cli.commands


@pytest.mark.parametrize("outer", [asyncflask.Flask("app"), asyncflask.Blueprint("outer", "app")])
@pytest.mark.parametrize("given", [threading, asyncflask.Blueprint, None])
def test_what_is_no_blueprint_is_not_registered(outer, given):
    with pytest.raises(TypeError, match=r"which is no blueprint\. Write the object that"):
        outer.register_blueprint(given)
