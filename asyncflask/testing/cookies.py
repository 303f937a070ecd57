"""The cookies and redirects of the test client. Werkzeug's client has the rules for both.

Flask's clients call ``set_cookie(key, value, domain=...)``; Quart's, and Flask's before 2.3, call
``set_cookie(server_name, key, value)``. Both are accepted.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast, overload
from urllib.parse import urlsplit

import werkzeug.test
from werkzeug.datastructures import Headers
from werkzeug.test import ClientRedirectError, Cookie, TestResponse
from werkzeug.wsgi import get_current_url

#: status codes of redirects that a client follows
REDIRECTS = frozenset({301, 302, 303, 305, 307, 308})


def with_server_name(
    translate: Callable[..., dict[str, Any]],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a method with Flask's parameters be called with Quart's as well.

    A call is Quart's if it names ``server_name``, or if it gives more positional arguments than
    Flask's method has, counting those that it gives by keyword: ``set_cookie("localhost", "k",
    value="v")``. The method's signature stays Flask's.

    Args:
        translate: Takes Quart's arguments and returns Flask's, by name.

    Returns:
        A decorator for the method.
    """

    def decorate(method: Callable[..., None]) -> Callable[..., None]:
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

        return either

    return decorate


def cookie_to_set(
    server_name: str,
    key: str,
    value: str = "",
    max_age: timedelta | int | None = None,
    expires: str | datetime | int | float | None = None,
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

    Returns:
        Arguments for Werkzeug's ``Client.set_cookie``.

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

    Returns:
        Arguments for Werkzeug's ``Client.delete_cookie``.

    Source: ``Quart: QuartClient.delete_cookie``.
    """
    host = (domain or server_name).lstrip(".").partition(":")[0].lower()
    return {"key": key, "domain": host, "path": path}


class Browser(werkzeug.test.Client):
    """Werkzeug's client as far as it does no I/O: the cookie jar and the rules of redirects."""

    def open(  # type: ignore[override]  # takes a builder only
        self, builder: werkzeug.test.EnvironBuilder, **kwargs: object
    ) -> werkzeug.test.EnvironBuilder:
        """Return the builder; the test client makes the request itself.

        Args:
            builder: The request.
            kwargs: Not used.

        Returns:
            ``builder`` itself.
        """
        return builder

    def after(self, response: TestResponse) -> werkzeug.test.EnvironBuilder:
        """Return the request that a redirect leads to.

        Args:
            response: The redirect, with the request that it answers and the earlier redirects.

        Raises:
            ClientRedirectError: It was followed before.
            RuntimeError: The redirect leads to another host.
        """
        target, code = response.location, response.status_code
        if any((target, code) == (old.location, old.status_code) for old in response.history):
            raise ClientRedirectError(
                f"A {code} redirect to {target!r} was followed already: the redirects lead round in"
                " a circle. Make one of them lead to a page."
            )
        return cast(werkzeug.test.EnvironBuilder, self.resolve_redirect(response))

    def add_cookies(self, environ: dict[str, Any]) -> None:
        """Put the cookies that belong to a request into its environ.

        Args:
            environ: The request's environ, which is changed.
        """
        self._add_cookies_to_wsgi(environ)

    def store_cookies(self, environ: dict[str, Any], headers: Headers) -> None:
        """Keep the cookies that a response sets.

        Args:
            environ: The environ of the request.
            headers: The response's headers.
        """
        url = urlsplit(get_current_url(environ))
        cookies = headers.getlist("Set-Cookie")
        self._update_cookies_from_response(url.hostname or "localhost", url.path, cookies)

    def require_cookies(self) -> None:
        """Check that this client keeps cookies.

        Raises:
            TypeError: It was made with ``use_cookies=False``.
        """
        if self._cookies is None:
            raise TypeError(
                "Sessions need cookies, and this client was made with use_cookies=False."
                " Create it with app.test_client()."
            )


class CookieMethods:
    """The methods of a client that read and change the cookies it keeps."""

    _browser: Browser

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return a cookie of the client.

        Args:
            key: Its name.
            domain: The host that it was set for.
            path: Its path.

        Returns:
            The cookie, or ``None``.

        Source: ``Flask: testing.FlaskClient.get_cookie``.
        """
        return self._browser.get_cookie(key, domain, path)

    @overload
    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        domain: str = "localhost",
        origin_only: bool = True,
        path: str = "/",
        **kwargs: Any,
    ) -> None: ...

    @overload
    def set_cookie(
        self,
        server_name: str,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
    ) -> None: ...

    @with_server_name(cookie_to_set)
    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        domain: str = "localhost",
        origin_only: bool = True,
        path: str = "/",
        **kwargs: Any,
    ) -> None:
        """Keep a cookie, to be sent with the requests it matches.

        Quart's ``set_cookie(server_name, key, value, ...)`` does the same.

        Args:
            key: Its name.
            value: Its value.
            domain: The host it belongs to.
            origin_only: Whether subdomains of ``domain`` do not get it.
            path: Only sent with this path and those below it.
            kwargs: As :func:`werkzeug.http.dump_cookie` takes them.

        Source: ``Flask: testing.FlaskClient.set_cookie``.
        """
        self._browser.set_cookie(
            key, value, domain=domain, origin_only=origin_only, path=path, **kwargs
        )

    @overload
    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None: ...

    @overload
    def delete_cookie(
        self, server_name: str, key: str, path: str = "/", domain: str | None = None
    ) -> None: ...

    @with_server_name(cookie_to_delete)
    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None:
        """Delete a cookie of the client.

        Quart's ``delete_cookie(server_name, key, ...)`` does the same.

        Args:
            key: Its name.
            domain: The host that it was set for.
            path: Its path.

        Source: ``Flask: testing.FlaskClient.delete_cookie``.
        """
        self._browser.delete_cookie(key, domain=domain, path=path)
