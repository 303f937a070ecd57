"""Templates: Jinja's asynchronous environment, what is in a template's context, and streams."""

from jinja2 import DictLoader
from quart import (
    Blueprint,
    Quart,
    g,
    get_template_attribute,
    render_template,
    render_template_string,
    request,
    session,
    stream_template,
    stream_template_string,
)
from quart.signals import template_rendered

from .recorded import body, shown

TEMPLATES = {
    "base.html": "<h1>{% block title %}base{% endblock %}</h1>{% include 'footer.html' %}",
    "footer.html": "<p>{{ stock('milk') }}</p>",
    "page.html": "{% extends 'base.html' %}{% block title %}{{ title }}{% endblock %}",
    "macros.html": "{% macro greet(name) %}Hello, {{ name }} {{ stock(name) }}{% endmacro %}",
    "loop.txt": "{% for n in numbers() %}{{ n }}{% if not loop.last %},{% endif %}{% endfor %}",
    "shop.html": "{{ shop }} {{ url_for('shop.show') }}",
}


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.jinja_env.loader = DictLoader(TEMPLATES)
    app.rendered = []
    _add_functions(app)
    _add_views(app)
    _add_streams(app)
    app.register_blueprint(_shop())
    return app


def _add_functions(app):
    @app.template_global()
    async def stock(item):
        return f"3 {item}"

    @app.template_filter("double")
    async def double(value):
        return value * 2

    @app.template_filter()
    def shout(value):
        return value.upper()

    @app.template_test("cheap")
    async def cheap(value):
        return value < 5

    @app.context_processor
    async def names():
        return {"currency": "EUR"}

    @app.context_processor
    def more():
        return {"unit": "kg"}

    @template_rendered.connect_via(app)
    async def rendered(sender, template, context, **extra):
        app.rendered.append(
            [template.name, sorted(key for key in context if key in ("title", "a"))]
        )

    app.connected = rendered  # signals keep weak references


def _add_views(app):
    @app.get("/page")
    async def page():
        return await render_template("page.html", title="Tea & <b>")

    @app.get("/string")
    async def string():
        g.user = "ada"
        session["seen"] = 1
        return await render_template_string(
            "{{ a|double }} {{ a is cheap }} {{ 'x'|shout }} {{ currency }} {{ unit }} {{ g.user }}"
            " {{ session.seen }} {{ request.path }} {{ config.TESTING }} {{ url_for('page') }}",
            a=3,
        )

    @app.get("/loop")
    async def loop():
        async def numbers():
            for n in range(3):
                yield n

        return await render_template("loop.txt", numbers=numbers)

    @app.get("/coroutine")
    async def coroutine():
        async def late():
            return "late"

        return await render_template_string("{{ late() }} {{ now }}", late=late, now="now")

    @app.get("/first")
    async def first():
        return await render_template(["none.html", "footer.html"])

    @app.get("/macro")
    async def macro():
        return await (await get_template_attribute("macros.html", "greet")("ada"))


def _add_streams(app):
    @app.get("/stream")
    async def stream():
        return await stream_template("page.html", title=request.args.get("title", "none"))

    @app.get("/stream-string")
    async def stream_string():
        return await stream_template_string("{% for n in range(3) %}{{ n }} {{ g.x }}{% endfor %}")

    @app.get("/missing")
    async def missing():
        return await render_template("missing.html")


def _shop():
    shop = Blueprint("shop", __name__)

    @shop.context_processor
    async def names():
        return {"shop": "tea shop"}

    @shop.app_template_filter()
    async def late(value):
        return f"late {value}"

    @shop.get("/shop")
    async def show():
        return await render_template("shop.html") + await render_template_string("{{ 1|late }}")

    return shop


async def answers(app):
    client = app.test_client()
    for path in ("/page", "/string", "/loop", "/coroutine", "/first", "/shop"):
        yield path, await shown(await client.get(path))
    yield "stream", await body(await client.get("/stream?title=<i>"))
    yield "stream of a string", await body(await client.get("/stream-string"))
    yield "missing", (await client.get("/missing")).status_code
    yield "rendered", app.rendered
    async with app.app_context():
        yield "without a request", await render_template_string("{{ currency }} {{ 2|double }}")
    async with app.test_request_context("/there"):
        yield "in a test's context", await render_template_string("{{ request.path }}")
