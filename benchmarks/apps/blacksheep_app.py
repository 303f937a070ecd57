"""BlackSheep, as its documentation writes it.

``def`` handlers run on the event loop, so there is none. (No ``from __future__ import
annotations``: BlackSheep reads them.)
"""

import logging
from collections.abc import AsyncIterable
from pathlib import Path

from blacksheep import (
    Application,
    Content,
    FromCookie,
    FromHeader,
    FromQuery,
    Request,
    Response,
    Router,
    StreamedContent,
    WebSocket,
    WebSocketDisconnectError,
    json,
    text,
)
from blacksheep.server.rendering.jinja2 import JinjaRenderer
from blacksheep.server.responses import view
from blacksheep.settings.html import html_settings
from jinja2 import FunctionLoader

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS


def make():
    """Make an app with routes of its own; by default all apps share them."""
    router = Router()
    app = Application(router=router)
    app.logger.setLevel(logging.WARNING)  # Each app sets it to INFO: a line for each handled error.
    return router, app


def plaintext():
    router, app = make()

    @router.get("/")
    async def hello():
        return text("Hello, World!")

    return app


def json_object():
    router, app = make()

    @router.get("/")
    async def show():
        return json(OBJECT)

    return app


def path():
    router, app = make()

    @router.get("/users/{name}/items/{number}")
    async def item(name: str, number: int):
        return text(f"{name} has {number}")

    return app


def sections(indexes):
    router, app = make()
    for index in indexes:

        @router.get(f"/section{index}/{{name}}/{{number}}")
        async def item(name: str, number: int):
            return text(f"{name} has {number}")

    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


class FromRequestId(FromHeader[str]):
    """A header."""

    name = "X-Request-Id"


class FromTheme(FromCookie[str]):
    """A cookie."""

    name = "theme"


def inputs():
    router, app = make()

    @router.get("/")
    async def show(
        q: FromQuery[str], page: FromQuery[int], identity: FromRequestId, theme: FromTheme
    ):
        return text(f"{q.value} {page.value} {identity.value} {theme.value}")

    return app


def json_post():
    router, app = make()

    @router.post("/")
    async def receive(request: Request):
        items = (await request.json())["items"]
        return json({"count": len(items), "last": items[-1]["name"]})

    return app


def form():
    router, app = make()

    @router.post("/")
    async def receive(request: Request):
        fields = await request.form()
        return text(f"{len(fields)} {fields['field_0']} {fields['field_9']}")

    return app


def multipart():
    router, app = make()

    @router.post("/")
    async def receive(request: Request):
        fields = await request.form()
        (file,) = fields["file"]
        data = file.data
        return text(f"{fields['title']} {file.file_name.decode()} {len(data)} {data[-4:].hex()}")

    return app


def template():
    router, app = make()
    folder = Path(__file__).parent / "templates"
    # It looks for "rows.jinja"; the file is the one that all peers have.
    loader = FunctionLoader(lambda name: (folder / "rows.html").read_text())
    html_settings.use(JinjaRenderer(loader=loader))

    @router.get("/")
    async def show():
        return view("rows", {"title": "Rows", "rows": ROWS})

    return app


def signed_session():
    router, app = make()
    app.use_sessions("benchmark")

    @router.get("/")
    async def visit(request: Request):
        request.session["visits"] = request.session.get("visits", 0) + 1
        return text(f"visit {request.session['visits']}")

    return app


def hooks():
    router, app = make()

    def add(name):
        async def hook(request, handler):
            request.scope["state"][name] = name
            response = await handler(request)
            response.add_header(f"X-{name}".encode(), b"done")
            return response

        app.middlewares.append(hook)

    for name in NAMES:
        add(name)

    @router.get("/")
    async def show(request: Request):
        state = request.scope["state"]
        return text(f"{state['first']} {state['second']} {state['third']}")

    return app


def stream():
    router, app = make()

    @router.get("/")
    async def send():
        async def chunks() -> AsyncIterable[bytes]:
            for _ in range(CHUNKS):
                yield CHUNK

        return Response(200, content=StreamedContent(b"application/octet-stream", chunks))

    return app


class TeapotError(Exception):
    """What the handler of ``error`` raises."""


def error():
    router, app = make()

    @router.get("/")
    async def brew():
        raise TeapotError("no coffee")

    @app.exception_handler(TeapotError)
    async def refuse(app, request, error):
        return Response(418, content=Content(b"text/plain", f"TeapotError: {error}".encode()))

    return app


def echo():
    router, app = make()

    @router.ws("/")
    async def talk(websocket: WebSocket):
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnectError:
            return

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
    "template": template,
    "session": signed_session,
    "hooks": hooks,
    "stream": stream,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
