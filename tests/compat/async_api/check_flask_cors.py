"""Flask-CORS on the async API, with ``async def`` views.

``@cross_origin`` around an ``async def`` view fails, as it does on Flask, because it uses the returned coroutine as the
response. Put ``@app.ensure_sync`` between the two, or name the route in ``CORS(app, resources={...})``.
"""

import pytest
from flask_cors import CORS, cross_origin

from asyncflask import Blueprint, Flask, abort

ALLOWED = "https://shop.example"
ORIGIN = {"Origin": ALLOWED}


@pytest.fixture
def app():
    app = Flask(__name__)

    @app.get("/open")
    async def view():
        return "open"

    @app.get("/forbidden")
    async def forbidden():
        abort(403)

    @app.get("/broken")
    async def broken():
        raise LookupError

    app.register_error_handler(404, lambda error: ("not here", 404))
    app.register_error_handler(500, lambda error: ("sorry", 500))
    return app


async def test_all_routes_allow_all_origins(app):
    CORS(app, origins=[ALLOWED])
    response = await app.test_client().get("/open", headers=ORIGIN)

    assert (response.text, response.headers["Access-Control-Allow-Origin"]) == ("open", ALLOWED)


async def test_a_preflight_is_answered(app):
    CORS(app, methods=["GET"], allow_headers=["X-Token"], max_age=60)
    headers = {**ORIGIN, "Access-Control-Request-Method": "GET"}
    headers["Access-Control-Request-Headers"] = "X-Token"
    response = await app.test_client().options("/open", headers=headers)

    assert response.headers["Access-Control-Allow-Methods"] == "GET"

    assert response.headers["Access-Control-Allow-Headers"] == "X-Token"

    assert response.headers["Access-Control-Max-Age"] == "60"


async def test_resources_have_origins_of_their_own(app):
    CORS(app, resources={"/open": {"origins": ["https://shop.example"]}})
    client = app.test_client()
    allowed = await client.get("/open", headers=ORIGIN)
    other = await client.get("/open", headers={"Origin": "https://evil.example"})

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"

    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("/nowhere", 404, "not here"), ("/forbidden", 403, None), ("/broken", 500, "sorry")],
)
async def test_errors_keep_their_answer_and_get_the_headers(app, path, status, text):
    CORS(app, origins=[ALLOWED])
    response = await app.test_client().get(path, headers=ORIGIN)

    assert (response.status_code, text or response.text) == (status, response.text)

    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED


async def test_a_blueprint_has_its_own(app):
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.get("/")
    async def index():
        return "api"

    CORS(api, origins=[ALLOWED])
    app.register_blueprint(api)
    client = app.test_client()
    inside, outside = await client.get("/api/", headers=ORIGIN), await client.get("/open")

    assert inside.headers["Access-Control-Allow-Origin"] == ALLOWED

    assert "Access-Control-Allow-Origin" not in outside.headers


async def test_cross_origin_decorates_a_def_view(app):
    @app.get("/decorated")
    @cross_origin(origins=["https://shop.example"])
    def decorated():
        return "decorated"

    response = await app.test_client().get("/decorated", headers=ORIGIN)

    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"


async def test_cross_origin_decorates_an_async_view(app):
    @app.get("/decorated")
    @cross_origin(origins=["https://shop.example"])
    @app.ensure_sync  # On Flask, too: `cross_origin` calls the view and takes what it returns.
    async def decorated():
        return "decorated"

    response = await app.test_client().get("/decorated", headers=ORIGIN)

    assert (response.status_code, response.text) == (200, "decorated")

    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
