"""``ProxyFix``: the client's address, scheme, host and prefix, as a proxy passes them on.

The names are those of Werkzeug's middleware, which is for WSGI.
"""

from __future__ import annotations

from ..typing import ASGIApplication, Receive, Scope, Send

#: the schemes that are accepted, and those of a websocket's scope
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class ProxyFix:
    """ASGI middleware that reads ``X-Forwarded-…`` headers.

    A client can send these headers as well. So each is counted from the right: a proxy appends what
    it has seen itself, and a number of 1 takes the value of the last proxy. 0 ignores the header.
    Use it only where all requests come through so many proxies, and only for headers that each of
    them sets.

    >>> from asyncflask import Flask
    >>> app = Flask("shop")
    >>> app.asgi_app = ProxyFix(app.asgi_app, x_host=1)

    Args:
        app: The ASGI application.
        x_for: Number of values to trust in ``X-Forwarded-For``: the client's address.
        x_proto: The same for ``X-Forwarded-Proto``: ``http`` or ``https``.
        x_host: The same for ``X-Forwarded-Host``: what the client has sent as ``Host``.
        x_port: The same for ``X-Forwarded-Port``, which replaces the host's port.
        x_prefix: The same for ``X-Forwarded-Prefix``: the path below which the proxy serves the
            app, and which it removes from the request's path.

    Raises:
        ValueError: A number is negative, or no number.

    Source: ``Werkzeug: middleware.proxy_fix.ProxyFix``.
    """

    def __init__(
        self,
        app: ASGIApplication,
        x_for: int = 1,
        x_proto: int = 1,
        x_host: int = 0,
        x_port: int = 0,
        x_prefix: int = 0,
    ) -> None:
        self.app = app
        counts = {"for": x_for, "proto": x_proto, "host": x_host, "port": x_port}
        for name, count in (*counts.items(), ("prefix", x_prefix)):
            if count and not (isinstance(count, int) and count > 0):
                raise ValueError(
                    f"ProxyFix(x_{name}={count!r:.100}) is no number of proxies. Write how many"
                    " have appended their value to the header; 0: ignore it."
                )
        self._trusted = {
            b"x-forwarded-for": x_for,
            b"x-forwarded-proto": x_proto,
            b"x-forwarded-host": x_host,
            b"x-forwarded-port": x_port,
            b"x-forwarded-prefix": x_prefix,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection.

        Args:
            scope: The ASGI scope; it is not changed.
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        if scope["type"] in ("http", "websocket"):
            values = self._values(scope)
            if values:
                scope = _fixed(scope, values)
        await self.app(scope, receive, send)

    def _values(self, scope: Scope) -> dict[bytes, bytes]:
        """Return the trusted value of each header that has enough values."""
        found: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if self._trusted.get(name):
                found.setdefault(name, []).extend(part.strip() for part in value.split(b","))
        return {
            name: values[-self._trusted[name]]
            for name, values in found.items()
            if len(values) >= self._trusted[name] and values[-self._trusted[name]]
        }


def _fixed(scope: Scope, values: dict[bytes, bytes]) -> Scope:
    """Return a copy of the scope with these values; what the scope holds is not copied."""
    fixed = {**scope}
    if client := values.get(b"x-forwarded-for"):
        fixed["client"] = (client.decode("latin-1"), 0)
    if scheme := _SCHEMES.get(values.get(b"x-forwarded-proto", b"").decode("latin-1").lower()):
        is_websocket = scope["type"] == "websocket"
        fixed["scheme"] = scheme if is_websocket else scheme.replace("ws", "http")
    if host := _host(scope, values):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        fixed["headers"] = [(b"host", host), *others]
    # SECURITY: without exactly one slash at the start, url_for() would lead to another host.
    if prefix := values.get(b"x-forwarded-prefix", b"").strip(b"/"):
        root = "/" + prefix.decode("latin-1")
        fixed["root_path"] = root + scope.get("root_path", "")
        # ASGI: the path begins with the root path.
        fixed["path"] = root + scope["path"]
        if scope.get("raw_path") is not None:
            fixed["raw_path"] = b"/" + prefix + scope["raw_path"]
    return fixed


def _host(scope: Scope, values: dict[bytes, bytes]) -> bytes | None:
    """Return the new value of ``Host``; ``None`` leaves it."""
    host = values.get(b"x-forwarded-host")
    port = values.get(b"x-forwarded-port")
    if port is None:
        return host
    if host is None:
        host = next((value for name, value in scope["headers"] if name == b"host"), None)
        if host is None:
            return None
    if b":" in host and not host.endswith(b"]"):  # not the colons of an IPv6 address alone
        host = host.rpartition(b":")[0]
    return host + b":" + port
