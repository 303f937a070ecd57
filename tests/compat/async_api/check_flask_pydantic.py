"""flask-pydantic on the async API, with ``async def`` views."""

import pytest
from flask_pydantic import validate
from pydantic import BaseModel

from asyncflask import Flask


class Tea(BaseModel):
    name: str
    price: int = 3


class Query(BaseModel):
    sort: str = "name"


@pytest.fixture
def app():
    return Flask(__name__)


async def test_a_body(app):
    @app.post("/")
    @validate()
    async def add(body: Tea):
        return body

    response = await app.test_client().post("/", json={"name": "Assam"})

    assert response.json == {"name": "Assam", "price": 3}


async def test_a_wrong_body_is_a_400(app):
    @app.post("/")
    @validate()
    async def add(body: Tea):
        return body

    response = await app.test_client().post("/", json={"price": "much"})

    assert response.status_code == 400

    assert {e["loc"][0] for e in response.json["validation_error"]["body_params"]} == {
        "name",
        "price",
    }


async def test_a_query(app):
    @app.get("/")
    @validate()
    async def show(query: Query):
        return query

    assert (await app.test_client().get("/?sort=price")).json == {"sort": "price"}


async def test_a_form(app):
    @app.post("/")
    @validate()
    async def add(form: Tea):
        return form

    response = await app.test_client().post("/", data={"name": "Assam", "price": "4"})

    assert response.json == {"name": "Assam", "price": 4}


async def test_arguments_of_the_path(app):
    @app.get("/<n>")
    @validate()
    async def show(n: int):
        return {"n": n + 1}

    assert (await app.test_client().get("/41")).json == {"n": 42}


async def test_a_status(app):
    @app.post("/")
    @validate(on_success_status=201)
    async def add(body: Tea):
        return body

    assert (await app.test_client().post("/", json={"name": "Assam"})).status_code == 201


async def test_many(app):
    @app.get("/")
    @validate(response_many=True)
    async def show():
        return [Tea(name="Assam"), Tea(name="Ceylon")]

    assert [tea["name"] for tea in (await app.test_client().get("/")).json] == ["Assam", "Ceylon"]
