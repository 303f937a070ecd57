"""The app that ``test_failures.py`` serves: views that fail, and bodies that never wait."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from asyncflask import Flask, Response, request, websocket
from asyncflask.sse import event_stream

app = Flask(__name__)
PIECE = b"x" * 1000
#: set by a client that has the head of its stream
released = threading.Event()


def note(text):
    with open(os.environ["NOTES"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


@app.get("/")
async def index():
    return "well"


class Stop(BaseException):
    """A ``BaseException``, as test tools and job runners define them."""


ERRORS = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "CancelledError": asyncio.CancelledError("by hand"),
    "Stop": Stop("own"),
}


@app.get("/fail/async/<name>")
async def fail(name):
    if name in ERRORS:
        raise ERRORS[name]
    job = asyncio.create_task(asyncio.sleep(60))
    job.cancel()
    await job


@app.get("/fail/def/<name>")
def fail_in_worker(name):
    raise ERRORS[name]


async def endless(path):
    """Yield without ever waiting."""
    try:
        while True:
            yield PIECE
    finally:
        note(f"end of {path}")


@app.get("/endless/async")
async def endless_async():
    return endless(request.path)


@app.get("/endless/def-view")
def endless_of_a_def_view():
    return Response(endless(request.path))


@app.get("/endless/events")
async def endless_events():
    return event_stream(endless(request.path))


@app.get("/endless/def")
def endless_def():
    path = request.path

    def pieces():
        try:
            while True:
                yield PIECE
        finally:
            note(f"end of {path}")

    return Response(pieces())


@app.get("/broken/async")
async def broken_async():
    async def pieces():
        await asyncio.sleep(0.01)
        raise LookupError("before the first piece")
        yield PIECE

    return pieces()


@app.get("/broken/def")
def broken_def():
    def pieces():
        raise LookupError("before the first piece")
        yield PIECE

    return Response(pieces())


@app.get("/broken/events")
async def broken_events():
    async def pieces():
        raise LookupError("before the first piece")
        yield "event"

    return event_stream(pieces())


@app.get("/late/async")
async def late():
    async def pieces():
        while not released.is_set():
            await asyncio.sleep(0.01)
        yield PIECE

    released.clear()
    return pieces()


@app.get("/late/def")
def late_def():
    def pieces():
        released.wait()
        yield PIECE

    released.clear()
    return Response(pieces())


@app.post("/late")
async def end_of_late():
    released.set()
    return ""


@app.websocket("/endless/websocket")
async def endless_websocket():
    try:
        while True:
            await websocket.send(PIECE)
    finally:
        note("end of /endless/websocket")


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), debug=False)
