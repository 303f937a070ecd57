"""The cookies of the test client."""

from __future__ import annotations

from datetime import datetime, timedelta
from http.cookiejar import CookieJar
from typing import Self
from urllib.request import Request as URLRequest

from werkzeug.datastructures import Headers
from werkzeug.http import dump_cookie


class _ForCookieJar:
    """A response as :class:`http.cookiejar.CookieJar` reads it."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def info(self) -> Self:
        """Return the headers."""
        return self

    def get_all(self, name: str, default: object = None) -> list[str]:
        """Return the values of a header.

        Args:
            name: The header.
            default: Not used.
        """
        return self._headers.getlist(name)


class ClientCookies:
    """Keeps cookies from one request to the next.

    Args:
        use_cookies: Whether it keeps them.
    """

    def __init__(self, use_cookies: bool = True) -> None:
        self.cookie_jar: CookieJar | None = CookieJar() if use_cookies else None

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
        charset: str = "utf-8",
    ) -> None:
        """Keep a cookie, which is sent with every request.

        Args:
            server_name: The host that sets the cookie.
            key: Its name.
            value: Its value.
            max_age: Its lifetime.
            expires: The end of its lifetime.
            path: The path that it is set at.
            domain: Its domain.
            secure: As :func:`werkzeug.http.dump_cookie` takes it.
            httponly: As above.
            samesite: As above.
            charset: Not used: cookies are UTF-8. ``TestClientProtocol`` has it.

        Source: ``Quart: QuartClient.set_cookie``.
        """
        cookie = dump_cookie(
            key,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )
        self._keep_cookies(Headers([("Set-Cookie", cookie)]), f"http://{server_name}{path}")

    def delete_cookie(
        self, server_name: str, key: str, path: str = "/", domain: str | None = None
    ) -> None:
        """Delete a cookie.

        Args:
            server_name: The host that has set the cookie.
            key: Its name.
            path: Its path.
            domain: Its domain.

        Source: ``Quart: QuartClient.delete_cookie``.
        """
        self.set_cookie(server_name, key, path=path, domain=domain, expires=0, max_age=0)

    def _jar(self) -> CookieJar:
        if self.cookie_jar is None:
            raise RuntimeError(
                "Cookies were needed, and this client was made with use_cookies=False. Write"
                " `app.test_client()`."
            )
        return self.cookie_jar

    def _keep_cookies(self, headers: Headers, url: str) -> None:
        self._jar().extract_cookies(_ForCookieJar(headers), URLRequest(url))  # type: ignore[arg-type]

    def _with_cookies(self, headers: Headers) -> Headers:
        for cookie in self.cookie_jar or ():
            headers.add("cookie", f"{cookie.name}={cookie.value}")
        return headers
