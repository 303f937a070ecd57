"""The arguments of a test client's request, made into an ASGI scope and a body.

Werkzeug's builder interprets ``data``, ``json``, ``auth``, ``query_string``, uploads and base URLs,
so a request is byte for byte the one of Flask's test client; only its result, a WSGI environ, is
translated. :mod:`.connection` sends it.
"""

from __future__ import annotations

import functools
import importlib.metadata
import io
import re
from collections.abc import Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import werkzeug.test
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from ..json.provider import JSONProvider
from ..typing import Message, Scope
from ..wsgi.environ import EXTRA_KEYS
from ..wsgi.scope import SCOPE_KEYS, build_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BODY_CHUNK = 64 * 1024  # A body arrives in pieces of this size, as from a socket.

#: Keys of an environ that are not carried to the app, which makes them itself.
_TRANSLATED = SCOPE_KEYS | {
    *("wsgi.version", "wsgi.input", "wsgi.errors"),
    *("wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"),
}

#: Extensions that a server offers to HTTP/2 and HTTP/3 requests.
_PUSH_EXTENSIONS = ("http.response.push", "http.response.early_hint")

#: environ key: the lines of each header that was given more than once (an environ joins them)
_REPEATED = "asyncflask.repeated_headers"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class BuilderApp(Protocol):
    """The attributes of an app that the builder reads."""

    @property
    def json(self) -> JSONProvider: ...

    @property
    def config(self) -> Mapping[str, Any]: ...


class ConflictingArguments(TypeError, AssertionError):
    """Two arguments of :class:`EnvironBuilder` exclude each other.

    COMPAT: Flask raises an ``AssertionError``.
    """


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Werkzeug's builder with the app's defaults, and with Quart's names for its arguments.

    Args:
        app: Its ``SERVER_NAME``, ``APPLICATION_ROOT`` and ``PREFERRED_URL_SCHEME`` complete the
            URL, its ``json`` writes the ``json`` argument.
        path: Path to request, or a whole URL.
        base_url: Where the app is served; instead of ``subdomain`` and ``url_scheme``.
        subdomain: Put before ``SERVER_NAME``.
        url_scheme: Instead of ``PREFERRED_URL_SCHEME``.
        args: As :class:`werkzeug.test.EnvironBuilder` takes them.
        scheme: Quart's name for ``url_scheme``.
        form: Fields, sent like those in ``data``.
        files: Uploads by field name: file objects, or tuples ``(file, filename, content_type)``.
        kwargs: As :class:`werkzeug.test.EnvironBuilder` takes them.

    Raises:
        ConflictingArguments: Two arguments were given that exclude each other.

    Source: ``Flask: testing.EnvironBuilder``.
    """

    def __init__(
        self,
        app: BuilderApp,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        scheme: str | None = None,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        url_scheme = url_scheme or scheme
        if base_url is not None and (subdomain or url_scheme):
            raise ConflictingArguments(
                f"base_url={base_url!r} was given together with subdomain={subdomain!r} or"
                f" url_scheme={url_scheme!r}. Write both into base_url, or leave base_url out."
            )
        if base_url is None:
            path, base_url = _locate(app, path, subdomain, url_scheme)
        if form is not None or files is not None:
            kwargs["data"] = _fields(kwargs, form, files)
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: object, **kwargs: Any) -> str:
        """Write the ``json`` argument with the app's JSON provider.

        Args:
            obj: The argument.
            kwargs: For the provider.

        Returns:
            The JSON text.
        """
        return self.app.json.dumps(obj, **kwargs)

    def get_environ(self) -> WSGIEnvironment:
        """Make the environ.

        Raises:
            ValueError: The name of a field or file would end its header. (CVE-2026-34514)
        """
        if self.input_stream is None:
            for name, file in self.files.items(multi=True):
                _check_part("name", name)
                _check_part("filename", file.filename or "")
            for name in self.form if self.files else ():
                _check_part("name", name)
        environ = super().get_environ()
        lines: dict[str, list[str]] = {}
        for name, value in self.headers.to_wsgi_list():
            lines.setdefault(f"HTTP_{name.upper().replace('-', '_')}", []).append(value)
        repeated = {key: values for key, values in lines.items() if len(values) > 1}
        if repeated:
            environ[_REPEATED] = repeated
        return environ

    @property
    def server_port(self) -> int:
        """The port in the URL, or the scheme's own."""
        if self.url_scheme == "wss" and ":" not in self.host:
            return 443
        return super().server_port


def _check_part(parameter: str, value: str) -> None:
    if _CONTROLS.search(value):
        raise ValueError(
            f"A part of the form has the {parameter} {value!r}, and its header cannot have control"
            " characters. Remove them, or send the bytes as `data` with a content type."
        )


def _locate(
    app: BuilderApp, path: str, subdomain: str | None, url_scheme: str | None
) -> tuple[str, str]:
    """Return the path and the base URL, which the app's configuration completes."""
    config = app.config
    host = config.get("SERVER_NAME") or "localhost"
    if subdomain:
        host = f"{subdomain}.{host}"
    scheme = url_scheme or config.get("PREFERRED_URL_SCHEME") or "http"
    root = (config.get("APPLICATION_ROOT") or "/").lstrip("/")
    url = urlsplit(path)
    base_url = f"{url.scheme or scheme}://{url.netloc or host}/{root}"
    return (f"{url.path}?{url.query}" if url.query else url.path), base_url


