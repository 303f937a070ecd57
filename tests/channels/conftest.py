"""The engines' servers, on free ports of 127.0.0.1 with temporary folders, and apps on them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asyncflask import Flask
from asyncflask.channels import Channels
from tests.services import Server, nats, postgresql, redis, valkey


class NoServer(Server):
    """``memory://`` needs none."""

    def __init__(self) -> None:
        super().__init__([], 0, "memory://")

    def start(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


SERVERS = {
    "memory": lambda _: NoServer(),
    "redis": redis,
    "valkey": valkey,
    "postgresql": postgresql,
    "nats": nats,
}


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Return a function that starts an engine's server, once for all tests, by its name."""
    folders: list[tempfile.TemporaryDirectory[str]] = []
    started: dict[str, Server] = {}

    def start(name: str) -> Server:
        if name not in started:
            folders.append(tempfile.TemporaryDirectory(prefix=f"asyncflask-{name}-"))
            started[name] = SERVERS[name](Path(folders[-1].name))
            started[name].start()
        return started[name]

    yield start
    for server in started.values():
        server.kill()
    for folder in folders:
        folder.cleanup()


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each engine's server in turn."""
    return servers(request.param)


@pytest.fixture(params=[name for name in SERVERS if name != "memory"])
def remote_server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each server in turn that is another process."""
    return servers(request.param)


@pytest.fixture(params=[name for name in SERVERS if name != "memory"])
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each engine's server in turn, started for one test, which may do with it what it likes."""
    with tempfile.TemporaryDirectory(prefix="asyncflask-own-") as folder:
        server = SERVERS[request.param](Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def channels() -> Channels:
    """The extension, without an app."""
    return Channels()


@pytest.fixture
def make_app(
    channels: Channels, server: Server, request: pytest.FixtureRequest
) -> Callable[..., Flask]:
    """Return a function that makes an app, as each worker does; their channels are a test's own."""

    def make(**config: object) -> Flask:
        app = Flask("workers")
        prefix = f"t{abs(hash(request.node.nodeid)):x}"
        app.config.update(CHANNELS_URL=server.url, CHANNELS_PREFIX=prefix, **config)
        channels.init_app(app)
        return app

    return make
