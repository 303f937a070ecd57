"""The interface of an engine, which carries messages between processes, and how one is found."""

from __future__ import annotations

import abc
import functools
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Self
from urllib.parse import urlsplit

from .message import Message, Position

#: The group of entry points by which a distribution adds engines: URL scheme -> class.
ENTRY_POINTS = "asyncflask.channels"

#: The engines that are here: URL scheme -> (module, class, extra of asyncflask).
_ENGINES = {
    "memory": ("memory", "MemoryEngine", None),
    "redis": ("redis", "RedisEngine", "redis"),
    "rediss": ("redis", "RedisEngine", "redis"),
    "valkey": ("redis", "RedisEngine", "redis"),
    "postgresql": ("postgresql", "PostgreSQLEngine", "postgresql"),
    "postgres": ("postgresql", "PostgreSQLEngine", "postgresql"),
    "nats": ("nats", "NATSEngine", "nats"),
}


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an app's configuration says to its engines.

    Args:
        prefix: Begins every key, table and subject, so that two apps can share a server.
        history: How many messages of a channel are kept.
        ttl: Seconds that they are kept after the channel's last message.
        presence: Seconds after which a worker that renews no presence counts as dead.
        heartbeat: Seconds between two checks of the connection, and the time that the server has
            to answer one.
        timeout: Seconds that the caller gives each answer, for a client library that has a limit
            of its own; ``None``: no limit.
    """

    prefix: str = "asyncflask"
    history: int = 100
    ttl: float = 60.0
    presence: float = 15.0
    heartbeat: float = 5.0
    timeout: float | None = 5.0


@dataclass(frozen=True, slots=True)
class History:
    """The kept messages of a channel after a position.

    Args:
        messages: In their order.
        complete: Whether they are all that were published after the position.
    """

    messages: Sequence[Message]
    complete: bool


class Engine(abc.ABC):
    """Carries messages between processes. Each event loop has its own engine object.

    All methods are called on one loop, and may be called at the same time. Each raises what its
    client library raises; the caller limits the time.

    Args:
        url: ``CHANNELS_URL``.
        options: See :class:`EngineOptions`.
        deliver: Takes each message of the channels that are listened to, in their order.
    """

    #: The most bytes of a message's body.
    payload_limit: int
    #: For what an app's developer has to know; the hub sets the app's.
    logger = logging.getLogger("asyncflask.channels")
    _has_ignored = False

    def __init__(
        self, url: str, options: EngineOptions, deliver: Callable[[Message], None]
    ) -> None:
        self.url = url
        self.options = options
        self.deliver = deliver

    @classmethod
    def maker(cls, url: str, options: EngineOptions) -> Callable[[Callable[[Message], None]], Self]:
        """Return what makes the engines of an app, one for each event loop, from ``deliver``.

        Args:
            url: The URL of the configuration.
            options: The options of the configuration.

        Returns:
            A function that takes ``deliver``, which gets each message, and returns an engine.
        """
        return functools.partial(cls, url, options)

    def ignore(self, found: str) -> None:
        """Log, once, that something was received which is no message of a channel.

        Args:
            found: What it was, and where.
        """
        if not self._has_ignored:
            self._has_ignored = True
            self.logger.warning(
                "Channels: %s is no message of a channel. It is ignored, and what follows of the"
                " kind as well, without a warning. Let no other program use names that begin with"
                " CHANNELS_PREFIX=%r.",
                found,
                self.options.prefix,
            )

    @abc.abstractmethod
    async def open(self) -> None:
        """Connect. Is called again after the connection was lost and :meth:`close` has run."""

    @abc.abstractmethod
    async def run(self) -> None:
        """Deliver messages until the connection is lost, and then raise the error."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Let go of the connection; may be called at any time, and more than once."""

    @abc.abstractmethod
    async def publish(self, channel: str, body: bytes) -> Position:
        """Send a message to all that listen to the channel, and keep it.

        Args:
            channel: The channel's name.
            body: The message.

        Returns:
            Its position. The engine has the message then.
        """

    @abc.abstractmethod
    async def last(self, channel: str) -> Position | None:
        """Return the position of the channel's last message, or one that all later ones are after.

        Args:
            channel: The channel's name.

        Returns:
            The position; ``None`` if the channel has no message.
        """

    @abc.abstractmethod
    async def listen(self, channel: str) -> None:
        """Begin to deliver a channel's messages: all that are published after this returns.

        Args:
            channel: The channel's name.
        """

    @abc.abstractmethod
    async def unlisten(self, channel: str) -> None:
        """Deliver no more of a channel's messages.

        Args:
            channel: The channel's name.
        """

    @abc.abstractmethod
    async def history(self, channel: str, after: Position | None) -> History:
        """Return the kept messages after a position.

        Args:
            channel: The channel's name.
            after: A position of any age; ``None`` asks for all kept messages. To a position of
                another epoch the answer is all kept messages, and it is not complete.
        """

    @abc.abstractmethod
    async def announce(self, channel: str, worker: str, members: Sequence[str]) -> None:
        """Replace what a worker said about who is present; counts for ``options.presence`` s.

        Args:
            channel: The channel's name.
            worker: The worker's own id.
            members: Each name once. An empty list removes the worker.
        """

    @abc.abstractmethod
    async def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """Return what each living worker announced for a channel.

        Args:
            channel: The channel's name.
        """