def _fields(
    kwargs: Mapping[str, Any],
    form: Mapping[str, Any] | None,
    files: Mapping[str, Any] | None,
) -> MultiDict[str, Any]:
    for other in ("data", "json", "input_stream"):
        if kwargs.get(other) is not None:
            raise ConflictingArguments(
                f"{other}={kwargs[other]!r} was given together with form or files. Write fields"
                " and files into `form` and `files`, or all of them into `data`."
            )
    fields: MultiDict[str, Any] = MultiDict()
    for part in (form, files):
        for key, value in _field_values(part or {}):
            fields.add(key, value)
    return fields


def _field_values(mapping: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(mapping, MultiDict):
        yield from mapping.items(multi=True)
        return
    for key, value in mapping.items():
        for item in value if isinstance(value, list) else [value]:
            yield key, item


@functools.cache
def _user_agent() -> str:
    # Cached: looking the version up takes 1 ms, and each test makes a client.
    return f"Werkzeug/{importlib.metadata.version('werkzeug')}"


def client_environ() -> dict[str, Any]:
    """Return the defaults of a client's requests, as WSGI environ keys."""
    return {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": _user_agent()}


def request_environ(
    app: BuilderApp, args: tuple[Any, ...], kwargs: dict[str, Any], base: Mapping[str, Any]
) -> WSGIEnvironment:
    """Make the environ that the arguments of a client's ``open()`` describe.

    Args:
        app: The app under test.
        args: A path or URL and further arguments of :class:`EnvironBuilder`; or one builder, WSGI
            environ or Werkzeug request.
        kwargs: Keyword arguments of :class:`EnvironBuilder`.
        base: The client's defaults, as environ keys.
    """
    given = args[0] if args else None
    if isinstance(given, werkzeug.test.EnvironBuilder):
        builder = copy(given)
        builder.environ_base = {**base, **(builder.environ_base or {})}
        return builder.get_environ()
    if isinstance(given, dict):
        return {**base, **given}
    if isinstance(given, Request):
        return {**base, **given.environ}
    kwargs["environ_base"] = {**base, **(kwargs.get("environ_base") or {})}
    builder = EnvironBuilder(app, *args, **kwargs)
    try:
        environ = builder.get_environ()
        take_body(environ)  # The builder may close the files: their content is read before.
    finally:
        builder.close()
    return environ


def override_environ(
    environ: WSGIEnvironment, http_version: str | None, root_path: str | None
) -> None:
    """Change an environ by arguments that Werkzeug's builder does not have.

    Args:
        environ: The environ, which is changed.
        http_version: For example ``"2"``.
        root_path: Where the app is mounted. The path may begin with it: Quart's clients name the
            whole path, as ASGI's scope does.
    """
    if http_version is not None:
        environ["SERVER_PROTOCOL"] = f"HTTP/{http_version}"
    if root_path is not None:
        environ["SCRIPT_NAME"] = root_path
        if environ["PATH_INFO"].startswith(f"{root_path}/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(root_path)


def set_websocket_scheme(kwargs: dict[str, Any]) -> None:
    """Change the builder's arguments so that the scheme is ``ws``, or ``wss`` for ``https``.

    Args:
        kwargs: Keyword arguments of :class:`EnvironBuilder`, which are changed.
    """
    if not kwargs.get("base_url") and not kwargs.get("scheme"):
        kwargs.setdefault("url_scheme", "ws")
    for name in ("base_url", "scheme", "url_scheme"):
        value = kwargs.get(name)
        if isinstance(value, str) and value.startswith("http"):
            kwargs[name] = "ws" + value.removeprefix("http")


def take_body(environ: WSGIEnvironment) -> bytes:
    """Read the body of an environ, and put a new stream of it in the place of the old one.

    Args:
        environ: The environ, whose ``wsgi.input`` is replaced.
    """
    stream = environ["wsgi.input"]
    body: bytes = stream.read()
    if isinstance(stream, io.BufferedRandom):
        stream.close()  # The temporary file that Werkzeug puts a large multipart body into.
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def body_messages(body: bytes) -> Iterator[Message]:
    """Cut a body into ``http.request`` messages of at most :data:`BODY_CHUNK` bytes.

    Args:
        body: The whole body; without any bytes it is one empty message.

    Yields:
        The messages.
    """
    for start in range(0, max(len(body), 1), BODY_CHUNK):
        end = start + BODY_CHUNK
        yield {
            "type": "http.request",
            "body": body[start:end],
            "more_body": end < len(body),
        }


def connection_scope(environ: WSGIEnvironment, kind: str = "http") -> Scope:
    """Make the ASGI scope that an app under test is called with.

    Keys that are neither CGI's nor WSGI's own (from ``environ_base`` or ``environ_overrides``)
    are carried in ``scope["asyncflask.environ"]``.

    Args:
        environ: Made by :meth:`EnvironBuilder.get_environ`.
        kind: ``"http"`` or ``"websocket"``.

    Raises:
        UnicodeEncodeError: A header has characters that HTTP's headers cannot have.
    """
    scope = build_scope(environ, environ.get(_REPEATED))
    if not scope["path"]:
        # RFC 9112 §3.2.1: for a URL without a path, clients send "/".
        scope["path"], scope["raw_path"] = "/", b"/"
    scope["extensions"] = {}
    scope["client"] = scope["client"] or ("127.0.0.1", 0)
    if scope["http_version"] in ("2", "3"):
        scope["extensions"] = {name: {} for name in _PUSH_EXTENSIONS}
    if kind == "websocket":
        scope["extensions"] = {"websocket.http.response": {}}
        del scope["method"]
        scope["type"] = kind
        scope["subprotocols"] = []
    extra = {
        key: value
        for key, value in environ.items()
        if key not in _TRANSLATED and key != _REPEATED and not key.startswith("HTTP_")
    }
    if extra:
        scope[EXTRA_KEYS] = extra
    return scope
