"""The body of a response whose request made a stream with its context.

``stream_with_context`` leaves the end of the request to the stream. A stream that is not sent would
keep it forever, so the request ends with its response at the latest: teardown functions always run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .ctx import RequestContext


class HeldBody:
    """A WSGI body that ends a request context when it was iterated or closed.

    Args:
        ctx: The context, which streams hold.
        body: The body, in which those streams may be.
    """

    def __init__(self, ctx: RequestContext, body: Iterable[bytes]) -> None:
        self._ctx = ctx
        self._body = body
        self._pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self._ctx.end_held()
            raise

    def close(self) -> None:
        """Close the body, and end the context."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._ctx.end_held()


def held_body(ctx: RequestContext, response: Any, body: Iterable[bytes]) -> Iterable[bytes]:  # noqa: ANN401  # any WSGI application
    """Return the body of a response for the server.

    Args:
        ctx: The request's context, which streams hold.
        response: The response.
        body: What the server would get from it.

    Returns:
        The body itself if none of those streams can be in it, as it is complete: the next pop ends
        the context. Otherwise a body that ends it.
    """
    if getattr(response, "is_streamed", True):
        return HeldBody(ctx, body)
    ctx.end_held()
    return body
