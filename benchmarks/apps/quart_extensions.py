"""Quart apps with Quart's extensions, as their documentation writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel
from quart import Quart, request
from quart_auth import AuthUser, QuartAuth, current_user, login_user
from quart_cors import cors
from quart_rate_limiter import RateLimiter, rate_limit
from quart_schema import QuartSchema, validate_querystring, validate_request, validate_response


class Item(BaseModel):
    """What a client sends."""

    name: str
    price: float
    tags: list[str] = []


class Stored(Item):
    """What it gets."""

    id: int


class Query(BaseModel):
    """The arguments of a query."""

    page: int = 1
    tag: str | None = None


@dataclass
class ItemData:
    """What a client sends, as a dataclass."""

    name: str
    price: float
    tags: list[str]


@dataclass
class StoredData(ItemData):
    """What it gets, as a dataclass."""

    id: int


def plain():
    app = Quart(__name__)

    @app.post("/")
    async def create():
        return {"id": 7, **await request.get_json()}

    return app


def schema():
    return validated(Item, Stored)


def dataclasses():
    return validated(ItemData, StoredData)


def validated(item, stored):
    app = Quart(__name__)
    QuartSchema(app)

    @app.post("/")
    @validate_request(item)
    @validate_response(stored)
    async def create(data):
        return stored(id=7, name=data.name, price=data.price, tags=data.tags)

    return app


def querystring():
    app = Quart(__name__)
    QuartSchema(app)

    @app.get("/")
    @validate_querystring(Query)
    async def show(query_args: Query):
        return {"page": query_args.page, "tag": query_args.tag}

    return app


def with_cors():
    app = cors(Quart(__name__), allow_origin="https://shop.example")

    @app.get("/")
    async def hello():
        return "Hello"

    return app


def auth():
    app = Quart(__name__)
    app.secret_key = "only for the benchmark"
    app.config["QUART_AUTH_COOKIE_SECURE"] = False
    QuartAuth(app)

    @app.get("/")
    async def show():
        if not await current_user.is_authenticated:
            login_user(AuthUser("ada"))
            return "ada"
        return current_user.auth_id

    return app


def rate_limiter():
    app = Quart(__name__)
    RateLimiter(app)

    @app.get("/")
    @rate_limit(1_000_000_000, timedelta(hours=1))
    async def hello():
        return "Hello"

    return app


APPS = {
    "plain": plain,
    "schema": schema,
    "dataclasses": dataclasses,
    "querystring": querystring,
    "cors": with_cors,
    "auth": auth,
    "rate_limiter": rate_limiter,
}
