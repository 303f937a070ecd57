"""A client that is still sending when the response is ready gets the response."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask import Flask, abort, request
from asyncflask.wrappers.request import drain


@pytest.fixture
def app():
    app = Flask(__name__)

    @app.post("/refused")
    async def refused():
        abort(403, "No.")

    @app.post("/refused-in-a-thread")
    def refused_in_a_thread():
        abort(403, "No.")

    @app.post("/echo")
    async def echo():
        body = request.body

        async def pieces():
            async for piece in body:
                yield piece

        return pieces()

    return app


class Server:
    """As hypercorn does, it takes the last message when its bounded queue has room."""

    def __init__(self, path, *headers, more=True):
        self.headers = [(b"host", b"localhost"), *headers]
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": self.headers,
        }
        self.more = more
        self.pieces = 5 if headers else 0
        self.queue = asyncio.Queue(2)
        self.sent = []
        self.received = 0

    async def serve(self, app):
        upload = asyncio.create_task(self._upload())
        async with asyncio.timeout(3):
            await app(self.scope, self._receive, self._send)
        upload.cancel()

    async def _upload(self):
        for _ in range(self.pieces):
            await self.queue.put({"type": "http.request", "body": b"12345678", "more_body": True})
        if not self.more:
            await self.queue.put({"type": "http.request", "body": b"", "more_body": False})

    async def _receive(self):
        self.received += 1
        return await self.queue.get()

    async def _send(self, message):
        await asyncio.sleep(0.01)  # The upload goes on and fills the queue.
        self.sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            await self.queue.put({"type": "http.disconnect"})

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)


LENGTH = (b"content-length", b"40")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize("path", ["/refused", "/refused-in-a-thread", "/nowhere"])
@pytest.mark.parametrize("header", [LENGTH, CHUNKED])
async def test_a_response_before_the_end_of_the_body_is_sent(app, path, header):
    server = Server(path, header, more=False)
    await server.serve(app)

    assert server.sent[0]["status"] in (403, 404)
    assert server.sent[-1].get("more_body", False) is False
    assert b"</p>" in server.body


async def test_a_get_request_may_have_a_body_too(app):
    """Otherwise a client could fill hypercorn's queue, and its connection would never end."""
    server = Server("/nowhere", LENGTH, more=False)
    server.scope["method"] = "GET"
    await server.serve(app)

    assert server.sent[0]["status"] == 404
    assert b"</p>" in server.body


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_body_of_http_2_needs_no_length(app, method):
    server = Server("/nowhere", (b"accept", b"*/*"), more=False)
    server.scope.update(method=method, http_version="2")
    await server.serve(app)

    assert server.sent[0]["status"] == 404
    assert b"</p>" in server.body


async def test_a_request_of_http_2_without_a_body_needs_no_draining(app):
    server = Server("/nowhere")
    server.scope["http_version"] = "2"
    server.queue.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    await server.serve(app)

    assert server.received == 1
    assert len(server.sent) == 2


async def test_an_endless_upload_does_not_delay_the_response(app, monkeypatch):
    monkeypatch.setattr(drain, "LINGER", 0.01)
    server = Server("/refused", CHUNKED)
    await server.serve(app)

    assert server.sent[-1] == {"type": "http.response.body", "body": b""}
    assert not [task for task in asyncio.all_tasks() if "discard" in repr(task)]


async def test_a_stream_that_reads_the_body_gets_all_of_it(app):
    server = Server("/echo", LENGTH, more=False)
    await server.serve(app)

    assert server.body == b"12345678" * 5


async def test_no_body_is_requested_from_a_client_that_waits_for_100_continue(app):
    server = Server("/refused", LENGTH, (b"expect", b"100-continue"))
    server.queue = asyncio.Queue()
    await server.serve(app)

    assert server.received == 0


async def test_a_request_without_a_body_is_not_read(app):
    server = Server("/refused", more=False)
    await server.serve(app)

    assert server.received == 0
    assert len(server.sent) == 2
