"""Everything that is registered, replaced or removed is seen by the next request.

A plan is made of what is registered for an endpoint (``dispatch/plan.py``) and is kept. Flask's
registries are dictionaries and lists that may be changed at any time and in any way, so each way is
tried here: for requests and websockets, ``def`` and ``async def``, both APIs.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

import asyncflask
import asyncflask.flask
from asyncflask import Blueprint, request, signals

APIS = {"async API": asyncflask.Flask, "facade": asyncflask.flask.Flask}


class Site:
    """An app with one route and one websocket, and what has run in its last request.

    Args:
        api: The class of the app.
        kind: ``"request"`` or ``"websocket"``: what :meth:`ask` sends.
        is_async: Whether views and hooks are ``async def``.
    """

    def __init__(self, api, kind, is_async):
        self.app = api(__name__, static_folder=None)
        self.kind = kind
        self.is_async = is_async
        self.ran = []
        bp = Blueprint("bp", __name__)
        bp.add_url_rule("/", "view", self.view("view"))
        bp.add_websocket("/", "socket", self.view("view"))
        self.app.register_blueprint(bp)

    def registry(self, when):
        return getattr(self.app, f"{when}_{self.kind}_funcs")

    def set_registry(self, when, value):
        setattr(self.app, f"{when}_{self.kind}_funcs", value)

    def view(self, name):
        async def view_async():
            self.ran.append(name)
            return "answer" if request else None

        def view():
            self.ran.append(name)
            return "answer" if request else None

        return view_async if self.is_async else view

    def hook(self, name, returns=lambda argument: None, then=lambda: None):
        """Make a hook that notes its name."""

        async def hook_async(*arguments):
            self.ran.append(name)
            then()
            return returns(*arguments[:1] or (None,))

        def hook(*arguments):
            self.ran.append(name)
            then()
            return returns(*arguments[:1] or (None,))

        return hook_async if self.is_async else hook

    def after(self, name):
        return self.hook(name, returns=lambda response: response)

    def ask(self):
        """Send a request or open a websocket, and return what has run."""
        self.ran.clear()
        asyncio.run(self._serve())
        return list(self.ran)

    async def _serve(self):
        is_request = self.kind == "request"
        scope = {
            "type": "http" if is_request else "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http" if is_request else "ws",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        if is_request:
            scope["method"] = "GET"
        messages = [{"type": "http.request" if is_request else "websocket.connect"}]

        async def receive():
            if messages:
                return messages.pop()
            return await asyncio.Event().wait()

        async def send(message):
            pass

        await asyncio.wait_for(self.app(scope, receive, send), 10)


@pytest.fixture(params=[True, False], ids=["async def", "def"])
def is_async(request):
    return request.param


@pytest.fixture(params=["request", "websocket"])
def kind(request):
    return request.param


@pytest.fixture(params=APIS.values(), ids=APIS)
def site(request, kind, is_async):
    site = Site(request.param, kind, is_async)
    site.registry("before")[None].extend([site.hook("one"), site.hook("two")])
    site.registry("after")[None].append(site.after("after"))
    site.registry("teardown")[None].append(site.hook("end"))
    assert site.ask() == ["one", "two", "view", "after", "end"]
    return site


def test_nothing_changed(site):
    assert site.ask() == ["one", "two", "view", "after", "end"]


def _set_slice(functions, new):
    functions[1:] = [new]


def _add(functions, new):
    functions += [new]


def _delete(functions, new):
    del functions[0]


def _set_item(functions, new):
    functions[0] = new


def _multiply(functions, new):
    functions *= 2


#: what is done with the list of "before" functions, and which of them run then
LISTS = {
    "append": (lambda functions, new: functions.append(new), "one two new"),
    "insert": (lambda functions, new: functions.insert(0, new), "new one two"),
    "extend": (lambda functions, new: functions.extend([new, new]), "one two new new"),
    "remove": (lambda functions, new: functions.remove(functions[0]), "two"),
    "pop": (lambda functions, new: functions.pop(), "one"),
    "clear": (lambda functions, new: functions.clear(), ""),
    "reverse": (lambda functions, new: functions.reverse(), "two one"),
    "sort": (lambda functions, new: functions.sort(key=id), None),
    "slice": (_set_slice, "one new"),
    "item": (_set_item, "new two"),
    "+=": (_add, "one two new"),
    "*=": (_multiply, "one two one two"),
    "del": (_delete, "two"),
}


@pytest.mark.parametrize(("change", "expected"), LISTS.values(), ids=LISTS)
def test_a_list_of_functions_is_changed(site, change, expected):
    functions = site.registry("before")[None]
    change(functions, site.hook("new"))

    if expected is None:
        assert sorted(site.ask()[:2]) == ["one", "two"]
    else:
        assert site.ask() == [*expected.split(), "view", "after", "end"]


def _del_key(registry, new):
    del registry[None]


def _or(registry, new):
    registry |= {None: [new]}


#: what is done with the registry of "before" functions, and which of them run then
REGISTRIES = {
    "a new list": (lambda registry, new: registry.__setitem__(None, [new]), "new"),
    "the blueprint's": (lambda registry, new: registry["bp"].append(new), "one two new"),
    "setdefault": (lambda registry, new: registry.setdefault("bp", []).append(new), "one two new"),
    "update": (lambda registry, new: registry.update({None: [new]}), "new"),
    "|=": (_or, "new"),
    "pop": (lambda registry, new: registry.pop(None), ""),
    "popitem": (lambda registry, new: registry.popitem(), ""),
    "clear": (lambda registry, new: registry.clear(), ""),
    "del": (_del_key, ""),
}


@pytest.mark.parametrize(("change", "expected"), REGISTRIES.values(), ids=REGISTRIES)
def test_a_registry_is_changed(site, change, expected):
    change(site.registry("before"), site.hook("new"))

    assert site.ask() == [*expected.split(), "view", "after", "end"]


@pytest.mark.parametrize("make", [dict, lambda items: defaultdict(list, items)])
def test_a_registry_is_replaced_by_a_plain_one_which_is_changed_later(site, make):
    plain = make({None: [site.hook("plain")]})
    site.set_registry("before", plain)
    assert site.ask() == ["plain", "view", "after", "end"]

    plain[None].append(site.hook("later"))
    plain["bp"] = [site.hook("blueprint's")]

    assert site.ask() == ["plain", "later", "blueprint's", "view", "after", "end"]


def test_a_list_is_replaced_by_a_plain_one_which_is_changed_later(site):
    plain = [site.hook("plain")]
    site.registry("before")[None] = plain
    assert site.ask() == ["plain", "view", "after", "end"]

    plain.append(site.hook("later"))

    assert site.ask() == ["plain", "later", "view", "after", "end"]


def test_a_plain_list_is_given_to_setdefault_and_changed_later(site):
    plain = []
    site.registry("before").setdefault("bp", plain)
    assert site.ask() == ["one", "two", "view", "after", "end"]

    plain.append(site.hook("later"))

    assert site.ask() == ["one", "two", "later", "view", "after", "end"]


def test_functions_of_other_registries_are_added(site):
    site.registry("after")[None].append(site.after("after too"))
    site.registry("teardown")[None].insert(0, site.hook("end too"))
    site.app.url_value_preprocessors[None].append(site.hook("values"))
    site.app.teardown_appcontext_funcs.append(site.hook("end of all"))

    assert site.ask() == [
        *("values", "one", "two", "view", "after too", "after", "end", "end too", "end of all"),
    ]


def test_a_hook_registered_by_a_hook_runs_after_it(site):
    functions = site.registry("before")[None]
    functions[1] = site.hook("two", then=lambda: functions.append(site.hook("new")))

    assert site.ask() == ["one", "two", "new", "view", "after", "end"]
    assert site.ask() == ["one", "two", "new", "new", "view", "after", "end"]


def test_a_hook_that_registers_functions_that_follow_the_view_is_seen_at_once(site):
    def register():
        site.registry("after")[None].append(site.after("after too"))
        site.registry("teardown")["bp"].append(site.hook("end too"))

    site.registry("before")[None][:] = [site.hook("once", then=register)]

    assert site.ask() == ["once", "view", "after too", "after", "end too", "end"]


def test_a_view_that_registers_functions_that_follow_it_is_seen_at_once(site):
    endpoint = "bp.view" if site.kind == "request" else "bp.socket"
    view = site.hook(
        "view",
        returns=lambda argument: "answer" if request else None,
        then=lambda: site.registry("after")[None].append(site.after("after too")),
    )
    site.app.view_functions[endpoint] = view

    assert site.ask() == ["one", "two", "view", "after too", "after", "end"]


VIEWS = {
    "item": lambda views, new: views.update(dict.fromkeys(views, new)),
    "set": lambda views, new: [views.__setitem__(name, new) for name in list(views)],
    "pop": lambda views, new: [(views.pop(name), views.setdefault(name, new)) for name in [*views]],
}


@pytest.mark.parametrize("change", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("other", [True, False], ids=["by async def", "by def"])
def test_a_view_is_replaced(site, change, other):
    site.is_async = other
    change(site.app.view_functions, site.view("other"))

    assert site.ask() == ["one", "two", "other", "after", "end"]


def test_all_views_are_replaced_by_a_plain_dictionary_which_is_changed_later(site):
    views = dict.fromkeys(site.app.view_functions, site.view("plain"))
    site.app.view_functions = views
    assert site.ask() == ["one", "two", "plain", "after", "end"]

    for is_async in (True, False):
        site.is_async = is_async
        views.update(dict.fromkeys(views, site.view("later")))

        assert site.ask() == ["one", "two", "later", "after", "end"]


def test_a_hook_of_the_other_kind_is_added(site):
    site.is_async = not site.is_async
    site.registry("before")[None].append(site.hook("before"))
    site.registry("after")[None].append(site.after("after too"))

    assert site.ask() == ["one", "two", "before", "view", "after too", "after", "end"]


@pytest.mark.parametrize("when", ["started", "finished", "tearing_down"])
def test_a_signal_gets_a_receiver_and_loses_it(site, when):
    def hear(sender, **values):
        site.ran.append("heard")

    signal = getattr(signals, f"{site.kind}_{when}")
    with signal.connected_to(hear, site.app):
        assert site.ask().count("heard") == 1

    assert site.ask() == ["one", "two", "view", "after", "end"]


@pytest.mark.parametrize("when", ["pushed", "popped", "tearing_down"])
def test_a_signal_of_app_contexts_gets_a_receiver_and_loses_it(site, when):
    def hear(sender, **values):
        site.ran.append("heard")

    signal = getattr(signals, f"appcontext_{when}")
    with signal.connected_to(hear, site.app):
        assert site.ask().count("heard") == 1

    assert site.ask() == ["one", "two", "view", "after", "end"]


def test_a_signal_is_connected_during_a_request(site):
    def hear(sender, **values):
        site.ran.append("heard")

    signal = getattr(signals, f"{site.kind}_finished")
    site.registry("before")[None][0] = site.hook("one", then=lambda: signal.connect(hear))
    try:
        assert site.ask() == ["one", "two", "view", "after", "heard", "end"]
    finally:
        signal.disconnect(hear)

    assert site.ask().count("heard") == 1


def test_a_blueprint_is_registered_later(site):
    late = Blueprint("late", __name__)
    when = site.kind
    getattr(late, f"before_app_{when}")(site.hook("late"))
    site.app._got_first_request = False  # As tests of Flask apps do.
    site.app.register_blueprint(late)

    assert site.ask() == ["one", "two", "late", "view", "after", "end"]


def test_setup_ends_again_with_the_next_request(site):
    site.app._got_first_request = False
    site.app.before_request(site.hook("late"))
    site.ask()

    with pytest.raises(asyncflask.exceptions.SetupFinished):
        site.app.before_request(site.hook("too late"))


@pytest.mark.parametrize("when", ["before", "after", "teardown"])
def test_a_hook_that_is_an_object_changes_its_kind(site, when):
    class Hook:
        def __call__(self, argument=None):
            site.ran.append("object")
            return argument if when == "after" else None

    class AsyncHook(Hook):
        async def __call__(self, argument=None):
            return super().__call__(argument)

    hook = AsyncHook()
    site.registry(when)[None].append(hook)
    assert "object" in site.ask()

    hook.__class__ = Hook

    assert "object" in site.ask()


def test_a_step_is_replaced_and_restored(site):
    def process(self, response):
        site.ran.append("replaced")
        return response

    name = "process_response" if site.kind == "request" else "postprocess_websocket"
    setattr(site.app, name, process.__get__(site.app))
    assert site.ask() == ["one", "two", "view", "replaced", "end"]

    delattr(site.app, name)

    assert site.ask() == ["one", "two", "view", "after", "end"]
