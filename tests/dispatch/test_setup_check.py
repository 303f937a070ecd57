"""Parts of an app's setup that have no effect are logged, once."""

from __future__ import annotations

import warnings

import pytest
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask.flask
from asyncflask import Blueprint, Flask, Request, Response, render_template_string, request
from asyncflask.dispatch.setup_check import APP, CLASSES, CONFIG, PLAIN_STEPS, find_faults
from asyncflask.templating import render_template_string_async
from asyncflask.wrappers import SyncRequest


@pytest.fixture
def told(caplog):
    """Return a function that serves two requests and returns what the log has then."""

    async def told(app):
        client = app.test_client()
        await client.get("/")
        await client.get("/")
        return [record.getMessage() for record in caplog.records if record.name == app.name]

    return told


async def test_an_app_without_mistakes_has_no_message_in_the_log(told):
    app = Flask(__name__)
    app.get("/")(lambda: "")

    assert await told(app) == []


@pytest.mark.parametrize("name", APP)
@pytest.mark.parametrize("how", ["subclass", "async def", "app", "class"])
async def test_a_step_that_nothing_calls_is_named_once(told, name, how):
    async def step(self, request): ...

    value = step if how == "async def" else object()
    cls = type("Shop", (Flask,), {} if how in {"app", "class"} else {name: value})
    app = cls(__name__)
    if how != "subclass":
        setattr(app if how == "app" else cls, name, value)

    (message,) = await told(app)
    assert message.startswith(f"{name} of ")
    assert "Shop has no effect here: nothing calls it. " in message
    assert message.endswith(f"{APP[name]}.")


class Lenient(Request):
    max_form_parts = 10
    kind = "own"

    def on_json_loading_failed(self, e):
        return {}


OVERRIDDEN = "max_form_parts, on_json_loading_failed of "


async def test_what_a_request_class_overrides_is_named_where_a_def_view_does_not_see_it(told):
    app = Flask(__name__)
    app.request_class = Lenient
    app.get("/")(lambda: "")

    (message,) = await told(app)

    assert message.startswith(f"{OVERRIDDEN}{__name__}.Lenient, the request_class of ")
    assert "has no effect in `def` functions" in message
    assert message.endswith("and set that as sync_request_class.")


async def test_a_request_class_is_not_named_for_attributes_that_both_kinds_see(told):
    app = Flask(__name__)
    app.request_class = type("Named", (Request,), {"user": property(lambda request: "ann")})
    app.get("/")(lambda: request.user)

    assert await told(app) == []


async def test_a_request_class_is_not_named_where_all_views_are_async(told):
    app = Flask(__name__, static_folder=None)
    app.request_class = Lenient

    @app.get("/")
    async def view():
        return ""

    assert await told(app) == []


async def test_a_request_class_is_not_named_beside_one_for_def_functions(told):
    app = Flask(__name__)
    app.request_class = Lenient
    app.sync_request_class = type("LenientSync", (SyncRequest,), {"max_form_parts": 10})
    app.get("/")(lambda: "")

    assert await told(app) == []


@pytest.mark.parametrize(
    ("attribute", "name"), [(attr, name) for attr, names in CLASSES.items() for name in names]
)
async def test_parts_that_the_classes_of_an_app_do_not_have_are_named(told, attribute, name):
    base = {"request_class": Request, "response_class": Response}[attribute]
    app = Flask(__name__)
    app.get("/")(lambda: "")
    setattr(app, attribute, type("Own", (base,), {name: object()}))

    (message,) = await told(app)
    assert f"{name} of " in message
    assert f"Own, the {attribute} of asyncflask.app.Flask has no effect" in message


@pytest.mark.parametrize(("key", "value"), [("PREFER_SECURE_URLS", True), ("RESPONSE_TIMEOUT", 5)])
async def test_a_setting_that_is_not_read_is_named(told, key, value):
    app = Flask(__name__)
    app.config[key] = value

    (message,) = await told(app)
    assert message == f"config[{key!r}] is {value!r}, and is not read here. {CONFIG[key]}."


async def test_a_setting_with_quarts_default_is_not_named(told):
    app = Flask(__name__)
    app.config.update(PREFER_SECURE_URLS=False, RESPONSE_TIMEOUT=None)

    assert await told(app) == []


@pytest.mark.parametrize("name", PLAIN_STEPS)
def test_an_async_def_step_that_is_called_without_await_is_named(name):
    async def step(self, *args, **kwargs): ...

    app = type("Shop", (Flask,), {name: step})(__name__)

    (message,) = find_faults(app)
    assert message.startswith(f"{name}() of ")
    assert message.endswith("Shop is `async def`, and is called without `await`. Make it a `def`.")


