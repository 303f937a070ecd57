"""The two ways in which a test names a cookie: Flask's, and Quart's with the server's name first.

Flask's clients call ``set_cookie(key, value, domain=...)``; Quart's, and Flask's before 2.3, call
``set_cookie(server_name, key, value)``. Which cookies a request gets is Werkzeug's decision.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., None])


def with_server_name(translate: Callable[..., dict[str, Any]]) -> Callable[[F], F]:
    """Let a method with Flask's parameters be called with Quart's as well.

    A call is Quart's if it names ``server_name``, or if it gives more positional arguments than
    Flask's method has, counting those that it gives by keyword: ``set_cookie("localhost", "k",
    value="v")``. The method's signature stays Flask's.

    Args:
        translate: Takes Quart's arguments and returns Flask's, by name.
    """

    def decorate(method: F) -> F:
        names = [
            name
            for name, parameter in inspect.signature(method).parameters.items()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ][1:]  # `self` is the first.

        @functools.wraps(method)
        def either(self: Any, *args: Any, **kwargs: Any) -> None:
            taken = names[: len(args)]
            if (
                "server_name" in kwargs
                or len(args) > len(names)
                or any(name in kwargs for name in taken)
            ):
                args, kwargs = (), translate(*args, **kwargs)
            method(self, *args, **kwargs)

        return cast(F, either)

    return decorate


def cookie_to_set(
    server_name: str,
    key: str,
    value: str = "",
    max_age: Any = None,
    expires: Any = None,
    path: str = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = False,
    samesite: str | None = None,
) -> dict[str, Any]:
    """Translate the arguments of Quart's ``set_cookie``.

    Args:
        server_name: The host that sets the cookie.
        key: Its name.
        value: Its value.
        max_age: Seconds, or a ``timedelta``; 0 deletes it.
        expires: A date.
        path: Only sent with this path and those below it.
        domain: Sent to this host and its subdomains; without it, to ``server_name`` alone.
        secure: As :func:`werkzeug.http.dump_cookie` takes it.
        httponly: As above.
        samesite: As above.

    Source: ``Quart: QuartClient.set_cookie``.
    """
    return {
        **cookie_to_delete(server_name, key, path, domain),
        "value": value,
        "origin_only": domain is None,
        "max_age": max_age,
        "expires": expires,
        "secure": secure,
        "httponly": httponly,
        "samesite": samesite,
    }


def cookie_to_delete(
    server_name: str, key: str, path: str = "/", domain: str | None = None
) -> dict[str, Any]:
    """Translate the arguments of Quart's ``delete_cookie``.

    Args:
        server_name: The host that has set the cookie.
        key: Its name.
        path: Its path.
        domain: Its domain, if it was given one.

    Source: ``Quart: QuartClient.delete_cookie``.
    """
    host = (domain or server_name).lstrip(".").partition(":")[0].lower()
    return {"key": key, "domain": host, "path": path}
