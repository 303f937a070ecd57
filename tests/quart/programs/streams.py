"""Streams: server-sent events, generators of both kinds, and a client that reads piece by piece."""

import asyncio
from dataclasses import dataclass

from quart import Quart, Response, abort, make_response, request, session, stream_with_context

from .recorded import body, shown


@dataclass
class ServerSentEvent:
    data: str
    event: str | None = None
    id: int | None = None

    def encode(self):
        message = f"data: {self.data}"
        if self.event is not None:
            message = f"{message}\nevent: {self.event}"
        if self.id is not None:
            message = f"{message}\nid: {self.id}"
        return f"{message}\n\n".encode()


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.log = []
    app.queue = None
    _add_events(app)
    _add_generators(app)
    _add_responses(app)
    _add_bodies(app)
    return app


def _add_events(app):
    @app.get("/events")
    async def events():
        if "text/event-stream" not in request.accept_mimetypes:
            abort(400)
        app.queue = asyncio.Queue()

        async def send_events():
            try:
                while (text := await app.queue.get()) is not None:
                    yield ServerSentEvent(text, event="news", id=app.queue.qsize()).encode()
            finally:
                app.log.append("events end")

        response = await make_response(
            send_events(),
            {
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "Transfer-Encoding": "chunked",
            },
        )
        response.timeout = None
        return response


def _add_generators(app):
    @app.get("/async")
    async def async_generator():
        async def lines():
            for n in range(3):
                yield f"line {n}\n"
                await asyncio.sleep(0)

        return lines(), 200, {"Content-Type": "text/plain"}

    @app.get("/def")
    async def def_generator():
        def lines():
            for n in range(3):
                yield f"line {n}\n".encode()

        return lines(), {"X-Kind": "def"}

    @app.get("/context")
    async def with_context():
        @stream_with_context
        async def lines():
            yield request.path
            yield str(session.get("user"))

        return lines()


def _add_responses(app):
    @app.get("/response")
    async def as_response():
        async def pieces():
            yield b"a"
            yield b"b"

        return Response(pieces(), status=201, content_type="text/x-pieces")

    @app.get("/list")
    async def a_list():
        return Response([b"a", b"b"], headers={"X-List": "yes"})

    @app.get("/fails")
    async def fails():
        async def pieces():
            yield b"a"
            raise ValueError("in the stream")

        return pieces()


def _add_bodies(app):
    @app.post("/upload")
    async def upload():
        sizes = []
        async for piece in request.body:
            sizes.append(len(piece))
        return {"sum": sum(sizes)}

    @app.post("/double")
    async def double():
        async def pieces():
            async for piece in request.body:
                yield piece + piece

        return stream_with_context(pieces)()


async def answers(app):
    client = app.test_client()
    for path in ("/async", "/def", "/context", "/response", "/list"):
        yield path, await shown(await client.get(path))
    yield "events refused", await body(await client.get("/events"))
    accept = {"Accept": "text/event-stream"}
    async with client.request("/events", headers=accept) as connection:
        await connection.send_complete()
        while app.queue is None:
            await asyncio.sleep(0.001)
        await app.queue.put("tea")
        yield "first event", (await connection.receive()).decode()
        await app.queue.put("milk")
        yield "second event", (await connection.receive()).decode()
        yield "head", [connection.status_code, connection.headers["content-type"]]
        await connection.disconnect()
    yield "events end", app.log
    yield "upload", await body(await client.post("/upload", data=b"x" * 1000))
    async with client.request("/upload", method="POST") as connection:
        for _ in range(3):
            await connection.send(b"abc")
        await connection.send_complete()
    yield "upload in pieces", await shown(await connection.as_response())
    yield "double", await body(await client.post("/double", data=b"ab"))
