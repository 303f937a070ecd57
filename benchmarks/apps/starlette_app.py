"""Starlette, as its documentation writes it.

Hooks are three pure ASGI middlewares: what Starlette recommends where speed counts (its
``BaseHTTPMiddleware`` costs several times as much).
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.templating import Jinja2Templates

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS


def plaintext():
    async def hello(request):
        return PlainTextResponse("Hello, World!")

    return Starlette(routes=[Route("/", hello)])


def json_object():
    async def show(request):
        return JSONResponse(OBJECT)

    return Starlette(routes=[Route("/", show)])


async def item(request):
    name, number = request.path_params["name"], request.path_params["number"]
    return PlainTextResponse(f"{name} has {number}")


def path():
    return Starlette(routes=[Route("/users/{name}/items/{number:int}", item)])


def sections(indexes):
    paths = [f"/section{index}/{{name}}/{{number:int}}" for index in indexes]
    return Starlette(routes=[Route(path, item) for path in paths])


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    async def show(request):
        query = request.query_params
        page = int(query["page"])
        identity = request.headers["X-Request-Id"]
        return PlainTextResponse(f"{query['q']} {page} {identity} {request.cookies['theme']}")

    return Starlette(routes=[Route("/", show)])


def json_post():
    async def receive(request):
        items = (await request.json())["items"]
        return JSONResponse({"count": len(items), "last": items[-1]["name"]})

    return Starlette(routes=[Route("/", receive, methods=["POST"])])


def form():
    async def receive(request):
        async with request.form() as fields:
            return PlainTextResponse(f"{len(fields)} {fields['field_0']} {fields['field_9']}")

    return Starlette(routes=[Route("/", receive, methods=["POST"])])


def multipart():
    async def receive(request):
        async with request.form() as fields:
            file = fields["file"]
            data = await file.read()
            text = f"{fields['title']} {file.filename} {len(data)} {data[-4:].hex()}"
        return PlainTextResponse(text)

    return Starlette(routes=[Route("/", receive, methods=["POST"])])


def template():
    templates = Jinja2Templates(directory=Path(__file__).parent / "templates")

    async def show(request):
        return templates.TemplateResponse(request, "rows.html", {"title": "Rows", "rows": ROWS})

    return Starlette(routes=[Route("/", show)])


def signed_session():
    async def visit(request):
        request.session["visits"] = request.session.get("visits", 0) + 1
        return PlainTextResponse(f"visit {request.session['visits']}")

    middleware = [Middleware(SessionMiddleware, secret_key="benchmark")]
    return Starlette(routes=[Route("/", visit)], middleware=middleware)


class Hook:
    """Does something before and something after the view."""

    def __init__(self, app, name):
        self.app = app
        self.name = name

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["state"][self.name] = self.name

        async def send_after(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[f"X-{self.name}"] = "done"
            await send(message)

        await self.app(scope, receive, send_after)


def hooks():
    async def show(request):
        state = request.state
        return PlainTextResponse(f"{state.first} {state.second} {state.third}")

    middleware = [Middleware(Hook, name=name) for name in NAMES]
    return Starlette(routes=[Route("/", show)], middleware=middleware)


def stream():
    async def send(request):
        async def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        return StreamingResponse(chunks())

    return Starlette(routes=[Route("/", send)])


def def_view():
    def hello(request):
        return PlainTextResponse("Hello, World!")

    return Starlette(routes=[Route("/", hello)])


class TeapotError(Exception):
    """The exception that the view of ``error`` raises."""


def error():
    async def brew(request):
        raise TeapotError("no coffee")

    async def refuse(request, error):
        return PlainTextResponse(f"TeapotError: {error}", 418)

    return Starlette(routes=[Route("/", brew)], exception_handlers={TeapotError: refuse})


def echo():
    async def talk(websocket):
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    return Starlette(routes=[WebSocketRoute("/", talk)])


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
    "def_view": def_view,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
