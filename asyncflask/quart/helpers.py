"""Quart's bare functions; those that Quart awaits are awaited."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from time import time
from typing import Any, cast
from zlib import adler32

from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join
from werkzeug.utils import cached_property

from .. import helpers as async_api
from ..config import environment
from ..helpers import abort as abort
from ..helpers import get_flashed_messages as get_flashed_messages
from ..helpers import get_template_attribute as get_template_attribute
from ..helpers import redirect as redirect
from ..helpers import require_request_context
from ..resources import find_package as _find_package
from ..resources import get_root_path as get_root_path
from .globals import current_app, request, session
from .signals import message_flashed
from .typing import FilePath, ResponseReturnValue
from .utils import file_path_to_path
from .wrappers import Response

DEFAULT_MIMETYPE = "application/octet-stream"

locked_cached_property = cached_property


def get_debug_flag() -> bool:
    """Return whether the environment turns debug mode on (``QUART_DEBUG``); ``False`` if unset.

    Source: ``Quart: helpers.get_debug_flag``.
    """
    environment.read_also("QUART")
    return environment.get_debug_flag()


def get_load_dotenv(default: bool = True) -> bool:
    """Return whether dotenv files are loaded (``QUART_SKIP_DOTENV``).

    Args:
        default: Returned if the variable is not set.

    Source: ``Quart: helpers.get_load_dotenv``.
    """
    environment.read_also("QUART")
    return environment.get_load_dotenv(default)


async def make_response(*args: Any) -> Response:
    """Make a response of what a view may return.

    Args:
        args: A value, or the parts of a tuple: body, status, headers.

    Source: ``Quart: make_response``.
    """
    app = current_app
    if not args:
        return app.response_class("")
    return await app.make_response(cast(ResponseReturnValue, args[0] if len(args) == 1 else args))


async def make_push_promise(path: str) -> None:
    """Tell the client that it will need another path as well, if the server supports it (HTTP/2).

    Args:
        path: The path.

    Source: ``Quart: make_push_promise``.
    """
    await request.send_push_promise(path)


async def flash(message: str, category: str = "message") -> None:
    """Keep a message in the session for the next request to show.

    Args:
        message: The text.
        category: ``"message"``, ``"error"``, ``"info"``, ``"warning"``, or one of your own.

    Source: ``Quart: flash``.
    """
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    session["_flashes"] = flashes
    if message_flashed.receivers:
        app: Any = require_request_context("flash()").app
        await message_flashed.send_async(
            app, _sync_wrapper=app.ensure_async, message=message, category=category
        )


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _external: bool | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint, with the current app.

    Args:
        endpoint: The endpoint; ``".name"`` is relative to the current blueprint.
        _anchor: Added as ``#anchor``.
        _external: Whether scheme and host are included.
        _method: Choose the rule by this method.
        _scheme: Scheme of the URL, which makes it external.
        values: Arguments of the rule; others become the query string.

    Source: ``Quart: url_for``.
    """
    return async_api.url_for(
        endpoint,
        _anchor=_anchor,
        _external=_external,
        _method=_method,
        _scheme=_scheme,
        **values,
    )


