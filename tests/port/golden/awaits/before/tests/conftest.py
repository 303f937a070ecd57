import pytest

from shop import create_app


@pytest.fixture
def app():
    yield create_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture()
def greeted(client):
    """A client that was greeted."""
    client.post("/greet", data={"name": "Ada"})
    yield client


class Visitor:
    def __init__(self, client):
        self._client = client

    def greet(self, name):
        return self._client.post("/greet", data={"name": name})


@pytest.fixture
def visitor(client):
    return Visitor(client)
