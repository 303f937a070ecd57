"""An app in debug mode whose views hold the event loop, for ``test_servers.py``."""

from __future__ import annotations

import sys
import time

from asyncflask import Flask, websocket

app = Flask(__name__)
app.debug = True


@app.get("/")
async def blocking_view():
    time.sleep(0.15)
    return "done"


@app.websocket("/")
async def blocking_chat():
    await websocket.receive()
    time.sleep(0.15)
    await websocket.send("done")


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), use_reloader=False)
