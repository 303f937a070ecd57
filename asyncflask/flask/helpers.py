"""Flask's bare functions. Files are sent in Werkzeug's way, which a WSGI server can use."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import IO, Any, BinaryIO, cast

import werkzeug.exceptions
import werkzeug.utils
import werkzeug.wrappers

from ..helpers import (
    abort,
    flash,
    get_debug_flag,
    get_flashed_messages,
    get_load_dotenv,
    get_root_path,
    get_template_attribute,
    redirect,
    require_request_context,
    stream_with_context,
    url_for,
)
from ..helpers import make_response as _make_response
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import request as request
from .globals import request_ctx as request_ctx
from .globals import session as session
from .signals import message_flashed as message_flashed
from .wrappers import Response
from .wrappers import _split_blueprint_path as _split_blueprint_path

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


# COMPAT: names under which Flask's module has what it imports, and extensions import it.
BaseResponse = werkzeug.wrappers.Response
_wz_abort = werkzeug.exceptions.abort
_wz_redirect = werkzeug.utils.redirect

#: The async API's function, which makes the app's response class: here the facade's.
make_response = cast("Callable[..., Response]", _make_response)


def _prepare_send_file_kwargs(**options: Any) -> dict[str, Any]:
    ctx = require_request_context("send_file()")
    app: Any = ctx.app
    if options["max_age"] is None:
        options["max_age"] = app.get_send_file_max_age
    return {
        **options,
        "environ": ctx.sync_connection.environ,
        "use_x_sendfile": app.config["USE_X_SENDFILE"],
        "response_class": app.response_class,
        "_root_path": app.root_path,
    }


def send_file(
    path_or_file: os.PathLike[str] | str | BinaryIO | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
) -> Response:
    """Return a response with a file; see :func:`werkzeug.utils.send_file`.

    Args:
        path_or_file: A path relative to the app's root path, or a binary file object.
        mimetype: The content type; by default from the file's name.
        as_attachment: Whether the browser saves the file.
        download_name: The name for saving; by default the file's name.
        conditional: Whether conditions and ranges of the request are answered.
        etag: An ETag, or whether to compute one.
        last_modified: Time of the last change; by default the file's.
        max_age: Seconds for which a browser may keep the file, or a function of the file's name;
            by default ``app.get_send_file_max_age``.

    Returns:
        The response.

    Source: ``Flask: send_file``.
    """
    response = werkzeug.utils.send_file(
        **_prepare_send_file_kwargs(
            path_or_file=path_or_file,
            mimetype=mimetype,
            as_attachment=as_attachment,
            download_name=download_name,
            conditional=conditional,
            etag=etag,
            last_modified=last_modified,
            max_age=max_age,
        )
    )
    return cast(Response, response)  # The app's response class.


def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any
) -> Response:
    """Return a response with a file of a folder, never with one outside of it.

    Args:
        directory: The folder, relative to the app's root path.
        path: The file, relative to the folder; it may come from a user.
        kwargs: As for :func:`send_file`.

    Returns:
        The response.

    Raises:
        NotFound: There is no such file inside the folder.

    Source: ``Flask: send_from_directory``.
    """
    kwargs.setdefault("max_age", None)
    response = werkzeug.utils.send_from_directory(
        directory, path, **_prepare_send_file_kwargs(**kwargs)
    )
    return cast(Response, response)
