"""Subclasses of the facade for Quart, written as for Quart. No line has an error."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from asyncflask.quart import Blueprint, Quart, Request, Response, Websocket
from asyncflask.quart.ctx import AppContext, RequestContext, WebsocketContext
from asyncflask.quart.json.provider import DefaultJSONProvider
from asyncflask.quart.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from asyncflask.quart.templating import Environment
from asyncflask.quart.typing import ResponseReturnValue, ResponseTypes, TestClientProtocol
from asyncflask.quart.views import MethodView, View
from asyncflask.quart.wrappers import BaseRequestWebsocket


class ShopRequest(Request):
    def on_json_loading_failed(self, error: Exception) -> Any:
        return super().on_json_loading_failed(error)

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        return await super().get_json(force=True, silent=silent, cache=cache)


class ShopJSON(DefaultJSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs)


class Store(SessionInterface):
    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> SessionMixin | None:
        return SecureCookieSession()

    async def save_session(
        self, app: Quart, session: SessionMixin, response: ResponseTypes | None
    ) -> None: ...


class Cookies(SecureCookieSessionInterface):
    async def open_session(
        self, app: Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        session = await super().open_session(app, request)
        if session is not None:
            session.permanent = True
        return session

    async def save_session(
        self, app: Quart, session: SessionMixin, response: ResponseTypes | None
    ) -> None:
        await super().save_session(app, session, response)


class Shop(Quart):
    request_class = ShopRequest
    json_provider_class = ShopJSON
    session_interface = Cookies()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        await super().asgi_app(scope, receive, send)

    def request_context(self, request: Request) -> RequestContext:
        return super().request_context(request)

    def websocket_context(self, websocket: Websocket) -> WebsocketContext:
        return super().websocket_context(websocket)

    def app_context(self) -> AppContext:
        return super().app_context()

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> TestClientProtocol:
        return super().test_client(use_cookies, **kwargs)

    async def make_response(self, result: ResponseReturnValue | HTTPException) -> ResponseTypes:
        return await super().make_response(result)

    async def make_default_options_response(self) -> Response:
        return await super().make_default_options_response()

    async def handle_request(self, request: Request) -> ResponseTypes:
        return await super().handle_request(request)

    async def handle_websocket(self, websocket: Websocket) -> ResponseTypes | None:
        return await super().handle_websocket(websocket)

    async def full_dispatch_request(
        self, request_context: RequestContext | None = None
    ) -> ResponseTypes:
        return await super().full_dispatch_request(request_context)

    async def dispatch_request(
        self, request_context: RequestContext | None = None
    ) -> ResponseReturnValue:
        return await super().dispatch_request(request_context)

    async def preprocess_request(
        self, request_context: RequestContext | None = None
    ) -> ResponseReturnValue | None:
        return await super().preprocess_request(request_context)

    async def process_response(
        self, response: ResponseTypes, request_context: RequestContext | None = None
    ) -> ResponseTypes:
        return await super().process_response(response, request_context)

    async def finalize_request(
        self,
        result: ResponseReturnValue | HTTPException,
        request_context: RequestContext | None = None,
        from_error_handler: bool = False,
    ) -> ResponseTypes:
        return await super().finalize_request(result, request_context, from_error_handler)

    async def handle_exception(self, error: Exception) -> ResponseTypes:
        return await super().handle_exception(error)

    async def handle_user_exception(self, error: Exception) -> HTTPException | ResponseReturnValue:
        return await super().handle_user_exception(error)

    async def handle_http_exception(
        self, error: HTTPException
    ) -> HTTPException | ResponseReturnValue:
        return await super().handle_http_exception(error)

    def create_jinja_environment(self) -> Environment:
        return super().create_jinja_environment()

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        return super().create_url_adapter(request)

    async def update_template_context(self, context: dict[str, Any]) -> None:
        await super().update_template_context(context)

    async def send_static_file(self, filename: str) -> Response:
        return await super().send_static_file(filename)

    async def do_teardown_request(
        self, exc: BaseException | None, request_context: RequestContext | None = None
    ) -> None:
        await super().do_teardown_request(exc, request_context)


class Pages(Blueprint):
    async def send_static_file(self, filename: str) -> Response:
        return await super().send_static_file(filename)


class Items(MethodView):
    async def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        return await super().dispatch_request(**kwargs)

    async def get(self) -> ResponseReturnValue:
        return []


class Item(View):
    async def dispatch_request(self, **url_kwargs: Any) -> ResponseReturnValue:
        return ""


app = Shop(__name__)


def client() -> TestClientProtocol:
    return app.test_client()


async def the_running_app_has_a_client_of_quart() -> None:
    async with app.test_app() as running:
        await running.test_client().get("/", form={"name": "Ada"})
