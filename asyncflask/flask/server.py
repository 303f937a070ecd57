"""How a request comes in from an ASGI server: the server drive.

One worker thread is leased for the request. The app is entered there as a WSGI server would enter
it, through ``type(app).__call__``, so that everything that was replaced or wrapped on the way is
seen; ``async def`` callables run on the loop meanwhile, and the body is sent from the loop.
"""

from __future__ import annotations

import contextvars
from typing import Any

from .._current import slot
from ..ctx import Context
from ..dispatch.lanes import HTTP
from ..wrappers.faces import body_of
from ..wrappers.response import Response
from ..wrappers.sending import send_response
from ..wrappers.sync import make_environ, prefetch
from ..wrappers.wsgi import response_of

#: what carries an environ's extra keys from the test client through a scope
EXTRA_KEYS = "asyncflask.environ"


async def serve_request(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Serve one HTTP request of a facade app."""
    ctx = Context(app, HTTP, scope, receive, send)
    ctx.lease = await app.workers.lease()
    context = contextvars.copy_context()
    context.run(slot.set, None)

    async def run(func: Any, *args: Any) -> Any:
        return await ctx.lease.run(context.run, func, *args)  # type: ignore[union-attr]  # leased

    try:
        prefetch(ctx)
        response = await response_of(
            lambda environ, start_response: app(environ, start_response),
            lambda: make_environ(ctx, ctx.lease.loop),  # type: ignore[union-attr]  # leased
            run,
            Response,
        )
        await send_response(
            response,
            scope["method"],
            send,
            ctx.wait_disconnect,
            run,
            scope.get("extensions") or (),
        )
    finally:
        body_of(ctx).close()
        ctx.give_back_worker()
