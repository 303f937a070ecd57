"""Subclasses of the facade, written as for Flask, which has no error here either."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.test import TestResponse

from asyncflask.flask import Blueprint, Flask, Request, Response
from asyncflask.flask.cli import FlaskGroup
from asyncflask.flask.ctx import AppContext, RequestContext
from asyncflask.flask.json.provider import DefaultJSONProvider, JSONProvider
from asyncflask.flask.sansio.app import App
from asyncflask.flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from asyncflask.flask.templating import Environment
from asyncflask.flask.testing import FlaskClient, FlaskCliRunner
from asyncflask.flask.typing import ResponseReturnValue
from asyncflask.flask.views import MethodView, View

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class ShopRequest(Request):
    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        return {"error": str(e)}

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        return super().get_json(force=True, silent=silent, cache=cache)

    @property
    def is_json(self) -> bool:
        return True


class ShopResponse(Response):
    default_mimetype = "application/json"

    def set_data(self, value: bytes | str) -> None:
        super().set_data(value)


class ShopClient(FlaskClient):
    def open(
        self,
        *args: Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        **kwargs: Any,
    ) -> TestResponse:
        kwargs.setdefault("headers", {})["X-Token"] = "1"
        return super().open(*args, buffered=buffered, follow_redirects=follow_redirects, **kwargs)


class ShopJSON(DefaultJSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return super().loads(s, **kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(self.dumps(args[0]), mimetype="application/json")


class OwnJSON(JSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return str(obj)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return s


class Store(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        return SecureCookieSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None: ...


class Cookies(SecureCookieSessionInterface):
    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        session = super().open_session(app, request)
        if session is not None:
            session.permanent = True
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return super().should_set_cookie(app, session)


class Shop(Flask):
    request_class = ShopRequest
    response_class = ShopResponse
    test_client_class = ShopClient
    json_provider_class = ShopJSON
    session_interface = Cookies()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return super().__call__(environ, start_response)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return super().wsgi_app(environ, start_response)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        return super().request_context(environ)

    def app_context(self) -> AppContext:
        return super().app_context()

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        return super().test_request_context(*args, **kwargs)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> FlaskClient:
        return super().test_client(use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> FlaskCliRunner:
        return super().test_cli_runner(**kwargs)

    def make_response(self, rv: ResponseReturnValue) -> Response:
        return super().make_response(rv)

    def full_dispatch_request(self) -> Response:
        return super().full_dispatch_request()

    def dispatch_request(self) -> ResponseReturnValue:
        return super().dispatch_request()

    def preprocess_request(self) -> ResponseReturnValue | None:
        return super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        return super().process_response(response)

    def finalize_request(
        self, rv: ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        return super().finalize_request(rv, from_error_handler)

    def handle_exception(self, e: Exception) -> Response:
        return super().handle_exception(e)

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ResponseReturnValue:
        return super().handle_http_exception(e)

    def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        return super().handle_user_exception(e)

    def create_jinja_environment(self) -> Environment:
        return super().create_jinja_environment()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        return super().create_url_adapter(request)

    def update_template_context(self, context: dict[str, Any]) -> None:
        super().update_template_context(context)

    def send_static_file(self, filename: str) -> Response:
        return super().send_static_file(filename)

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        super().do_teardown_request(exc)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        super().run(host, port, debug, load_dotenv, **options)


class Pages(Blueprint):
    def register(self, app: App, options: dict[str, Any]) -> None:
        super().register(app, options)


class Items(MethodView):
    def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        return super().dispatch_request(**kwargs)

    def get(self) -> ResponseReturnValue:
        return []


class Item(View):
    def dispatch_request(self) -> ResponseReturnValue:
        return ""


class Commands(FlaskGroup):
    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return super().list_commands(ctx)


app = Shop(__name__)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return app(environ, start_response)