# -- rules that never match ------------------------------------------------------------------------


def with_subdomain(**options):
    app = Flask(__name__, **options)
    blueprint = Blueprint("api", __name__, subdomain="api")
    blueprint.get("/")(lambda: "api")
    blueprint.websocket("/ws", endpoint="ws")(lambda: None)
    app.register_blueprint(blueprint)
    return app


async def test_a_subdomain_that_is_not_matched_is_named(told):
    app = with_subdomain()
    app.config["SERVER_NAME"] = "shop.test"

    assert (await app.test_client().get("http://api.shop.test/")).status_code == 404
    (message,) = await told(app)
    assert message.startswith("The rule '/' of 'api', endpoint 'api.<lambda>', (and 1 more) asks")
    assert "Write Flask(..., subdomain_matching=True), and set SERVER_NAME." in message


async def test_a_subdomain_of_no_known_host_is_named(told):
    (message,) = await told(with_subdomain(subdomain_matching=True))

    assert "SERVER_NAME, whose subdomains are matched, is not set" in message


async def test_a_subdomain_that_is_matched_is_not_named(told):
    app = with_subdomain(subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.test"

    assert (await app.test_client().get("http://api.shop.test/")).text == "api"
    assert await told(app) == []


async def test_the_default_subdomain_is_matched_anyway(told):
    app = Flask(__name__)
    app.url_map.default_subdomain = "www"
    app.get("/", subdomain="www")(lambda: "www")

    assert await told(app) == []


async def test_a_host_that_is_not_matched_is_named(told):
    app = Flask(__name__)
    app.get("/", host="admin.shop.test")(lambda: "secret")

    (message,) = await told(app)
    assert "'admin.shop.test'" in message
    assert "it answers for every host. Write Flask(..., host_matching=True" in message


async def test_the_facade_says_no_more_than_flask(caplog):
    app = type("Shop", (asyncflask.flask.Flask,), {"handle_request": None})(__name__)
    app.get("/", subdomain="api")(lambda: "")
    app.config["RESPONSE_TIMEOUT"] = 5
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="first request"):
        app.get("/late")(lambda: "")

    assert caplog.records == []


# -- steps that are `async def`, as Quart's --------------------------------------------------------


async def test_steps_that_quart_awaits_may_be_async_def(told, tmp_path):
    class Shop(Flask):
        async def make_response(self, rv):
            response = super().make_response(rv)
            response.headers["X-Made"] = "awaited"
            return response

        async def make_default_options_response(self):
            response = super().make_default_options_response()
            response.headers["X-Options"] = "awaited"
            return response

        async def send_static_file(self, filename):
            response = super().send_static_file(filename)
            response.headers["X-Static"] = "awaited"
            return response

    (tmp_path / "file.txt").write_text("file")
    app = Shop(__name__, static_folder=tmp_path, static_url_path="/static")
    app.route("/", methods=["GET", "POST"])(lambda: "home")
    client = app.test_client()

    assert (await client.get("/")).headers["X-Made"] == "awaited"
    assert (await client.options("/")).headers["X-Options"] == "awaited"
    assert (await client.get("/static/file.txt")).headers["X-Static"] == "awaited"
    assert await told(app) == []


@pytest.mark.parametrize("is_async", [True, False])
async def test_an_overridden_template_context_counts_in_both_ways_of_rendering(is_async):
    class Quarts(Flask):
        async def update_template_context(self, context):
            super().update_template_context(context)
            context["shop"] = "Tea"

    class Flasks(Flask):
        def update_template_context(self, context):
            super().update_template_context(context)
            context["shop"] = "Tea"

    app = (Quarts if is_async else Flasks)(__name__)

    @app.get("/def")
    def in_a_worker():
        return render_template_string("{{ shop }} {{ request.path }}")

    @app.get("/async")
    async def on_the_loop():
        return await render_template_string_async("{{ shop }} {{ request.path }}")

    client = app.test_client()
    assert (await client.get("/def")).text == "Tea /def"
    assert (await client.get("/async")).text == "Tea /async"


async def test_an_async_def_template_context_in_a_plain_call_is_an_error_that_says_what_to_write():
    class Shop(Flask):
        async def update_template_context(self, context): ...

    app = Shop(__name__)
    app.testing = True

    @app.get("/")
    async def view():
        return render_template_string("")

    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="render_template_async"):
        warnings.simplefilter("error")  # a coroutine that is never awaited
        await app.test_client().get("/")


async def test_a_property_for_the_response_class_is_not_asked_outside_of_a_request(told):
    class Shop(Flask):
        @property
        def response_class(self):
            return Response if request else WerkzeugResponse

    app = Shop(__name__)
    app.get("/")(lambda: "")

    assert await told(app) == []
