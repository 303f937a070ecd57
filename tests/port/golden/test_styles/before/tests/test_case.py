import unittest

from flask import session

from app import create_app


class Case(unittest.TestCase):
    def test_a_block(self):
        with self.app as client:  # set below
            client.post("/login", data={"name": "Ada"})
            self.assertEqual(session["user"], "Ada")

    def setUp(self):
        self.app = create_app().test_client()
