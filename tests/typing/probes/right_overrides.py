"""Subclasses, session interfaces, factories and servers of the three APIs. No line has an error."""

from __future__ import annotations

from typing import Any, NoReturn

import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config
from werkzeug.routing import MapAdapter

import asyncflask
import asyncflask.flask
import asyncflask.quart
from asyncflask.cli import FlaskGroup
from asyncflask.flask.cli import FlaskGroup as FacadeGroup
from asyncflask.flask.typing import ResponseReturnValue
from asyncflask.quart.datastructures import FileStorage
from asyncflask.quart.sessions import SessionInterface as QuartInterface
from asyncflask.quart.wrappers import BaseRequestWebsocket
from asyncflask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionInterface
from asyncflask.sessions import SessionMixin as Session


class Shop(asyncflask.flask.Flask):
    def make_response(self, rv: ResponseReturnValue) -> asyncflask.flask.Response:
        return super().make_response(rv)

    def process_response(self, response: asyncflask.flask.Response) -> asyncflask.flask.Response:
        return super().process_response(response)

    def handle_exception(self, e: Exception) -> asyncflask.flask.Response:
        return super().handle_exception(e)

    def dispatch_request(self) -> ResponseReturnValue:
        return super().dispatch_request()

    def make_default_options_response(self) -> asyncflask.flask.Response:
        return super().make_default_options_response()

    def raise_routing_exception(self, request: asyncflask.flask.Request) -> NoReturn:
        super().raise_routing_exception(request)

    def create_url_adapter(self, request: asyncflask.flask.Request | None) -> MapAdapter | None:
        return super().create_url_adapter(request)


class AsyncShop(asyncflask.Flask):
    async def process_response(self, response: asyncflask.Response) -> asyncflask.Response:
        response.headers["X-Shop"] = "1"
        return response


class FacadeStore(SessionInterface):
    def open_session(
        self, app: asyncflask.flask.Flask, request: asyncflask.flask.Request
    ) -> SecureCookieSession | None:
        return SecureCookieSession()

    def save_session(
        self, app: asyncflask.flask.Flask, session: Session, response: asyncflask.flask.Response
    ) -> None: ...


class Store(SessionInterface):
    async def open_session(
        self, app: asyncflask.Flask, request: asyncflask.Request
    ) -> SecureCookieSession | None:
        return SecureCookieSession()

    async def save_session(
        self, app: asyncflask.Flask, session: Session, response: asyncflask.Response
    ) -> None: ...


class Cookies(SecureCookieSessionInterface):
    def get_cookie_domain(self, app: asyncflask.flask.Flask) -> str | None:
        return "shop.example"

    def open_session(
        self, app: asyncflask.flask.Flask, request: asyncflask.flask.Request
    ) -> SecureCookieSession | None:
        return super().open_session(app, request)


class QuartStore(QuartInterface):
    async def open_session(
        self, app: asyncflask.quart.Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        return SecureCookieSession()

    async def save_session(
        self, app: asyncflask.quart.Quart, session: Session, response: Any
    ) -> None: ...


def make_app() -> asyncflask.flask.Flask:
    return asyncflask.flask.Flask(__name__)


def make_shop() -> Shop:
    return Shop(__name__)


def make_async_app() -> asyncflask.Flask:
    return asyncflask.Flask(__name__)


FacadeGroup(create_app=make_app)
FacadeGroup(create_app=make_shop)
FlaskGroup(create_app=make_async_app)

facade, app, quart_app = make_shop(), make_async_app(), asyncflask.quart.Quart(__name__)
facade.session_interface = FacadeStore()
app.session_interface = Store()


@app.get("/")
def view() -> asyncflask.Response:
    return asyncflask.make_response("x").make_conditional(asyncflask.request)


@quart_app.post("/")
async def upload() -> str:
    files = await asyncflask.quart.request.files
    picture: FileStorage = files["picture"]
    await picture.save("picture.png")
    return ""


def log_exceptions() -> None:
    app.log_exception((None, None, None))
    facade.log_exception((None, None, None))
    quart_app.log_exception((None, None, None))


async def serve_all() -> None:
    await serve(app, Config())
    await serve(facade, Config())
    await serve(quart_app, Config())
    httpx.ASGITransport(app=app)
    httpx.ASGITransport(app=app.asgi_app)
    httpx.ASGITransport(app=quart_app)
    httpx.WSGITransport(app=facade)
