"""A factory with nested blueprints, their error handlers, hooks and URLs."""

from quart import Blueprint, Quart, abort, current_app, g, jsonify, redirect, request, url_for

from .recorded import body, shown


def create_app():
    app = Quart(__name__)
    app.config.from_mapping(SECRET_KEY="only for this test", SHOP="tea")
    app.register_blueprint(_shop(), url_prefix="/shop")

    @app.get("/")
    async def index():
        return redirect(url_for("shop.show", id=3, page=2))

    @app.errorhandler(404)
    async def missing(error):
        return jsonify(error=error.name, path=request.path), 404

    @app.after_request
    async def stamp(response):
        response.headers["X-App"] = current_app.config["SHOP"]
        return response

    return app


def _shop():
    shop = Blueprint("shop", __name__)
    admin = Blueprint("admin", __name__, url_prefix="/admin")

    @shop.before_request
    async def start():
        g.trail = ["shop"]

    @admin.before_request
    def check():
        g.trail.append("admin")
        if "locked" in request.args:
            abort(403)
        return

    @shop.after_request
    async def name(response):
        response.headers["X-Blueprint"] = request.blueprint
        return response

    @shop.get("/<int:id>")
    async def show(id):
        return {"id": id, "trail": g.trail, "page": request.args.get("page", type=int)}

    @admin.get("/")
    async def index():
        return {
            "trail": g.trail,
            "blueprints": request.blueprints,
            "endpoint": request.endpoint,
            "url": url_for(".index"),
            "external": url_for("shop.show", id=1, _external=True, _anchor="top"),
            "relative": url_for("shop.admin.index", q="a b"),
        }

    @admin.errorhandler(403)
    async def locked(error):
        return {"locked": error.description}, 403

    @shop.app_errorhandler(410)
    async def gone(error):
        return "gone", 410

    @shop.get("/gone")
    async def old():
        abort(410)

    shop.register_blueprint(admin)
    return shop


async def answers(app):
    client = app.test_client()
    for path in (
        "/",
        "/shop/7?page=2",
        "/shop/7?page=x",
        "/shop/admin/",
        "/shop/admin",
        "/nowhere",
    ):
        yield path, await shown(await client.get(path))
    yield "locked", await shown(await client.get("/shop/admin/?locked"))
    yield "gone", await shown(await client.get("/shop/gone"))
    yield "followed", await body(await client.get("/", follow_redirects=True))
    yield "method", await shown(await client.post("/shop/7"))
    yield "options", await shown(await client.options("/shop/7"))
    yield "head", await shown(await client.head("/shop/7"))
    yield (
        "rules",
        sorted(
            [rule.rule, rule.endpoint, sorted(rule.methods or ())]
            for rule in app.url_map.iter_rules()
        ),
    )
