"""Rooms: who is in which one, and how a message reaches all of them.

Sending a message to a room never waits. Each member has a mailbox of limited size, and a task that
sends from it. If a member's connection is too slow, that member loses the oldest messages.

The rooms are in one process. Several processes need a broker between them (Redis, NATS …).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MAILBOX_SIZE = 100

Message = dict[str, Any]


class Member:
    """One connection in a room."""

    def __init__(self) -> None:
        self._mailbox: asyncio.Queue[Message] = asyncio.Queue(MAILBOX_SIZE)

    def post(self, message: Message) -> None:
        """Put a message into the mailbox; a full mailbox loses its oldest message."""
        if self._mailbox.full():
            self._mailbox.get_nowait()
        self._mailbox.put_nowait(message)

    async def next_message(self) -> Message:
        """Wait for the next message."""
        return await self._mailbox.get()


class Rooms:
    """The rooms that have members. An empty room is removed."""

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, Member]] = {}

    def sizes(self) -> dict[str, int]:
        """Return the number of members of each room."""
        return {room: len(members) for room, members in sorted(self._rooms.items())}

    @contextmanager
    def visit(self, room: str, name: str, member: Member) -> Iterator[Callable[[str], None]]:
        """Add a member, and remove it at the end of the block.

        Yields:
            A function that sends a message to the room.
        """
        members = self._rooms.setdefault(room, {})
        name = _free_name(name, members)
        self._broadcast(room, {"type": "join", "name": name})
        members[name] = member
        member.post({"type": "people", "names": list(members), "you": name})
        try:
            yield lambda text: self._broadcast(room, _message(name, text))
        finally:
            del members[name]
            self._broadcast(room, {"type": "leave", "name": name})
            if not members:
                del self._rooms[room]

    def _broadcast(self, room: str, message: Message) -> None:
        for member in self._rooms[room].values():
            member.post(message)


def _message(name: str, text: str) -> Message:
    return {"type": "message", "name": name, "text": text}


def _free_name(name: str, taken: dict[str, Member]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
