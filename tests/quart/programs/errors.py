"""Errors and their handlers, of views, hooks and blueprints."""

import json

from quart import Blueprint, Quart, Response, abort, request
from werkzeug.exceptions import BadRequest, Conflict, HTTPException, InternalServerError

from .recorded import body, error_of, shown


class ShopError(Exception):
    pass


class OutOfStock(ShopError):
    def __init__(self, item):
        super().__init__(item)
        self.item = item


def create_app():
    app = Quart(__name__)
    app.log = []
    _add_views(app)
    _add_handlers(app)
    app.register_blueprint(_api())

    @app.teardown_request
    async def teardown(error):
        app.log.append(f"{request.path} {type(error).__name__}")

    return app


def _add_views(app):
    @app.get("/stock")
    async def stock():
        raise OutOfStock("tea")

    @app.get("/shop")
    async def shop():
        raise ShopError("closed")

    @app.get("/value")
    async def value():
        raise ValueError("not handled")

    @app.get("/abort/<int:code>")
    async def aborting(code):
        abort(code)

    @app.get("/description")
    async def description():
        abort(400, "the name is missing", response=None)

    @app.get("/response")
    async def response():
        abort(Response("from abort", 499))

    @app.get("/raise")
    async def raising():
        raise Conflict("already there")

    @app.get("/returns-none")
    async def none():
        return None

    @app.get("/key")
    async def key():
        return request.args["missing"]

    @app.get("/def")
    def in_def():
        raise OutOfStock("milk")

    @app.get("/handler-fails")
    async def handler_fails():
        raise LookupError("the handler fails as well")


def _add_handlers(app):
    @app.errorhandler(ShopError)
    async def on_shop(error):
        return {"shop": str(error)}, 503

    @app.errorhandler(OutOfStock)
    def on_stock(error):
        return f"no {error.item}", 410

    @app.errorhandler(418)
    async def teapot(error):
        return "short and stout", 418, {"X-Pot": "tea"}

    @app.errorhandler(LookupError)
    async def on_lookup(error):
        raise RuntimeError("in the handler")

    @app.errorhandler(InternalServerError)
    async def on_500(error):
        return f"500: {type(error.original_exception).__name__}", 500

    app.register_error_handler(409, lambda error: (error.description, 409))


def _api():
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.errorhandler(HTTPException)
    async def as_json(error):
        response = error.get_response()
        response.data = json.dumps({"code": error.code, "name": error.name})
        response.content_type = "application/json"
        return response

    @api.before_request
    async def check():
        if "bad" in request.args:
            raise BadRequest("bad")

    @api.get("/")
    async def index():
        return "api"

    @api.get("/abort/<int:code>")
    async def aborting(code):
        abort(code)

    @api.get("/stock")
    async def stock():
        raise OutOfStock("sugar")

    return api


async def answers(app):
    client = app.test_client()
    paths = [
        *("/stock", "/shop", "/value", "/description", "/response", "/raise", "/def"),
        *(
            "/abort/404",
            "/abort/418",
            "/abort/401",
            "/abort/503",
            "/handler-fails",
            "/returns-none",
        ),
        *("/key", "/api/", "/api/abort/404", "/api/?bad", "/api/stock", "/api/nowhere"),
    ]
    for path in paths:
        yield path, await shown(await client.get(path))
    yield "teardown", app.log
    app.config["PROPAGATE_EXCEPTIONS"] = True
    yield "propagated", await error_of(client.get("/value"))
    yield "handled all the same", await body(await client.get("/stock"))
