"""The parts of a test's request: headers, path, query string, body and scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlencode

from werkzeug.datastructures import Authorization, Headers, MultiDict
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartEncoder, Preamble
from werkzeug.urls import iri_to_uri

from ..datastructures import FileStorage
from ..json import dumps
from ..utils import encode_headers

if TYPE_CHECKING:
    from ...app import CommonFlask

#: what ``json`` is where it was not given
sentinel = object()

HeadersArgument = dict[str, Any] | Headers | None
#: key of a scope: whether the context of the connection is kept after its end
PRESERVED = "_quart._preserve_context"


def make_test_headers_path_and_query_string(
    app: CommonFlask,
    path: str,
    headers: HeadersArgument = None,
    query_string: Mapping[str, Any] | None = None,
    auth: Authorization | tuple[str, str] | None = None,
    subdomain: str | None = None,
) -> tuple[Headers, str, bytes]:
    """Return the headers, the path (unquoted) and the query string of a request.

    Args:
        app: The app, whose ``SERVER_NAME`` is the host.
        path: The path, which may have a query string.
        headers: The headers.
        query_string: The query string, instead of one in the path.
        auth: Name and password, or the whole ``Authorization`` header.
        subdomain: Put before ``SERVER_NAME``.

    Raises:
        ValueError: The path has a query string, and another one was given.

    Source: ``Quart: testing.make_test_headers_path_and_query_string``.
    """
    made = headers if isinstance(headers, Headers) else Headers(headers)
    made.setdefault("User-Agent", "Quart")
    host = app.config["SERVER_NAME"] or "localhost"
    made.setdefault("host", f"{subdomain}.{host}" if subdomain is not None else host)
    path, has_query, query = path.partition("?")
    if has_query and query_string is not None:
        raise ValueError(
            f"The path {f'{path}?{query}'!r} has a query string, and query_string={query_string!r}"
            " was given as well. Leave one of them out."
        )
    if query_string is not None:
        query = urlencode(query_string, doseq=True)
    if auth is not None:
        if isinstance(auth, tuple):
            auth = Authorization("basic", {"username": auth[0], "password": auth[1]})
        made.setdefault("Authorization", auth.to_header())
    return made, unquote(path), query.encode("ascii")


def make_test_body_with_headers(
    *,
    data: str | bytes | None = None,
    form: Mapping[str, Any] | None = None,
    files: Mapping[str, FileStorage] | None = None,
    json: Any = sentinel,
    app: CommonFlask | None = None,
) -> tuple[bytes, Headers]:
    """Return the body of a request, and the headers that belong to it.

    Args:
        data: The bytes, or text.
        form: The fields of a form.
        files: The uploads of a form.
        json: A value that is sent as JSON.
        app: The app, whose provider writes the JSON.

    Raises:
        ValueError: More than one of them was given.

    Source: ``Quart: testing.make_test_body_with_headers``.
    """
    given = [json is not sentinel, form is not None or files is not None, data is not None]
    if given.count(True) > 1:
        raise ValueError(
            "More than one of json, form (with files) and data was given, and a request has one"
            " body. Leave the others out."
        )
    if json is not sentinel:
        text = dumps(json) if app is None else app.json.dumps(json)
        return text.encode(), Headers({"Content-Type": "application/json"})
    if files is not None:
        return _multipart(form or {}, files)
    if form is not None:
        kind = "application/x-www-form-urlencoded"
        return urlencode(form, doseq=True).encode(), Headers({"Content-Type": kind})
    return data.encode() if isinstance(data, str) else data or b"", Headers()


def _multipart(form: Mapping[str, Any], files: Mapping[str, FileStorage]) -> tuple[bytes, Headers]:
    boundary = "----QuartBoundary"
    encoder = MultipartEncoder(boundary.encode())
    body = encoder.send_event(Preamble(data=b""))
    for name, value in MultiDict(form).items(multi=True):
        body += encoder.send_event(Field(name=name, headers=Headers()))
        body += encoder.send_event(Data(data=str(value).encode(), more_data=False))
    for name, file in MultiDict(files).items(multi=True):
        part = File(name=name, filename=file.filename or "", headers=file.headers)
        body += encoder.send_event(part)
        body += encoder.send_event(Data(data=file.read(), more_data=False))
    body += encoder.send_event(Epilogue(data=b""))
    return body, Headers({"Content-Type": f"multipart/form-data; boundary={boundary}"})


def make_test_scope(
    type_: Literal["http", "websocket"],
    path: str,
    method: str,
    headers: Headers,
    query_string: bytes,
    scheme: str,
    root_path: str,
    http_version: str,
    scope_base: dict[str, Any] | None,
    *,
    _preserve_context: bool = False,
) -> dict[str, Any]:
    """Return the ASGI scope of a connection.

    Args:
        type_: The type of the scope.
        path: The path.
        method: The method.
        headers: The headers.
        query_string: The query string.
        scheme: The scheme.
        root_path: The prefix that the app is mounted at.
        http_version: The version of HTTP.
        scope_base: Keys that replace those of the scope.
        _preserve_context: Whether the context is kept after the connection's end.

    Source: ``Quart: testing.make_test_scope``.
    """
    scope: dict[str, Any] = {
        "type": type_,
        "http_version": http_version,
        "asgi": {"spec_version": "2.1"},
        "scheme": scheme,
        "path": path,
        "raw_path": iri_to_uri(path).encode("ascii"),
        "query_string": query_string,
        "root_path": root_path,
        "headers": encode_headers(headers),
        "method": method,
        "extensions": {},
        PRESERVED: _preserve_context,
    }
    if type_ == "websocket":
        scope["extensions"] = {"websocket.http.response": {}}
    elif http_version in ("2", "3"):
        scope["extensions"] = {"http.response.push": {}}
    return {**scope, **(scope_base or {})}


async def no_op_push(path: str, headers: Headers) -> None:
    """Push nothing: what a request that is made by hand does with push promises.

    Args:
        path: The path.
        headers: The headers.

    Source: ``Quart: testing.no_op_push``.
    """
