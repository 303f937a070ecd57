"""Starlette, as its documentation writes it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from .. import queries

TEMPLATES = Path(__file__).parent / "templates"


def make(url):
    templates = Jinja2Templates(directory=TEMPLATES)

    @asynccontextmanager
    async def lifespan(app):
        async with await queries.open_pool(url) as pool:
            yield {"pool": pool}

    async def one(request):
        return JSONResponse(await queries.read_one(request.state.pool))

    async def several(request):
        return JSONResponse(await queries.read_several(request.state.pool))

    async def updates(request):
        return JSONResponse(await queries.change(request.state.pool))

    async def fortunes(request):
        found = await queries.read_fortunes(request.state.pool)
        return templates.TemplateResponse(request, "fortunes.html", {"fortunes": found})

    views = (one, several, updates, fortunes)
    return Starlette(routes=[Route(f"/{view.__name__}", view) for view in views], lifespan=lifespan)
