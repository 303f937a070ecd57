""":class:`Channels`, the extension: publish, subscribe, rooms, event streams, presence."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

from ..concurrency.bridge import run_from_thread, running_loop
from ..concurrency.workers import leased_here
from ..config.environment import number_of_workers
from ..exceptions import WebsocketDisconnect
from ..globals import current_app, request, websocket
from ..sansio.app import App
from ..sse import stream_of
from ..wrappers import Response
from .background import background
from .engine import Engine
from .errors import ChannelsUnavailable, MessageTooLarge, SlowSubscriber
from .events import ChannelEvents
from .hub import Hub
from .message import Message, Position
from .settings import DEFAULTS, engine_maker
from .subscription import Overflow, Subscription

P = ParamSpec("P")
T = TypeVar("T")

#: The most bytes of a channel's name.
NAME_LIMIT = 200
#: The most bytes of a member's name.
MEMBER_LIMIT = 1000
#: The WebSocket close code "try again later" (IANA's registry; RFC 6455 §7.4.2).
TRY_AGAIN_LATER = 1013
#: The WebSocket close code "message too big" (RFC 6455 §7.4.1).
TOO_BIG = 1009

_ALONE = (
    "Channels: CHANNELS_URL is memory://, and this is one of %d workers: a message reaches the"
    " subscribers of its own worker alone. Set CHANNELS_URL to redis://, postgresql:// or nats://."
)


class Channels:
    """Messages between all workers of an app.

    >>> from asyncflask import Flask
    >>> channels = Channels()
    >>> app = Flask("shop")
    >>> channels.init_app(app)
    >>> app.config["CHANNELS_URL"]
    'memory://'

    Args:
        app: The app; or call :meth:`init_app` later, in an app factory.
    """

    def __init__(self, app: App | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: App) -> None:
        """Set the defaults of the configuration, and end the channels when the app stops.

        Args:
            app: An app of ``asyncflask`` or ``asyncflask.flask``.

        Raises:
            TypeError: ``app`` is no app.
        """
        if not isinstance(app, App):
            raise TypeError(
                f"Channels(…) or init_app(…) was given {type(app).__name__!r}, and no app. Write"
                " `Channels(app)`, or `Channels()` and `channels.init_app(app)` in the factory,"
                " with a Flask of asyncflask or asyncflask.flask; the URL is in `app.config`."
            )
        for name, value in DEFAULTS.items():
            app.config.setdefault(name, value)
        hubs = _Hubs(app)
        app.extensions["channels"] = hubs
        if hasattr(app, "after_serving"):
            app.before_serving(hubs.begin)
            app.after_serving(hubs.close)

    # -- messages ----------------------------------------------------------------------------------

    def publish(self, channel: str, value: object) -> Any:
        """Send a message to all subscribers of a channel, in all workers.

        Awaited in ``async def`` code. In ``def`` code (views in a worker thread, commands, jobs)
        it blocks and returns the id itself. Outside of a request it needs an app context.

        Args:
            channel: The channel's name.
            value: Text and bytes are sent as they are, anything else as JSON.

        Returns:
            The message's id, when the engine has the message.

        Raises:
            ChannelsUnavailable: The engine did not take it within ``CHANNELS_TIMEOUT`` seconds.
            MessageTooLarge: The engine does not take so large a message.
            ValueError: The name is not text of 1 to 200 bytes, or the text cannot be UTF-8.
        """
        return _in_place(publish)(_checked(channel), _body_of(value))

    def subscribe(
        self, channel: str, *, after: str | None = None, overflow: Overflow = "close"
    ) -> AbstractAsyncContextManager[Subscription]:
        """Subscribe to a channel, for the length of an ``async with`` block.

        Args:
            channel: The channel's name.
            after: A message's id; what was published after it and is kept comes first.
            overflow: What happens when the subscriber is too slow, see :class:`Subscription`.

        Returns:
            A context manager that gives the messages, an asynchronous iterator.

        Raises:
            ChannelsUnavailable: On entering: the engine did not answer in time.
            ValueError: The name is not text of 1 to 200 bytes, or ``overflow`` is another word.
        """
        return _subscribed(channel, after, overflow)

    async def relay(self, channel: str, *, overflow: Overflow = "close") -> None:
        """Connect the websocket of the running view with a channel, until either ends.

        What the client sends is published, and what is published is sent to the client. The
        websocket is closed with code 1013 if the client is too slow, or the engine does not take
        its message, and with 1009 if the message is too large for the engine.

        Args:
            channel: The channel's name.
            overflow: See :class:`Subscription`.

        Raises:
            ChannelsUnavailable: At the beginning: the engine did not answer in time.
            ValueError: As for :meth:`subscribe`.
        """
        async with self.subscribe(channel, overflow=overflow) as messages:
            sender = asyncio.create_task(_send_all(messages))
            try:
                with suppress(WebsocketDisconnect):
                    async for data in websocket:
                        await self.publish(channel, data)
            except ChannelsUnavailable:
                await websocket.close(TRY_AGAIN_LATER)
            except MessageTooLarge:
                await websocket.close(TOO_BIG)
            finally:
                sender.cancel()
                await asyncio.wait([sender])
            if not sender.cancelled():
                sender.result()

    def event_stream(
        self, channel: str, *, heartbeat: float = 15.0, overflow: Overflow = "close"
    ) -> Response:
        """Make a response that sends a channel's messages as server-sent events.

        Each event has the message's id, and a browser that connects again gets what it missed
        (``Last-Event-ID``). Where messages are missing that are no longer kept, there is an event
        of type ``reset``: the page loads its data again.

        Args:
            channel: The channel's name.
            heartbeat: Seconds without a message after which a comment is sent.
            overflow: See :class:`Subscription`; with ``"close"`` the stream ends, and the browser
                connects again.

        Returns:
            The response.
        """
        after = request.headers.get("Last-Event-ID")
        subscribed = _subscribed(channel, after, overflow, raises_missed=True)
        return stream_of(partial(ChannelEvents, subscribed), heartbeat=heartbeat)

    # -- presence ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def present(self, channel: str, member: str) -> AsyncIterator[None]:
        """Have a member in a channel until the block ends, for :meth:`members` in all workers.

        A member may be there several times (two windows) and is listed once. What a worker that
        died has left ends after ``CHANNELS_PRESENCE`` seconds.

        Args:
            channel: The channel's name.
            member: The member's name or id.

        Raises:
            ChannelsUnavailable: The engine did not take it within ``CHANNELS_TIMEOUT`` seconds.
            ValueError: A name is beyond a limit: 200 bytes, of a member 1000.
        """
        async with _hub().present(_checked(channel), _checked_member(member)):
            yield

    def members(self, channel: str) -> Any:
        """Return who is present in a channel, in all workers; awaited in ``async def`` code.

        Args:
            channel: The channel's name.

        Returns:
            Their names, sorted.
        """
        return _in_place(members)(_checked(channel))

    @property
    def connected(self) -> bool:
        """Whether the engine can be reached, for a health check.

        In ``async def`` code it is false until the first use has connected; ``def`` code waits for
        the first try to connect, at most ``CHANNELS_TIMEOUT`` seconds.
        """
        if running_loop() is None:
            return bool(_in_place(_connected)())
        return _hub().connected


class _Hubs:
    """The hubs of an app: one for each event loop that uses its channels."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
        self._make_engine: Callable[[Callable[[Message], None]], Engine] | None = None

    def here(self) -> Hub:
        """Return the running loop's hub; the first use makes it."""
        loop = asyncio.get_running_loop()
        hub = self._hubs.get(loop)
        if hub is None or hub.closed:
            for other in [other for other in list(self._hubs) if other.is_closed()]:
                del self._hubs[other]
            hub = Hub(self._maker(), self._app.config["CHANNELS_TIMEOUT"], self._app.logger)
            self._hubs[loop] = hub
            weakref.finalize(self, _close_later, loop, hub).atexit = False
        return hub

    def _maker(self) -> Callable[[Callable[[Message], None]], Engine]:
        if self._make_engine is None:
            url = self._app.config["CHANNELS_URL"]
            self._make_engine = engine_maker(self._app.config)
            if url.startswith("memory:") and number_of_workers() > 1:
                self._app.logger.warning(_ALONE, number_of_workers())
        return self._make_engine

    async def begin(self) -> None:
        """Check the configuration, and let :meth:`close` be the last function after serving.

        The other functions may publish. They may also still change the configuration, so that what
        is made here is not kept.
        """
        engine_maker(self._app.config)
        functions = self._app.after_serving_funcs
        functions.remove(self.close)
        functions.append(self.close)

    async def close(self) -> None:
        """Close the running loop's hub."""
        hub = self._hubs.pop(asyncio.get_running_loop(), None)
        if hub is not None:
            await hub.close()


