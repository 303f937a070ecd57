"""An app's URL rules, and the URLs that are built from them."""

from __future__ import annotations

import pytest
from werkzeug.routing import BuildError

from asyncflask import Flask, url_for
from asyncflask.views import MethodView


@pytest.fixture
def app():
    return Flask(__name__)


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


class Teas(MethodView):
    async def get(self):
        return "teas"


@pytest.mark.parametrize(
    ("rule", "view", "text"),
    [
        (5, lambda: "", r"The rule 5 is no text\. Write a path"),
        ("/", 5, r"Rule '/': the view 5 cannot be called\. Give the function"),
        ("/", Teas, r"Rule '/': Teas is a class, not a view\. Write view_func=Teas\.as_view"),
    ],
)
def test_a_rule_or_a_view_of_a_wrong_type_is_refused_where_it_is_registered(rule, view, text):
    with pytest.raises(TypeError, match=text):
        Flask("shop").add_url_rule(rule, "teas", view)
