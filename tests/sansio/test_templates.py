"""An app's environment of templates, and the decorators that add to it."""

from __future__ import annotations

import jinja2
import pytest

from asyncflask import Flask, render_template_string, websocket


@pytest.fixture
def app():
    return Flask(__name__)


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


async def test_request_in_a_template_of_a_websocket_says_what_to_write(app):
    app.testing = True

    @app.websocket("/")
    async def view():
        await websocket.send(render_template_string("{% if request %}request{% endif %}"))
        await websocket.send(render_template_string("{{ request.path }}"))

    async with app.test_client().websocket("/") as connection:
        assert await connection.receive() == ""
        with pytest.raises(RuntimeError, match=r"this is a websocket\. Pass what the template"):
            await connection.receive()
