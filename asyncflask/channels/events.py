"""The messages of a channel as the events of one stream, for ``sse.py``."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from ..sse import ServerSentEvent
from .errors import ChannelsUnavailable, MissedMessages, SlowSubscriber
from .subscription import Subscription

logger = logging.getLogger("asyncflask.channels")

#: Sent at once, so that the browser knows that it is connected, and a test that it is subscribed.
SUBSCRIBED = ServerSentEvent(comment="").encode()
#: Messages are missing: the page loads its data again.
RESET = ServerSentEvent(event="reset", data="").encode()
#: The stream is over, and the browser connects again.
END = b""


class ChannelEvents:
    """A source of events, see :class:`asyncflask.sse.EventSource`, without a task of its own.

    Args:
        subscribed: Subscribes to the channel.
    """

    retry: int | None = None

    def __init__(self, subscribed: AbstractAsyncContextManager[Subscription]) -> None:
        self._subscribed = subscribed
        self._messages: Subscription | None = None
        # In a task, because the engine may not answer, and the server stop meanwhile.
        self._entering = asyncio.ensure_future(subscribed.__aenter__())
        self._woken = asyncio.Event()

    async def take(self) -> bytes | None:
        """Wait for the next message."""
        if self._messages is None:
            return await self._enter()
        try:
            message = await self._messages.take()
        except MissedMessages:
            return RESET
        except (SlowSubscriber, StopAsyncIteration):
            return END
        return None if message is None else message.event

    async def _enter(self) -> bytes | None:
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait({self._entering, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        self._woken.clear()
        if not self._entering.done():
            return None
        try:
            self._messages = self._entering.result()
        except ChannelsUnavailable as error:  # In one line: it happens to each browser's stream.
            logger.warning("An event stream ends, and its browser connects again. %s", error)
            return END
        return SUBSCRIBED if self._messages.complete else RESET

    def wake(self) -> None:
        """Let the ``take()`` that waits, or else the next one, return."""
        if self._messages is None:
            self._woken.set()
        else:
            self._messages.wake()

    async def close(self) -> None:
        """End the subscription."""
        entering = self._entering
        del self._entering  # An error that it has raised refers to this object: a cycle.
        entering.cancel()
        await asyncio.wait({entering})
        if not entering.cancelled() and entering.exception() is None:
            await self._subscribed.__aexit__(None, None, None)
