import pytest
from asyncflask import request, session
from asyncflask.testing import TestClient as FlaskClient

from shop import create_app
from shop.reading import page_number


async def login(client, name="Ada"):
    return await client.post("/greet", data={"name": name})


async def text(client):
    return (await login(client)).text


class TestPages:
    async def test_greet(self, client, visitor):
        assert (await visitor.greet("Ada")).status_code == 401
        async with client:  # keeps the context
            response = await client.get("/greet?token=1")
            assert "x" not in session
        assert response.data == (await client.get("/greet")).data

    async def test_helpers(self, client):
        assert await text(client) == (await login(client)).text


def test_no_client():
    assert page_number() == 1


async def test_with(app):
    async with app.test_client() as browser, app.app_context():
        await browser.open("/")
    with app.test_request_context("/?page=2"):
        assert page_number() == 2
    with app.test_request_context(data={"a": "b"}, method="POST"):
        assert (await request.form)["a"] == "b"


@pytest.mark.parametrize("path", ["/a", "/b"])
async def test_typed(greeted: FlaskClient, path: str) -> None:
    codes = [(await greeted.get(path)).status_code for _ in range(2)]
    assert codes == [404, 404]
    with greeted.session_transaction() as saved:
        saved["x"] = 1


def test_lambda(client):
    get = lambda: client.get("/")  # noqa: E731
    assert get().status_code == 404


async def test_made_here():
    client = create_app().test_client()
    assert (await client.get("/")).json is None and (await client.delete("/")).status_code == 404
