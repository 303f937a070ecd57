"""Files as responses: ``send_file`` and ``send_from_directory``, with Flask's signatures.

Both are plain calls: they open the file and build headers, so that the file may be renamed or
removed afterwards. It is read, off the loop, when the response is sent (``bodies.py``).
``Response.make_conditional`` selects the parts that are sent.
"""

from __future__ import annotations

import io
import mimetypes
import os
import stat
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from time import time
from typing import IO, Any, NamedTuple, Protocol, cast
from urllib.parse import quote
from zlib import adler32

from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import http_date
from werkzeug.security import safe_join

from ..._contextvars import current
from ...exceptions import OutOfContext
from .bodies import FileBody
from .headers import Headers
from .response import ConditionalRequest, Response

#: kinds of files that open without blocking (for a directory it is an error)
_OPENED_AT_ONCE = frozenset({stat.S_IFREG, stat.S_IFDIR})

MaxAge = int | Callable[[str | None], int | None] | None


class _App(Protocol):
    """What is used of the app."""

    root_path: str

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def response_class(self) -> Callable[..., Response]: ...

    def get_send_file_max_age(self, filename: str | None) -> int | None: ...


class _File(NamedTuple):
    """The properties of a file before it is read."""

    path: str | None
    body: FileBody
    size: int | None
    mtime: float | None


def send_file(
    path_or_file: os.PathLike[Any] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: MaxAge = None,
) -> Response:
    """Make a response that sends a file.

    Never pass a path that comes from a client; use :func:`send_from_directory` for those.

    The file is opened here and read, off the loop, when the response is sent: it may be removed or
    replaced meanwhile. It is closed with the response, also if that is not sent.

    **Differs from Flask:** a ``BytesIO`` is sent from its current position, with that length.

    Args:
        path_or_file: A path, relative to the app's ``root_path``, or a file opened in binary mode.
        mimetype: Guessed from the name by default.
        as_attachment: Ask the browser to save the file instead of showing it.
        download_name: The name the browser saves it under; the path's by default.
        conditional: Answer ``If-None-Match``, ``If-Modified-Since``, ``Range`` and ``If-Range``.
        etag: ``True`` makes one of size, time and path; text is used as it is.
        last_modified: Time or seconds; the file's by default.
        max_age: Seconds that clients may cache it, or a function of the path; by default
            ``app.get_send_file_max_age``.

    Returns:
        The response, in direct-passthrough mode.

    Raises:
        OutOfContext: There is no app, or (for ``conditional``) no request.
        OSError: There is no such file, it is a directory, or it may not be read.
        TypeError: The MIME type or the attachment's name is not known, for a file without a name.
        ValueError: The file was opened in text mode.
        werkzeug.exceptions.RequestedRangeNotSatisfiable: The request asks for a part that does not
            exist, or for several (416).

    Source: ``Flask: flask.send_file``.
    """
    app = _app_of_context()
    file = _look_at(path_or_file, app)
    name = download_name
    if name is None and file.path is not None:
        name = os.path.basename(file.path)
    headers = Headers()
    if mimetype is None:
        mimetype = _guess_mimetype(name, as_attachment, headers)
    _add_disposition(headers, name, as_attachment)
    body = _body_or_x_sendfile(app, file, headers)
    response = app.response_class(body, mimetype=mimetype, headers=headers, direct_passthrough=True)
    # With X-Sendfile the reverse proxy knows the length and serves ranges.
    size = None if body is None else file.size
    if size is not None:
        response.content_length = size
    _add_cache_headers(response, file, etag, last_modified)
    _add_max_age(response, app.get_send_file_max_age if max_age is None else max_age, file.path)
    if conditional:
        _make_conditional(response, file.body, size)
    return response


def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any
) -> Response:
    """Make a response that sends a file from inside a directory, or raise 404.

    For paths that come from a client, like those of an upload folder.

    **Differs from Flask:** a symbolic link that leads out of the directory is not followed. Pass
    the directory that it leads to.

    Args:
        directory: Trusted; relative to the app's ``root_path``.
        path: Not trusted; relative to ``directory``.
        kwargs: As for :func:`send_file`.

    Returns:
        The response.

    Raises:
        OutOfContext: There is no app, or no request.
        werkzeug.exceptions.NotFound: ``directory`` has no such regular file, or the name is too
            long or malformed.
        werkzeug.exceptions.RequestedRangeNotSatisfiable: As for :func:`send_file`.

    Source: ``Flask: flask.send_from_directory``.
    """
    base = os.path.join(_app_of_context().root_path, os.fspath(directory))
    joined = safe_join(base, os.fspath(path))
    if joined is None or not _is_file_inside(joined, base):
        raise NotFound()
    return send_file(joined, **kwargs)


