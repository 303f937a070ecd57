"""The apps behind the servers: those of ``benchmarks/apps``.

An app also answers ``GET /held`` with the memory of its process, which shows whether a server
keeps memory.
"""

from __future__ import annotations

import json
from typing import Any

from ..apps import PEERS, Peer
from ..memory import held

#: the environment variable that says which app ``asgi.py`` has
VARIABLE = "BENCHMARKS_APP"
HELD = "/held"

#: the apps that can be served; :mod:`.starts` chooses among them
APPS: dict[str, Peer] = PEERS


def make(name: str) -> Any:
    """Make an app.

    Args:
        name: ``PEER:WORKLOAD``, with ``:held`` after it if it answers ``GET /held``.

    Raises:
        KeyError: There is no such app.
        ImportError: The framework is not installed.
    """
    peer, workload, *asking = name.split(":")
    app = APPS[peer].apps()[workload]()
    return Asked(app) if asking == ["held"] else app


class Asked:
    """An app that answers ``GET /held`` with the memory of its process after a collection.

    Args:
        app: The ASGI app that answers everything else.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != HELD:
            await self._app(scope, receive, send)
            return
        body = json.dumps(held()).encode()
        headers = [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
