import pytest
from flask.testing import FlaskClient

from app import create_app


class Client(FlaskClient):
    def open(self, *args, **kwargs):
        kwargs.setdefault("headers", {"X-Test": "1"})
        return super().open(*args, **kwargs)


@pytest.fixture
def app():
    app = create_app()
    app.test_client_class = Client
    return app


@pytest.fixture
def client(app):
    with app.test_client() as client:
        yield client


@pytest.fixture(scope="module")
def shared():
    """A client of all tests of a module."""
    client = create_app().test_client()
    client.post("/login", data={"name": "Eve"})
    return client


@pytest.fixture
def login(client):
    def send(name, **headers):  # a factory
        return client.post("/login", data={"name": name}, headers=headers)

    return send


@pytest.fixture
def of_class(request, client):
    request.cls.browser = client


@pytest.fixture(name="http")
def make_client(app):
    return app.test_client()
