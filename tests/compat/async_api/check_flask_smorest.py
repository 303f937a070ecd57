"""flask-smorest on the async API, with ``async def`` views."""

import marshmallow as ma
import pytest
from flask.views import MethodView
from flask_smorest import Api, Blueprint, abort

from asyncflask import Flask


class Tea(ma.Schema):
    name = ma.fields.String(required=True)
    price = ma.fields.Integer(load_default=3)


class Query(ma.Schema):
    sort = ma.fields.String(load_default="name")


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config.update(API_TITLE="Shop", API_VERSION="v1", OPENAPI_VERSION="3.0.2")
    app.config["OPENAPI_URL_PREFIX"] = "/"
    return app


@pytest.fixture
def blp():
    return Blueprint("tea", __name__, url_prefix="/tea")


def client_of(app, blp):
    Api(app).register_blueprint(blp)
    return app.test_client()


async def test_arguments_and_response(app, blp):
    @blp.route("/", methods=["POST"])
    @blp.arguments(Tea)
    @blp.response(201, Tea)
    async def add(tea):
        return tea

    response = await client_of(app, blp).post("/tea/", json={"name": "Assam"})

    assert (response.status_code, response.json) == (201, {"name": "Assam", "price": 3})


async def test_wrong_arguments_are_a_422(app, blp):
    @blp.route("/", methods=["POST"])
    @blp.arguments(Tea)
    @blp.response(201, Tea)
    async def add(tea):
        return tea

    response = await client_of(app, blp).post("/tea/", json={})

    assert response.status_code == 422

    assert response.json["errors"]["json"]["name"] == ["Missing data for required field."]


async def test_arguments_in_the_query(app, blp):
    @blp.route("/")
    @blp.arguments(Query, location="query")
    @blp.response(200)
    async def show(query):
        return query

    assert (await client_of(app, blp).get("/tea/?sort=price")).json == {"sort": "price"}


async def test_class_based_views(app, blp):
    @blp.route("/<name>")
    class ByName(MethodView):
        @blp.response(200, Tea)
        async def get(self, name):
            return {"name": name, "price": 4}

    assert (await client_of(app, blp).get("/tea/Assam")).json == {"name": "Assam", "price": 4}


async def test_abort(app, blp):
    @blp.route("/")
    @blp.response(200)
    async def show():
        abort(404, message="No tea.")

    response = await client_of(app, blp).get("/tea/")

    assert (response.status_code, response.json["message"]) == (404, "No tea.")


async def test_pagination(app, blp):
    @blp.route("/")
    @blp.response(200)
    @blp.paginate()
    async def show(pagination_parameters):
        pagination_parameters.item_count = 30
        return [pagination_parameters.page]

    response = await client_of(app, blp).get("/tea/?page=2")

    assert (response.json, '"total": 30' in response.headers["X-Pagination"]) == ([2], True)


async def test_etags(app, blp):
    @blp.route("/")
    @blp.etag
    @blp.response(200, Tea)
    async def show():
        return {"name": "Assam", "price": 3}

    client = client_of(app, blp)
    etag = (await client.get("/tea/")).headers["ETag"]

    assert (await client.get("/tea/", headers={"If-None-Match": etag})).status_code == 304


async def test_the_specification(app, blp):
    @blp.route("/")
    @blp.response(200, Tea)
    async def show():
        """Show tea."""
        return {}

    specification = (await client_of(app, blp).get("/openapi.json")).json

    assert specification["paths"]["/tea/"]["get"]["summary"] == "Show tea."
