"""What users set on a request or websocket is seen by ``def`` and ``async def`` functions alike."""

import copy
from io import BytesIO

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import create_environ

from asyncflask import Flask, Request, flask, request, websocket
from asyncflask.datastructures import ImmutableMultiDict
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


# -- values that both forms have -------------------------------------------------------------------

VALUES = {
    "remote_addr": "203.0.113.5",
    "scheme": "https",
    "method": "PATCH",
    "path": "/other",
    "root_path": "/root",
    "query_string": b"q=2",
    "args": {"q": "2"},
    "cookies": {"c": "2"},
    "full_path": "/other?q=2",
    "host": "shop.example",
    "url": "https://shop.example/other",
    "user_agent": "agent",
    "access_route": ["203.0.113.5"],
    "accept_languages": ["de"],
    "trusted_hosts": ["localhost"],
    "parameter_storage_class": MultiDict,
    "server": ("localhost", 1),
    "headers": {"X-User": "ann"},
}


@pytest.mark.parametrize("affinity", [True, False])
@pytest.mark.parametrize("order", ["def first", "async first", "both before"])
@pytest.mark.parametrize("name", VALUES)
async def test_a_value_that_one_kind_of_function_sets_is_the_same_for_the_other(
    app, name, order, affinity
):
    app.config["WORKER_AFFINITY"] = affinity
    seen = []

    def change():
        setattr(request, name, [getattr(request, name), "def"])

    async def change_on_loop():
        setattr(request, name, [getattr(request, name), "async"])

    def look(response):
        seen.append(getattr(request, name))
        return response

    async def look_on_loop():
        getattr(request, name)

    if order == "both before":  # Each form has computed its own.
        app.before_request(lambda: look(None))
        app.before_request(look_on_loop)

    @app.before_request
    async def replace():
        setattr(request, name, VALUES[name])

    hooks = [change, change_on_loop] if order == "def first" else [change_on_loop, change]
    for hook in hooks:
        app.before_request(hook)

    @app.get("/")
    async def view():
        seen.append(getattr(request, name))
        return ""

    app.after_request(look)
    response = await app.test_client().get("/?q=1")

    assert response.status_code == 200
    kinds = ["def", "async"] if order == "def first" else ["async", "def"]
    assert seen[-2:] == [[[VALUES[name], kinds[0]], kinds[1]]] * 2


@pytest.mark.parametrize("deleted_by", ["def", "async"])
@pytest.mark.parametrize("name", ["args", "scheme", "user_agent"])
async def test_a_value_that_is_deleted_is_computed_again_for_both(app, name, deleted_by):
    seen = []

    def delete():
        seen.append(getattr(request, name))
        delattr(request, name)

    async def delete_on_loop():
        delete()

    def look():
        seen.append(str(getattr(request, name)))

    async def look_on_loop():
        look()

    app.before_request(lambda: setattr(request, name, "set"))
    for hook in (delete if deleted_by == "def" else delete_on_loop, look, look_on_loop):
        app.before_request(hook)
    app.get("/")(look_on_loop)
    headers = {"User-Agent": "agent"}
    await app.test_client().get("/?q=1", headers=headers)

    with app.test_request_context("/?q=1", headers=headers):
        computed = str(getattr(request, name))
    assert seen == ["set", computed, computed, computed]


async def test_a_computed_value_is_each_forms_own(app):
    """The classes of the two requests may compute different ones."""

    class OwnSyncRequest(SyncRequest):
        parameter_storage_class = MultiDict

    app.sync_request_class = OwnSyncRequest
    app.before_request(lambda: seen.append(type(request.args)))

    @app.before_request
    async def look_on_loop():
        seen.append(type(request.args))

    @app.get("/")
    def view():
        return type(request.args).__name__

    seen = []

    assert (await app.test_client().get("/?q=1")).text == "MultiDict"
    assert seen == [MultiDict, ImmutableMultiDict]


