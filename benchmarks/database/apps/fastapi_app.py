"""FastAPI, as its documentation writes it: what a view returns is converted to JSON.

(No ``from __future__ import annotations``: FastAPI reads them.)
"""

from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from .. import queries

TEMPLATES = Path(__file__).parent / "templates"


def make(url):
    templates = Jinja2Templates(directory=TEMPLATES)

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with await queries.open_pool(url) as pool:
            yield {"pool": pool}

    app = FastAPI(lifespan=lifespan)

    @app.get("/one")
    async def one(request: Request):
        return await queries.read_one(request.state.pool)

    @app.get("/several")
    async def several(request: Request):
        return await queries.read_several(request.state.pool)

    @app.get("/updates")
    async def updates(request: Request):
        return await queries.change(request.state.pool)

    @app.get("/fortunes", response_class=HTMLResponse)
    async def fortunes(request: Request):
        found = await queries.read_fortunes(request.state.pool)
        return templates.TemplateResponse(request, "fortunes.html", {"fortunes": found})

    return app
