import pytest
from flask import g, request, session
from flask.testing import FlaskClient


@pytest.mark.parametrize("name", ["Ada", "Bob"])
def test_a_factory(login, client, name):
    assert login(name).status_code == 204
    assert session["user"] == name
    assert client.get("/").text == name


def test_a_wide_fixture(shared):
    assert shared.get("/").text == "Eve"


def status(browser: FlaskClient, *paths):
    return [browser.get(path).status_code for path in paths]


def test_an_annotated_helper(client):
    assert status(client, "/", "/no") == [200, 404]


def test_a_context(app):
    with app.test_request_context("/login", method="POST", data={"name": "Ada"}):
        assert app.preprocess_request() is None
        assert (g.user, request.form["name"]) == (None, "Ada")


@pytest.mark.usefixtures("of_class")
class TestClass:
    def login(self, name):
        return self.browser.post("/login", data={"name": name})

    def test_an_attribute_of_the_class(self):
        self.login("Ada")
        assert self.browser.get("/").text == "Ada"


def test_a_fixture_of_another_name(http):
    post = http.post
    assert post("/login", data={"name": "Ada"}).status_code == 204
    first, second = http.get("/"), http.get("/no")
    assert (first.text, second.status_code) == ("Ada", 404)
