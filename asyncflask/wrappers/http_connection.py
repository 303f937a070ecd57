"""What an HTTP request and a websocket share: everything that the ASGI scope says.

The base is Werkzeug's sans-I/O request, whose parsed headers (``args``, ``cookies``,
``accept_mimetypes``, ``authorization`` …) come with it. Nothing here reads from the client, and
nothing is computed before its first access (design D8): a view that never reads its request pays
for one empty object.

SECURITY: the client chooses ``Host``. It is checked against its grammar whenever it is used, and
against ``TRUSTED_HOSTS`` if that is set; ``X-Forwarded-*`` change nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from werkzeug.datastructures import Authorization, Headers, MultiDict
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import Rule
from werkzeug.sansio.http import parse_cookie
from werkzeug.sansio.request import Request as SansIORequest

from .._fast import cookies
from .._fast.multidict import make_multidict
from .._invalidation import NoticedType
from ..datastructures import ImmutableMultiDict
from .request.headers import HeaderIndex, RequestHeaders, header_index
from .request.urlencoded import parse_urlencoded

T = TypeVar("T")


class ConnectionApp(Protocol):
    """The app of a connection."""

    @property
    def config(self) -> Mapping[str, Any]: ...


class RoutedContext(Protocol):
    """A context that has the result of routing, and the headers by name once they are indexed."""

    url_rule: Rule | None
    view_args: dict[str, Any] | None
    routing_exception: Any  # An HTTPException or None.
    header_names: HeaderIndex | None


class ConnectionContext(RoutedContext, Protocol):
    """The context of a connection."""

    @property
    def app(self) -> ConnectionApp: ...
    @property
    def scope(self) -> Any: ...


class lazy(Generic[T]):
    """A property that is computed at the first read and then kept in the instance's ``__dict__``.

    As a non-data descriptor it costs nothing at the second read. (In Python 3.11,
    :func:`functools.cached_property` takes a lock.)
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[T] | T:
        if instance is None:
            return self
        compute = self.compute
        value = compute(instance)
        setattr(instance, self.name, value)
        return value

    if TYPE_CHECKING:
        # Assigning replaces the kept value; at run time that is the instance's own __dict__.
        def __set__(self, instance: object, value: T) -> None: ...


