"""What an app's setup has that would have no effect, or fail, found at its first request.

Quart calls steps, and Flask and Quart read classes and settings, that do not exist here; a rule may
ask for a subdomain that is never looked at. An app that sets one of these waits for something that
will not happen, so each is named in the log, with what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ..concurrency.inspection import is_async
from ..config import find_wrong
from ..exceptions import MissingAttribute
from ..logging import one_line
from ..wrappers import Request, SyncRequest
from .protocols import ServedApp

#: Methods and attributes of an app that are not called here, and what to use instead.
APP = {
    "handle_request": "Override `full_dispatch_request()`, or put middleware around `app.asgi_app`",
    "handle_websocket": "Override `full_dispatch_websocket()`, or put middleware around"
    " `app.asgi_app`",
    "asgi_http_class": "Put ASGI middleware around `app.asgi_app`",
    "asgi_websocket_class": "Put ASGI middleware around `app.asgi_app`",
    "asgi_lifespan_class": "Override `startup()` and `shutdown()`",
    "wsgi_app": "Put ASGI middleware around `app.asgi_app`; the app of `asyncflask.flask` has a"
    " `wsgi_app`",
}
_READ_ON = "Read the body in the view: `async for piece in request.body`"
_ITERATE = "Return an (async) generator from the view"
#: The same of the classes that an app makes its objects of.
CLASSES = {
    "request_class": {
        "body_class": _READ_ON,
        "form_data_parser_class": _READ_ON,
        "make_form_data_parser": _READ_ON,
    },
    "response_class": {
        "data_body_class": _ITERATE,
        "file_body_class": _ITERATE,
        "io_body_class": _ITERATE,
        "iterable_body_class": _ITERATE,
    },
}
#: Keys of the configuration that are not read.
CONFIG = {
    "PREFER_SECURE_URLS": "Write PREFERRED_URL_SCHEME = 'https'",
    "RESPONSE_TIMEOUT": "Write `async with asyncio.timeout(...)` in the view",
}
#: Steps that are called without `await`.
PLAIN_STEPS = (
    *("create_url_adapter", "raise_routing_exception", "should_ignore_error"),
    *("trap_http_exception", "inject_url_defaults", "handle_url_build_error", "url_for"),
    *("get_send_file_max_age", "select_jinja_autoescape", "create_jinja_environment"),
    *("create_global_jinja_loader", "redirect", "app_context"),
    *("request_context", "websocket_context"),
)


def find_faults(app: ServedApp) -> Iterator[str]:
    """Describe each part of an app's setup that has no effect or is wrong, in a sentence or two.

    Args:
        app: The app.
    """
    where = f"{type(app).__module__}.{type(app).__qualname__}"
    yield from _unknown(app, where, APP)
    for attribute, table in CLASSES.items():
        made_of = _find_attribute(app, attribute)
        if isinstance(made_of, type):  # A property may give another class for each request.
            name = f"{made_of.__module__}.{made_of.__qualname__}"
            yield from _unknown(made_of, f"{name}, the {attribute} of {where}", table)
    yield from _overridden_for_async(app, where)
    for name in PLAIN_STEPS:
        if is_async(getattr(app, name)):
            yield (
                f"{name}() of {where} is `async def`, and is called without `await`. Make it a"
                " `def`."
            )
    for key, remedy in CONFIG.items():
        if app.config.get(key):
            yield f"config[{key!r}] is {app.config[key]!r}, and is not read here. {remedy}."
    yield from find_wrong(app.config)
    yield from _unmatched(app)


def _unknown(thing: object, where: str, table: dict[str, str]) -> Iterator[str]:
    for name, remedy in table.items():
        found = _find_attribute(thing, name)
        if found is not None and not isinstance(found, MissingAttribute):
            yield f"{name} of {where} has no effect here: nothing calls it. {remedy}."


def _overridden_for_async(app: ServedApp, where: str) -> Iterator[str]:
    """Name what the request class of ``async def`` functions overrides, and not that of ``def``."""
    request_class, sync_class = app.request_class, app.sync_request_class
    if not isinstance(request_class, type) or sync_class is not SyncRequest:
        return
    if all(map(is_async, app.view_functions.values())):
        return
    own = [cls for cls in request_class.__mro__ if issubclass(cls, Request) and cls is not Request]
    names = {name for cls in own for name in vars(cls) if not name.startswith("_")}
    ignored = sorted(filter(partial(hasattr, SyncRequest), names - CLASSES["request_class"].keys()))
    if ignored:
        yield (
            f"{', '.join(ignored)} of {request_class.__module__}.{request_class.__qualname__}, the"
            f" request_class of {where}, has no effect in `def` functions: the class of their"
            " request is sync_request_class. Override it in a class of"
            " asyncflask.wrappers.SyncRequest as well, and set that as sync_request_class."
        )


def _find_attribute(thing: object, name: str) -> object:
    """Return an attribute of an object or a class as it is stored, or ``None``."""
    places = thing.__mro__ if isinstance(thing, type) else (thing, *type(thing).__mro__)
    return next((vars(place)[name] for place in places if name in vars(place)), None)


def _unmatched(app: ServedApp) -> Iterator[str]:
    """Name the rules whose subdomain or host is not looked at."""
    rules = app.url_map
    if rules.host_matching:
        return
    default = rules.default_subdomain
    below = [rule for rule in rules.iter_rules() if (rule.subdomain or default) != default]
    if below and not app.subdomain_matching:
        yield (
            f"{_listed(below)} asks for a subdomain, which is not matched: it is always a 404."
            f" Write {type(app).__name__}(..., subdomain_matching=True), and set SERVER_NAME."
        )
    elif below and not app.config["SERVER_NAME"]:
        yield (
            f"{_listed(below)} asks for a subdomain, and SERVER_NAME, whose subdomains are"
            " matched, is not set: it is always a 404. Set SERVER_NAME = 'example.com'."
        )
    hosts = [rule for rule in rules.iter_rules() if rule.host]
    if hosts:
        yield (
            f"{_listed(hosts)} asks for a host, which is not matched: it answers for every host."
            f" Write {type(app).__name__}(..., host_matching=True, static_host=...)."
        )


def _listed(rules: list[Any]) -> str:
    rule = rules[0]
    more = f" (and {len(rules) - 1} more)" if len(rules) > 1 else ""
    place = rule.host or rule.subdomain
    return one_line(f"The rule {rule.rule!r} of {place!r}, endpoint {rule.endpoint!r},{more}")
