"""BlackSheep, as its documentation writes it: the app that is measured behind a server.

It has to be told of the lifespan's start before it answers, which ``client.py`` does not do, so it
is no peer in process.
"""

from __future__ import annotations

from blacksheep import Application, Router, text


def plaintext():
    router = Router()

    @router.get("/")
    async def hello():
        return text("Hello, World!")

    return Application(router=router)


APPS = {"plaintext": plaintext}
