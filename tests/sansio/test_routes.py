"""The decorators of views; most tests run on an app and on a blueprint."""

from __future__ import annotations

import pytest

from asyncflask import Blueprint, websocket

from .conftest import make


def rules_of(scaffold):
    """The rules that were registered, on an app of their own for a blueprint."""
    app = scaffold
    if isinstance(scaffold, Blueprint):
        app = make("app")
        app.register_blueprint(scaffold)
    return {rule.endpoint.removeprefix("shop."): rule for rule in app.url_map.iter_rules()}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_verbs_decorator_registers_this_method(scaffold, method):
    @getattr(scaffold, method)("/x", endpoint="named", defaults={"a": 1})
    def view():
        return ""

    rule = rules_of(scaffold)["named"]
    assert rule.methods - {"HEAD", "OPTIONS"} == {method.upper()}
    assert rule.defaults == {"a": 1}
    assert callable(view)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_verbs_decorator_takes_no_methods(scaffold, method):
    with pytest.raises(TypeError, match=rf"`methods=\['GET'\]` was given to @{method}\('/x'\)"):
        getattr(scaffold, method)("/x", methods=["GET"])


def test_route_passes_its_options_on(scaffold):
    @scaffold.route("/x/", methods=["GET", "post"], strict_slashes=False)
    def view():
        return ""

    rule = rules_of(scaffold)["view"]
    assert rule.methods == {"GET", "HEAD", "POST", "OPTIONS"}
    assert rule.strict_slashes is False


@pytest.mark.parametrize("way", ["decorator", "function"])
def test_a_websocket_rule_has_no_methods(scaffold, way):
    async def chat():
        pass

    if way == "decorator":
        scaffold.websocket("/chat")(chat)
    else:
        scaffold.add_websocket("/chat", view_func=chat)

    rule = rules_of(scaffold)["chat"]
    assert rule.websocket
    assert rule.methods is None


async def test_one_path_may_be_a_page_and_a_websocket():
    app = make("app")
    app.get("/live", endpoint="page")(lambda: "page")

    @app.websocket("/live")
    async def live():
        await websocket.send(websocket.path)

    client = app.test_client()
    async with client.websocket("/live") as connection:
        assert await connection.receive() == "/live"
    assert (await client.get("/live")).text == "page"


async def test_an_endpoints_view_may_come_before_or_after_its_rule():
    app = make("app")
    app.endpoint("early")(lambda: "early")
    app.add_url_rule("/early", endpoint="early")
    app.add_url_rule("/late", endpoint="late")
    app.endpoint("late")(lambda: "late")
    client = app.test_client()

    assert (await client.get("/early")).text == "early"
    assert (await client.get("/late")).text == "late"
