"""Measures one small text without a socket: wsproto alone, and the embedded server around it.

wsproto's own cost is the unit of the goal for websockets: it reads a frame's bytes, returns an
event, and makes the frame of the response. The figures are CPU time, as for the servers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import TextMessage

from ..client import WrongAnswer
from ..workloads import MESSAGE
from .apps import make
from .loads import frame, upgrade_request

CONNECTIONS = 64


def time_wsproto(count: int) -> float:
    """Return the microseconds that wsproto takes for a text and its echo."""
    frames, data = Frames(ConnectionType.SERVER), frame(MESSAGE, masked=True)
    began = time.process_time()
    for _ in range(count):
        frames.receive_data(data)
        for event in frames.events():
            if isinstance(event, TextMessage):
                echo = frames.send(TextMessage(data=event.data))
    seconds = time.process_time() - began
    if bytes(echo) != frame(MESSAGE, masked=False):
        raise WrongAnswer(f"wsproto's echo is {bytes(echo)!r}.")
    return seconds / count * 1e6


def time_embedded(peer: str, count: int) -> float:
    """Return the microseconds that the embedded server and an app take for a text and its echo.

    Its ``HTTPProtocol`` gets the bytes on a transport that does nothing; 64 connections have a
    message each in every turn of the loop.

    Args:
        peer: Whose app it is.
        count: How many messages, rounded up to a whole turn.
    """
    return asyncio.run(_time_embedded(make(f"{peer}:websocket"), -(-count // CONNECTIONS)))


async def _time_embedded(app: Any, turns: int) -> float:
    from asyncflask.server import Config
    from asyncflask.server.http_protocol import HTTPProtocol
    from asyncflask.server.state import ServerState

    server_state = ServerState(app, Config(access_log=False), asyncio.get_running_loop().time)
    transports = [_Transport() for _ in range(CONNECTIONS)]
    connections = [HTTPProtocol(server_state) for _ in transports]
    for connection, transport in zip(connections, transports, strict=True):
        connection.connection_made(transport)
        connection.data_received(upgrade_request())
    await _until(lambda: all(transport.count for transport in transports))
    data, due = frame(MESSAGE, masked=True), 1
    began = time.process_time()
    for _ in range(turns):
        for connection in connections:
            connection.data_received(data)
        due += 1
        while transports[-1].count < due:
            await asyncio.sleep(0)
    seconds = time.process_time() - began
    echo = frame(MESSAGE, masked=False)
    if any(transport.count != due or transport.last != echo for transport in transports):
        raise WrongAnswer("The embedded server did not echo each message once.")
    for connection in connections:
        connection.connection_lost(None)
    await _until(lambda: not server_state.tasks)
    return seconds / turns / CONNECTIONS * 1e6


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise WrongAnswer("The embedded server came to nothing in 1,000 turns of the loop.")


class _Transport(asyncio.Transport):
    """A transport that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self.count = 0
        self.last = b""

    def write(self, data: Any) -> None:
        self.count += 1
        self.last = data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: nothing is ever buffered."""

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        """Go on."""

    def resume_reading(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Stay open."""

    def abort(self) -> None:
        """Stay open."""
