import pytest
from chat import create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()


async def test_login(client):
    response = await client.post("/login", form={"name": "Ada"})
    assert response.status_code == 302
    assert int(response.headers["X-Length"]) > 0
    page = await client.get("/")
    assert page.get_data(as_text=True) == "Ada"


async def test_no_name(client):
    response = await client.post("/login")
    assert (response.status_code, response.get_data(as_text=True)) == (400, "Bad: None")


async def test_say(client):
    response = await client.post("/say", json={"text": "hello"})
    assert response.status_code == 201
    assert response.get_json()["n"] == 1
    assert response.headers["X-Keys"] == "n,raw"
    page = await client.get("/")
    assert b"<p>HELLO</p>" in page.data


async def test_source(client):
    response = await client.get("/source")
    assert "chat.txt" in response.headers["Content-Disposition"]


async def test_live(client):
    async with client.session_transaction() as session:
        session["name"] = "Ada"
    async with client.websocket("/live") as connection:
        await connection.send("hello")
        assert await connection.receive_json() == {"text": "hello", "name": "Ada"}
