"""A server on a loopback socket, and clients that speak raw bytes or websockets to it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from asyncflask.server import Config, listen, serve


class Served:
    """A running server: its address, and how to end it."""

    def __init__(self, place, stop, task):
        self.place = place
        self.stop = stop
        self.task = task
        self._writers = []

    async def connect(self, **options):
        """Open a raw connection: reader and writer. It is closed when the test ends."""
        if isinstance(self.place, str):
            reader, writer = await asyncio.open_unix_connection(self.place)
        else:
            reader, writer = await asyncio.open_connection(*self.place[:2], **options)
        self._writers = [each for each in self._writers if not each.is_closing()] + [writer]
        return reader, writer

    async def ask(self, data, **options):
        """Send ``data`` and read until the server closes."""
        reader, writer = await self.connect(**options)
        writer.write(data)
        answer = await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return answer

    async def end(self):
        """Stop the server and wait for its end."""
        self.stop.set()
        await self.task

    def close_clients(self):
        """Close the raw connections: a writer that outlives its loop prints a ResourceWarning."""
        for writer in self._writers:
            writer.close()


@pytest.fixture
async def served():
    """Start servers: ``await served(app, Config(...), host=...)``; all end with the test."""
    running = []

    async def start(app, config=None, host="127.0.0.1"):
        listener = listen(host, 0)
        place = listener.getsockname()
        stop, ready = asyncio.Event(), asyncio.Event()
        config = config or Config(access_log=False)
        task = asyncio.create_task(serve(app, [listener], config, stop=stop, ready=ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
        running.append(Served(place, stop, task))
        return running[-1]

    yield start
    for server in running:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(server.end(), 10)
        server.close_clients()


@pytest.fixture
def certificate():
    """A self-signed certificate for localhost, with its key, for tests only."""
    return str(Path(__file__).parent.parent / "cli" / "localhost.pem")