def _close_later(loop: asyncio.AbstractEventLoop, hub: Hub) -> None:
    """Close the hub of an app that no longer exists, on a loop that still runs."""
    if loop.is_running() and not hub.closed:
        loop.call_soon_threadsafe(lambda: loop.create_task(hub.close()))


def _hub() -> Hub:
    return _hubs().here()


def _hubs() -> _Hubs:
    try:
        hubs: _Hubs = current_app.extensions["channels"]
    except KeyError:
        raise RuntimeError(
            f"{current_app.name!r} has no channels. Write `Channels(app)`, or"
            " `channels.init_app(app)` in its factory."
        ) from None
    return hubs


def _in_place(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Any]:
    """Return a function as ``async def`` code awaits it, or as ``def`` code calls it."""
    if running_loop() is not None:
        return function
    if leased_here() is not None:  # A `def` view, whose server has a loop.
        return current_app.ensure_sync(function)
    return lambda *args, **kwargs: run_from_thread(function(*args, **kwargs), background.get())


async def _connected() -> bool:
    return await _hub().can_connect()


def _subscribed(
    channel: str, after: str | None, overflow: Overflow, raises_missed: bool = False
) -> AbstractAsyncContextManager[Subscription]:
    """Make what :meth:`Channels.subscribe` returns."""
    if overflow not in ("close", "drop_oldest"):
        raise ValueError(
            f"subscribe({channel!r}, overflow={overflow!r}) is neither 'close' nor"
            " 'drop_oldest'. Write one of them."
        )
    config = current_app.config
    subscription = Subscription(
        _checked(channel),
        config["CHANNELS_MAILBOX"],
        config["CHANNELS_MAILBOX_BYTES"],
        overflow,
        raises_missed,
    )
    if after is not None and not isinstance(after, str):
        raise TypeError(
            f"subscribe({channel!r}, after={after!r:.100}) was given no message's id. Write the"
            " `id` of a message, which is text, or None."
        )
    return _Entered(_entered(_hubs(), subscription, after), channel)


