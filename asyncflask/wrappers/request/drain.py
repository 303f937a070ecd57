"""Reads and discards what a client is still sending when its response is ready.

A view may answer without reading the body, or stop at a limit, while the client still sends.
Servers differ in what they do then, and hypercorn waits forever. So the app continues to read
while the last message of the response is sent, and keeps nothing. Requests without a body do not
need this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...typing import Message, Send
from .base import ConnectedContext, body_of, make_body
from .headers import header_index, index_headers

#: Seconds for the rest to come before the last message is sent, which closes the connection
#: of most servers. nginx (lingering_time) waits for 30.
LINGER = 1.0


def is_left(ctx: ConnectedContext) -> bool:
    """Tell whether the body of a request was not read to its end.

    Args:
        ctx: The context of a request that announces a body, or of a websocket.

    Returns:
        Whether the client may still be sending.
    """
    body = ctx.made_body
    if body is not None and body.complete:
        return False
    if ctx.scope["type"] == "websocket":  # It has a body if its environ was made.
        return False
    if body is None:
        body = make_body(ctx)
    if body.content_length is None:
        body.prefetch()  # RFC 9113 §8.1: HTTP/2 needs no header for a body. It may have ended.
    if body.complete or body.disconnected:
        return False
    # RFC 9110 §10.1.1: a client that expects "100 Continue" waits for it before sending.
    return body.begun or b"expect" not in header_index(ctx)


def announces_body(scope: Mapping[str, Any]) -> bool:
    """Tell whether a request may have a body.

    Args:
        scope: The ASGI scope.

    Returns:
        Whether it may.

    Source: :rfc:`9112` §6.3, :rfc:`9113` §8.1.
    """
    names = index_headers(scope["headers"])
    return (
        b"content-length" in names
        or b"transfer-encoding" in names
        or scope.get("http_version", "1")[:1] != "1"
    )


def reading_on(ctx: ConnectedContext, send: Send) -> Send:
    """Return a ``send`` that drains the body while the last message of a response is sent.

    COMPAT: hypercorn 0.18 lets that ``send()`` wait for room in a queue of ten messages that only
    the app's ``receive()`` empties: with a full one neither the request nor its connection ends.
    Most clients read the response only after they have sent everything. They get it this way;
    otherwise their connection would be reset.

    Args:
        ctx: The context of the request.
        send: ASGI's ``send``.

    Returns:
        The wrapped ``send``.
    """
    body = body_of(ctx)  # The context keeps what is returned, which must not keep the context.

    async def sending(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        rest = asyncio.create_task(body.discard())
        try:
            if message.get("body"):
                await send({**message, "more_body": True})
                message = {"type": "http.response.body", "body": b""}
            await asyncio.wait({rest}, timeout=LINGER)
            await send(message)
        finally:
            rest.cancel()
            await asyncio.wait({rest})

    return sending
