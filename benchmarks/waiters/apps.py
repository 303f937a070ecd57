"""The apps whose requests wait: with and without ``def`` hooks, and those of other frameworks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

#: how long a request waits
SECONDS = 1.0
CHUNKS = 100

_ROOT = Path(__file__).parents[2]

App = Callable[[dict[str, Any], Any, Any], Any]


def _views(app: Any) -> None:
    news = asyncio.Event()

    @app.get("/")
    async def wait() -> str:
        await asyncio.sleep(SECONDS)
        return "x"

    @app.get("/ready")
    async def ready() -> str:
        return "x"

    @app.get("/news")
    async def wait_for_news() -> str:
        await news.wait()
        return "x"

    @app.get("/wake")
    async def wake() -> str:
        news.set()
        return "x"


def _hooks(app: Any) -> None:
    @app.before_request
    def before() -> None:
        pass

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        pass


def _async_api(hooks: bool, affinity: bool = True) -> App:
    import asyncflask

    app = asyncflask.Flask("waiting", root_path=str(_ROOT))
    app.config["WORKER_AFFINITY"] = affinity
    _views(app)
    if hooks:
        _hooks(app)

        @app.before_websocket
        def before() -> None:
            pass

    @app.websocket("/ws")
    async def echo() -> None:
        while True:
            await asyncflask.websocket.send(await asyncflask.websocket.receive())

    return app


def _facade() -> App:
    from asyncflask.flask import Flask

    app = Flask("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        return iter([b"x" * 100] * CHUNKS)

    return app  # type: ignore[no-any-return]  # a facade app is called as WSGI and as ASGI


def _quart() -> App:
    import quart

    app = quart.Quart("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)

    @app.before_websocket
    def before() -> None:
        pass

    @app.websocket("/ws")
    async def echo() -> None:
        while True:
            await quart.websocket.send(await quart.websocket.receive())

    return app


def _flask_on_asgiref() -> App:
    import flask
    from asgiref.wsgi import WsgiToAsgi

    app = flask.Flask("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)
    adapted: App = WsgiToAsgi(app)
    return adapted


@dataclass(frozen=True)
class Kind:
    """An app, and what is measured on it.

    Args:
        make: Makes the app.
        distributions: What has to be installed for it; their versions are noted.
        websockets: Whether it has websockets.
        most: Most requests that it is asked to serve at once.
    """

    make: Callable[[], App]
    distributions: tuple[str, ...]
    websockets: bool = False
    most: int = 100_000

    def versions(self) -> dict[str, str]:
        """Return the versions of what it consists of.

        Raises:
            PackageNotFoundError: A part of it is not installed.
        """
        return {name: metadata.version(name) for name in self.distributions}


BASE, HOOKS, FACADE = "asyncflask", "asyncflask, def hooks", "facade, def hooks"
FREE, QUART = "asyncflask, def hooks, WORKER_AFFINITY=False", "Quart, def hooks"
ADAPTED = "Flask on asgiref, def hooks"
KINDS: Mapping[str, Kind] = {
    BASE: Kind(lambda: _async_api(False), ("asyncflask",), websockets=True),
    HOOKS: Kind(lambda: _async_api(True), ("asyncflask",), websockets=True),
    FREE: Kind(lambda: _async_api(True, affinity=False), ("asyncflask",), websockets=True),
    FACADE: Kind(_facade, ("asyncflask",)),
    QUART: Kind(_quart, ("quart",), websockets=True),
    # It serves one request after the other.
    ADAPTED: Kind(_flask_on_asgiref, ("flask", "asgiref"), most=5),
}
