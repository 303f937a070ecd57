"""The curves: number of routes, hooks, concurrent requests or bytes; and the apps for them.

Apps are those of ``apps/`` if there is one; the others are here, written as in the frameworks'
documentation. :mod:`.growth` and :mod:`.peaks` measure them.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .apps import PEERS, SUBJECT
from .workloads import WORKLOADS, Workload

#: the frameworks that asyncflask's users come from
TAKING_PART = (SUBJECT, "starlette", "quart", "flask")

KB, MB = 1024, 1024 * 1024
_SIZES = (KB, 10 * KB, 100 * KB, MB, 10 * MB, 100 * MB)


@dataclass(frozen=True)
class Curve:
    """A number that grows, and its values.

    Args:
        title: Name in the table.
        counts: The numbers at which it is measured.
        quick: The highest count of a quick run.
        bytes: Whether bytes are counted: then throughput says more than the time of a request.
    """

    title: str
    counts: tuple[int, ...]
    quick: int
    bytes: bool = False


CONCURRENCY = "concurrency"
CURVES: Mapping[str, Curve] = {
    "routes": Curve("routes: a request to the last one", (1, 10, 100, 1000, 10_000), 1000),
    "hooks": Curve("hooks, so many before and after", (0, 1, 2, 5, 10, 20), 20),
    CONCURRENCY: Curve(
        "requests at once, that wait for each other", (1, 10, 100, 1000, 10_000), 1000
    ),
    "received": Curve("body that the view reads", _SIZES, MB, bytes=True),
    "sent": Curve("body that the view returns", _SIZES, MB, bytes=True),
}


def workload_of(curve: str, count: int) -> Workload:
    """Return the workload at a point of a curve."""
    if curve == "routes":
        return replace(WORKLOADS["routes"], name=curve, path=f"/section{count - 1}/ada/42")
    if curve == "received":
        headers = ((b"content-length", b"%d" % count),)
        answer = b"%d" % count
        return Workload(
            curve, curve, "/", "POST", headers=headers, body=_body(count), answer=answer
        )
    if curve == "sent":
        return Workload(curve, curve, "/", answer=_body(count))
    return replace(WORKLOADS["plaintext"], name=curve)


@functools.lru_cache(maxsize=1)  # Four apps and their client share 100 MB.
def _body(count: int) -> bytes:
    return b"x" * count


# -- apps ------------------------------------------------------------------------------------------


def routes(peer: str, count: int) -> Any:
    """Make an app of so many routes."""
    return importlib.import_module(PEERS[peer].module).sections(range(count))


def hooks(peer: str, count: int) -> Any:
    """Make an app of so many hooks before a request, and as many after it."""
    if peer == "starlette":
        return _starlette_hooks(count)
    app = _flask_like(peer)

    async def before() -> None:
        pass

    async def after(response: Any) -> Any:
        return response

    def before_sync() -> None:
        pass

    def after_sync(response: Any) -> Any:
        return response

    for _ in range(count):
        app.before_request(before_sync if peer == "flask" else before)
        app.after_request(after_sync if peer == "flask" else after)
    _answering(app, peer, lambda: "Hello, World!")
    return app


def _starlette_hooks(count: int) -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    class Hook:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def send_after(message: Any) -> None:
                await send(message)

            await self.app(scope, receive, send_after)

    async def view(request: Any) -> Any:
        return PlainTextResponse("Hello, World!")

    return Starlette(routes=[Route("/", view)], middleware=[Middleware(Hook)] * count)


def received(peer: str, count: int) -> Any:
    """Make an app that reads a body and returns its length."""
    if peer == "starlette":
        from starlette.responses import PlainTextResponse

        async def starlette_view(request: Any) -> Any:
            return PlainTextResponse(str(len(await request.body())))

        return _starlette(starlette_view)
    app = _flask_like(peer)
    request = importlib.import_module(peer).request

    async def view() -> Any:
        return str(len(await request.get_data()))

    def view_sync() -> Any:
        return str(len(request.get_data()))

    app.add_url_rule("/", "view", view_sync if peer == "flask" else view, methods=["POST"])
    return app


def sent(peer: str, count: int) -> Any:
    """Make an app that returns a body of so many bytes."""
    body = _body(count)
    if peer == "starlette":
        from starlette.responses import Response

        async def starlette_view(request: Any) -> Any:
            return Response(body)

        return _starlette(starlette_view)
    app = _flask_like(peer)
    _answering(app, peer, lambda: body)
    return app


def gated(peer: str, gate: Gate) -> Any:
    """Make an app whose view waits at a gate. (ASGI.)"""
    if peer == "starlette":
        from starlette.responses import PlainTextResponse

        async def view(request: Any) -> Any:
            return PlainTextResponse(await gate.wait())

        return _starlette(view)
    app = _flask_like(peer)
    app.add_url_rule("/", "view", gate.wait)
    return app


class Gate:
    """A gate at which requests wait until the wanted number has arrived."""

    def __init__(self) -> None:
        self.arrived = 0
        self._wanted = 1
        self._event = asyncio.Event()

    def close(self, wanted: int) -> None:
        """Close the gate until so many requests have arrived."""
        self.arrived, self._wanted = 0, wanted
        self._event.clear()

    async def wait(self) -> str:
        """Wait for the other requests."""
        self.arrived += 1
        if self.arrived == self._wanted:
            self._event.set()
        await self._event.wait()
        return "Hello, World!"


def _starlette(view: Any) -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Route

    return Starlette(routes=[Route("/", view, methods=["GET", "POST"])])


def _flask_like(peer: str) -> Any:
    module = importlib.import_module(peer)
    app = (module.Quart if peer == "quart" else module.Flask)("growth")
    app.config["MAX_CONTENT_LENGTH"] = None
    return app


def _answering(app: Any, peer: str, answer: Callable[[], Any]) -> None:
    async def view() -> Any:
        return answer()

    app.add_url_rule("/", "view", answer if peer == "flask" else view)


#: what makes the app of a curve, from the name of a peer and a count; requests at once have a gate
APPS: Mapping[str, Callable[[str, int], Any]] = {
    "routes": routes,
    "hooks": hooks,
    "received": received,
    "sent": sent,
}
