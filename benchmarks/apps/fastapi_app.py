"""FastAPI, as its documentation writes it: parameters and bodies are declared by their types.

Hooks are the pure ASGI middlewares of ``starlette_app.py``, which cost less than
``@app.middleware("http")``. (No ``from __future__ import annotations``: FastAPI reads them.)
"""

from pathlib import Path
from typing import Annotated

from fastapi import Cookie, FastAPI, Form, Header, Request, UploadFile, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, create_model
from starlette.middleware.sessions import SessionMiddleware

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS
from .starlette_app import Hook


def plaintext():
    app = FastAPI()

    @app.get("/", response_class=PlainTextResponse)
    async def hello():
        return "Hello, World!"

    return app


def json_object():
    app = FastAPI()

    @app.get("/")
    async def show():
        return OBJECT

    return app


def path():
    app = FastAPI()

    @app.get("/users/{name}/items/{number}", response_class=PlainTextResponse)
    async def item(name: str, number: int):
        return f"{name} has {number}"

    return app


def sections(indexes):
    app = FastAPI()
    for index in indexes:

        @app.get(f"/section{index}/{{name}}/{{number}}", response_class=PlainTextResponse)
        async def item(name: str, number: int):
            return f"{name} has {number}"

    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    app = FastAPI()

    @app.get("/", response_class=PlainTextResponse)
    async def show(
        q: str,
        page: int,
        x_request_id: Annotated[str, Header()],
        theme: Annotated[str, Cookie()],
    ):
        return f"{q} {page} {x_request_id} {theme}"

    return app


class Item(BaseModel):
    """An item of a JSON post."""

    id: int
    name: str
    price: float


class Items(BaseModel):
    """A JSON post."""

    items: list[Item]


def json_post():
    app = FastAPI()

    @app.post("/")
    async def receive(posted: Items):
        return {"count": len(posted.items), "last": posted.items[-1].name}

    return app


Fields = create_model("Fields", **{f"field_{number}": (str, ...) for number in range(10)})


def form():
    app = FastAPI()

    @app.post("/", response_class=PlainTextResponse)
    async def receive(fields: Annotated[Fields, Form()]):
        return f"{len(fields.model_fields_set)} {fields.field_0} {fields.field_9}"

    return app


def multipart():
    app = FastAPI()

    @app.post("/", response_class=PlainTextResponse)
    async def receive(file: UploadFile, title: Annotated[str, Form()]):
        data = await file.read()
        return f"{title} {file.filename} {len(data)} {data[-4:].hex()}"

    return app


def template():
    app = FastAPI()
    templates = Jinja2Templates(directory=Path(__file__).parent / "templates")

    @app.get("/")
    async def show(request: Request):
        return templates.TemplateResponse(request, "rows.html", {"title": "Rows", "rows": ROWS})

    return app


def signed_session():
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="benchmark")

    @app.get("/", response_class=PlainTextResponse)
    async def visit(request: Request):
        request.session["visits"] = request.session.get("visits", 0) + 1
        return f"visit {request.session['visits']}"

    return app


def hooks():
    app = FastAPI()
    for name in reversed(NAMES):
        app.add_middleware(Hook, name=name)

    @app.get("/", response_class=PlainTextResponse)
    async def show(request: Request):
        state = request.state
        return f"{state.first} {state.second} {state.third}"

    return app


def stream():
    app = FastAPI()

    @app.get("/")
    async def send():
        async def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        return StreamingResponse(chunks())

    return app


def def_view():
    app = FastAPI()

    @app.get("/", response_class=PlainTextResponse)
    def hello():
        return "Hello, World!"

    return app


class TeapotError(Exception):
    """The exception that the view of ``error`` raises."""


def error():
    app = FastAPI()

    @app.get("/")
    async def brew():
        raise TeapotError("no coffee")

    @app.exception_handler(TeapotError)
    async def refuse(request: Request, error: TeapotError):
        return PlainTextResponse(f"TeapotError: {error}", 418)

    return app


def echo():
    app = FastAPI()

    @app.websocket("/")
    async def talk(websocket: WebSocket):
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

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
    "def_view": def_view,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
