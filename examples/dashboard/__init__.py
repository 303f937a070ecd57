"""A dashboard: figures of this server, sent to all open pages as server-sent events.

- ``metrics.py``: measures once a second, for all pages together
- ``static/dashboard.js``: the browser's side, an ``EventSource``

A page that connects again, for example after a restart of the server, gets what it has missed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict
from typing import Any

from asyncflask import Flask, render_template, request
from asyncflask.sse import ServerSentEvent, event_stream
from asyncflask.typing import ResponseReturnValue

from .. import look
from .metrics import Metrics

#: Milliseconds after which a browser connects again.
RETRY = 1000


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Create the app.

    Args:
        config: ``INTERVAL``, the seconds between two measurements; ``HEARTBEAT``, the seconds
            without an event after which a comment is sent, so that proxies keep the connection.
    """
    app = Flask(__name__)
    app.config.from_mapping(INTERVAL=1.0, HEARTBEAT=15)
    app.config.from_mapping(config or {})
    app.register_blueprint(look.bp)
    metrics = Metrics()

    @app.while_serving
    async def measure() -> AsyncGenerator[None]:
        async def repeat() -> None:
            while not app.stopping.is_set():
                try:
                    await asyncio.wait_for(app.stopping.wait(), app.config["INTERVAL"])
                except TimeoutError:
                    await metrics.measure()

        task = asyncio.create_task(repeat())
        yield
        await task  # It has seen that the server stops.

    @app.before_request
    async def count() -> None:
        metrics.requests += 1

    @app.get("/")
    async def index() -> str:
        return render_template("dashboard.html")

    @app.get("/events")
    async def events() -> ResponseReturnValue:
        # The browser sends the id of the last event that it has got.
        last = request.headers.get("Last-Event-ID", 0, type=int)

        async def samples(last: int) -> AsyncGenerator[ServerSentEvent]:
            metrics.pages += 1
            try:
                yield ServerSentEvent(retry=RETRY)
                while True:
                    for sample in await metrics.newer_than(last):
                        last = sample.time
                        data = json.dumps(asdict(sample))
                        yield ServerSentEvent(data, event="sample", id=str(last))
            finally:
                metrics.pages -= 1  # The page was closed, or the server stops.

        return event_stream(samples(last), heartbeat=app.config["HEARTBEAT"])

    @app.post("/work")
    def work() -> str:
        """Keep the processor busy for a moment, in a thread; the event loop goes on."""
        return hashlib.pbkdf2_hmac("sha256", b"work", b"", 100_000).hex()

    return app
