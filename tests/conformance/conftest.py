"""The same small app on two frameworks: real Flask, and asyncflask in several variants.

A test module here is a set of functions ``case_…(f)``. Each builds an app with the framework ``f``
and names its requests (``f.ask``); the module's one test runs each case on Flask and on asyncflask.
A module may also have a dictionary ``VALUES`` of functions that make a view's return value.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import warnings

import flask
import itsdangerous
import pytest
import werkzeug.exceptions

import asyncflask

PARTS = ["status", "headers", "body"]
KEYWORDS = ["def", "async", "mixed"]
ROOT = __file__.rpartition("/")[0] + "/folder"

#: Methods of apps and blueprints that take the function at once.
BARE = {
    "before_request",
    "after_request",
    "teardown_request",
    "teardown_appcontext",
    "url_value_preprocessor",
    "before_app_request",
    "after_app_request",
    "teardown_app_request",
    "app_url_value_preprocessor",
}
#: Methods that take arguments first.
CALLED = {
    "route",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "endpoint",
    "errorhandler",
    "app_errorhandler",
}


def as_async(func):
    @functools.wraps(func)
    async def converted(*args, **kwargs):
        result = func(*args, **kwargs)
        return await result if inspect.iscoroutine(result) else result

    return converted


class Converting:
    """An app or blueprint whose decorators make what they register ``def`` or ``async def``."""

    def __init__(self, target, keyword):
        self.target = target
        self.keyword = keyword

    def __getattr__(self, name):
        method = getattr(self.target, name)
        if name in BARE:
            return lambda func: method(self.keyword(func)) and func
        if name in CALLED:
            return lambda *args, **options: (
                lambda func: method(*args, **options)(self.keyword(func)) and func
            )
        return method


class Framework:
    """A framework in one variant, with one app; its attributes are the framework's names."""

    def __init__(self, lib, keyword):
        turns = itertools.cycle([True, False])
        self.lib = lib
        self.is_async = keyword == "async"
        self.keyword = {
            "def": lambda func: func,
            "async": as_async,
            "mixed": lambda func: as_async(func) if next(turns) else func,
        }[keyword]
        self.requests = []
        self.differing = {"Date"}
        self.log = []
        self.make()

    def make(self, **options):
        self.app = self.lib.Flask("conformance", root_path=ROOT, **options)
        self.app.secret_key = "secret"
        self.app.logger.disabled = True
        self.on = Converting(self.app, self.keyword)

    def __getattr__(self, name):
        return getattr(self.lib, name)

    def ask(self, *lines, **options):
        """Add requests such as ``"GET /path"``, made with the test client's ``options``."""
        self.requests += [(*line.split(" ", 1), options) for line in lines]

    def may_differ(self, *headers):
        """Do not compare these headers; the case says why."""
        self.differing.update(headers)

    def texts_may_differ(self):
        """Answer HTTP errors with their class, because the texts differ."""
        error = werkzeug.exceptions.HTTPException
        self.on.errorhandler(error)(lambda e: (type(e).__name__, e.code))

    def module(self, name):
        return importlib.import_module(f"{self.lib.__name__}.{name}")

    def view(self, func, rule="/", **options):
        self.on.route(rule, endpoint=f"view{len(self.app.view_functions)}", **options)(func)

    def blueprint(self, name, **options):
        options.setdefault("root_path", ROOT)
        blueprint = self.lib.Blueprint(name, "conformance", **options)
        return blueprint, Converting(blueprint, self.keyword)

    def reading(self, expression, rule="/", then=lambda value: value):
        """Register a view that reads the request's body: ``form``, ``get_json()``."""
        request = self.lib.request

        def view():
            return then(eval(f"request.{expression}", {"request": request}))

        async def async_view():
            return then(await eval(f"request.{expression}", {"request": request}))

        chosen = async_view if self.is_async else view
        self.app.add_url_rule(rule, expression, chosen, methods=["POST"])


def outcome(response, differing):
    headers = sorted((name.title(), value) for name, value in response.headers)
    kept = [(name, canonical(name, value)) for name, value in headers if name not in differing]
    body = response.get_data()
    response.close()
    return response.status_code, kept, body


def canonical(name, value):
    """Werkzeug writes ``Allow`` in the order of a set."""
    return sorted(value.split(", ")) if name == "Allow" else value


async def ask(case, lib, keyword):
    """Build a case and return the result of each request, and the log of the case."""
    framework = Framework(lib, keyword)
    case(framework)
    client = framework.app.test_client()
    answers = []
    for method, path, options in framework.requests or [("GET", "/", {})]:
        try:
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                response = client.open(path, method=method, **options)
                response = await response if inspect.isawaitable(response) else response
                answers.append(outcome(response, framework.differing))
        except Exception as error:
            answers.append(error)
    return answers, framework.log


@pytest.fixture
def same(monkeypatch):
    """Run a case on both and compare everything; the clock of signatures is stopped."""
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: 1_800_000_000)

    async def check(case, keyword):
        theirs, their_log = await ask(case, flask, "def")
        ours, our_log = await ask(case, asyncflask, keyword)
        for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            if isinstance(their, Exception) or isinstance(our, Exception):
                names = [cls.__name__ for cls in type(our).__mro__]
                assert type(their).__name__ in names, (number, our, their)
            else:
                for part, our_part, their_part in zip(PARTS, our, their, strict=True):
                    assert our_part == their_part, f"{part} of request {number}"
        assert our_log == their_log

    return check


def pytest_generate_tests(metafunc):
    if "case" not in metafunc.fixturenames:
        return
    module = vars(metafunc.module)
    cases = {name[5:]: case for name, case in module.items() if name.startswith("case_")}
    for name, value in module.get("VALUES", {}).items():
        cases[f"returns_{name}"] = returning(value)
    metafunc.parametrize("case", cases.values(), ids=cases)
    metafunc.parametrize("keyword", KEYWORDS)


def returning(value):
    def build(f):
        f.view(lambda: value(f))
        f.ask("GET /", "HEAD /", "OPTIONS /")

    return build
