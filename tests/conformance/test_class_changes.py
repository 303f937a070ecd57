"""What is replaced on a class is seen by the next request, as in Flask.

The classes are those of responses, requests, JSON providers and HTTP errors.
"""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar, runtime_checkable

import flask
import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask
import asyncflask.flask
from asyncflask.quart import Quart
from asyncflask.quart import Response as QuartResponse

FACES = [asyncflask, asyncflask.flask]
#: the attributes that the facade calls as Flask does, and the async API never
WSGI = {"get_wsgi_headers", "get_wsgi_response", "get_app_iter", "iter_encoded", "close"}


def headers_with(original):
    def get_wsgi_headers(self, environ):
        headers = original(self, environ)
        headers["X-New"] = "1"
        return headers

    return get_wsgi_headers


def response_with(original):
    def get_wsgi_response(self, environ):
        body, status, headers = original(self, environ)
        return body, status, [*headers, ("X-New", "1")]

    return get_wsgi_response


def shouting(original):
    def get_app_iter(self, environ):
        return [b"".join(original(self, environ)).upper()]

    return get_app_iter


def encoded_twice(original):
    def iter_encoded(self):
        for piece in original(self):
            yield piece.replace(b"t", b"T")

    return iter_encoded


def constructed(original):
    def construct(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.headers["X-New"] = "1"

    return construct


def set_data(original):
    def set_data(self, value):
        original(self, value)
        self.headers["X-New"] = str(len(self.response))

    return set_data


CHANGES = {
    "get_wsgi_headers": headers_with,
    "get_wsgi_response": response_with,
    "get_app_iter": shouting,
    "iter_encoded": encoded_twice,
    "__init__": constructed,
    "set_data": set_data,
    "default_mimetype": lambda original: "text/plain",
    "default_status": lambda original: 201,
    "automatically_set_content_length": lambda original: False,
}
CASES = [(name, api) for name in CHANGES for api in FACES if api is FACES[1] or name not in WSGI]


def make_app(api, response_class=None):
    app = api.Flask("shop")
    if response_class is not None:
        app.response_class = response_class

    @app.get("/text")
    def text():
        return "text"

    @app.get("/made")
    def made():
        return app.response_class("made of text")

    @app.get("/json")
    def json():
        return {"text": 1}

    @app.get("/made-last")
    def status():
        return "text", 202

    return app


def answers(app):
    """Return what a client gets from each view."""
    return asyncio.run(_answers(app))


async def _answers(app):
    found = []
    for path in ("/text", "/made", "/json", "/made-last", "/missing"):
        answer = app.test_client().get(path)
        answer = await answer if inspect.isawaitable(answer) else answer
        headers = {name: value for name, value in answer.headers.items() if name != "Connection"}
        found.append((path, answer.status_code, headers, answer.get_data()))
    return found


def changed(monkeypatch, api, name, own):
    """Return the answers before, with and after a change of a class of responses."""
    cls = type("Own", (api.Response,), {}) if own else api.Response
    app = make_app(api, cls)
    before = answers(app)
    with monkeypatch.context() as patch:
        patch.setattr(cls, name, CHANGES[name](getattr(cls, name)))
        during = answers(app)
    return before, during, answers(app)


@pytest.mark.parametrize("own", [False, True], ids=["the class", "a subclass"])
@pytest.mark.parametrize(("name", "api"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_what_is_replaced_on_a_class_of_responses_is_seen_as_on_flask(monkeypatch, name, api, own):
    expected = changed(monkeypatch, flask, name, own)
    found = changed(monkeypatch, api, name, own)

    assert found == expected
    assert expected[0] == expected[2] != expected[1]


def test_a_subclass_sees_what_is_replaced_on_its_base(monkeypatch):
    class Own(asyncflask.Response):
        pass

    app = make_app(asyncflask, Own)
    before = answers(app)
    monkeypatch.setattr(asyncflask.Response, "default_mimetype", "text/plain")

    assert before[0][2]["Content-Type"] == "text/html; charset=utf-8"
    assert answers(app)[0][2]["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("name", ["default_mimetype", "default_status"])
async def test_what_is_replaced_on_the_response_of_the_facade_for_quart_is_seen(monkeypatch, name):
    app = Quart("shop")
    app.get("/")(lambda: "text")
    client = app.test_client()
    before = await client.get("/")
    monkeypatch.setattr(QuartResponse, name, CHANGES[name](None))
    after = await client.get("/")

    assert (before.mimetype, before.status_code) == ("text/html", 200)
    assert (after.mimetype, after.status_code) in [("text/plain", 200), ("text/html", 201)]


@pytest.mark.parametrize("api", [flask, *FACES], ids=lambda api: api.__name__)
def test_the_trusted_hosts_of_a_class_of_requests_are_seen_when_they_are_set_later(
    monkeypatch, api
):
    app = make_app(api)
    before = [answer[1] for answer in answers(app)]
    monkeypatch.setattr(api.Request, "trusted_hosts", ["shop.example"])

    assert before == [200, 200, 200, 202, 404]
    if api is not flask:  # Flask reads them where something asks for the host.
        assert [answer[1] for answer in answers(app)] == [400, 400, 400, 400, 400]


async def test_a_content_type_that_is_replaced_on_the_class_of_requests_is_read(monkeypatch):
    app = asyncflask.Flask("shop")

    @app.post("/")
    async def view():
        return {"json": await asyncflask.request.get_json(silent=True)}

    client = app.test_client()
    before = await client.post("/", data="1", content_type="text/plain")
    kind = property(lambda self: "application/json")
    monkeypatch.setattr(asyncflask.Request, "content_type", kind)
    after = await client.post("/", data="1", content_type="text/plain")

    assert (before.json, after.json) == ({"json": None}, {"json": 1})


JSON_CHANGES = {
    "dumps": lambda self, value, **kwargs: '"dumped"',
    "response": lambda self, *args, **kwargs: self._app.response_class("made"),
    "default": staticmethod(lambda value: "unknown"),
    "sort_keys": False,
    "mimetype": "application/vnd.api+json",
}


@pytest.mark.parametrize("name", JSON_CHANGES)
@pytest.mark.parametrize("api", FACES, ids=lambda api: api.__name__)
def test_what_is_replaced_on_the_class_of_json_providers_is_seen_as_on_flask(
    monkeypatch, api, name
):
    found = []
    for lib in (flask, api):
        app = lib.Flask("quiet")  # its logger is disabled
        value = {"b": 1, "a": 1j if name == "default" else 2}
        app.add_url_rule("/text", "text", lambda value=value: value)
        app.add_url_rule("/made", "made", lambda lib=lib: lib.jsonify(b=1, a=2))
        app.logger.disabled = True
        provider = type(app.json)
        kept = [answers(app)]
        with monkeypatch.context() as patch:
            patch.setattr(provider, name, JSON_CHANGES[name])
            kept.append(answers(app))
        found.append([*kept, answers(app)])

    assert found[0] == found[1]
    assert found[0][0] == found[0][2] != found[0][1]


HTTP_ERROR_CHANGES = {
    "get_response": lambda self, environ=None, scope=None: WerkzeugResponse("made", 418),
    "get_body": lambda self, environ=None, scope=None: "body",
    "get_headers": lambda self, environ=None, scope=None: [("X-New", "1")],
    "get_description": lambda self, environ=None, scope=None: "described",
    "name": property(lambda self: "named"),
}


@pytest.mark.parametrize("name", HTTP_ERROR_CHANGES)
@pytest.mark.parametrize("api", FACES, ids=lambda api: api.__name__)
@pytest.mark.parametrize("raises", ["no route", "abort", "with a response class"])
def test_what_is_replaced_on_werkzeugs_http_errors_is_seen_as_on_flask(
    monkeypatch, api, name, raises
):
    found = []
    for lib in (flask, api):
        app = lib.Flask("shop")
        if raises == "with a response class":
            app.response_class = type("Own", (lib.Response,), {})
        if raises == "abort":
            app.add_url_rule("/missing", "missing", lambda lib=lib: lib.abort(404, "not there"))
        kept = [answers(app)]
        with monkeypatch.context() as patch:
            patch.setattr(HTTPException, name, HTTP_ERROR_CHANGES[name])
            kept.append(answers(app))
        found.append([*kept, answers(app)])

    assert found[0] == found[1]
    assert found[0][0] == found[0][2] != found[0][1]


class Named(Protocol):
    name: str


@runtime_checkable
class Closing(Protocol):
    def close(self) -> None: ...


class Abstract(ABC):
    @abstractmethod
    def ask(self) -> str: ...


class Of(Generic[TypeVar("T")]):
    """A generic class."""


@pytest.mark.parametrize("other", [Named, Closing, Abstract, Of], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("name", ["Flask", "Blueprint", "Request", "Response"])
@pytest.mark.parametrize("face", [flask, *FACES], ids=lambda face: face.__name__)
def test_a_class_may_be_mixed_with_abstract_generic_and_protocol_classes(face, name, other):
    base = getattr(face, name)

    class Mixed(base, other):
        pass

    class Derived(Mixed):
        pass

    assert issubclass(Derived, base)
    assert not isinstance(object(), Mixed)
