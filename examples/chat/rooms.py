"""Rooms: who is in which one, and how a message reaches all of them.

Rooms are channels, so their members may be in different workers and on different hosts. A member
whose connection is too slow loses the oldest messages, and holds up no other member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from asyncflask.channels import Channels, ChannelsUnavailable, Subscription

channels = Channels()

#: The channel in which all members of all rooms are present, as "room/name".
EVERYBODY = "chat"


@dataclass(frozen=True)
class Visit:
    """A member's stay in a room.

    Args:
        room: The room's name.
        name: The member's name, which no other member of the room has.
        people: All names in the room at the beginning.
        messages: What is said, and who joins and leaves.
        joined: The id of the message that this member has come in.
    """

    room: str
    name: str
    people: Sequence[str]
    messages: Subscription
    joined: str

    async def say(self, text: str) -> None:
        """Send a text to the room."""
        await _tell(self.room, {"type": "message", "name": self.name, "text": text})


async def sizes() -> dict[str, int]:
    """Return the number of members of each room."""
    return dict(Counter(member.split("/")[0] for member in await channels.members(EVERYBODY)))


async def people(room: str) -> list[str]:
    """Return the names in a room."""
    members = [member.split("/", 1) for member in await channels.members(EVERYBODY)]
    return [name for found, name in members if found == room]


@asynccontextmanager
async def visit(room: str, name: str) -> AsyncIterator[Visit]:
    """Have a member in a room until the block ends.

    Args:
        room: The room's name.
        name: The name that the member would like. Where it is taken, a number is added; two who
            come at the same moment may both get it.
    """
    async with channels.subscribe(_channel(room), overflow="drop_oldest") as messages:
        name = _free_name(name, await people(room))
        try:
            async with channels.present(EVERYBODY, f"{room}/{name}"):
                joined = await _tell(room, {"type": "join", "name": name})
                yield Visit(room, name, await people(room), messages, joined)
        finally:
            # Without the engine there is no way to tell it, and presence ends by itself.
            with suppress(ChannelsUnavailable):
                await _tell(room, {"type": "leave", "name": name})


def _channel(room: str) -> str:
    return f"chat:{room}"


async def _tell(room: str, message: dict[str, str]) -> str:
    message_id: str = await channels.publish(_channel(room), message)
    return message_id


def _free_name(name: str, taken: Sequence[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
