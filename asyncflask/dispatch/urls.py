"""URL adapters and ``url_for``: Werkzeug's meaning, with Flask's conveniences around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from werkzeug.routing import BuildError, Map, MapAdapter

from ..ctx import Context

#: a websocket's scheme, and that of the HTTP request it begins with
_WEB_SCHEMES = {"ws": "http", "wss": "https"}
_SAFE_IN_FRAGMENT = "%!#$&'()*+,/:;=?@"  # RFC 3986 §3.5, and what is quoted already


def create_adapter(
    app: Any, connection: Any, bind: Callable[..., MapAdapter] | None = None
) -> MapAdapter | None:
    """Make the URL adapter of a connection, or of ``SERVER_NAME``. (Flask: create_url_adapter.)

    Args:
        app: The app.
        connection: A request or websocket of either colour, or ``None``.
        bind: Instead of :func:`bind_environ`.

    Returns:
        The adapter, or ``None`` without a connection and without ``SERVER_NAME``.

    Raises:
        SecurityError: The host is not one of ``TRUSTED_HOSTS``.
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
    environ = getattr(connection, "environ", None)
    if environ is None:
        environ = _routing_environ(connection)
    else:
        connection.host  # noqa: B018  # raises for a host that is not trusted
    subdomain = None
    if app.url_map.host_matching:
        server_name = None
    elif not app.subdomain_matching:
        subdomain = app.url_map.default_subdomain or ""
    return (bind or bind_environ)(app.url_map, environ, server_name, subdomain)


def bind_environ(
    url_map: Map, environ: dict[str, Any], server_name: str | None, subdomain: str | None
) -> MapAdapter:
    """Let Werkzeug make an adapter of an environ."""
    return url_map.bind_to_environ(environ, server_name=server_name, subdomain=subdomain)


def _routing_environ(connection: Any) -> dict[str, Any]:
    """Return the part of a WSGI environ that Werkzeug's ``bind_to_environ`` reads."""
    scope = connection.scope
    scheme = connection.scheme
    environ = {
        "HTTP_HOST": connection.host,
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": _latin1(connection.root_path),
        "PATH_INFO": _latin1(connection.path),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "wsgi.url_scheme": _WEB_SCHEMES.get(scheme, scheme),
    }
    if scheme in _WEB_SCHEMES:
        environ["HTTP_CONNECTION"] = "upgrade"
        environ["HTTP_UPGRADE"] = "websocket"
    return environ


def _latin1(text: str) -> str:
    return text.encode(errors="replace").decode("latin-1")


def url_for(
    app: Any,
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

    Raises:
        RuntimeError: Neither a connection nor ``SERVER_NAME`` says which host to build for.
        ValueError: ``_scheme`` was given for a URL that is not external.
    """
    carrier = ctx.carrier if ctx is not None and ctx.app is app else None
    if carrier is not None:
        adapter = carrier.url_adapter
        if endpoint[:1] == ".":
            endpoint = _relative_endpoint(carrier, endpoint)
        if external is None:
            external = scheme is not None
        if adapter is None and not external:
            # The request's host was refused; the page that says so may have links all the same.
            root = carrier.scope.get("root_path") or "/"
            adapter = app.url_map.bind("", script_name=root)
    else:
        adapter = ctx.url_adapter if ctx is not None and ctx.app is app else None
        if adapter is None:
            adapter = app.create_url_adapter(None)
        if external is None:
            external = True
    if adapter is None:
        where = "outside of a request" if carrier is None else "in a request to an unknown host"
        raise RuntimeError(
            f"url_for({endpoint!r}) was called {where}, and the app does not know its own address."
            " Set app.config['SERVER_NAME'], for example 'example.com', or call it in a request"
            " with _external=False."
        )
    if scheme is not None and not external:
        raise ValueError(
            f"url_for({endpoint!r}, _scheme={scheme!r}, _external=False): a URL without a host has"
            " no scheme. Leave one of the two away."
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


def _relative_endpoint(carrier: Context, endpoint: str) -> str:
    blueprints = carrier.blueprints
    if blueprints:
        return f"{blueprints[0]}{endpoint}"
    return endpoint[1:]


def inject_defaults(app: Any, endpoint: str, values: dict[str, Any]) -> None:
    """Run the ``url_defaults`` functions for an endpoint. (Flask: inject_url_defaults.)"""
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
            func(endpoint, values)


def handle_build_error(app: Any, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
    """Ask the build error handlers, in order; raise if none has a URL. (Flask's same name.)"""
    for handler in app.url_build_error_handlers:
        try:
            url = handler(error, endpoint, values)
        except BuildError as raised:
            error = raised
        else:
            if url is not None:
                return str(url)
    raise error
