import unittest
from unittest import IsolatedAsyncioTestCase as TestCase

from app import app


class Base(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.app = app
        self.client = self.app.test_client()

    async def text(self, path="/"):
        return (await self.client.get(path)).text


class TestApp(Base):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.client.get("/")

    def tearDown(self):
        del self.client

    async def test_index(self):
        self.assertEqual(await self.text(), "Hello")


class TestOther(TestCase):
    async def test_other(self):
        assert (await app.test_client().get("/")).status_code == 200


class TestPlain(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(app.name, "app")