class _Entered:
    """What :meth:`Channels.subscribe` returns; it explains how to use it where it is misused."""

    def __init__(self, subscribed: AbstractAsyncContextManager[Subscription], channel: str) -> None:
        self._subscribed = subscribed
        self._channel = channel

    async def __aenter__(self) -> Subscription:
        return await self._subscribed.__aenter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._subscribed.__aexit__(*error)

    def __aiter__(self) -> NoReturn:
        raise self._misused("iterated over by `async for`")

    def __iter__(self) -> NoReturn:
        raise self._misused("iterated over by `for`")

    def __enter__(self) -> NoReturn:
        raise self._misused("entered by `with`")

    def __exit__(self, *error: object) -> None: ...

    def _misused(self, how: str) -> TypeError:
        return TypeError(
            f"channels.subscribe({self._channel!r}) was {how}. Write `async with"
            f" channels.subscribe({self._channel!r}) as messages:` in an `async def` function, and"
            " `async for message in messages:` in the block."
        )


@asynccontextmanager
async def _entered(
    hubs: _Hubs, subscription: Subscription, after: str | None
) -> AsyncIterator[Subscription]:
    """Subscribe on the loop that runs here: a `def` view makes an event stream in a thread."""
    position = None if after is None else Position.parse(after)
    async with hubs.here().subscribe(subscription, position, replay=after is not None) as messages:
        yield messages


# Without an underscore: the error of a forgotten `await` names them.


async def publish(channel: str, body: bytes) -> str:
    """Publish, see :meth:`Channels.publish`.

    Args:
        channel: The channel's name.
        body: The message.
    """
    return str(await _hub().publish(channel, body))


async def members(channel: str) -> list[str]:
    """Return who is present, see :meth:`Channels.members`.

    Args:
        channel: The channel's name.
    """
    return await _hub().members(channel)


async def _send_all(messages: Subscription) -> None:
    try:
        async for message in messages:
            try:
                await websocket.send(message.text)
            except UnicodeDecodeError:
                await websocket.send(message.body)
    except WebsocketDisconnect:
        pass
    except SlowSubscriber:
        await websocket.close(TRY_AGAIN_LATER)


def _checked(channel: str) -> str:
    """Return the name of a channel.

    Raises:
        ValueError: It is not text of 1 to ``NAME_LIMIT`` bytes.
    """
    if _is_text(channel, NAME_LIMIT):
        return channel
    raise ValueError(
        f"{channel!r:.100} is no name of a channel. Write text of 1 to {NAME_LIMIT} bytes,"
        ' such as "room:tea".'
    )


def _checked_member(member: str) -> str:
    """Return the name of a member.

    Raises:
        ValueError: It is not text of 1 to ``MEMBER_LIMIT`` bytes.
    """
    if _is_text(member, MEMBER_LIMIT):
        return member
    raise ValueError(
        f"{member!r:.100} is no name of a member. Write text of 1 to {MEMBER_LIMIT} bytes,"
        " such as a user's id."
    )


def _is_text(text: object, limit: int) -> bool:
    """Return whether every engine can keep a text: PostgreSQL knows no NUL, and UTF-8 no half."""
    if not isinstance(text, str) or "\0" in text:
        return False
    try:
        return 0 < len(text.encode()) <= limit
    except UnicodeEncodeError:
        return False


def _body_of(value: object) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"publish(…, {value!r:.100}) was given text with half of a surrogate pair, which"
                ' UTF-8 has not. Write `value.encode(errors="replace")`, or refuse it.'
            ) from error
    return current_app.json.dumps(value).encode()
