"""Quart, as its documentation writes it."""

from __future__ import annotations

from quart import Quart, current_app, render_template

from .. import queries


def make(url):
    app = Quart(__name__)

    @app.while_serving
    async def pool():
        app.extensions["pool"] = await queries.open_pool(url)
        yield
        await app.extensions["pool"].close()

    @app.get("/one")
    async def one():
        return await queries.read_one(current_app.extensions["pool"])

    @app.get("/several")
    async def several():
        return await queries.read_several(current_app.extensions["pool"])

    @app.get("/updates")
    async def updates():
        return await queries.change(current_app.extensions["pool"])

    @app.get("/fortunes")
    async def fortunes():
        found = await queries.read_fortunes(current_app.extensions["pool"])
        return await render_template("fortunes.html", fortunes=found)

    return app
