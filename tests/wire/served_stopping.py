"""The app that ``test_stopping.py`` serves; it notes in a file what no client sees."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from asyncflask import Flask, flask, websocket
from asyncflask.sse import ServerSentEvent, event_stream

API = flask.Flask if os.environ.get("API") == "flask" else Flask
app = API(__name__)


def note(text):
    with open(os.environ["NOTES"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


@app.before_serving
async def begin():
    note("before_serving")


@app.after_serving
def end():
    note("after_serving")


@app.get("/events")
def events():
    async def quiet():
        try:
            yield ServerSentEvent("hello", retry=1234)
            await asyncio.Event().wait()
        finally:
            note("events closed")

    return event_stream(quiet())


@app.get("/lines")
async def lines():
    async def until_the_stop():
        yield b"begun\n"
        await app.stopping.wait()
        yield b"ended\n"

    return until_the_stop()


@app.get("/def-lines")
def def_lines():
    def until_the_stop():
        yield b"begun\n"
        while not app.stopping.is_set():
            time.sleep(0.02)
        yield b"ended\n"

    return app.response_class(until_the_stop())


@app.get("/request")
async def slow():
    note("request begun")
    await app.stopping.wait()
    await asyncio.sleep(0.3)
    return "finished"


@app.websocket("/receives")
async def receives():
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/waits")
async def waits():
    await websocket.send("hello")
    await asyncio.Event().wait()


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), **dict(argument.split("=") for argument in sys.argv[2:]))
