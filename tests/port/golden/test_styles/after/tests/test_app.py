import pytest
from asyncflask import g, request, session
from asyncflask.testing import TestClient as FlaskClient


@pytest.mark.parametrize("name", ["Ada", "Bob"])
async def test_a_factory(login, client, name):
    assert (await login(name)).status_code == 204
    assert session["user"] == name
    assert (await client.get("/")).text == name


async def test_a_wide_fixture(shared):
    assert (await shared.get("/")).text == "Eve"


async def status(browser: FlaskClient, *paths):
    return [(await browser.get(path)).status_code for path in paths]


async def test_an_annotated_helper(client):
    assert await status(client, "/", "/no") == [200, 404]


async def test_a_context(app):
    with app.test_request_context("/login", method="POST", data={"name": "Ada"}):
        assert await app.preprocess_request() is None
        assert (g.user, (await request.form)["name"]) == (None, "Ada")


@pytest.mark.usefixtures("of_class")
class TestClass:
    async def login(self, name):
        return await self.browser.post("/login", data={"name": name})

    async def test_an_attribute_of_the_class(self):
        await self.login("Ada")
        assert (await self.browser.get("/")).text == "Ada"


async def test_a_fixture_of_another_name(http):
    post = http.post
    assert (await post("/login", data={"name": "Ada"})).status_code == 204
    first, second = await http.get("/"), await http.get("/no")
    assert (first.text, second.status_code) == ("Ada", 404)