def _is_file_inside(path: str, base: str) -> bool:
    """Tell whether ``path`` is a regular file that resolves to a place inside ``base``.

    SECURITY: CVE-2024-23334 (symbolic links), CVE-2023-29159 (a sibling with the same prefix).
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        real_base = os.path.realpath(base)
        return os.path.commonpath([real_base, os.path.realpath(path)]) == real_base
    except (OSError, ValueError):
        return False  # The name is too long, or has a NUL, another drive, a loop of links.


def _app_of_context() -> _App:
    ctx = current()
    if ctx is None:
        raise OutOfContext(
            "send_file() was called outside of an app's context, which has the root path and the"
            " cache settings. Call it in a view, or inside `with app.test_request_context():`."
        )
    app: _App = ctx.app
    return app


def _look_at(source: os.PathLike[Any] | str | IO[bytes], app: _App) -> _File:
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        path = os.path.join(app.root_path, cast("str | os.PathLike[str]", source))
        status, body = os.stat(path), FileBody(path)
        # With X-Sendfile the reverse proxy opens it. A pipe may block until it has a writer: it is
        # opened off the loop, when it is read.
        if not app.config["USE_X_SENDFILE"] and stat.S_IFMT(status.st_mode) in _OPENED_AT_ONCE:
            status = body.open()
        body.length = body.remaining = status.st_size
        return _File(path, body, status.st_size, status.st_mtime)
    if isinstance(source, io.TextIOBase):
        raise ValueError(
            f"send_file() was given {source!r}, which is opened in text mode."
            " Pass one in binary mode: open(path, 'rb'), or io.BytesIO(data)."
        )
    size = None
    if isinstance(source, io.BytesIO):
        size = max(0, source.getbuffer().nbytes - source.tell())
    return _File(None, FileBody(source, size), size, None)


def _guess_mimetype(name: str | None, as_attachment: bool, headers: Headers) -> str:
    """Guess the MIME type of a name, and add its Content-Encoding to ``headers``."""
    if name is None:
        raise TypeError(
            "send_file() was given a file without a name, so that its MIME type is not known."
            " Pass mimetype='…' or download_name='…', or a path instead of the file."
        )
    mimetype, encoding = mimetypes.guess_type(name)
    # Browsers would unpack a .tar.gz that they are asked to save.
    if encoding is not None and not as_attachment:
        headers["Content-Encoding"] = encoding
    return mimetype or "application/octet-stream"


def _add_disposition(headers: Headers, name: str | None, as_attachment: bool) -> None:
    if name is None:
        if as_attachment:
            raise TypeError(
                "send_file(as_attachment=True) was given a file without a name."
                " Pass download_name='…', or a path instead of the file."
            )
        return
    names = {"filename": name}
    if not name.isascii():
        # RFC 6266 §4.3 with RFC 8187: an ASCII name for old clients, the real one for others.
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
        names = {
            "filename": plain,
            "filename*": "UTF-8''" + quote(name, safe="!#$&+-.^_`|~"),
        }
    headers.set("Content-Disposition", "attachment" if as_attachment else "inline", **names)


def _body_or_x_sendfile(app: _App, file: _File, headers: Headers) -> FileBody | None:
    if file.path is None or not app.config["USE_X_SENDFILE"]:
        return file.body
    headers["X-Sendfile"] = file.path
    return None


def _add_cache_headers(
    response: Response, file: _File, etag: bool | str, last_modified: datetime | float | None
) -> None:
    modified = file.mtime if last_modified is None else last_modified
    if modified is not None:
        response.headers["Last-Modified"] = http_date(modified)
    if isinstance(etag, str):
        response.set_etag(etag)
    elif etag and file.path is not None:
        checksum = adler32(file.path.encode(errors="surrogateescape")) & 0xFFFFFFFF
        response.set_etag(f"{file.mtime}-{file.size}-{checksum}")


def _add_max_age(response: Response, max_age: MaxAge, path: str | None) -> None:
    seconds = max_age(path) if callable(max_age) else max_age
    caching = response.cache_control
    if seconds is None or seconds <= 0:
        caching.no_cache = True
    else:
        caching.public = True
    if seconds is not None:
        caching.max_age = seconds
        response.headers["Expires"] = http_date(int(time() + seconds))


def _make_conditional(response: Response, body: FileBody, size: int | None) -> None:
    try:
        response.make_conditional(_request(), accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        body.close()
        raise
    if response.status_code == 304:
        # Some servers send the file although the status forbids it.
        response.headers.pop("X-Sendfile", None)


def _request() -> ConditionalRequest:
    ctx: Any = current()  # _app_of_context() has found one.
    request_context = ctx.request_context
    request: ConditionalRequest | None = request_context and request_context.request
    if request is None:
        raise OutOfContext(
            "send_file(conditional=True) was called without a request to compare with."
            " Call it in a view, or pass conditional=False."
        )
    return request
