"""The functions that run a plan, where a request whose client leaves is cancelled.

Each is the async API's, with a task beside it that waits for the client's end. A view that ends
within a moment needs no such task. A streamed response gets the time in which it has to be sent.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from ..concurrency.bridge import resume
from ..context import Context
from ..dispatch.plan import EndpointPlan, Run, Runner
from ..dispatch.protocols import Answer, ServedApp
from ..dispatch.runners import RUNNERS as ASYNC_RUNNERS
from ..wrappers.response.asgi import messages_of
from ..wrappers.response.disconnect_guard import Guard
from ..wrappers.response.headers import content_type_pair
from .wrappers import Response

#: seconds after which a request that waits is watched for its client's end
MOMENT = 0.05
#: What is "sent" to a client that has left. 499 is nginx's code for that.
_CLIENT_LEFT = messages_of(b"", content_type_pair("text/plain"), 499, "GET")


def _limited(app: ServedApp, answer: Answer) -> Answer:
    if isinstance(answer, Response):
        answer.usual_timeout = app.config["RESPONSE_TIMEOUT"]
    return answer


class _LateGuard:
    """Cancels a task whose client leaves, after a moment in which most requests end.

    PERF: a task that waits for the client's end costs as much as ten plain requests; a timer that
    is cancelled costs a quarter of one.

    Args:
        ctx: The context of the request.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._task = asyncio.current_task()
        self._guard: Guard | None = None
        self._timer = asyncio.get_running_loop().call_later(MOMENT, self._start)

    def _start(self) -> None:
        self._guard = Guard(self._ctx.wait_disconnect, self._task)

    def cancelled_us(self) -> bool:
        """Tell whether only this guard cancelled the task, and undo it."""
        return self._guard is not None and self._guard.cancelled_us()

    async def stop(self) -> None:
        """End the watching."""
        self._timer.cancel()
        if self._guard is not None:
            await self._guard.stop()


def _cancelled_with_client(run: Run) -> Run:
    @functools.wraps(run)
    async def guarded(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
        scope_type: Any = ctx.scope_type
        if scope_type.websocket:
            answer: Answer = await run(app, ctx, plan)
            return answer
        steps = run(app, ctx, plan).__await__()
        try:
            waiting_for = next(steps)
        except StopIteration as stop:
            return _limited(app, stop.value)
        guard = _LateGuard(ctx)
        try:
            return _limited(app, await resume(steps, waiting_for))
        except asyncio.CancelledError:
            if not guard.cancelled_us():
                raise
            return _CLIENT_LEFT
        finally:
            await guard.stop()

    return guarded


async def run_def_view(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
    """Run a ``def`` view; its thread cannot be cancelled.

    Args:
        app: The app.
        ctx: The context.
        plan: The plan of the endpoint.

    Returns:
        The response.
    """
    return _limited(app, await ASYNC_RUNNERS["worker"](app, ctx, plan))


RUNNERS: dict[Runner, Run] = {
    **{name: _cancelled_with_client(run) for name, run in ASYNC_RUNNERS.items()},
    "worker": run_def_view,
}
