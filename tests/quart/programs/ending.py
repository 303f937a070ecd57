"""Clients that go, limits of time, and files beside the app: what ends a request early."""

import asyncio

from quart import Quart, request

from .recorded import body


def create_app():
    app = Quart(__name__)
    app.config["BODY_TIMEOUT"] = 0.5
    app.log = []
    app.waiting = None

    @app.get("/waits")
    async def waits():
        app.waiting.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            app.log.append("view cancelled")
            raise
        return "done"

    @app.get("/stream")
    async def stream():
        async def pieces():
            try:
                while True:
                    yield b"piece"
                    await asyncio.sleep(0.001)
            finally:
                app.log.append("stream ends")

        return pieces()

    @app.post("/body")
    async def read():
        return await request.get_data()

    @app.teardown_request
    async def teardown(error):
        app.log.append(f"teardown {request.path}")

    return app


async def answers(app):
    client = app.test_client()
    app.waiting = asyncio.Event()
    async with client.request("/waits") as connection:
        await connection.send_complete()
        await app.waiting.wait()
        await connection.disconnect()
    yield "a view whose client goes", sorted(app.log)
    app.log.clear()
    async with client.request("/stream") as connection:
        await connection.send_complete()
        yield "first piece", (await connection.receive()).decode()
        await connection.disconnect()
    yield "a stream whose client goes", "stream ends" in app.log
    async with client.request("/body", method="POST") as connection:
        await connection.send(b"begun")
    yield "a body that does not come", (await connection.as_response()).status_code
    yield "a body that comes", await body(await client.post("/body", data="all"))
