"""``def`` functions in an app: they run in threads, with the contexts."""

import threading
import time

from quart import Quart, current_app, g, request, session
from quart.utils import run_sync

from .recorded import body


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    main = threading.get_ident()

    @app.before_request
    def before():
        g.thread = threading.get_ident() != main

    @app.get("/def")
    def view():
        session["seen"] = True
        return {
            "thread": threading.get_ident() != main,
            "hook": g.thread,
            "path": request.path,
            "args": request.args.to_dict(),
            "app": current_app.name == app.name,
        }

    @app.get("/run-sync")
    async def in_thread():
        def work(number, *, factor):
            time.sleep(0.001)
            return [number * factor, request.path, threading.get_ident() != main]

        return await run_sync(work)(3, factor=2)

    @app.get("/ensure-async")
    async def ensured():
        async def already():
            return "already"

        same = app.ensure_async(already) is already
        return [await app.ensure_async(lambda: threading.get_ident() != main)(), same]

    @app.get("/stream")
    async def stream():
        def pieces():
            for n in range(3):
                time.sleep(0.001)
                yield f"{n}\n"

        return await run_sync(pieces)(), 200, {"Content-Type": "text/plain"}

    @app.get("/json")
    def as_json():
        return {"seen": session["seen"]}, 201

    return app


async def answers(app):
    client = app.test_client()
    for path in ("/def?a=1", "/run-sync", "/ensure-async", "/json", "/stream"):
        yield path, await body(await client.get(path))
