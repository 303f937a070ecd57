"""Cookies of the test client, with Flask's arguments and with Quart's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asyncflask import Flask, request


@pytest.fixture
def app():
    app = Flask(__name__)

    @app.get("/", defaults={"path": ""})
    @app.get("/<path:path>")
    async def cookies(path):
        return dict(request.cookies)

    return app


@pytest.fixture
def client(app):
    return app.test_client()


async def sent(client, url="http://localhost/"):
    return (await client.get(url)).json


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("k", "v"), {}),
        (("k",), {"value": "v"}),
        ((), {"key": "k", "value": "v"}),
        (("localhost", "k", "v"), {}),
        (("localhost", "k"), {"value": "v"}),
        (("localhost",), {"key": "k", "value": "v"}),
        ((), {"server_name": "localhost", "key": "k", "value": "v"}),
        (("localhost:5000", "k", "v", None, None, "/"), {}),
        (("localhost", "k", "v", timedelta(days=1)), {"httponly": True, "samesite": "Lax"}),
    ],
)
async def test_a_cookie_may_be_set_either_way(client, args, kwargs):
    client.set_cookie(*args, **kwargs)

    assert await sent(client) == {"k": "v"}
    assert client.get_cookie("k").value == "v"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("k",), {}),
        ((), {"key": "k"}),
        (("localhost", "k"), {}),
        (("localhost", "k", "/"), {}),
        (("localhost",), {"key": "k"}),
        ((), {"server_name": "localhost", "key": "k"}),
    ],
)
async def test_a_cookie_may_be_deleted_either_way(client, args, kwargs):
    client.set_cookie("k", "v")
    client.set_cookie("other", "v")
    client.delete_cookie(*args, **kwargs)

    assert await sent(client) == {"other": "v"}


async def test_two_arguments_are_flasks_key_and_value(client):
    """Quart takes them for the server's name and a key whose value is empty."""
    client.set_cookie("localhost", "v")

    assert await sent(client) == {"localhost": "v"}


@pytest.mark.parametrize(
    ("domain", "url", "expected"),
    [
        (None, "http://shop.test/", {"k": "v"}),
        (None, "http://api.shop.test/", {}),
        (None, "http://other.test/", {}),
        ("shop.test", "http://api.shop.test/", {"k": "v"}),
        (".shop.test", "http://api.shop.test/", {"k": "v"}),
        ("shop.test", "http://notshop.test/", {}),
    ],
)
async def test_a_cookie_of_a_server_goes_there(client, domain, url, expected):
    client.set_cookie("Shop.test", "k", "v", domain=domain)

    assert await sent(client, url) == expected


async def test_the_path_of_a_cookie_counts_either_way(client):
    client.set_cookie("localhost", "k", "v", path="/a")

    assert await sent(client, "/a/b") == {"k": "v"}
    assert await sent(client, "/ab") == {}


async def test_a_cookie_that_is_over_is_not_kept(client):
    client.set_cookie("k", "v")
    client.set_cookie("localhost", "k", "v", max_age=0)

    assert await sent(client) == {}


def test_what_quarts_set_cookie_does_not_know_is_refused(client):
    with pytest.raises(TypeError, match="origin_only"):
        client.set_cookie("localhost", "k", "v", origin_only=True)
