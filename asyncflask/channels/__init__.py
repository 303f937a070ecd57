"""Messages between the workers and hosts of an app: rooms, events, who is present.

:class:`Channels` is the extension. Its files, from the top: ``extension.py`` (what an app uses),
``hub.py`` (one for each event loop: the connection to the engine, and the subscriptions),
``background.py`` (the loop of code that has none), ``subscription.py``, ``message.py``, and the
engines (``engine.py`` is their interface).
"""

from .engine import Engine, EngineOptions, History
from .errors import ChannelsUnavailable, MessageTooLarge, SlowSubscriber
from .extension import Channels
from .message import Message, Position
from .subscription import Subscription

__all__ = [
    "Channels",
    "ChannelsUnavailable",
    "Engine",
    "EngineOptions",
    "History",
    "Message",
    "MessageTooLarge",
    "Position",
    "SlowSubscriber",
    "Subscription",
]
