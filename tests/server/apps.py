"""ASGI apps for tests, and requests of clients. (No tests.)"""

from __future__ import annotations

from asyncflask.server import Config

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
START = {"type": "http.response.start", "status": 200, "headers": []}
MORE = {"type": "http.response.body", "body": b"Hello", "more_body": True}
LAST = {"type": "http.response.body", "body": b""}
QUIET = Config(access_log=False)


class App:
    """An ASGI app that runs ``talk(receive, send)``, and keeps the messages it received."""

    def __init__(self, talk):
        self.talk = talk
        self.scope = None
        self.heard = []
        self.error = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.scope = scope

        async def hear():
            self.heard.append(await receive())
            return self.heard[-1]

        try:
            await self.talk(hear, send)
        except Exception as error:
            self.error = error
            raise

    @property
    def end(self):
        """The last message: code and reason of the disconnect."""
        return self.heard[-1]["type"], self.heard[-1]["code"], self.heard[-1]["reason"]


def post(body=b"", *headers):
    """Make a request with a body."""
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: a", *headers]) + b"\r\n\r\n" + body
