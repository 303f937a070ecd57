"""BlackSheep, as its documentation writes it: the pool is a service of the container.

(No ``from __future__ import annotations``: BlackSheep reads them.)
"""

import logging
from pathlib import Path

import asyncpg
from blacksheep import Application, Router, json
from blacksheep.server.rendering.jinja2 import JinjaRenderer
from blacksheep.server.responses import view
from blacksheep.settings.html import html_settings
from jinja2 import FunctionLoader

from .. import queries

TEMPLATES = Path(__file__).parent / "templates"


def make(url):
    router = Router()
    app = Application(router=router)
    app.logger.setLevel(logging.WARNING)
    # It looks for "fortunes.jinja"; the file is the one that all apps have.
    loader = FunctionLoader(lambda name: (TEMPLATES / "fortunes.html").read_text("utf-8"))
    html_settings.use(JinjaRenderer(loader=loader))

    @app.lifespan
    async def open_pool():
        async with await queries.open_pool(url) as pool:
            app.services.register(asyncpg.Pool, instance=pool)
            yield

    @router.get("/one")
    async def one(pool: asyncpg.Pool):
        return json(await queries.read_one(pool))

    @router.get("/several")
    async def several(pool: asyncpg.Pool):
        return json(await queries.read_several(pool))

    @router.get("/updates")
    async def updates(pool: asyncpg.Pool):
        return json(await queries.change(pool))

    @router.get("/fortunes")
    async def fortunes(pool: asyncpg.Pool):
        return view("fortunes", {"fortunes": await queries.read_fortunes(pool)})

    return app
