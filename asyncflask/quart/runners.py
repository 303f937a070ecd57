"""The functions that run a plan, where a request whose client leaves is cancelled.

Each is the async API's, with a task beside it that waits for the client's end. A view that never
waits needs no such task.
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
from ..wrappers.response.headers import content_type_pair
from ..wrappers.response.watch import Guard

#: What is "sent" to a client that has left. 499 is nginx's code for that.
_TO_NOBODY = messages_of(b"", content_type_pair("text/plain"), 499, "GET")


def _cancelled_with_client(run: Run) -> Run:
    @functools.wraps(run)
    async def guarded(app: ServedApp, ctx: Context, plan: EndpointPlan) -> Answer:
        scope_type: Any = ctx.scope_type
        if scope_type.websocket:
            answer: Answer = await run(app, ctx, plan)
            return answer
        running = run(app, ctx, plan)
        steps = running.__await__()
        try:
            waiting_for = next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # an answer
        guard = Guard(ctx.wait_disconnect)
        try:
            return await resume(steps, waiting_for)
        except asyncio.CancelledError:
            if not guard.cancelled_us():
                raise
            return _TO_NOBODY
        finally:
            await guard.stop()

    return guarded


#: A `def` view runs in a thread, which cannot be cancelled.
RUNNERS: dict[Runner, Run] = {
    name: run if name == "worker" else _cancelled_with_client(run)
    for name, run in ASYNC_RUNNERS.items()
}
