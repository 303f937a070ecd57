"""Subclasses of the async API. No line has an error."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException

from asyncflask import Flask, Request, Response
from asyncflask.ctx import Context
from asyncflask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from asyncflask.testing import TestClient
from asyncflask.typing import Receive, ResponseReturnValue, Scope, Send
from asyncflask.views import MethodView


class ShopRequest(Request):
    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        return await super().get_json(force=True, silent=silent, cache=cache)

    async def get_data(self, *args: Any, **kwargs: Any) -> Any:
        return await super().get_data(*args, **kwargs)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        return super().on_json_loading_failed(e)


class Cookies(SecureCookieSessionInterface):
    async def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request)

    async def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        super().save_session(app, session, response)


class ShopClient(TestClient):
    async def buy(self, item: str) -> str:
        return (await self.post("/buy", data={"item": item})).text


async def with_a_client_of_the_tests(app: Flask) -> str:
    async with ShopClient(app) as client:
        return await client.buy("tea")


class Shop(Flask):
    request_class = ShopRequest
    session_interface = Cookies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)

    async def asgi_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().asgi_app(scope, receive, send)

    def request_context(
        self, scope: Scope, receive: Receive | None = None, send: Send | None = None
    ) -> Context:
        return super().request_context(scope, receive, send)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> TestClient:
        return super().test_client(use_cookies, **kwargs)

    def make_response(self, rv: ResponseReturnValue) -> Response:
        return super().make_response(rv)

    async def full_dispatch_request(self) -> Response:
        return await super().full_dispatch_request()

    async def dispatch_request(self) -> ResponseReturnValue:
        return await super().dispatch_request()

    async def process_response(self, response: Response) -> Response:
        return await super().process_response(response)

    async def finalize_request(
        self, rv: ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        return await super().finalize_request(rv, from_error_handler)

    async def handle_exception(self, e: Exception) -> Response:
        return await super().handle_exception(e)

    async def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        return await super().handle_user_exception(e)

    def update_template_context(self, context: dict[str, Any]) -> None:
        super().update_template_context(context)


class WorkerShop(Flask):
    """Its steps run in worker threads, where a step returns its result."""

    def dispatch_request(self) -> ResponseReturnValue:
        return super().dispatch_request()

    def process_response(self, response: Response) -> Response:
        answer: Response = super().process_response(response)
        return answer

    def handle_exception(self, e: Exception) -> Response:
        return super().handle_exception(e)


class Items(MethodView):
    async def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        answer: ResponseReturnValue = await super().dispatch_request(**kwargs)
        return answer
