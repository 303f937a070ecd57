"""The ``http.request`` messages of a body: received one at a time, within the timeouts.

A message is received when a reader needs it: no task receives beside the reader. One message may be
kept that the check for a disconnected client has received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from werkzeug.exceptions import RequestTimeout

from ...concurrency.bridge import resume
from ...typing import Message, Receive

T = TypeVar("T")


class BodyMessages:
    """Receives the messages of one request. The constructor is :class:`.BodyBytes`'s.

    Source: ``ASGI: http.request``, ``ASGI: http.disconnect``.
    """

    timeout: float | None
    """Seconds in which the whole body must have come, counted from the first wait."""
    idle_timeout: float | None
    """Seconds to wait for the next message."""
    complete: bool
    """Whether everything has been read."""
    disconnected: bool
    """Whether the client is known to have left."""

    _receive: Receive
    _asked: bool  # for the first message; or no message is needed any more
    _stash: Message | None  # A message that was received to look for the client's end.
    _pulling: bool
    _waiters: list[asyncio.Future[None]] | None
    _deadline: float | None
    #: the steps of a receive() that has not returned, and the future that it waits for
    _outstanding: tuple[Any, Any] | None

    # -- the client's presence ---------------------------------------------------------------------

    async def is_disconnected(self) -> bool:
        """Tell whether the client has left, as far as the server has said so.

        The call loses nothing of the body. A client counts as present while it has sent more than
        was read.

        Returns:
            Whether it has left.
        """
        if not self._look():
            await asyncio.sleep(0)  # One turn of the loop, in which the server may receive.
            self._look()
        return self.disconnected

    def _look(self) -> bool:
        """Receive a message if one is ready; tell whether it is useless to look again."""
        if self.disconnected or self._pulling or self._stashed_more():
            return self.disconnected or self._stashed_more()
        message = self._poll()
        if message is None:
            return False
        self._note(message)
        return True

    def _stashed_more(self) -> bool:
        return self._stash is not None and bool(self._stash.get("more_body"))

    async def wait_disconnect(self) -> None:
        """Return when the client has left; for a task beside a streamed response.

        It receives at most one message before a reader of the body needs it, and then waits for the
        reader.
        """
        while not self.disconnected:
            if self._pulling or self._stashed_more():
                await self._changed()
                continue
            message = await self._pull_alone(None)
            if not self._note(message):
                # Not ASGI: body after the body's end. Waiting is better than an endless loop.
                await asyncio.get_running_loop().create_future()

    def _note(self, message: Message) -> bool:
        """Keep a message that no reader has asked for; tell whether it is of any use."""
        if message["type"] == "http.disconnect":
            self.disconnected = True
        elif self.complete or self._stash is not None:
            return False
        else:
            self._stash = message
        self._wake()
        return True

    # -- receiving ---------------------------------------------------------------------------------

    def _poll(self) -> Message | None:
        """Return the next message if it is there; otherwise leave the receive outstanding.

        The first step of ``receive()`` is taken here, so that a message that is ready costs no
        task, timer or future. The next caller resumes an outstanding receive: no message is lost.
        """
        self._asked = True
        if self._outstanding is None:
            steps = self._receive().__await__()
        else:
            steps, waiting_for = self._outstanding
            if waiting_for is not None and not waiting_for.done():
                return None
            self._outstanding = None
        try:
            waiting_for = next(steps)
        except StopIteration as stop:
            message: Message = stop.value
            return message
        self._outstanding = steps, waiting_for
        return None

    def _poll_unless_busy(self) -> Message | None:
        """Do the same where no other reader waits and no message is kept."""
        if self._stash is None and not self._pulling and not self.disconnected:
            return self._poll()
        return None

    async def _next(self) -> Message:
        """Wait for the next message, also if another reader receives it.

        Raises:
            RequestTimeout: It did not come in time (408).
        """
        while self._stash is None:
            if self.disconnected:
                return {"type": "http.disconnect"}
            if not self._pulling:
                return await self._pull_alone(self._patience())
            await _within(self._patience(), self._changed())
        message, self._stash = self._stash, None
        self._wake()
        return message

    async def _pull_alone(self, patience: float | None) -> Message:
        self._pulling = True
        try:
            if self._outstanding is None and (message := self._poll()) is not None:
                return message
            steps, waiting_for = cast("tuple[Any, Any]", self._outstanding)
            self._outstanding = None
            return await _within(patience, resume(steps, waiting_for))
        finally:
            self._pulling = False
            self._wake()

    def _patience(self) -> float | None:
        """Return the seconds to wait for the next message."""
        if self.timeout is None:
            return self.idle_timeout
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self.timeout
        remaining = max(0, self._deadline - now)
        return remaining if self.idle_timeout is None else min(remaining, self.idle_timeout)

    async def _changed(self) -> None:
        """Wait until :meth:`_wake` is called."""
        if self._waiters is None:
            self._waiters = []
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        if self._waiters:
            waiters, self._waiters = self._waiters, None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _abandon_receive(self) -> None:
        (steps, _), self._outstanding = cast("tuple[Any, Any]", self._outstanding), None
        if hasattr(steps, "close"):
            steps.close()


async def _within(seconds: float | None, reading: Awaitable[T]) -> T:
    if seconds is None:
        return await reading
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        raise RequestTimeout(
            "The body of the request did not come in time (BODY_TIMEOUT, BODY_IDLE_TIMEOUT)."
        ) from None
