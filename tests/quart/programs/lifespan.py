"""Startup and shutdown: their order, what they share with requests, and background tasks."""

import asyncio

from quart import Quart, current_app, g, has_app_context, has_request_context, request

from .recorded import body, error_of


def create_app():
    app = Quart(__name__)
    app.log = []

    @app.before_serving
    async def connect():
        app.log.append(f"before_serving {has_app_context()}")
        app.pool = "pool"

    @app.before_serving
    def connect_def():
        app.log.append("before_serving def")

    @app.while_serving
    async def first():
        app.log.append(f"first begins {app.pool}")
        yield
        app.log.append("first ends")

    @app.while_serving
    async def second():
        app.log.append("second begins")
        yield
        app.log.append("second ends")

    @app.after_serving
    async def close():
        app.log.append(f"after_serving {current_app.pool}")

    @app.after_serving
    def close_def():
        app.log.append("after_serving def")

    async def mail(address, *, subject):
        await asyncio.sleep(0)
        app.log.append(f"mail {address} {subject} {current_app.name == app.name}")

    def index(text):
        app.log.append(f"index {text}")

    @app.post("/order")
    async def order():
        g.order = 1
        app.add_background_task(mail, "ada@example.org", subject="tea")
        app.add_background_task(index, (await request.form)["item"])
        return "", 202

    return app


def _broken():
    app = Quart(__name__)

    @app.before_serving
    async def fail():
        raise ValueError("no database")

    return app


def _slow():
    app = Quart(__name__)
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.1
    app.log = []
    app.running = asyncio.Event()

    async def forever():
        app.running.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            app.log.append("cancelled")
            raise

    async def until_shutdown():
        await app.shutdown_event.wait()
        app.log.append("until shutdown")

    async def broken():
        raise ValueError("in the background")

    @app.before_serving
    async def start():
        app.add_background_task(forever)
        app.add_background_task(until_shutdown)
        app.add_background_task(broken)

    return app


async def answers(app):
    async with app.test_app() as running:
        client = running.test_client()
        yield "response", await body(await client.post("/order", form={"item": "tea"}))
        yield "contexts outside", [has_app_context(), has_request_context()]
    tasks = [line for line in app.log if line.startswith(("mail", "index"))]
    yield "tasks", sorted(tasks)
    yield "order", [line for line in app.log if line not in tasks]

    async def started():
        async with _broken().test_app():
            pass

    yield "an error at the startup", await error_of(started())
    slow = _slow()
    async with slow.test_app():
        await slow.running.wait()
    yield "tasks that last", sorted(slow.log)
    async with app.app_context():
        yield "app context", [current_app.name == app.name, "order" in g, has_request_context()]
