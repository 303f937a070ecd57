"""The example with Flask-Login, Flask-SQLAlchemy and Flask-WTF, and its one ``async def`` view."""

from __future__ import annotations

import re

import httpx
import pytest

from .conftest import PASSWORD
from .serving import example

for extension in ("flask_login", "flask_sqlalchemy", "flask_wtf"):
    pytest.importorskip(extension, reason="pip install -r requirements/dev.txt")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with example("extensions", tmp_path_factory.mktemp("extensions")) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as client:
        yield client


def post(client, path, token_of="/", **fields):
    """Send a form with the token of its page."""
    (token, *_) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(token_of).text)
    return client.post(path, data={"csrf_token": token, **fields})


def register(client, name, button="register"):
    return post(client, "/login", "/login", name=name, password=PASSWORD, **{button: "x"})


def test_an_account_has_wishes_of_its_own(client, url):
    assert client.get("/").url.path == "/login"
    assert "No wishes yet." in register(client, "Ada").text
    assert "<li>A &lt;tea&gt; pot</li>" in post(client, "/", text="A <tea> pot").text
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as other:
        assert "No wishes yet." in register(other, "Bob").text


def test_log_out_and_log_in(client):
    register(client, "Cy")
    assert post(client, "/logout").url.path == "/login"
    assert client.get("/prices").url.path == "/login"

    assert register(client, "Cy", button="log_in").url.path == "/"


@pytest.mark.parametrize(
    ("name", "password", "button", "problem"),
    [
        ("Dan", PASSWORD, "register", "The name is taken."),
        ("Dan", "wrong password", "log_in", "Name or password is wrong."),
        ("Eve", PASSWORD, "log_in", "Name or password is wrong."),
        ("Eve", "short", "register", "Field must be at least 8 characters long."),
    ],
)
def test_an_account_that_cannot_be_is_explained(client, name, password, button, problem):
    if problem == "The name is taken.":
        register(client, name)
        post(client, "/logout")

    page = post(client, "/login", "/login", name=name, password=password, **{button: "x"})

    assert page.url.path == "/login"
    assert problem in page.text


def test_a_form_without_its_token_is_refused(client):
    register(client, "Fay")

    assert client.post("/", data={"text": "forged"}).status_code == 400
    assert "No wishes yet." in client.get("/").text


def test_all_prices_are_asked_for_at_once(client):
    """One after the other they would take 0.3 s each."""
    register(client, "Gil")
    for number in range(10):
        post(client, "/", text=f"wish {number}")

    page = client.get("/prices").text
    seconds = float(re.search(r"10 prices in ([\d.]+) s", page)[1])
    prices = [float(price) for price in re.findall(r"<span>([\d.]+)</span></li>", page)]

    assert seconds < 2.5
    assert len(prices) == 10
    assert f"<b>Total</b> <b>{sum(prices):.2f}</b>" in page
