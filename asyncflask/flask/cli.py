"""The ``flask`` command: the async face's, with Flask's version and Werkzeug's server.

(Flask: flask.cli.)
"""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import click

from ..cli import (
    AppGroup,
    CertParamType,
    FlaskGroup,
    NoAppException,
    ScriptInfo,
    SeparatedPathType,
    find_app_by_string,
    find_best_app,
    load_dotenv,
    locate_app,
    pass_script_info,
    prepare_import,
    routes_command,
    run_command,
    shell_command,
    show_server_banner,
    with_appcontext,
)
from .install import FLASK_VERSION

__all__ = [
    "AppGroup",
    "CertParamType",
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


def get_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Print the versions, for ``--version``."""
    if not value or ctx.resilient_parsing:
        return
    click.echo(
        f"Python {platform.python_version()}\n"
        f"Flask {FLASK_VERSION} (on asyncflask {importlib.metadata.version('asyncflask')})\n"
        f"Werkzeug {importlib.metadata.version('werkzeug')}",
        color=ctx.color,
    )
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the versions.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)

cli = FlaskGroup(name="flask", help="Run and inspect a Flask application on asyncflask.")


def main() -> None:
    """Run the command line."""
    cli.main()
