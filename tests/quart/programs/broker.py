"""Websockets: a chat with a broker, and the other ways in which one begins and ends."""

import asyncio

from quart import Quart, abort, g, has_websocket_context, make_response, session, websocket
from quart.testing.connections import WebsocketDisconnectError, WebsocketResponseError

from .recorded import shown


class Broker:
    def __init__(self):
        self.connections = set()

    async def publish(self, message):
        for connection in self.connections:
            await connection.put(message)

    async def subscribe(self):
        connection = asyncio.Queue()
        self.connections.add(connection)
        try:
            while True:
                yield await connection.get()
        finally:
            self.connections.remove(connection)


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.log = []
    app.broker = Broker()
    _add_chat(app)
    _add_beginnings(app)
    _add_endings(app)

    @app.before_websocket
    async def before():
        g.name = websocket.args.get("name", "none")
        if g.name == "mallory":
            abort(403)

    @app.after_websocket
    async def after(response):
        app.log.append(f"after {websocket.path} {response is None}")
        return response

    @app.teardown_websocket
    async def teardown(error):
        app.log.append(f"teardown {websocket.path} {type(error).__name__}")

    return app


def _add_chat(app):
    async def receiving():
        while True:
            message = await websocket.receive()
            await app.broker.publish(f"{g.name}: {message}")

    @app.websocket("/chat")
    async def chat():
        task = asyncio.ensure_future(receiving())
        try:
            async for message in app.broker.subscribe():
                await websocket.send(message)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            app.log.append("chat ends")

    @app.websocket("/echo")
    async def echo():
        while True:
            data = await websocket.receive()
            await websocket.send(data if isinstance(data, bytes) else data.upper())

    @app.websocket("/json")
    async def as_json():
        while True:
            data = await websocket.receive_json()
            await websocket.send_json({"got": data, "in": has_websocket_context()})


def _add_beginnings(app):
    @app.websocket("/protocols")
    async def protocols():
        await websocket.accept(subprotocol="v2", headers={"X-Answer": "42"})
        await websocket.send_json(list(websocket.requested_subprotocols))

    @app.websocket("/refused")
    async def refused():
        return "not today", 401

    @app.websocket("/refused-later")
    async def refused_later():
        response = await make_response({"error": "no"}, 400)
        response.headers["X-Why"] = "no"
        return response

    @app.websocket("/session")
    async def sessions():
        await websocket.send_json([session.get("user"), websocket.cookies.get("theme")])

    @app.websocket("/<name>/attributes")
    async def attributes(name):
        await websocket.send_json(
            {
                "name": name,
                "path": websocket.path,
                "scheme": websocket.scheme,
                "host": websocket.host,
                "url": websocket.url,
                "query": websocket.query_string.decode(),
                "endpoint": websocket.endpoint,
                "view_args": websocket.view_args,
                "header": websocket.headers.get("X-Here"),
            }
        )


def _add_endings(app):
    @app.websocket("/closes")
    async def closes():
        await websocket.accept()
        await websocket.close(1001, "going")

    @app.websocket("/fails")
    async def fails():
        raise ValueError("before accept")

    @app.websocket("/handled")
    async def handled():
        raise LookupError("handled")

    @app.errorhandler(LookupError)
    async def on_lookup(error):
        return "looked up", 418

    @app.websocket("/once")
    async def once():
        await websocket.send("once")


async def _refusal(client, path, **arguments):
    try:
        async with client.websocket(path, **arguments) as connection:
            return ["received", await connection.receive()]
    except WebsocketResponseError as error:
        return await shown(error.response)
    except WebsocketDisconnectError as error:
        return ["disconnected", str(error.args[0])]


async def answers(app):
    client = app.test_client()
    async with client.websocket("/chat?name=ada") as ada, client.websocket("/chat?name=bob") as bob:
        while len(app.broker.connections) < 2:
            await asyncio.sleep(0.001)
        await ada.send("hello")
        yield "chat", [await ada.receive(), await bob.receive()]
    yield "nobody is left", [len(app.broker.connections), app.log.count("chat ends")]
    async with client.websocket("/echo") as connection:
        await connection.send("tea")
        await connection.send(b"\x00\x01")
        yield "echo", [await connection.receive(), list(await connection.receive())]
    async with client.websocket("/json") as connection:
        await connection.send_json({"a": [1, None]})
        yield "json", await connection.receive_json()
    async with client.websocket("/protocols", subprotocols=["v1", "v2"]) as connection:
        yield "protocols", await connection.receive_json()
    client.set_cookie("localhost", "theme", "dark")
    async with client.session_transaction() as store:
        store["user"] = "ada"
    async with client.websocket("/session") as connection:
        yield "session", await connection.receive_json()
    async with client.websocket(
        "/ada/attributes", query_string={"q": "1"}, headers={"X-Here": "yes"}
    ) as connection:
        yield "attributes", await connection.receive_json()
    async with client.websocket("/once") as connection:
        yield "once", await connection.receive()
    for path in ("/refused", "/refused-later", "/nowhere", "/handled"):
        yield path, await _refusal(client, path)
    yield "before_websocket refuses", await _refusal(client, "/echo?name=mallory")
    yield "a view that fails", await _refusal(client, "/fails")
    yield "closes", await _refusal(client, "/closes")
    ended = ("/protocols", "/once", "/refused", "/refused-later", "/handled", "/closes")
    yield "log", [line for line in app.log if line.split()[1] in ended]
    http = await client.get("/echo")
    yield "a websocket's path over HTTP", await shown(http)
