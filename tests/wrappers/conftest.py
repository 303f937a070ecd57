"""The smallest context of a connection, and a client that sends what the test says."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

DEFAULTS = {
    "MAX_CONTENT_LENGTH": None,
    "MAX_FORM_MEMORY_SIZE": 500_000,
    "MAX_FORM_PARTS": 1000,
    "TRUSTED_HOSTS": None,
    "BODY_TIMEOUT": None,
    "BODY_IDLE_TIMEOUT": 60,
}


class Client:
    """Messages for ``receive``; when there are none, it waits for :meth:`say`."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.asked = 0
        self.news = asyncio.Event()

    def say(self, *messages):
        self.messages += messages
        self.news.set()

    def send_body(self, *pieces, more=False):
        last = len(pieces) - 1
        self.say(
            *(
                {"type": "http.request", "body": piece, "more_body": more or index < last}
                for index, piece in enumerate(pieces)
            )
        )

    def leave(self):
        self.say({"type": "http.disconnect"})

    async def receive(self):
        self.asked += 1
        while not self.messages:
            self.news.clear()
            await self.news.wait()
        return self.messages.pop(0)


class Context:
    """The attributes of a context that a connection reads."""

    url_rule = view_args = routing_exception = header_names = made_body = None

    def __init__(self, client, scope, config, debug):
        self.app = SimpleNamespace(config={**DEFAULTS, **config}, json=json, debug=debug)
        self.client = client
        self.scope = scope
        self.receive = client.receive
        self.sent = []

    async def send(self, message):
        self.sent.append(message)


def scope_of(headers=(), **scope):
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "root_path": "",
        "server": ("127.0.0.1", 5000),
        "client": ("192.0.2.7", 4711),
        "headers": encoded,
        **scope,
    }


def context_of(*pieces, headers=(), mimetype=None, length=None, config=(), debug=False, **scope):
    """Make the context of a request whose body comes in ``pieces``; without any it never ends."""
    headers = list(headers)
    if mimetype is not None:
        headers.append(("Content-Type", mimetype))
    if length is not None:
        headers.append(("Content-Length", str(length)))
    client = Client()
    if pieces:
        client.send_body(*pieces)
    return Context(client, scope_of(headers, **scope), dict(config), debug)


@pytest.fixture(name="context_of")
def _context_of():
    made = []

    def make(*pieces, **options):
        made.append(context_of(*pieces, **options))
        return made[-1]

    yield make
    for ctx in made:
        if ctx.made_body is not None:
            ctx.made_body.close()


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def still_loop():
    """A loop that never runs: a caller that waited for it would never end."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
