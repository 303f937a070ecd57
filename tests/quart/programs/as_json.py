"""JSON: bodies of requests and responses, providers, and errors."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from quart import Quart, json, jsonify, request
from quart.json.provider import DefaultJSONProvider

from .recorded import body, error_of, shown


@dataclass
class Item:
    name: str
    price: Decimal


class Provider(DefaultJSONProvider):
    sort_keys = False

    @staticmethod
    def default(value):
        if isinstance(value, set):
            return sorted(value)
        return DefaultJSONProvider.default(value)


class Shop(Quart):
    json_provider_class = Provider


def create_app(of=Quart):
    app = of(__name__)

    @app.post("/echo")
    async def echo():
        return {"json": await request.get_json(), "is": request.is_json, "type": request.mimetype}

    @app.post("/property")
    async def by_property():
        return {"json": await request.json}

    @app.post("/force")
    async def force():
        return {"json": await request.get_json(force=True)}

    @app.post("/silent")
    async def silent():
        return {"json": await request.get_json(silent=True)}

    @app.get("/types")
    async def types():
        return {
            "z": date(2026, 3, 1),
            "a": datetime(2026, 3, 1, 12, tzinfo=UTC),
            "decimal": Decimal("1.50"),
            "uuid": UUID(int=1),
            "item": Item("tea", Decimal("3")),
            "text": "grün <b>",
        }

    @app.get("/set")
    async def a_set():
        return {"b": {2, 1}, "a": 1}

    @app.get("/jsonify")
    async def with_jsonify():
        return jsonify(b=1, a=[None, True])

    @app.get("/positional")
    async def positional():
        return jsonify(1, "two")

    return app


async def answers(app):
    client = app.test_client()
    yield "echo", await shown(await client.post("/echo", json={"a": [1, None, "ü"]}))
    yield "null", await body(await client.post("/echo", json=None))
    yield "property", await body(await client.post("/property", json=[1]))
    typed = {"Content-Type": "application/vnd.tea+json"}
    yield "another type", await body(await client.post("/echo", data="[1]", headers=typed))
    broken = {"Content-Type": "application/json"}
    yield "broken", (await client.post("/echo", data="{", headers=broken)).status_code
    yield "empty", (await client.post("/echo", data="", headers=broken)).status_code
    yield "silent and broken", await body(await client.post("/silent", data="{", headers=broken))
    yield "no type", await body(await client.post("/echo", data="{}"))
    yield "silent, no type", await body(await client.post("/silent", data="{}"))
    yield "force", await body(await client.post("/force", data="{}"))
    for path in ("/types", "/jsonify", "/positional"):
        yield path, await shown(await client.get(path))
    response = await client.get("/jsonify")
    yield "read", [await response.get_json(), await response.json, response.is_json]
    async with app.app_context():
        yield "dumps", [json.dumps({"b": 1, "a": Decimal("2")}), json.loads("[1]")]
    shop = create_app(Shop)
    yield "provider", await body(await shop.test_client().get("/set"))
    app.config["TESTING"] = True
    yield "not serializable", await error_of(client.get("/set"))
