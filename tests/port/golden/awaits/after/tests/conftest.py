import pytest

from shop import create_app


@pytest.fixture
def app():
    yield create_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture()
async def greeted(client):
    """A client that was greeted."""
    await client.post("/greet", data={"name": "Ada"})
    yield client


class Visitor:
    def __init__(self, client):
        self._client = client

    async def greet(self, name):
        return await self._client.post("/greet", data={"name": name})


@pytest.fixture
def visitor(client):
    return Visitor(client)
