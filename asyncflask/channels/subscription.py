"""One subscriber of a channel: an asynchronous iterator over a mailbox of limited size."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal, Self

from .bell import Bell
from .errors import MissedMessages, SlowSubscriber
from .message import Message, Position

Overflow = Literal["close", "drop_oldest"]


class Subscription:
    """The messages of a channel, for one subscriber.

    Args:
        channel: The channel's name.
        size: The most messages that wait here for the subscriber.
        size_bytes: The most bytes of their bodies.
        overflow: What happens to a subscriber that is too slow. ``"close"``: the iteration ends
            with :exc:`SlowSubscriber`, after the messages that are here. ``"drop_oldest"``: the
            oldest message is dropped, and counted in :attr:`lost`.
        raises_missed: Whether the iteration raises :exc:`MissedMessages`, once for each gap.
    """

    __slots__ = (
        *(
            "_bell",
            "_bytes",
            "_closed",
            "_has_missed",
            "_held",
            "_is_read",
            "_mailbox",
            "_overflow",
            "_replayed",
            "_replayed_to",
        ),
        *("_raises_missed", "_size", "_size_bytes", "_too_slow", "_woken"),
        *("channel", "complete", "lost"),
    )

    def __init__(
        self,
        channel: str,
        size: int,
        size_bytes: int,
        overflow: Overflow,
        raises_missed: bool = False,
    ) -> None:
        self.channel = channel
        #: how many messages were dropped
        self.lost = 0
        #: False if messages are missing that were published after ``after=…``, or while the engine
        #: could not be reached: they are no longer kept
        self.complete = True
        self._size = size
        self._size_bytes = size_bytes
        self._overflow = overflow
        self._mailbox: deque[Message] = deque()
        self._bytes = 0
        self._too_slow = False
        self._raises_missed = raises_missed
        self._has_missed = False
        self._closed = False
        #: whether the reader was woken, and there was no message
        self._woken = False
        self._bell = Bell()
        #: whether the reader waits
        self._is_read = False
        #: the first and the last message of the last replay; ``None`` if they were read
        self._replayed: tuple[Position, Position] | None = None
        #: live messages that wait for the replayed ones; ``None`` when there is no replay, or a
        #: later message than the replayed ones has come
        self._held: list[Message] | None = None
        #: the last replayed message, until a later one comes
        self._replayed_to: Position | None = None

    def __repr__(self) -> str:
        return f"<Subscription {self.channel!r}, {len(self._mailbox)} waiting>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        # PERF: as `take()`, without its call: each frame is stepped at each delivery.
        while not self._mailbox or self._has_missed:
            self._check()
            self._is_read = True
            try:
                await self._bell
            finally:
                self._is_read = False
        message = self._mailbox.popleft()
        self._bytes -= len(message.body)
        return message

    async def take(self) -> Message | None:
        """Return the next message; ``None`` if :meth:`wake` was called and there is none.

        Raises:
            SlowSubscriber: The subscriber is too slow.
            MissedMessages: Messages are missing.
            StopAsyncIteration: There are no more.
        """
        while not self._mailbox or self._has_missed:
            self._check()
            if self._woken:
                self._woken = False
                return None
            self._is_read = True
            try:
                await self._bell
            finally:
                self._is_read = False
        message = self._mailbox.popleft()
        self._bytes -= len(message.body)
        return message

    def _check(self) -> None:
        """Raise what the iteration raises, before it waits."""
        if self._has_missed:
            self._has_missed = False
            raise MissedMessages(self.channel)
        if self._too_slow:
            raise SlowSubscriber(
                f"A subscriber of {self.channel!r} had {self._size} messages or"
                f" {self._size_bytes} bytes waiting. Read faster, raise CHANNELS_MAILBOX or"
                ' CHANNELS_MAILBOX_BYTES, or subscribe with overflow="drop_oldest".'
            )
        if self._closed:
            raise StopAsyncIteration
        if self._is_read:
            raise RuntimeError(
                f"Two tasks read from one subscription of {self.channel!r}. Give each of them"
                " a subscription of its own."
            )

    def wake(self) -> None:
        """Let the :meth:`take` that waits, or else the next one, return."""
        self._woken = True
        self._wake()

    def put(self, message: Message) -> Bell | None:
        """Take a live message; called on the subscriber's loop.

        Args:
            message: As the engine delivered it.

        Returns:
            The bell that the caller has to ring, if the reader waits.
        """
        if self._held is not None and not self._is_new(message):
            return None
        if not (self._too_slow or self._closed):
            self._mailbox.append(message)
            self._bytes += len(message.body)
            if len(self._mailbox) > self._size or self._bytes > self._size_bytes:
                self._limit()
            if self._is_read and not self._bell.is_rung:
                self._bell.is_rung = True
                return self._bell
        return None

    def _is_new(self, message: Message) -> bool:
        """Return whether a message is live and was not replayed.

        An engine may send a message on after it has answered with it in the history.
        """
        assert self._held is not None
        last, position = self._replayed_to, message.position
        if last is None:
            self._held.append(message)
            return False
        if last.epoch == position.epoch and position.offset <= last.offset:
            return False
        self._held = self._replayed_to = None  # All that follow are later ones.
        return True

    def _limit(self) -> None:
        """Keep the mailbox's limits; one message may be as large as it is.

        What was replayed and is not read yet does not count: the subscriber was not slow.
        """
        live, live_bytes = len(self._mailbox), self._bytes
        for message in self._mailbox if self._replayed is not None else ():
            if self._was_replayed(message):
                live -= 1
                live_bytes -= len(message.body)
        if live == len(self._mailbox):
            self._replayed = None
        while live > self._size or (live_bytes > self._size_bytes and live > 1):
            if self._overflow == "close":
                self._bytes -= len(self._mailbox.pop().body)
                self._too_slow = True
                break
            dropped = self._mailbox.popleft()
            self._bytes -= len(dropped.body)
            self.lost += 1
            if not self._was_replayed(dropped):
                live -= 1
                live_bytes -= len(dropped.body)

    def _was_replayed(self, message: Message) -> bool:
        if self._replayed is None:
            return False
        (first, last), position = self._replayed, message.position
        return first.epoch == position.epoch and first.offset <= position.offset <= last.offset

    def miss(self) -> None:
        """Note that messages are missing which are no longer kept."""
        self.complete = False
        if self._raises_missed:
            # The subscriber loads its data again, which has these.
            self._mailbox.clear()
            self._bytes = 0
            self._has_missed = True
            self._wake()

    def close(self) -> None:
        """End the iteration, after the messages that are here."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._is_read and not self._bell.is_rung:
            self._bell.ring()

    def hold(self) -> None:
        """Keep live messages back until :meth:`replay`."""
        self._held = []

    def replay(self, messages: Sequence[Message], complete: bool) -> None:
        """Put kept messages before the live ones that were held back; none comes twice.

        The reader comes afterwards.

        Args:
            messages: The kept messages, in their order.
            complete: Whether none is missing.
        """
        held, self._held = self._held or [], None
        self.complete = self.complete and complete
        self.catch_up(messages)
        if messages:
            self._held, self._replayed_to = [], messages[-1].position
        for message in held:
            self.put(message)
        self._wake()

    def catch_up(self, messages: Sequence[Message]) -> None:
        """Take kept messages at once; the mailbox's limits do not count for them.

        Args:
            messages: The kept messages, in their order.
        """
        if self._held is not None:
            messages = [one for one in messages if self._held is None or self._is_new(one)]
        self._replayed = None
        self._limit()  # What an earlier replay has left counts from now on.
        if messages and not (self._too_slow or self._closed):
            self._replayed = messages[0].position, messages[-1].position
            self._mailbox.extend(messages)
            self._bytes += sum(len(message.body) for message in messages)
            self._wake()
