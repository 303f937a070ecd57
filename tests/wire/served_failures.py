"""The app that ``test_failures.py`` serves: views that fail, and bodies that never wait."""

from __future__ import annotations

import asyncio
import os
import sys

from asyncflask import Flask, Response, request, websocket
from asyncflask.sse import event_stream

app = Flask(__name__)
PIECE = b"x" * 1000


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


@app.websocket("/endless/websocket")
async def endless_websocket():
    try:
        while True:
            await websocket.send(PIECE)
    finally:
        note("end of /endless/websocket")


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), debug=False)
