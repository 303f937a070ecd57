"""The peers: for each workload an app of its own, as the framework's documentation would write it.

Each module has ``APPS``, from the name of a workload to a function that makes the app. An app has
what its workload needs and no more (only the app with a session has session middleware).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

#: the peer that is compared with the others
SUBJECT = "asyncflask"


@dataclass(frozen=True)
class Peer:
    """A framework beside which asyncflask is measured.

    Args:
        name: What ``--peer`` calls it.
        title: Name in the table.
        module: The module with ``APPS``.
        distribution: The distribution whose version is noted; ``None`` for Python itself.
        wsgi: Whether the apps are WSGI callables, not ASGI.
        lifespan: Whether the apps answer only after the lifespan's start.
        leaving: Workloads in which the app waits after its response for a disconnect.
    """

    name: str
    title: str
    module: str
    distribution: str | None
    wsgi: bool = False
    lifespan: bool = False
    leaving: tuple[str, ...] = ()

    def apps(self) -> Mapping[str, Callable[[], Any]]:
        """Import the apps.

        Raises:
            ImportError: The framework is not installed.
        """
        apps: Mapping[str, Callable[[], Any]] = importlib.import_module(self.module).APPS
        return apps

    def version(self) -> str | None:
        """Return the version that is installed."""
        return None if self.distribution is None else metadata.version(self.distribution)


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("raw", "raw ASGI", "benchmarks.apps.raw_app", None),
        Peer(SUBJECT, "asyncflask", "benchmarks.apps.asyncflask_app", "asyncflask"),
        Peer("starlette", "Starlette", "benchmarks.apps.starlette_app", "starlette"),
        Peer("fastapi", "FastAPI", "benchmarks.apps.fastapi_app", "fastapi"),
        Peer(
            "litestar",
            "Litestar",
            "benchmarks.apps.litestar_app",
            "litestar",
            lifespan=True,
            leaving=("stream",),
        ),
        Peer(
            "blacksheep",
            "BlackSheep",
            "benchmarks.apps.blacksheep_app",
            "blacksheep",
            lifespan=True,
        ),
        Peer("falcon", "Falcon", "benchmarks.apps.falcon_app", "falcon"),
        Peer("sanic", "Sanic", "benchmarks.apps.sanic_app", "sanic", lifespan=True),
        Peer("quart", "Quart", "benchmarks.apps.quart_app", "quart"),
        Peer("flask", "Flask (WSGI)", "benchmarks.apps.flask_app", "flask", wsgi=True),
        Peer("facade", "facade (WSGI)", "benchmarks.apps.facade_app", "asyncflask", wsgi=True),
        Peer("facade_asgi", "facade (ASGI)", "benchmarks.apps.facade_asgi_app", "asyncflask"),
    )
}
