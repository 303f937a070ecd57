"""Live messages of a channel in their order, where a server may send a later one first.

NATS sends a stored message on after it has let go of the stream: of two that are published at the
same time by two workers, the second may come first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .message import Message

#: Seconds that a message waits for the one before it, which the server has sent as well.
PATIENCE = 1.0


class Arrivals:
    """Hands on the messages of a channel, each after the one before it.

    Args:
        deliver: Takes the messages.
    """

    __slots__ = ("_deliver", "_early", "_passed", "_timer")

    def __init__(self, deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver
        #: messages that wait, with the offset of the one before: by their own offset
        self._early: dict[int, tuple[int, Message]] = {}
        #: messages up to this offset are not waited for: they were handed on, or published before
        #: :meth:`begin`; ``None`` until then
        self._passed: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, offset: int) -> None:
        """Hand on what has come, and from now on each message when it comes.

        Args:
            offset: Of the last message that may have been published too early to be received.
        """
        self._passed = offset if self._passed is None else max(self._passed, offset)
        self._hand_on()

    def add(self, message: Message, before: int) -> None:
        """Take a message that has come.

        Args:
            message: As the server sent it, in any order.
            before: The offset of the one before it in its channel; 0: of none.
        """
        offset = message.position.offset
        if self._passed is not None and not self._early and before <= self._passed:
            self._passed = max(self._passed, offset)
            self._deliver(message)
            return
        self._early[offset] = before, message
        if self._passed is not None:
            self._hand_on()

    def end(self) -> None:
        """Hand on nothing more."""
        self._deliver = _deliver_nothing
        self._early.clear()
        self._wait_no_longer()

    def _hand_on(self, all_of_them: bool = False) -> None:
        assert self._passed is not None
        for offset in sorted(self._early):
            before, message = self._early[offset]
            if before > self._passed and offset > self._passed and not all_of_them:
                break
            del self._early[offset]
            self._passed = max(self._passed, offset)
            self._deliver(message)
        if not self._early:
            self._wait_no_longer()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PATIENCE, self._hand_on, True)

    def _wait_no_longer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _deliver_nothing(message: Message) -> None:
    """Take no message."""
