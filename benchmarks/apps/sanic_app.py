"""Sanic through ASGI, as its documentation writes it.

Templates need a package of their own (sanic-ext, which extends every app once it is installed),
sessions a third-party package; ``def`` handlers run on the event loop, so there is none.
"""

import itertools
import logging

from sanic import Sanic
from sanic.response import json, text

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES

_number = itertools.count()


logging.getLogger("sanic.root").setLevel(logging.WARNING)  # as in production
# As it starts, an app rewrites methods of Sanic's classes for itself ("touch-up"), which makes it
# two to four times as fast. Without this, the first app in a process is the only one that can.
Sanic.test_mode = True


def make():
    """Make an app; Sanic wants each to have a name of its own."""
    app = Sanic(f"benchmark{next(_number)}", configure_logging=False)
    app.config.ACCESS_LOG = False
    app.config.MOTD = False
    return app


def plaintext():
    app = make()

    @app.get("/")
    async def hello(request):
        return text("Hello, World!")

    return app


def json_object():
    app = make()

    @app.get("/")
    async def show(request):
        return json(OBJECT)

    return app


def path():
    app = make()

    @app.get("/users/<name:str>/items/<number:int>")
    async def item(request, name, number):
        return text(f"{name} has {number}")

    return app


def sections(indexes):
    app = make()
    for index in indexes:

        @app.get(f"/section{index}/<name:str>/<number:int>", name=f"section{index}")
        async def item(request, name, number):
            return text(f"{name} has {number}")

    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    app = make()

    @app.get("/")
    async def show(request):
        page = int(request.args.get("page"))
        identity = request.headers["X-Request-Id"]
        theme = request.cookies.get("theme")
        return text(f"{request.args.get('q')} {page} {identity} {theme}")

    return app


def json_post():
    app = make()

    @app.post("/")
    async def receive(request):
        items = request.json["items"]
        return json({"count": len(items), "last": items[-1]["name"]})

    return app


def form():
    app = make()

    @app.post("/")
    async def receive(request):
        fields = request.form
        return text(f"{len(fields)} {fields.get('field_0')} {fields.get('field_9')}")

    return app


def multipart():
    app = make()

    @app.post("/")
    async def receive(request):
        file = request.files.get("file")
        title = request.form.get("title")
        return text(f"{title} {file.name} {len(file.body)} {file.body[-4:].hex()}")

    return app


def hooks():
    app = make()

    def add(name):
        @app.on_request
        async def before(request):
            setattr(request.ctx, name, name)

        @app.on_response
        async def after(request, response):
            response.headers[f"X-{name}"] = "done"

    for name in NAMES:
        add(name)

    @app.get("/")
    async def show(request):
        ctx = request.ctx
        return text(f"{ctx.first} {ctx.second} {ctx.third}")

    return app


def stream():
    app = make()

    @app.get("/")
    async def send(request):
        response = await request.respond(content_type="application/octet-stream")
        for _ in range(CHUNKS):
            await response.send(CHUNK)
        await response.eof()

    return app


class TeapotError(Exception):
    """What the handler of ``error`` raises."""


def error():
    app = make()

    @app.get("/")
    async def brew(request):
        raise TeapotError("no coffee")

    @app.exception(TeapotError)
    async def refuse(request, error):
        return text(f"TeapotError: {error}", 418)

    return app


def echo():
    app = make()

    @app.websocket("/")
    async def talk(request, ws):
        while (message := await ws.recv()) is not None:
            await ws.send(message)

    return app


APPS = {
    "plaintext": plaintext,
    "json": json_object,
    "path": path,
    "one_route": one_route,
    "routes": routes,
    "inputs": inputs,
    "json_post": json_post,
    "form": form,
    "multipart": multipart,
    "hooks": hooks,
    "stream": stream,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
