import asyncio
import os

import asyncflask as quart
from asyncflask import Flask, flash, make_response, render_template_string as render
from asyncflask import request, send_file, send_from_directory, websocket
from asyncflask import run_sync

app = Flask(__name__)
name = os.environ.get("QUART_NAME", "shop")


def make_other() -> quart.Flask:
    return quart.Flask(__name__)


@app.post("/greet")
async def greet():
    form = await request.form
    flash("Greeted.")  # a message
    page = (
        # of a string
        render("Hello, {{ name }}.", name=form["name"])
    )
    response = make_response(page)
    response.set_cookie("length", str(len(response.get_data())))
    return response


@app.get("/file")
async def file():
    if request.args:
        return send_from_directory("files", path=request.args["name"])
    return send_file("shop.py", download_name="x.py", max_age=5)


@app.after_request
async def count(response):
    response.get_json()["n"] += 1
    response.make_conditional(request)
    return response


@app.post("/json")
async def json():
    data = await request.get_json()
    return {"n": await run_sync(len)(data), "again": (await request.json)["x"]}


@app.websocket("/ws")
async def ws():
    try:
        while True:
            await websocket.send(await websocket.receive())
    except asyncio.CancelledError:
        raise


async def helper(thing):
    return await thing.get_json(), quart.render_template(
        "x.html",
    )
