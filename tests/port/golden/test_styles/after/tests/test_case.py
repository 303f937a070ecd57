import unittest

from asyncflask import session

from app import create_app


class Case(unittest.IsolatedAsyncioTestCase):
    async def test_a_block(self):
        async with self.app as client:  # set below
            await client.post("/login", data={"name": "Ada"})
            self.assertEqual(session["user"], "Ada")

    def setUp(self):
        self.app = create_app().test_client()