def contiguous(
    messages: Sequence[Message], epoch: str | None, last: int, after: Position | None
) -> History:
    """Make the history of an engine whose offsets grow by one.

    Args:
        messages: All that the engine keeps, in their order.
        epoch: The present epoch; ``None`` if the channel has none.
        last: The offset of the last message that was published; 0 before the first one.
        after: See :meth:`Engine.history`.
    """
    if after is None:
        return History(messages, len(messages) == last)
    if epoch is None or after.epoch != epoch or after.offset > last:
        return History(messages, False)
    missed = [message for message in messages if message.position.offset > after.offset]
    return History(missed, len(missed) == last - after.offset)


def engine_class(url: str) -> type[Engine]:
    """Return the class of the engine that a URL names.

    Args:
        url: ``CHANNELS_URL``, such as ``redis://127.0.0.1:6379/0``.

    Raises:
        ValueError: No engine has the URL's scheme.
        ModuleNotFoundError: The engine's client library is not installed.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:  # Brackets that are no IPv6 address.
        raise wrong_url(url, str(error), "redis://host:port/number, for example") from None
    if scheme in _ENGINES:
        module, name, extra = _ENGINES[scheme]
        try:
            found: type[Engine] = getattr(import_module(f".{module}", __package__), name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"CHANNELS_URL begins with {scheme}://, which needs the package {error.name!r}."
                f' Install it: `pip install "asyncflask[{extra}]"`.',
                name=error.name,
            ) from error
        return found
    for entry in entry_points(group=ENTRY_POINTS, name=scheme):
        loaded: type[Engine] = entry.load()
        return loaded
    known = ", ".join(f"{name}://" for name in _ENGINES)
    raise ValueError(
        f"CHANNELS_URL={without_password(url)!r} begins with no scheme of an engine."
        f" Write one of {known}, or install a distribution with an entry point in the group"
        f" {ENTRY_POINTS!r}."
    )


def check_ports(url: str, example: str) -> None:
    """Refuse a URL with a port that is none, before anything connects.

    Args:
        url: ``CHANNELS_URL``; may name several hosts.
        example: What to write instead.

    Raises:
        ValueError: A port is no number from 1 to 65535.
    """
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    for host in hosts:
        port = host.rpartition("]")[2].partition(":")[2]
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            # SECURITY: without the port, which may be a part of a password that has a slash.
            raise wrong_url(url, "a port is a number from 1 to 65535", example)


def wrong_url(url: str, why: str, example: str) -> ValueError:
    """Return the error of a URL that an engine cannot use.

    Args:
        url: ``CHANNELS_URL``.
        why: What is wrong.
        example: What to write instead.
    """
    return ValueError(
        f"CHANNELS_URL={without_password(url)!r} cannot be used: {why}. Write {example}."
    )


def without_password(url: str) -> str:
    """Return a URL as it may be shown.

    Args:
        url: ``CHANNELS_URL``; it may be malformed.
    """
    # NATS has a token in the place of the user; redis-py and asyncpg take passwords as options.
    url = re.sub(r"//([^:@/?#]*:)?.*@", r"//\1***@", url, flags=re.DOTALL)
    return re.sub(r"([?&][^=&#]*pass[^=&#]*=)[^&#]*", r"\1***", url, flags=re.IGNORECASE)
