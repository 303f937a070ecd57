"""Apps with a ``def`` hook and a small pool, for clients that send and read slowly.

The async API is at ``/async``, with a WSGI callable mounted at ``/wsgi``, and the facade is at
``/facade``; ``test_slow_clients.py`` serves them with ``app``. As a program this serves them with
the embedded server.
"""

from __future__ import annotations

import sys

import asyncflask
import asyncflask.flask
from asyncflask.server import Config, listen, run

PIECE = 64 * 1024
PIECES = 128  # more than the buffers of a server, of the system and of a client that does not read
WHOLE = b"x" * PIECE * PIECES


def make(package, prefix):
    app = package.Flask(__name__, static_folder=None)
    app.config.update(WORKER_POOL_SIZE=2, MAX_CONTENT_LENGTH=None)

    @app.before_request
    def hook():
        pass

    @app.get(f"{prefix}/load")
    def load():
        workers = app.workers
        return {"busy": workers.busy, "parked": workers.parked, "waiting": workers.waiting}

    @app.post(f"{prefix}/upload/def")
    def upload():
        return str(len(package.request.get_data()))

    @app.get(f"{prefix}/download/generator")
    def generator():
        return (b"x" * PIECE for _ in range(PIECES))

    @app.get(f"{prefix}/download/whole")
    def whole():
        return WHOLE

    @app.get(f"{prefix}/download/async")
    async def async_whole():
        return WHOLE

    return app


async_app, facade_app = make(asyncflask, "/async"), make(asyncflask.flask, "/facade")


@async_app.post("/async/upload/async")
async def async_upload():
    return str(len(await asyncflask.request.get_data()))


@async_app.get("/async/download/stream")
async def stream():
    async def pieces():
        for _ in range(PIECES):
            yield b"x" * PIECE

    return pieces()


@facade_app.post("/facade/upload/async")
async def facade_upload():
    return str(len(asyncflask.flask.request.get_data()))


def wsgi_app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["REQUEST_METHOD"] == "POST":
        return [str(len(environ["wsgi.input"].read())).encode()]
    return (b"x" * PIECE for _ in range(PIECES))


async_app.mount("/wsgi", wsgi_app)


async def app(scope, receive, send):
    at_facade = scope.get("path", "").startswith("/facade")
    await (facade_app if at_facade else async_app)(scope, receive, send)


if __name__ == "__main__":
    run(app, [listen("127.0.0.1", int(sys.argv[1]))], Config(access_log=False))
