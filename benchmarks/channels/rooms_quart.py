"""The app of ``rooms.py`` on Quart, with a queue for each client: for one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from quart import Quart, Response, request, websocket

app = Quart(__name__)
queues: set[asyncio.Queue[str]] = set()


async def messages() -> AsyncIterator[str]:
    """Yield each message."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        queues.discard(queue)


@app.websocket("/websocket")
async def connect() -> None:
    """Send each message."""
    await websocket.accept()
    async for message in messages():
        await websocket.send(message)


@app.get("/events")
async def events() -> Response:
    """Send each message as an event."""

    async def encoded() -> AsyncIterator[bytes]:
        async for message in messages():
            yield f"data: {message}\n\n".encode()

    response = Response(encoded(), mimetype="text/event-stream")
    response.timeout = None
    return response


@app.post("/publish")
async def publish() -> tuple[str, int]:
    """Hand the body to each client."""
    body = await request.get_data(as_text=True)
    for queue in queues:
        queue.put_nowait(body)
    return "", 204
