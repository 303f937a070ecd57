"""The order of hooks, signals and class-based views, with ``def`` and ``async def``."""

from quart import (
    Blueprint,
    Quart,
    g,
    got_request_exception,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    signals,
)
from quart.views import MethodView, View

from .recorded import body, shown


def create_app():
    app = Quart(__name__)
    app.log = []
    _add_hooks(app, app, "app")
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    _add_hooks(app, shop, "shop")

    @shop.get("/")
    async def index():
        app.log.append("view")
        return "shop"

    @shop.get("/def")
    def index_def():
        app.log.append("view")
        return f"shop def {request.path}"

    @shop.get("/fails")
    async def fails():
        raise ValueError("in the view")

    app.register_blueprint(shop)
    _add_signals(app)
    _add_classes(app)
    return app


def _add_hooks(app, of, name):
    def note(text):
        app.log.append(f"{name} {text}")

    @of.before_request
    async def before():
        note("before")
        if request.args.get("stop") == name:
            return f"stopped by {name}", 403
        return None

    @of.before_request
    def before_def():
        note("before def")

    @of.after_request
    async def after(response):
        note(f"after {response.status_code}")
        return response

    @of.after_request
    def after_def(response):
        note("after def")
        return response

    @of.teardown_request
    async def teardown(error):
        note(f"teardown {type(error).__name__}")

    @of.teardown_request
    def teardown_def(error):
        note("teardown def")


def _add_signals(app):
    async def started(sender, **arguments):
        app.log.append("started")

    def finished(sender, response, **arguments):
        app.log.append(f"finished {response.status_code}")

    async def failed(sender, exception, **arguments):
        app.log.append(f"exception {exception}")

    def tearing_down(sender, exc=None, **arguments):
        app.log.append("tearing down")

    request_started.connect(started, app)
    request_finished.connect(finished, app)
    got_request_exception.connect(failed, app)
    request_tearing_down.connect(tearing_down, app)
    app.receivers = [started, finished, failed, tearing_down]


def _add_classes(app):
    def decorated(view):
        async def wrapper(**arguments):
            return f"[{await app.ensure_async(view)(**arguments)}]"

        return wrapper

    class Hello(View):
        methods = ["GET", "POST"]
        decorators = [decorated]

        def __init__(self, greeting):
            self.greeting = greeting

        async def dispatch_request(self, name):
            return f"{self.greeting} {name} {request.method}"

    class Item(MethodView):
        init_every_request = False

        async def get(self, id):
            return f"get {id}"

        def put(self, id):
            return f"put {id} {request.path}"

    app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello", "Hello"))
    app.add_url_rule("/item/<int:id>", view_func=Item.as_view("item"))


async def answers(app):
    client = app.test_client()
    for path in (
        "/shop/",
        "/shop/def",
        "/shop/?stop=app",
        "/shop/?stop=shop",
        "/shop/fails",
        "/none",
    ):
        app.log.clear()
        answer = await body(await client.get(path))
        yield path, [answer, list(app.log)]
    for method, path in (
        *(("GET", "/hello/ada"), ("POST", "/hello/ada"), ("DELETE", "/hello/ada")),
        *(("GET", "/item/1"), ("PUT", "/item/1"), ("POST", "/item/1"), ("HEAD", "/item/1")),
    ):
        yield f"{method} {path}", await shown(await client.open(path, method=method))
    yield (
        "signals",
        sorted(name for name in vars(signals) if name.startswith(("request_", "websocket_"))),
    )
    async with app.test_request_context("/"):
        g.x = 1
        yield "g", g.x
