"""The ``flask`` command: the async API's, with Flask's ``run`` on Werkzeug's server.

(Flask: flask.cli.)
"""

from __future__ import annotations

import functools
import ssl
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource as ParameterSource
from werkzeug.serving import is_running_from_reloader, run_simple
from werkzeug.utils import import_string as import_string

from .. import cli as async_api
from ..cli import (
    AppGroup,
    CertParamType,
    NoAppException,
    ScriptInfo,
    SeparatedPathType,
    find_app_by_string,
    find_best_app,
    get_debug_flag,
    load_dotenv,
    locate_app,
    pass_script_info,
    prepare_import,
    routes_command,
    shell_command,
    with_appcontext,
)
from ..cli.group import make_version_option, version_callback, version_of
from ..cli.options import Option
from ..sansio.setupmethod import F
from .call_interface import unserved_websockets
from .globals import current_app as current_app
from .helpers import get_load_dotenv as get_load_dotenv
from .install import FLASK_VERSION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.routing import Map

__all__ = [
    "AppGroup",
    "CertParamType",
    "F",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "find_app_by_string",
    "find_best_app",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]


# Options that Werkzeug's server does not have.
_OWN_OPTIONS = ("debugger", "server", "workers", "max_requests")


# Host, port, certificate, reloader and its files are the async API's options.
@click.command(
    "run",
    short_help="Serve the app for development.",
    params=[param for param in async_api.run_command.params if param.name not in _OWN_OPTIONS],
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    cls=Option,
    help="Show Werkzeug's debugger for an error. On by default in debug mode.",
)
@click.option(
    "--with-threads/--without-threads",
    default=True,
    cls=Option,
    help="Serve several requests at a time.",
    show_default=True,
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: ssl.SSLContext | tuple[str, str] | Literal["adhoc"] | None,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the app on this machine with Werkzeug's server, for development.

    In debug mode (--debug) the server restarts when a file of the program changes, and an error
    is shown with Werkzeug's debugger.
    \f

    Args:
        info: Which app.
        host: The address to listen at.
        port: The port.
        reload: Whether to restart when a file changes; ``None`` for in debug mode.
        debugger: Whether the debugger answers errors; ``None`` for in debug mode.
        with_threads: Whether several requests are served at a time.
        cert: The certificate and its key, an ``SSLContext``, or ``"adhoc"``.
        extra_files: Further files to watch.
        exclude_patterns: Files not to watch.
    """
    app = _load_wsgi_app(info)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    show_unserved_websockets(getattr(app, "url_map", None))
    run_simple(
        host,
        port,
        app,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


def _load_wsgi_app(info: ScriptInfo) -> WSGIApplication:
    """The app; in a child of the reloader, a replacement that raises the error of loading it.

    Otherwise a syntax error in an edited file would end the reloader. The debugger shows the error
    that the replacement raises.
    """
    try:
        return info.load_app()  # type: ignore[return-value]  # a facade app is WSGI, too
    except Exception as error:
        if not is_running_from_reloader():
            raise
        traceback.print_exc()
        reason = error

    def broken_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise reason from None

    return broken_app


def show_unserved_websockets(url_map: Map | None) -> None:
    """Print that Werkzeug's server does not serve the websockets of an app, if it has any.

    Args:
        url_map: The app's rules; ``None``: there is no app.
    """
    rules = unserved_websockets(url_map) if url_map else []
    if rules and not is_running_from_reloader():
        click.secho(
            f" * This is a WSGI server, and the app's websockets ({', '.join(rules)}) need an ASGI"
            " server: they are answered with 400. Write `asyncflask --as-flask run`.",
            fg="red",
        )


#: With the first line that tools read from Flask's output. Werkzeug's server prints its warning.
show_server_banner = functools.partial(
    async_api.show_server_banner, title="Flask app {!r} on asyncflask", warns=False
)


def _flask_versions() -> list[str]:
    return [
        f"Flask {FLASK_VERSION} (on asyncflask {version_of('asyncflask')})",
        f"Werkzeug {version_of('Werkzeug')}",
    ]


get_version = version_callback(_flask_versions)
version_option = make_version_option(get_version)


class FlaskGroup(async_api.FlaskGroup):
    """See :class:`asyncflask.cli.FlaskGroup`; its ``run`` is Flask's.

    Source: ``Flask: cli.FlaskGroup``.
    """

    default_commands = (run_command, shell_command, routes_command)
    version_option = version_option


cli = FlaskGroup(name="flask", help="Run and inspect a Flask application on asyncflask.")


#: runs the command ``flask``
main = cli.main
