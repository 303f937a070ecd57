"""The errors of channels."""

from __future__ import annotations


class ChannelsUnavailable(ConnectionError):
    """The engine did not take a message, or did not answer, within ``CHANNELS_TIMEOUT`` seconds."""


class MessageTooLarge(ValueError):
    """A message is larger than the engine takes."""


class MissedMessages(Exception):
    """A subscription missed messages while the engine could not be reached; it goes on.

    Raised only where the subscriber has asked for it, as an event stream does.
    """


class SlowSubscriber(Exception):
    """A subscription with ``overflow="close"`` got more messages than its mailbox holds.

    :meth:`~asyncflask.channels.Channels.relay` closes its websocket with code 1013 (try again
    later), and :meth:`~asyncflask.channels.Channels.event_stream` ends its stream; the browser
    connects again with ``Last-Event-ID``.
    """
