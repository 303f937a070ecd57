"""An app's startup and shutdown: ASGI's lifespan, in a separate task."""

from __future__ import annotations

import asyncio
from typing import Any

from ..concurrency.stop_signals import Wait, extended
from ..protocol import asgi_state
from ..typing import ASGIApplication, Message, Scope
from .runner import MOMENT
from .state import logger


class LifespanFailed(RuntimeError):
    """The app reported that its startup or shutdown failed."""


class Lifespan:
    """Start an app up and shut it down.

    An app that raises before its first message does not support the lifespan, and is served
    without it.

    Args:
        app: The ASGI application.
        stopping: Returns what is awaited until the server begins to stop.
    """

    def __init__(self, app: ASGIApplication, stopping: Wait | None = None) -> None:
        self.state: dict[str, Any] = {}
        self.supported = True
        self._app = app
        self._stopping = stopping
        self._phase = next(iter(asgi_state.LIFESPAN))
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        #: the error of the app's task
        self.error: BaseException | None = None
        #: what a hook has raised to end the program
        self.exit: SystemExit | KeyboardInterrupt | None = None

    async def start(self) -> None:
        """Run the app's startup.

        Raises:
            LifespanFailed: The app reported a failure, or ended during the startup.
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._ask("startup")

    async def stop(self, timeout: float | None) -> None:
        """Run the app's shutdown.

        Args:
            timeout: Seconds for the shutdown, after which it is cancelled; ``None``: no limit.

        Raises:
            LifespanFailed: The app reported a failure, or took too long.
        """
        task = self._task
        if task is None:
            return
        try:
            if self.supported and self._phase == "RUNNING" and not task.done():
                async with asyncio.timeout(timeout):
                    await self._ask("shutdown")
                    await asyncio.wait({task})
        except TimeoutError:
            raise LifespanFailed(
                f"The app's shutdown took more than {timeout:g} seconds and was cancelled. Let its"
                " after_serving functions end sooner, or set a longer Config.lifespan_timeout."
            ) from None
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=MOMENT)  # A thread cannot be interrupted.

    async def _run(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        if self._stopping is not None:
            scope = extended(scope, self._stopping)
        try:
            await self._app(scope, self._heard.get, self._say)
        except BaseException as error:
            self.error = error
            if isinstance(error, (SystemExit, KeyboardInterrupt)) and self._phase != "RUNNING":
                self.exit = error  # Raised in this task, it would stop the loop.
            if self._phase == "RUNNING" and not isinstance(error, asyncio.CancelledError):
                logger.error("The app's lifespan failed while the app was served.", exc_info=error)
        self._said.put_nowait({"type": "ended"})

    async def _say(self, message: Message) -> None:
        self._phase = asgi_state.advance(asgi_state.LIFESPAN, self._phase, message, {})
        self._said.put_nowait(message)

    async def _ask(self, what: str) -> None:
        """Send ``lifespan.<what>`` and wait for the app's answer."""
        self._phase = asgi_state.LIFESPAN[self._phase][f"lifespan.{what}"]
        self._heard.put_nowait({"type": f"lifespan.{what}"})
        answer = await self._said.get()
        if answer["type"] == f"lifespan.{what}.complete":
            return
        if answer["type"] == f"lifespan.{what}.failed":
            detail = answer.get("message") or "It gave no reason."
            raise LifespanFailed(f"The app failed in {what}. {detail}") from self.error
        if what == "startup":
            # ASGI: an app without lifespan support raises an error, and is still served.
            self.supported = False
            logger.debug("The app has no lifespan (%r).", self.error)
        elif self.exit is not None:
            raise self.exit
        else:
            raise LifespanFailed("The app ended in the middle of its shutdown.") from self.error
