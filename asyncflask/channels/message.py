"""One message of a channel, and its position among the channel's messages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Self

from ..sse import ServerSentEvent

# An offset has at most 18 digits, which fit into the 64 bits of every engine's counter.
_POSITION = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a message is: the offsets of an epoch grow, and say nothing about another epoch.

    Args:
        epoch: Changes when the engine lost its counters, for example by a restart.
        offset: The number of the message.
    """

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the position that a message's ``id`` names; ``None`` if the text is no id.

        Args:
            text: May come from a client, as ``Last-Event-ID`` does.
        """
        match = _POSITION.fullmatch(text)
        return None if match is None else cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a channel.

    Args:
        channel: The channel's name.
        position: Where it is among the channel's messages.
        body: What was published, as bytes.
    """

    channel: str
    position: Position
    body: bytes
    # All subscribers in a process have one message: it is decoded once for all of them.
    _text: str | None = field(default=None, init=False, repr=False, compare=False)
    _event: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The id, for ``subscribe(after=…)`` and as the id of a server-sent event."""
        return str(self.position)

    @property
    def text(self) -> str:
        """The body as text.

        Raises:
            UnicodeDecodeError: Bytes were published that are not UTF-8.
        """
        text = self._text
        if text is None:
            text = self.body.decode()
            object.__setattr__(self, "_text", text)
        return text

    @property
    def event(self) -> bytes:
        """The message as a server-sent event; bytes that are not UTF-8 are replaced."""
        event = self._event
        if event is None:
            # An error would end the stream at this message each time the browser comes back.
            event = ServerSentEvent(self.body.decode(errors="replace"), id=self.id).encode()
            object.__setattr__(self, "_event", event)
        return event

    def json(self) -> Any:
        """Return what was published as JSON.

        Raises:
            json.JSONDecodeError: The body is not JSON.
        """
        return json.loads(self.body)
