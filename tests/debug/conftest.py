"""An app under the interactive debugger, and a developer who uses its pages."""

from __future__ import annotations

import re
import sys
from importlib import import_module

import pytest

import asyncflask
import asyncflask.flask
from asyncflask.testing import TestClient

PIN = "123-456-789"
_FRAME = re.compile(r'id="frame-(\d+)">.*?<code class="function">(.*?)</code>', re.DOTALL)


@pytest.fixture(autouse=True)
def display_hook():
    """Restrict ``sys.displayhook`` of Werkzeug's console, set by its import, to these tests."""
    sys.displayhook = import_module("werkzeug.debug.console").ThreadedStream.displayhook
    yield
    sys.displayhook = sys.__displayhook__


class Developer:
    """A developer with a browser, who reads a traceback page and types into its consoles.

    It talks ASGI to either API; Werkzeug's page is read as its script reads it.
    """

    def __init__(self, app):
        self.app = app
        self.client = TestClient(app, asyncflask.Response)
        self.page = ""

    async def open(self, path, **kwargs):
        response = await self.client.open(path, **kwargs)
        self.page = response.text
        return response

    @property
    def secret(self):
        return re.search(r'SECRET = "(.*?)"', self.page)[1]

    def frame(self, function):
        return next(number for number, name in _FRAME.findall(self.page) if name == function)

    def functions(self):
        """Return the functions of the frames that the page shows, in its order."""
        return [name for _, name in _FRAME.findall(self.page)]

    async def command(self, path="/", host="localhost", **args):
        query = {"__debugger__": "yes", "s": self.secret, **args}
        return await self.client.get(path, query_string=query, headers={"Host": host})

    async def unlock(self, pin=PIN, **kwargs):
        return (await self.command(cmd="pinauth", pin=pin, **kwargs)).json

    async def evaluate(self, function, code, **kwargs):
        """Return what the console of a frame shows, as text."""
        frame = 0 if function is None else self.frame(function)
        response = await self.command(cmd=code, frm=frame, **kwargs)
        assert response.status_code == 200, response.text
        shown = re.sub(r"<.*?>", "", response.text)
        return shown.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")


@pytest.fixture(params=["asyncflask", "asyncflask.flask"])
def api(request):
    return asyncflask if request.param == "asyncflask" else asyncflask.flask


@pytest.fixture
def app(api, monkeypatch):
    """An app of each API, debugged, whose PIN is known."""
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", PIN)
    app = api.Flask("shop")
    app.debug = app.use_debugger = True
    return app


@pytest.fixture
def developer(app):
    return Developer(app)
