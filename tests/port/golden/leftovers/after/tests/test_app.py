import contextlib
import functools
import unittest
from unittest import mock

import pytest

from app import app, body

flask = pytest.importorskip("flask")


async def test_patched():
    with mock.patch("flask.jsonify"), mock.patch("app.body", return_value="patched"):
        assert (await app.test_client().post("/body")).text == "patched"


async def test_a_helper():
    with app.test_request_context("/", method="POST", json=[1]):
        assert await app.preprocess_request() is None
        assert body() == [1]


def test_made_elsewhere(api_client):
    assert api_client.get("/").status_code == 404


class TestMethods:
    def setup_method(self):
        self.client = app.test_client()
        self.client.post("/login")

    async def check(self, path):
        return (await self.client.get(path)).status_code == 404

    def test_all(self):
        assert all(self.check(path) for path in ("/a", "/b"))

    async def test_one(self):
        assert await self.check("/a")


class Case(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = app.test_client()
        cls.client.post("/login")

    def setUp(self):
        self.addCleanup(self.log_out)

    def log_out(self):
        self.client.post("/logout")

    async def test_index(self):
        self.assertEqual((await self.client.get("/")).status_code, 404)


def test_handed_on():
    client = app.test_client()
    post = functools.partial(client.post, "/login")
    assert post().status_code == 404
    assert getattr(client, "get")("/").status_code == 404


def test_kept():
    browsers = {"one": app.test_client()}
    assert browsers["one"].get("/").status_code == 404


@contextlib.contextmanager
def logged_in(client):
    client.post("/login")
    yield client


async def test_entered():
    with logged_in(app.test_client()) as client:
        assert (await client.get("/")).status_code == 404
