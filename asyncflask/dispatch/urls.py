"""URL adapters and ``url_for``: Werkzeug's meaning, with Flask's conveniences around it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from werkzeug.exceptions import SecurityError
from werkzeug.routing import BuildError, Map, MapAdapter

from ..ctx import Context
from ..exceptions import UnawaitedAccess
from ..wrappers.http_connection import OWN_PORTS, is_host
from .protocols import LinkingApp

_SAFE_IN_FRAGMENT = "%!#$&'()*+,/:;=?@"  # RFC 3986 §3.5, and what is quoted already


def create_adapter(
    app: LinkingApp, connection: Any, bind: Callable[..., MapAdapter] | None = None
) -> MapAdapter | None:
    """Make the URL adapter of a connection, or of ``SERVER_NAME``. (Flask: create_url_adapter.)

    Args:
        app: The app.
        connection: A sync or async request or websocket, or ``None``.
        bind: Makes the adapter instead, as :func:`bind_environ` does for the facade.

    Returns:
        The adapter, or ``None`` without a connection and without ``SERVER_NAME``.

    Raises:
        SecurityError: The host is malformed, or not one of ``TRUSTED_HOSTS`` (400).
    """
    config = app.config
    server_name = config["SERVER_NAME"]
    if connection is None:
        if server_name is None:
            return None
        adapter: MapAdapter = app.url_map.bind(
            server_name,
            script_name=config["APPLICATION_ROOT"],
            url_scheme=config["PREFERRED_URL_SCHEME"],
        )
        return adapter
    if config["TRUSTED_HOSTS"] is not None:
        connection.trusted_hosts = config["TRUSTED_HOSTS"]
    subdomain = None
    if app.url_map.host_matching:
        server_name = None
    elif not app.subdomain_matching:
        subdomain = app.url_map.default_subdomain or ""
    environ = None if bind is None else getattr(connection, "environ", None)
    if bind is None or environ is None:  # A websocket has none, on the facade either.
        return bind_connection(app.url_map, connection, server_name, subdomain)
    connection.host  # noqa: B018  # raises for a host that is not trusted
    adapter = bind(app.url_map, environ, server_name, subdomain)
    host = environ.get("HTTP_HOST", "").lower()
    if not adapter.server_name and is_host(host):  # SECURITY: see bind_connection().
        adapter.server_name = host.removesuffix(OWN_PORTS.get(adapter.url_scheme, " "))
    return adapter


def bind_environ(
    url_map: Map, environ: dict[str, Any], server_name: str | None, subdomain: str | None
) -> MapAdapter:
    """Let Werkzeug make an adapter of an environ.

    Args:
        url_map: The rules.
        environ: The WSGI environ.
        server_name: The host to match against, instead of the request's.
        subdomain: The subdomain, instead of the one that the host has.

    Returns:
        The adapter.
    """
    return url_map.bind_to_environ(environ, server_name=server_name, subdomain=subdomain)


def bind_connection(
    url_map: Map, connection: Any, server_name: str | None, subdomain: str | None
) -> MapAdapter:
    """Make an adapter with the host that ``connection.host`` has accepted.

    SECURITY: Werkzeug's ``bind_to_environ`` reads the header once more and drops a host with an
    underscore. Its redirect of ``/evil.test`` to the slash is ``http:///evil.test/`` then.

    Args:
        url_map: The rules.
        connection: The request or websocket.
        server_name: The host to match against, instead of the request's.
        subdomain: The subdomain, instead of the one that the host has.

    Returns:
        The adapter.
    """
    host, scheme = connection.host.lower(), connection.scheme
    if server_name is None:
        server_name = host
    else:
        server_name = server_name.lower().removesuffix(OWN_PORTS.get(scheme, " "))
    if subdomain is None and not url_map.host_matching:
        subdomain = _subdomain(host, server_name)
    return url_map.bind(
        server_name,
        _encodable(connection.root_path),
        subdomain,
        scheme,
        connection.method,
        _encodable(connection.path),
        connection.query_string.decode(errors="replace"),
    )


def _subdomain(host: str, server_name: str) -> str:
    """Return the part of the host before ``SERVER_NAME``."""
    if host == server_name:
        return ""
    if host.endswith(f".{server_name}"):
        return host.removesuffix(f".{server_name}")
    warnings.warn(
        f"A request came to the host {host!r}, which does not belong to"
        f" SERVER_NAME={server_name!r}; no rule matches it, because subdomain_matching is on. Set"
        " SERVER_NAME to the app's own host, or TRUSTED_HOSTS to refuse others.",
        stacklevel=2,
    )
    return "<invalid>"  # As Werkzeug has it: no rule's subdomain.


def _encodable(text: str) -> str:
    """Return text without lone surrogates, which no URL can be made of."""
    return text.encode(errors="replace").decode()


def build_url(
    app: LinkingApp,
    ctx: Context | None,
    endpoint: str,
    *,
    anchor: str | None,
    method: str | None,
    scheme: str | None,
    external: bool | None,
    values: dict[str, Any],
) -> str:
    """Build the URL of an endpoint. (Flask: app.url_for.)

    On the async API it is built for the request of ``app``. The facade uses the adapter of the
    current request, whichever app's it is, as Flask does.

    Args:
        app: The app.
        ctx: The current context, if there is one.
        endpoint: The endpoint; a leading dot stands for the current blueprint.
        anchor: The part behind the ``#``.
        method: The method, where rules of one endpoint differ.
        scheme: The scheme of an external URL.
        external: Whether the URL has a scheme and host; by default without a request.
        values: The values of the rule's variables; further ones go into the query string.

    Returns:
        The URL.

    Raises:
        RuntimeError: Neither a connection nor ``SERVER_NAME`` says which host to build for.
        ValueError: ``_scheme`` was given for a URL that is not external.
    """
    request_context = _request_context_for(app, ctx)
    if external is None:
        external = request_context is None or scheme is not None
    if request_context is None:
        adapter = _adapter_outside(app, ctx)
    else:
        if endpoint[:1] == ".":
            endpoint = _relative_endpoint(request_context, endpoint)
        adapter = _adapter_inside(app, request_context, endpoint, external)
    if adapter is None:
        raise _no_address(endpoint, request_context)
    if scheme is not None and not external:
        raise ValueError(
            f"url_for({endpoint!r}, _scheme={scheme!r}, _external=False): a URL without a host has"
            " no scheme. Leave one of the two out."
        )
    app.inject_url_defaults(endpoint, values)
    try:
        url = adapter.build(
            endpoint, values, method=method, url_scheme=scheme, force_external=external
        )
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        return str(app.handle_url_build_error(error, endpoint, values))
    if anchor is not None:
        url = f"{url}#{quote(anchor, safe=_SAFE_IN_FRAGMENT)}"
    return str(url)


def _request_context_for(app: LinkingApp, ctx: Context | None) -> Context | None:
    """Return the request context that a URL of ``app`` is built for, if there is one."""
    request_context = None if ctx is None else ctx.request_context
    if request_context is None or request_context.app is app or request_context.synchronous:
        return request_context
    return None


def _adapter_outside(app: LinkingApp, ctx: Context | None) -> MapAdapter | None:
    """Return the URL adapter that is used outside of a request; ``None`` if there is none."""
    adapter: MapAdapter | None
    if ctx is not None and ctx.synchronous:
        adapter = ctx.url_adapter  # As in Flask: whatever the current app context has, also None.
        return adapter
    adapter = ctx.url_adapter if ctx is not None and ctx.app is app else None
    return app.create_url_adapter(None) if adapter is None else adapter


def _adapter_inside(
    app: LinkingApp, request_context: Context, endpoint: str, external: bool
) -> MapAdapter | None:
    """Return the URL adapter that is used in a request.

    Raises:
        SecurityError: An external URL needs the host, and the request names none.
    """
    adapter: MapAdapter | None = request_context.url_adapter
    if adapter is None and not external:
        # The request's host was refused; the page that says so may have links all the same.
        root = request_context.scope.get("root_path") or "/"
        return app.url_map.bind("", script_name=root)
    if external and not (adapter and adapter.server_name):
        _refuse_without_host(app, request_context, endpoint)
    return adapter


def _refuse_without_host(app: LinkingApp, request_context: Context, endpoint: str) -> None:
    """Refuse a request whose host an external URL would need. (The facade does as Flask.)"""
    if request_context.synchronous:
        return
    if app.create_url_adapter(request_context.request_or_websocket) is not None:
        raise SecurityError(
            f"url_for({endpoint!r}, _external=True): the request names no host. Send a Host header."
        )


def _no_address(endpoint: str, request_context: Context | None) -> RuntimeError:
    where = "outside of a request" if request_context is None else "in a request to an unknown host"
    return RuntimeError(
        f"url_for({endpoint!r}) was called {where}, and the app does not know its own address."
        " Set app.config['SERVER_NAME'], for example 'example.com', or call it in a request"
        " with _external=False."
    )


def _relative_endpoint(request_context: Context, endpoint: str) -> str:
    blueprints = request_context.matched_blueprints
    if blueprints:
        return f"{blueprints[0]}{endpoint}"
    return endpoint[1:]


def inject_defaults(app: LinkingApp, endpoint: str, values: dict[str, Any]) -> None:
    """Run the ``url_defaults`` functions for an endpoint. (Flask: inject_url_defaults.)

    Args:
        app: The app.
        endpoint: The endpoint.
        values: The values of the URL, which the functions change.

    Raises:
        UnawaitedAccess: One of them is ``async def``, or returned an awaitable.
    """
    registry = app.url_default_functions
    if not registry:
        return
    names: list[str | None] = [None]
    path = endpoint.rpartition(".")[0]
    if path:
        parts = path.split(".")
        names += [".".join(parts[: i + 1]) for i in range(len(parts))]
    for name in names:
        for func in registry.get(name, ()):
            result = func(endpoint, values)
            if result is not None:
                _refuse_awaitable(result, func, "url_defaults function", endpoint)


def handle_build_error(
    app: LinkingApp, error: BuildError, endpoint: str, values: dict[str, Any]
) -> str:
    """Ask the build error handlers, in order. (Flask: handle_url_build_error.)

    Args:
        app: The app.
        error: Werkzeug's error.
        endpoint: The endpoint.
        values: The values that were given.

    Returns:
        The URL that a handler returned.

    Raises:
        BuildError: None of them has a URL.
        UnawaitedAccess: One of them is ``async def``, or returned an awaitable.
    """
    for handler in app.url_build_error_handlers:
        try:
            url = handler(error, endpoint, values)
        except BuildError as raised:
            error = raised
        else:
            if url is not None:
                _refuse_awaitable(url, handler, "build error handler", endpoint)
                return str(url)
    raise error


def _refuse_awaitable(result: object, func: object, role: str, endpoint: str) -> None:
    """Refuse what a function would have to be awaited for: ``url_for()`` cannot wait."""
    if not inspect.isawaitable(result):
        return
    if inspect.iscoroutine(result):
        result.close()  # Otherwise Python warns that it was never awaited.
    name = getattr(func, "__qualname__", None) or repr(func)
    raise UnawaitedAccess(
        f"The {role} {name} returned {result!r} in url_for({endpoint!r}), which cannot wait for it."
        " Make it a plain `def` function that returns no coroutine, and await what it needs before,"
        " for example in a `before_request` function that keeps it in `g`."
    )