class Routed:
    """What both requests have: routing, which is kept by the context, and the query string."""

    _ctx: Any
    query_string: bytes
    path: str
    parameter_storage_class: type[MultiDict[str, Any]]

    @property
    def url_rule(self) -> Rule | None:
        """The rule that matched, or ``None`` if none did (yet)."""
        rule: Rule | None = self._ctx.url_rule
        return rule

    @url_rule.setter
    def url_rule(self, rule: Rule | None) -> None:
        self._ctx.url_rule = rule

    @url_rule.deleter
    def url_rule(self) -> None:
        self._ctx.url_rule = None

    @property
    def view_args(self) -> dict[str, Any] | None:
        """The arguments that the rule took from the path, or ``None`` if none matched."""
        view_args: dict[str, Any] | None = self._ctx.view_args
        return view_args

    @view_args.setter
    def view_args(self, view_args: dict[str, Any] | None) -> None:
        self._ctx.view_args = view_args

    @view_args.deleter
    def view_args(self) -> None:
        self._ctx.view_args = None

    @property
    def routing_exception(self) -> HTTPException | None:
        """What matching failed with: a 404, a 405, or a redirect; else ``None``."""
        error: HTTPException | None = self._ctx.routing_exception
        return error

    @routing_exception.setter
    def routing_exception(self, error: HTTPException | None) -> None:
        self._ctx.routing_exception = error

    @routing_exception.deleter
    def routing_exception(self) -> None:
        self._ctx.routing_exception = None

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the rule that matched, or ``None``."""
        rule = self._ctx.url_rule
        return None if rule is None else rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The name under which the endpoint's blueprint is registered, or ``None``."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The names of the endpoint's blueprint and of its parents, innermost first."""
        name = self.blueprint
        names = []
        while name:
            names.append(name)
            name = name.rpartition(".")[0]
        return names

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The parsed query string.

        **Differs from Flask:** raw bytes that are not UTF-8 are replaced by U+FFFD; in Flask they
        are a 500. Percent-encoded ones stay percent-encoded, as in Flask.
        """
        return parse_urlencoded(self.query_string, self.parameter_storage_class, "replace")

    @lazy
    def full_path(self) -> str:
        """The path and the query string, joined by ``?``."""
        return f"{self.path}?{self.query_string.decode(errors='replace')}"

    @property
    def authorization(self) -> Authorization | None:
        """The parsed ``Authorization`` header; ``None`` without one and for a malformed one.

        **Differs from Flask:** credentials that are not ASCII are ``None``; Flask returns a 500.
        """
        headers: Headers = self.headers  # type: ignore[attr-defined]  # both requests have them
        try:
            return Authorization.from_header(headers.get("Authorization"))
        except ValueError:
            return None


class HTTPConnection(Routed, SansIORequest, metaclass=NoticedType):
    """An HTTP request or a websocket handshake, as the ASGI scope describes it.

    The context makes it when it is read first, as ``request`` or ``websocket``.

    Args:
        ctx: The context that carries this connection.

    Source: ``ASGI: HTTP connection scope``, ``ASGI: Websocket connection scope``.
    """

    parameter_storage_class: type[MultiDict[str, Any]] = ImmutableMultiDict
    dict_storage_class: type[MultiDict[str, Any]] = ImmutableMultiDict

    def __init__(self, ctx: ConnectionContext) -> None:
        # Werkzeug's constructor computes eight attributes; here each is computed when it is read.
        self._ctx = ctx

    @classmethod
    def of_context(cls, ctx: Any) -> Self:
        """Make the request or websocket of a context; a subclass may have another constructor.

        Args:
            ctx: The context that carries this connection.
        """
        return cls(ctx)

    @property
    def scope(self) -> dict[str, Any]:
        """The ASGI scope, for data of the server beyond the specification."""
        scope: dict[str, Any] = self._ctx.scope
        return scope

    @lazy
    def method(self) -> str:
        """The request method, such as ``"GET"``; a websocket handshake is a ``GET``."""
        method: str = self._ctx.scope.get("method", "GET")
        return method.upper()

    @lazy
    def scheme(self) -> str:
        """``http`` or ``https``, ``ws`` or ``wss``."""
        scope = self._ctx.scope
        scheme: str = scope.get("scheme") or ("ws" if scope["type"] == "websocket" else "http")
        return scheme

    @lazy
    def http_version(self) -> str:
        """The protocol's version: ``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``."""
        version: str = self._ctx.scope.get("http_version", "1.1")
        return version

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """``(host, port)`` that received the request, ``(path, None)`` for a unix socket."""
        server = self._ctx.scope.get("server")
        return tuple(server) if server else None

    @lazy
    def remote_addr(self) -> str | None:
        """The client's address, or ``None`` if the server does not know it (a unix socket)."""
        client = self._ctx.scope.get("client")
        return (client[0] or None) if client else None

    @lazy
    def root_path(self) -> str:
        """The prefix under which the app is mounted, without a slash at its end."""
        root_path: str = self._ctx.scope.get("root_path", "")
        return root_path.rstrip("/")

    @lazy
    def path(self) -> str:
        """The path below :attr:`root_path`, decoded, with exactly one leading slash."""
        return "/" + path_below_root(self._ctx.scope).lstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """The raw bytes after the ``?``; :attr:`args` has them parsed."""
        query_string: bytes = self._ctx.scope.get("query_string") or b""
        return query_string

    @lazy
    def headers(self) -> Headers:
        """The request's headers; names are case-insensitive and shown as ``Content-Type``."""
        return RequestHeaders.of_scope(self._ctx.scope["headers"], header_index(self._ctx))

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that the client sent; several ``Cookie`` headers (HTTP/2) are joined."""
        text = header_index(self._ctx).get(b"cookie", b"").decode("latin-1")
        values = cookies.parse_cookies(text)
        made = None if values is None else make_multidict(values, self.dict_storage_class)
        # Its class is ImmutableMultiDict, or the one that a subclass names.
        parsed: Any = parse_cookie(text, cls=self.dict_storage_class) if made is None else made
        found: ImmutableMultiDict[str, str] = parsed
        return found

    def find_cookie(self, name: str) -> str | None:
        """Return ``cookies.get(name)``, without parsing the other cookies if possible.

        Args:
            name: The cookie's name.

        Returns:
            The cookie's first value, or ``None``.
        """
        if type(self).cookies is _COOKIES and "cookies" not in self.__dict__:
            header = header_index(self._ctx).get(b"cookie")
            if header is None:
                return None
            value = cookies.find_cookie(header.decode("latin-1"), name)
            if value is not None:
                return value
        return self.cookies.get(name)

    @property
    def script_root(self) -> str:
        """The same as :attr:`root_path`."""
        return self.root_path

    @property
    def url_root(self) -> str:
        """The same as :attr:`root_url`: scheme, host and root path."""
        return self.root_url

    @lazy
    def trusted_hosts(self) -> list[str] | None:
        """The hosts that this app serves; ``TRUSTED_HOSTS`` unless set on the request.

        ``None`` trusts every host. A name with a leading dot includes its subdomains.
        """
        hosts: list[str] | None = self._ctx.app.config.get("TRUSTED_HOSTS")
        return hosts

    @lazy
    def host(self) -> str:
        """The host that the client asked: name and, unless it is the scheme's default, port.

        Empty if the client sent none (HTTP/1.0) and the server has no address (unix socket).

        **Differs from Flask:** a malformed value is an error, not an empty string.

        Raises:
            SecurityError: The ``Host`` header is malformed, repeated, or not trusted (400).
        """
        values = [value for name, value in self._ctx.scope["headers"] if name == b"host"]
        if len(values) > 1:
            raise SecurityError(
                f"The request has {len(values)} Host headers. Send exactly one (RFC 9112 §3.2)."
            )
        header = values[0].decode("latin-1") if values else None
        return checked_host(self.scheme, header, self.server, self.trusted_hosts)

    def check_host(self) -> None:
        """Refuse the request if its ``Host`` header is malformed or not in ``TRUSTED_HOSTS``.

        Raises:
            SecurityError: It is (400).
        """
        _ = self.host


#: the property, as it is before a test or an extension replaces it
_COOKIES = HTTPConnection.cookies


def path_below_root(scope: Mapping[str, Any]) -> str:
    """Return the scope's path without its root path; routes are matched against the result.

    Some servers put the root path before ``path`` (as ASGI 2.4 and later require), some do not, and
    a proxy may strip it: it is removed if it is there, as whole segments.

    Args:
        scope: The ASGI scope.

    Returns:
        The path.
    """
    path: str = scope["path"]
    root = scope.get("root_path")
    if root:
        root = root.rstrip("/")
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("/", ""):
            return path[len(root) :]
    return path


# -- Host ------------------------------------------------------------------------------------------

# RFC 3986 §3.2.2 without percent signs and sub-delims, which no DNS or container name has. RFC 1035
# §2.3.4: a label has 1 to 63 characters; the last one may be empty.
_LABEL = r"[a-z0-9_~-]{1,63}"
_HOST = re.compile(
    rf"(?P<name>(?:{_LABEL}\.)*{_LABEL}\.?|\[(?P<address>[a-f0-9:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?",
    re.ASCII | re.IGNORECASE,
)
_HOST_LENGTH = 253  # RFC 1035 §2.3.4, as text.
OWN_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}


def checked_host(
    scheme: str,
    header: str | None,
    server: tuple[str, int | None] | None,
    trusted_hosts: Iterable[str] | None,
) -> str:
    """Return the host a request was made to, or refuse it.

    Args:
        scheme: The scheme, whose default port is left out of the result.
        header: The ``Host`` header, or ``None``.
        server: The server's address, which is used when there is no header.
        trusted_hosts: The hosts to accept; ``None`` or empty accepts every well-formed one.

    Returns:
        The host.

    Raises:
        SecurityError: The header is malformed, or the host is not trusted (400).
    """
    host = header
    if host is None:
        host = _server_host(server)
        if not host:
            return ""
    # SECURITY: CVE-2026-48710: `Host: a/?x` would move the path of every URL built from it.
    if not is_host(host):
        raise SecurityError(f"The Host header {host[:100]!r} is not `name` or `name:port`.")
    host = host.removesuffix(OWN_PORTS.get(scheme, " "))
    if trusted_hosts and not _is_trusted(host, trusted_hosts):
        raise SecurityError(f"Host {host[:100]!r} is not among the TRUSTED_HOSTS of this app.")
    return host


def is_host(host: str) -> bool:
    """Tell whether a host is well-formed, so that a URL with it is parsed as it was built.

    Args:
        host: A name or address, with or without a port.

    Returns:
        Whether it is.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name, address, port = match.groups()
    if len(name) > _HOST_LENGTH or not 0 < int(port or 1) <= 65535:
        return False
    try:
        if address is not None:
            IPv6Address(address)
        elif "xn--" in name.lower():
            name.lower().encode().decode("idna")  # `request.url` shows it so.
    except ValueError:
        return False
    return True


def _is_trusted(host: str, trusted_hosts: Iterable[str]) -> bool:
    """Tell whether a host is among the trusted ones; port and case are ignored.

    Werkzeug's test does not accept names with an underscore and IPv6 addresses.
    """
    if isinstance(trusted_hosts, str):
        trusted_hosts = [trusted_hosts]
    name = _name_of(host)
    for trusted in trusted_hosts:
        wanted = _name_of(trusted.removeprefix("."))
        if name == wanted or (trusted[:1] == "." and name.endswith(f".{wanted}")):
            return True
    return False


def _name_of(host: str) -> str:
    """Return a host without its port, as it is in a ``Host`` header: in lower case and ASCII."""
    match = _HOST.fullmatch(host)
    name = host.partition(":")[0] if match is None else match["name"]
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""  # No host: one that passes the checks has a name.
    return name.lower()


def _server_host(server: tuple[str, int | None] | None) -> str:
    if server is None or server[1] is None:
        return ""
    name, port = server
    return f"[{name}]:{port}" if ":" in name and name[:1] != "[" else f"{name}:{port}"
