"""Litestar, as its documentation writes it.

Its client-side session is encrypted, not signed. Hooks are three pure ASGI middlewares, for an app
has one ``before_request`` and one ``after_request``. (No ``from __future__ import annotations``:
Litestar reads them.)
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.datastructures import MutableScopeHeaders, UploadFile
from litestar.exceptions import WebSocketDisconnect
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.params import (
    FromCookie,
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    MultipartBody,
    URLEncodedBody,
)
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Stream, Template
from litestar.template.config import TemplateConfig
from msgspec import Struct

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS


def serving(handlers, **options):
    """Make an app that leaves the logging of the process, and so of the other peers, alone."""
    return Litestar(handlers, logging_config=None, **options)


def plaintext():
    @get("/", media_type=MediaType.TEXT)
    async def hello() -> str:
        return "Hello, World!"

    return serving([hello])


def json_object():
    @get("/")
    async def show() -> dict[str, Any]:
        return OBJECT

    return serving([show])


def path():
    @get("/users/{name:str}/items/{number:int}", media_type=MediaType.TEXT)
    async def item(name: FromPath[str], number: FromPath[int]) -> str:
        return f"{name} has {number}"

    return serving([item])


def sections(indexes):
    def make(index):
        @get(f"/section{index}/{{name:str}}/{{number:int}}", media_type=MediaType.TEXT)
        async def item(name: FromPath[str], number: FromPath[int]) -> str:
            return f"{name} has {number}"

        return item

    return serving([make(index) for index in indexes])


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    @get("/", media_type=MediaType.TEXT)
    async def show(
        q: FromQuery[str],
        page: FromQuery[int],
        identity: Annotated[str, HeaderParameter(name="X-Request-Id")],
        theme: FromCookie[str],
    ) -> str:
        return f"{q} {page} {identity} {theme}"

    return serving([show])


class Item(Struct):
    """An item of a JSON post."""

    id: int
    name: str
    price: float


class Items(Struct):
    """A JSON post."""

    items: list[Item]


def json_post():
    @post("/", status_code=200)
    async def receive(data: JSONBody[Items]) -> dict[str, Any]:
        return {"count": len(data.items), "last": data.items[-1].name}

    return serving([receive])


def form():
    @post("/", status_code=200, media_type=MediaType.TEXT)
    async def receive(data: URLEncodedBody[dict[str, str]]) -> str:
        return f"{len(data)} {data['field_0']} {data['field_9']}"

    return serving([receive])


@dataclass
class Upload:
    """A multipart form."""

    title: str
    note: str
    file: UploadFile


def multipart():
    @post("/", status_code=200, media_type=MediaType.TEXT, request_max_body_size=None)
    async def receive(data: MultipartBody[Upload]) -> str:
        content = await data.file.read()
        return f"{data.title} {data.file.filename} {len(content)} {content[-4:].hex()}"

    return serving([receive])


def template():
    @get("/")
    async def show() -> Template:
        return Template("rows.html", context={"title": "Rows", "rows": ROWS})

    folder = Path(__file__).parent / "templates"
    return serving(
        [show], template_config=TemplateConfig(directory=folder, engine=JinjaTemplateEngine)
    )


def encrypted_session():
    @get("/", media_type=MediaType.TEXT)
    async def visit(request: Request) -> str:
        request.session["visits"] = request.session.get("visits", 0) + 1
        return f"visit {request.session['visits']}"

    return serving([visit], middleware=[CookieBackendConfig(secret=os.urandom(16)).middleware])


class Hook:
    """Does something before and something after the handler."""

    def __init__(self, app, name):
        self.app = app
        self.name = name

    async def __call__(self, scope, receive, send):
        scope["state"][self.name] = self.name

        async def send_after(message):
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message)[f"X-{self.name}"] = "done"
            await send(message)

        await self.app(scope, receive, send_after)


def hooks():
    @get("/", media_type=MediaType.TEXT)
    async def show(request: Request) -> str:
        state = request.state
        return f"{state.first} {state.second} {state.third}"

    return serving([show], middleware=[DefineMiddleware(Hook, name=name) for name in NAMES])


def stream():
    @get("/")
    async def send() -> Stream:
        async def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        return Stream(chunks())

    return serving([send])


def def_view():
    @get("/", media_type=MediaType.TEXT, sync_to_thread=True)
    def hello() -> str:
        return "Hello, World!"

    return serving([hello])


class TeapotError(Exception):
    """The exception that the view of ``error`` raises."""


def error():
    @get("/")
    async def brew() -> None:
        raise TeapotError("no coffee")

    def refuse(request: Request, error: TeapotError) -> Response:
        return Response(f"TeapotError: {error}", media_type=MediaType.TEXT, status_code=418)

    return serving([brew], exception_handlers={TeapotError: refuse})


def echo():
    @websocket("/")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect:
            return

    return serving([talk])


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
    "session": encrypted_session,
    "hooks": hooks,
    "stream": stream,
    "def_view": def_view,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