async def test_a_default_of_both_classes_is_replaced_for_both(app):
    class WithUser(Request):
        user = None

    class SyncWithUser(SyncRequest):
        user = None

    app.request_class, app.sync_request_class = WithUser, SyncWithUser
    app.before_request(lambda: setattr(request, "user", "ann"))

    @app.get("/")
    async def view():
        return request.user

    assert (await app.test_client().get("/")).text == "ann"


async def test_a_method_that_is_replaced_is_the_callers_own(app):
    """A `def` function cannot be awaited."""

    @app.before_request
    def replace():
        request.get_json = lambda: "replaced"

    @app.post("/def")
    def view():
        return request.get_json()

    @app.post("/async")
    async def async_view():
        return await request.get_json()

    client = app.test_client()

    assert (await client.post("/def", json="sent")).text == "replaced"
    assert (await client.post("/async", json="sent")).text == "sent"


@pytest.mark.parametrize("parsed", [True, False])
@pytest.mark.parametrize("set_by", ["def", "async"])
async def test_a_form_that_one_kind_of_function_sets_is_the_others(app, set_by, parsed):
    def replace():
        if parsed:
            assert request.form["a"] == "1"
        request.form = MultiDict({"a": "2"})

    async def replace_on_loop():
        if parsed:
            assert (await request.form)["a"] == "1"
        request.form = MultiDict({"a": "2"})

    def look():
        seen.append([request.form["a"], request.values["a"], dict(request.files)])

    async def look_on_loop():
        seen.append([(await request.form)["a"], (await request.values)["a"], await request.files])

    seen = []
    for hook in (replace if set_by == "def" else replace_on_loop, look, look_on_loop):
        app.before_request(hook)
    app.post("/")(look_on_loop)
    await app.test_client().post("/", data={"a": "1"})

    assert seen == [["2", "2", {}]] * 3


@pytest.mark.parametrize("set_by", ["def", "async"])
async def test_files_that_one_kind_of_function_sets_are_the_others(app, set_by):
    def replace():
        request.files = MultiDict({"other": request.files["file"]})

    async def replace_on_loop():
        request.files = MultiDict({"other": (await request.files)["file"]})

    app.before_request(replace if set_by == "def" else replace_on_loop)

    @app.post("/def")
    def view():
        return [list(request.files), request.files["other"].read().decode(), request.form["a"]]

    @app.post("/async")
    async def async_view():
        files = await request.files
        return [list(files), files["other"].read().decode(), (await request.form)["a"]]

    client = app.test_client()
    for path in ("/def", "/async"):
        data = {"a": "1", "file": (BytesIO(b"content"), "name")}
        response = await client.post(path, data=data)

        assert response.json == [["other"], "content", "1"]


@pytest.mark.parametrize("computed", [True, False])
@pytest.mark.parametrize("set_by", ["def", "async"])
@pytest.mark.parametrize(("name", "value"), [("data", b"set"), ("values", {"a": "set"})])
async def test_data_that_one_kind_of_function_sets_are_the_others(
    app, name, value, set_by, computed
):
    """The body stays as it was sent, as in Flask."""

    def replace():
        if computed:
            getattr(request, name)
        setattr(request, name, value)

    async def replace_on_loop():
        if computed:
            await getattr(request, name)
        setattr(request, name, value)

    def look():
        seen.append([getattr(request, name), request.get_data()])

    async def look_on_loop():
        seen.append([await getattr(request, name), await request.get_data()])

    seen = []
    for hook in (replace if set_by == "def" else replace_on_loop, look, look_on_loop):
        app.before_request(hook)
    app.post("/")(look_on_loop)
    await app.test_client().post("/", data=b"sent", headers={"Content-Type": "text/plain"})

    assert seen == [[value, b"sent"]] * 3


async def test_what_is_set_is_seen_in_a_test_after_the_request(app):
    @app.get("/")
    def view():
        request.remote_addr, request.user = "203.0.113.5", "ann"
        return ""

    async with app.test_client() as client:
        await client.get("/")

        assert (request.remote_addr, request.user) == ("203.0.113.5", "ann")
        assert (flask.request.remote_addr, flask.request.user) == ("203.0.113.5", "ann")


# -- classes ---------------------------------------------------------------------------------------


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
