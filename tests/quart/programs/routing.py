"""Rules: converters, subdomains, redirects, defaults, and URLs that are built."""

from quart import Quart, request, url_for
from werkzeug.routing import BaseConverter

from .recorded import body, shown


class ListConverter(BaseConverter):
    def to_python(self, value):
        return value.split("+")

    def to_url(self, values):
        return "+".join(super(ListConverter, self).to_url(value) for value in values)


def create_app():
    app = Quart(__name__, static_folder=None)
    app.url_map.converters["list"] = ListConverter
    _add_views(app)
    _add_urls(app)
    return app


def _add_views(app):
    rules = {
        "text": "/text/<text>",
        "number": "/int/<int:number>",
        "signed": "/signed/<int(signed=True):number>",
        "real": "/float/<float:number>",
        "path": "/path/<path:path>",
        "uuid": "/uuid/<uuid:id>",
        "choice": "/any/<any(tea, milk):kind>",
        "short": "/short/<string(length=2):code>",
        "many": "/list/<list:names>",
        "folder": "/folder/",
        "leaf": "/leaf",
    }

    def view(name):
        async def show(**arguments):
            found = {key: repr(value) for key, value in arguments.items()}
            return {"name": name, "arguments": found, "rule": request.url_rule.rule}

        return show

    for name, rule in rules.items():
        app.add_url_rule(rule, name, view(name))
    page = view("page")
    app.add_url_rule("/page/", "page", page, defaults={"number": 1})
    app.add_url_rule("/page/<int:number>", "page", page)
    app.add_url_rule("/lax", "lax", view("lax"), strict_slashes=False)

    @app.route("/methods", methods=["GET", "PUT"], provide_automatic_options=True)
    @app.route("/also", methods=["DELETE"])
    async def methods():
        return request.method

    @app.route("/own-options", methods=["OPTIONS"])
    async def own_options():
        return "mine"

    @app.url_value_preprocessor
    def preprocess(endpoint, values):
        if values and "text" in values:
            values["text"] = values["text"].upper()

    @app.url_defaults
    def defaults(endpoint, values):
        if endpoint == "leaf":
            values.setdefault("lang", "en")


def _add_urls(app):
    @app.get("/urls")
    async def urls():
        return [
            url_for("text", text="a/b c"),
            url_for("number", number=3, q=[1, 2]),
            url_for("many", names=["a", "b"]),
            url_for("page"),
            url_for("page", number=1),
            url_for("page", number=2),
            url_for("leaf"),
            url_for("leaf", _external=True, _scheme="https", _anchor="top"),
            url_for("methods", _method="DELETE"),
        ]

    @app.get("/unknown-url")
    async def unknown():
        return url_for("nowhere", a=1)

    def external(error, endpoint, values):
        return f"handled {endpoint} {sorted(values)}"

    app.url_build_error_handlers.append(external)


async def answers(app):
    client = app.test_client()
    paths = [
        *(
            "/text/a%20b",
            "/text/a%2Fb",
            "/int/3",
            "/int/x",
            "/signed/-3",
            "/float/1.5",
            "/path/a/b/c",
        ),
        "/uuid/12345678123456781234567812345678",
        "/uuid/12345678-1234-5678-1234-567812345678",
        *("/any/tea", "/any/beer", "/short/ab", "/short/abc", "/list/a+b", "/folder", "/folder/"),
        *("/leaf", "/leaf/", "/page/", "/page/1", "/page/2", "/lax", "/lax/", "/urls"),
        *("/unknown-url", "//leaf", "/text/gr%C3%BCn?q=%C3%BC"),
    ]
    for path in paths:
        yield path, await shown(await client.get(path))
    for method in ("PUT", "POST", "OPTIONS", "HEAD", "DELETE", "TRACE"):
        yield f"{method} /methods", await shown(await client.open("/methods", method=method))
    yield "OPTIONS /own-options", await shown(await client.options("/own-options"))
    yield "GET /own-options", await body(await client.get("/own-options"))
    for host in (_subdomains(), _hosts()):
        app, cases = host
        for path, arguments in cases:
            response = await app.test_client().get(path, **arguments)
            yield f"{path} {arguments}", await body(response)


def _subdomains():
    app = Quart(__name__)
    app.config["SERVER_NAME"] = "shop.example"

    @app.get("/", subdomain="api")
    async def api():
        return "api"

    @app.get("/", subdomain="<user>")
    async def user(user):
        return f"user {user} {url_for('api', _external=True)}"

    @app.get("/")
    async def index():
        return url_for("user", user="ada")

    return app, [
        ("/", {}),
        ("/", {"subdomain": "api"}),
        ("/", {"subdomain": "ada"}),
        ("/", {"headers": {"host": "shop.example"}}),
        ("/", {"headers": {"host": "api.shop.example"}}),
        ("/none", {"subdomain": "api"}),
    ]


def _hosts():
    app = Quart(__name__, host_matching=True, static_folder=None)

    @app.get("/", host="one.example")
    async def one():
        return "one"

    @app.get("/", host="two.example")
    async def two():
        return "two"

    return app, [
        ("/", {"headers": {"host": "one.example"}}),
        ("/", {"headers": {"host": "two.example"}}),
        ("/", {"headers": {"host": "three.example"}}),
    ]