def stream_with_context(func: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the current context while a streamed body is made.

    Args:
        func: A generator function, ``async def`` or ``def``.

    Returns:
        What was given, with the context.

    Source: ``Quart: stream_with_context``.
    """
    kept: Callable[..., Any] = async_api.stream_with_context(func)
    return kept


def find_package(name: str) -> tuple[Path | None, Path]:
    """Find where a package is installed.

    Args:
        name: Dotted name of a module or package.

    Returns:
        The prefix it is installed under, or ``None``; and the folder from which it is imported.

    Source: ``Quart: helpers.find_package``.
    """
    prefix, folder = _find_package(name)
    return None if prefix is None else Path(prefix), Path(folder)


# -- files -----------------------------------------------------------------------------------------


async def send_from_directory(
    directory: FilePath,
    file_name: str,
    *,
    mimetype: str | None = None,
    as_attachment: bool = False,
    attachment_filename: str | None = None,
    add_etags: bool = True,
    cache_timeout: int | None = None,
    conditional: bool = True,
    last_modified: datetime | None = None,
) -> Response:
    """Make a response that sends a file from inside a directory, or raise 404.

    Args:
        directory: Trusted; relative to the app's ``root_path``.
        file_name: Not trusted; relative to ``directory``.
        mimetype: Guessed from the name by default.
        as_attachment: Ask the browser to save the file.
        attachment_filename: The name the browser saves it under.
        add_etags: Whether an ETag is set.
        cache_timeout: Seconds that clients may cache it.
        conditional: Whether conditions and ranges of the request are answered.
        last_modified: Time of the last change; the file's by default.

    Raises:
        NotFound: There is no such file inside the directory.

    Source: ``Quart: send_from_directory``.
    """
    base = Path(current_app.root_path, directory)
    joined = safe_join(os.fspath(base), file_name)
    if joined is None or not _is_file_below(Path(joined), base):
        raise NotFound
    return await send_file(
        joined,
        mimetype=mimetype,
        as_attachment=as_attachment,
        attachment_filename=attachment_filename,
        add_etags=add_etags,
        cache_timeout=cache_timeout,
        conditional=conditional,
        last_modified=last_modified,
    )


def _is_file_below(path: Path, base: Path) -> bool:
    """Tell whether a path is a file that resolves to a place inside of a directory.

    SECURITY: CVE-2024-23334 (symbolic links), CVE-2023-29159 (a sibling with the same prefix).
    """
    try:
        return path.is_file() and path.resolve().is_relative_to(base.resolve())
    except (OSError, ValueError):
        return False  # The name is too long, or has a NUL.


async def send_file(
    filename_or_io: FilePath | BytesIO,
    mimetype: str | None = None,
    as_attachment: bool = False,
    attachment_filename: str | None = None,
    add_etags: bool = True,
    cache_timeout: int | None = None,
    conditional: bool = False,
    last_modified: datetime | None = None,
) -> Response:
    """Make a response that sends a file.

    Never pass a path that comes from a client; use :func:`send_from_directory` for those.

    Args:
        filename_or_io: A path, or a file in memory.
        mimetype: Guessed from the name by default.
        as_attachment: Ask the browser to save the file.
        attachment_filename: The name the browser saves it under.
        add_etags: Whether an ETag is set.
        cache_timeout: Seconds that clients may cache it; by default ``get_send_file_max_age``.
        conditional: Whether conditions and ranges of the request are answered.
        last_modified: Time of the last change; the file's by default.

    Raises:
        OSError: There is no such file.
        ValueError: The MIME type of a file without a name is not known.

    Source: ``Quart: send_file``.
    """
    app = current_app
    path: Path | None = None
    modified: datetime | float | None = last_modified
    if isinstance(filename_or_io, BytesIO):
        body: Any = app.response_class.io_body_class(filename_or_io)
    else:
        # As in Quart: it may be relative to the working directory, on Flask to `app.root_path`.
        path = file_path_to_path(filename_or_io)
        body = app.response_class.file_body_class(path)
        attachment_filename = attachment_filename or path.name
        modified = path.stat().st_mtime if modified is None else modified
    response = app.response_class(body, mimetype=mimetype or _guess(attachment_filename))
    response.content_length = body.size
    if as_attachment:
        response.headers.set("Content-Disposition", "attachment", filename=attachment_filename)
    if modified is not None:
        response.last_modified = modified  # type: ignore[assignment]  # http_date takes seconds too
    seconds = cache_timeout
    if seconds is None and path is not None:
        seconds = app.get_send_file_max_age(os.fspath(path))
    _let_cache(response, seconds)
    if add_etags and path is not None:
        checksum = adler32(os.fspath(path).encode()) & 0xFFFFFFFF
        response.set_etag(f"{path.stat().st_mtime}-{body.size}-{checksum}")
    if conditional:
        await response.make_conditional(request, accept_ranges=True, complete_length=body.size)
    return response


def _let_cache(response: Response, seconds: int | None) -> None:
    response.cache_control.public = True
    if seconds is not None:
        response.cache_control.max_age = seconds
        response.expires = int(time() + seconds)  # type: ignore[assignment]  # http_date takes it


def _guess(name: str | None) -> str:
    if name is None:
        raise ValueError(
            "send_file() was given a file without a name, so that its MIME type is not known. Pass"
            " mimetype='…' or attachment_filename='…', or a path instead of the file."
        )
    return mimetypes.guess_type(name)[0] or DEFAULT_MIMETYPE
