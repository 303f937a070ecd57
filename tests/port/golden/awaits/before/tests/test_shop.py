import pytest
from flask import request, session
from flask.testing import FlaskClient

from shop import create_app
from shop.reading import page_number


def login(client, name="Ada"):
    return client.post("/greet", data={"name": name})


def text(client):
    return login(client).text


class TestPages:
    def test_greet(self, client, visitor):
        assert visitor.greet("Ada").status_code == 401
        with client:  # keeps the context
            response = client.get("/greet?token=1")
            assert "x" not in session
        assert response.data == client.get("/greet").data

    def test_helpers(self, client):
        assert text(client) == login(client).text


def test_no_client():
    assert page_number() == 1


def test_with(app):
    with app.test_client() as browser, app.app_context():
        browser.open("/")
    with app.test_request_context("/?page=2"):
        assert page_number() == 2
    with app.test_request_context(data={"a": "b"}, method="POST"):
        assert request.form["a"] == "b"


@pytest.mark.parametrize("path", ["/a", "/b"])
def test_typed(greeted: FlaskClient, path: str) -> None:
    codes = [greeted.get(path).status_code for _ in range(2)]
    assert codes == [404, 404]
    with greeted.session_transaction() as saved:
        saved["x"] = 1


def test_lambda(client):
    get = lambda: client.get("/")  # noqa: E731
    assert get().status_code == 404


def test_made_here():
    client = create_app().test_client()
    assert client.get("/").json is None and client.delete("/").status_code == 404
