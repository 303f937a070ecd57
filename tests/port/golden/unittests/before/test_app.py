import unittest
from unittest import TestCase

from app import app


class Base(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.app = app
        self.client = self.app.test_client()

    def text(self, path="/"):
        return self.client.get(path).text


class TestApp(Base):
    def setUp(self):
        super().setUp()
        self.client.get("/")

    def tearDown(self):
        del self.client

    def test_index(self):
        self.assertEqual(self.text(), "Hello")


class TestOther(TestCase):
    def test_other(self):
        assert app.test_client().get("/").status_code == 200


class TestPlain(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(app.name, "app")
