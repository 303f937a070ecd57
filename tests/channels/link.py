"""A link between an app and a server that can be cut, as a cable is: no side hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Link:
    """Carries connections to a server.

    Args:
        url: The server's URL.
    """

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._whole = asyncio.Event()
        self._whole.set()
        self._writers: set[asyncio.StreamWriter] = set()
        #: the URL that leads through the link
        self.url = ""

    def cut(self) -> None:
        """Hold back everything: no data, no end of a connection, no new connection."""
        self._whole.clear()

    def mend(self) -> None:
        """Carry everything again, also what was sent meanwhile, as TCP does."""
        self._whole.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Link]:
        """Listen at a free port until the block ends."""
        listener = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        user = self._server.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"
        self.url = urlunsplit(self._server._replace(netloc=netloc))
        try:
            yield self
        finally:
            self.mend()
            listener.close()
            while self._writers:
                for writer in self._writers:
                    writer.transport.abort()
                await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._server.port is not None
        self._writers.add(writer)
        await self._whole.wait()
        with suppress(OSError):
            there, to_there = await asyncio.open_connection("127.0.0.1", self._server.port)
            self._writers.add(to_there)
            await asyncio.gather(self._carry(reader, to_there), self._carry(there, writer))
            self._writers.discard(to_there)
        self._writers.discard(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        await self._whole.wait()
        writer.close()
