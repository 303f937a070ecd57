"""What users set on a request or websocket is seen by ``def`` and ``async def`` functions alike."""

import copy

import pytest
from werkzeug.test import create_environ

from asyncflask import Flask, Request, request, websocket
from asyncflask.wrappers import SyncRequest


@pytest.fixture
def app():
    return Flask(__name__)


def note_in(app, connection, hooks):
    """Register two hooks, of which the second changes what the first has set."""

    @hooks(app)
    def first():
        connection.steps = ["def"]
        connection.count = 1

    @hooks(app)
    async def second():
        connection.steps.append("async def")
        connection.count = connection.count + 1

    @hooks(app)
    def third():
        connection.count += 1


@pytest.mark.parametrize("path", ["/def", "/async"])
async def test_a_view_reads_what_hooks_of_both_kinds_have_set_on_the_request(app, path):
    note_in(app, request, lambda app: app.before_request)

    @app.get("/def")
    def view():
        return [*request.steps, request.count]

    @app.get("/async")
    async def async_view():
        return [*request.steps, request.count]

    response = await app.test_client().get(path)

    assert response.json == ["def", "async def", 3]


@pytest.mark.parametrize("path", ["/def", "/async"])
async def test_a_view_reads_what_hooks_of_both_kinds_have_set_on_the_websocket(app, path):
    note_in(app, websocket, lambda app: app.before_websocket)

    @app.websocket("/def")
    def view():
        websocket.send_json([*websocket.steps, websocket.count])

    @app.websocket("/async")
    async def async_view():
        await websocket.send_json([*websocket.steps, websocket.count])

    async with app.test_client().websocket(path) as client:
        assert await client.receive_json() == ["def", "async def", 3]


async def test_an_attribute_that_one_kind_of_function_deletes_is_gone_for_the_other(app):
    @app.before_request
    async def set_user():
        request.user = "ann"

    @app.before_request
    def delete_user():
        del request.user

    @app.get("/")
    async def view():
        return str(hasattr(request, "user"))

    assert (await app.test_client().get("/")).text == "False"


class OwnRequest(Request):
    kind = "own"

    @property
    def user(self):
        return self.headers["X-User"].title()

    def greet(self, greeting):
        return f"{greeting}, {self.user}"


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_def_view_has_the_attributes_of_a_request_class(app, is_async):
    app.request_class = OwnRequest

    def view():
        return [request.kind, request.user, request.greet("Hello")]

    async def async_view():
        return view()

    app.get("/")(async_view if is_async else view)
    response = await app.test_client().get("/", headers={"X-User": "ann"})

    assert response.json == ["own", "Ann", "Hello, Ann"]


async def test_a_def_view_gets_pythons_error_for_an_attribute_that_neither_has(app):
    @app.get("/")
    def view():
        with pytest.raises(AttributeError, match=r"'Request' object has no attribute 'user'"):
            request.user
        return ""

    assert (await app.test_client().get("/")).status_code == 200


async def test_the_error_of_a_property_of_a_def_view_is_its_own(app):
    class Failing(SyncRequest):
        @property
        def user(self):
            return self.headers.get("X-User").missing

    app.sync_request_class = Failing

    @app.get("/")
    def view():
        with pytest.raises(AttributeError, match=r"'NoneType' object has no attribute 'missing'"):
            request.user
        return ""

    assert (await app.test_client().get("/")).status_code == 200


async def test_the_attributes_are_read_after_the_request_has_ended(app):
    kept = []

    @app.before_request
    async def set_user():
        request.user = "ann"

    @app.get("/")
    def view():
        kept.append(request._get_current_object())
        return ""

    await app.test_client().get("/")

    assert kept[0].user == "ann"
    assert isinstance(kept[0], SyncRequest)


async def test_two_requests_have_nothing_in_common(app):
    @app.get("/<name>")
    def view(name):
        before = getattr(request, "name", None)
        request.name = name
        return [before, request.name]

    client = app.test_client()

    assert (await client.get("/ann")).json == [None, "ann"]
    assert (await client.get("/bob")).json == [None, "bob"]


def test_a_request_without_a_context_keeps_its_attributes_itself():
    alone = SyncRequest(create_environ("/"))
    alone.user = "ann"
    copied = copy.copy(alone)

    assert (alone.user, copied.user) == ("ann", "ann")
    del alone.user
    with pytest.raises(AttributeError, match="'SyncRequest' object has no attribute 'user'"):
        alone.user


async def test_a_copy_of_the_request_of_a_def_view_has_its_attributes(app):
    @app.get("/")
    def view():
        request.user = "ann"
        return copy.copy(request._get_current_object()).user

    assert (await app.test_client().get("/")).text == "ann"
