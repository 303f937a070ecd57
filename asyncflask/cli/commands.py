"""The commands that every app has, ``run`` and ``routes``; ``shell`` is in ``shell.py``."""

from __future__ import annotations

import os
import ssl
import sys
import traceback
from collections.abc import Collection
from operator import itemgetter
from typing import Literal

import click
from werkzeug.routing import Rule
from werkzeug.serving import is_running_from_reloader

from .._contextvars import current
from ..config.environment import get_debug_flag, set_debug_flag
from ..typing import ASGIApplication
from .context import ScriptInfo, pass_script_info, with_appcontext
from .locate import CommandApp
from .options import CertParamType, Option, SeparatedPathType, validate_key

# -- run -------------------------------------------------------------------------------------------


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    source = ctx.get_parameter_source(param.name or "")
    # The flag's default is "off", which must not replace what the environment says.
    if source in (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP):
        return None
    set_debug_flag(value)
    return value


debug_option = Option(
    ["--debug/--no-debug"],
    help="Switch debug mode on or off.",
    expose_value=False,
    callback=_set_debug,
)


@click.command("run", short_help="Serve the app on this machine.")
@click.option(
    "--host",
    "-h",
    default="127.0.0.1",
    cls=Option,
    help="The address to listen on.",
    show_default=True,
)
@click.option(
    "--port",
    "-p",
    default=5000,
    type=click.IntRange(0, 65535),
    cls=Option,
    help="The port to listen on; 0 takes a free one.",
    show_default=True,
)
@click.option(
    "--cert",
    "--certfile",
    type=CertParamType(),
    is_eager=True,
    cls=Option,
    help="Serve HTTPS with this certificate: a file, 'adhoc', or the import path of an SSLContext.",
)
@click.option(
    "--key",
    "--keyfile",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    cls=Option,
    callback=validate_key,
    expose_value=False,
    help="The file with the certificate's key.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    cls=Option,
    help="Restart when a file of the program changes. On by default in debug mode.",
)
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    cls=Option,
    help=f"Further files to watch for changes, separated by {os.path.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    cls=Option,
    help=f"Files not to watch: fnmatch patterns, separated by {os.path.pathsep!r}.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    cls=Option,
    help="Answer an error with the interactive debugger. On by default in debug mode.",
)
@click.option(
    "--server",
    type=click.Choice(("embedded", "hypercorn")),
    default="embedded",
    cls=Option,
    help="The server: the embedded one, or hypercorn (HTTP/2).",
    show_default=True,
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    cls=Option,
    help="Number of processes to start; they are replaced one after another at SIGHUP.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    cls=Option,
    help="Requests after which a process is replaced, up to a fifth more.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    server: Literal["embedded", "hypercorn"],
    workers: int | None,
    max_requests: int | None,
    cert: ssl.SSLContext | tuple[str, str] | Literal["adhoc"] | None,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the app on this machine: for development, or behind a proxy.

    In debug mode (--debug) the server restarts when a file of the program changes, and errors are
    answered by the interactive debugger: never use it where others can reach the server. Several
    processes are started by --workers N.
    \f

    Args:
        info: Which app.
        host: The address to listen at.
        port: The port.
        reload: Whether to restart when a file changes; ``None`` for in debug mode.
        debugger: Whether the debugger answers errors; ``None`` for in debug mode.
        server: The server.
        workers: Number of processes to start; ``None``: this one serves.
        max_requests: Requests after which a process is replaced.
        cert: The certificate and its key, an ``SSLContext``, or ``"adhoc"``.
        extra_files: Further files to watch.
        exclude_patterns: Files not to watch.
    """
    from .serve import serve_locally  # other commands do not need the server

    debug = get_debug_flag()
    use_reloader = debug if reload is None else reload
    workers = _count_workers(
        workers, max_requests, use_reloader, _against_workers(server, cert, reload)
    )
    if workers is not None:
        use_reloader = False
        # Imported here: a worker process runs that module with `python -m`, and Python warns if
        # the package has imported it before.
        from .worker import announce

        announce(info, workers)
    app = _load_or_replace(info)
    show_server_banner(debug, info.app_import_path)
    certfile, keyfile = cert if isinstance(cert, tuple) else (None, None)
    serve_locally(
        app,
        host,
        port,
        certfile=certfile,
        keyfile=keyfile,
        ssl_context=None if isinstance(cert, tuple) else cert,
        server=server,
        workers=workers,
        max_requests=max_requests,
        use_reloader=use_reloader,
        use_debugger=debug if debugger is None else debugger,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


run_command.params.insert(0, debug_option)


def _count_workers(
    workers: int | None, max_requests: int | None, use_reloader: bool, wrong: str
) -> int | None:
    """Return how many processes are started; ``None``: this one serves.

    Args:
        workers: ``--workers``; one process needs no other where they cannot be.
        max_requests: ``--max-requests``.
        use_reloader: Whether the reloader is on, which worker processes do not have.
        wrong: What another option has against worker processes.

    Raises:
        click.UsageError: Two options contradict each other.
    """
    if max_requests is None and (workers or 1) == 1:
        return None if wrong or use_reloader else workers
    if wrong:
        several = workers is not None and workers > 1
        what = f"--workers {workers}" if several else f"--max-requests {max_requests}"
        raise click.UsageError(f"`{what}` {wrong}. Change one of them.")
    return workers or 1


def _against_workers(server: str, cert: object, reload: bool | None) -> str:
    """Return what an option has against worker processes; empty: nothing."""
    return (
        "needs `--server hypercorn` on Windows"
        if sys.platform == "win32" and server != "hypercorn"
        else "does not go with `--reload`"
        if reload
        else "needs its certificate in a file"
        if cert is not None and not isinstance(cert, tuple)
        else ""
    )


def show_server_banner(
    debug: bool | None,
    app_import_path: str | None,
    *,
    title: str = "asyncflask app {!r}",
    warns: bool = True,
) -> None:
    """Print what is about to be served; in a child of the reloader, nothing.

    Args:
        debug: Whether debug mode is on; ``None`` omits the line.
        app_import_path: The app's name or import path; ``None`` omits the line.
        title: What is served, with a place for the name.
        warns: Whether a warning of debug mode is printed.

    Source: ``Flask: cli.show_server_banner``.
    """
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving {title.format(app_import_path)}")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")
    if debug and warns:
        click.echo(" * For development only: in debug mode, errors let visitors look into the app")


def _load_or_replace(info: ScriptInfo) -> ASGIApplication:
    """Return the app; in a child of the reloader, a substitute if it cannot be loaded.

    Otherwise a syntax error in a file that is being edited would end the reloader.
    """
    try:
        return info.load_app()
    except Exception:
        if not is_running_from_reloader():
            raise
        traceback.print_exc()
        from .broken import broken_app  # other commands do not need the server

        return broken_app(traceback.format_exc())


# -- routes ----------------------------------------------------------------------------------------


@click.command("routes", short_help="Show the routes of the app.")
@click.option(
    "--sort",
    "-s",
    default="endpoint",
    cls=Option,
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    help="The column to sort by; 'match' keeps the order in which rules are tried.",
    show_default=True,
)
@click.option("--all-methods", is_flag=True, cls=Option, help="Show HEAD and OPTIONS too.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show every rule of the app with its endpoint and methods.

    WS stands for a websocket.
    \f

    Args:
        sort: The column to sort by.
        all_methods: Whether to show HEAD and OPTIONS.
    """
    url_map = _current_app().url_map
    rules = list(url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")  # COMPAT: Flask's tests look for it
        return
    columns = _route_columns(rules, url_map.host_matching, all_methods)
    rows = list(zip(*(cells for _, cells in columns.values()), strict=True))
    if sort in columns:
        rows.sort(key=itemgetter(list(columns).index(sort)))
    _echo_table([title for title, _ in columns.values()], rows)


def _route_columns(
    rules: list[Rule], host_matching: bool, all_methods: bool
) -> dict[str, tuple[str, list[str]]]:
    """Return title and cells of each column, by the name that ``--sort`` takes."""
    hidden = () if all_methods else ("HEAD", "OPTIONS")
    columns = {
        "endpoint": ("Endpoint", [str(rule.endpoint) for rule in rules]),
        "methods": ("Methods", [_methods(rule, hidden) for rule in rules]),
        "domain": ("Subdomain", [rule.subdomain or "" for rule in rules]),
        "rule": ("Rule", [rule.rule for rule in rules]),
    }
    if host_matching:
        columns["domain"] = ("Host", [rule.host or "" for rule in rules])
    if not any(columns["domain"][1]):
        del columns["domain"]
    return columns


def _methods(rule: Rule, hidden: Collection[str]) -> str:
    if rule.websocket:
        return "WS"
    return ", ".join(sorted((rule.methods or set()).difference(hidden)))


def _echo_table(titles: list[str], rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, ["-" * width for width in widths], *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _current_app() -> CommandApp:
    ctx = current()
    assert ctx is not None, "with_appcontext pushed one"
    app: CommandApp = ctx.app
    return app
